"""Judging ready transcripts from a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import rulebooks
from audit.config import Config
from audit.intake import transcripts
from audit.intake.recordings import Reject
from audit.privacy import PrivacyMode
from audit.rulebooks import Rulebook
from audit.types import AuditedCall, Call, Recording
from flows import jobs, wiring
from models.text import stages
from reports import publish
from reports.crashes import Crashes, Step
from reports.store import Store, transcript_cache
from reports.store.customers import CustomerKey


@dataclass(frozen=True, slots=True)
class Published:
    """What became of transcripts."""

    audited: int
    rejects: Sequence[Reject]
    index: Path


def audit_transcripts(
    files: Path | Sequence[Path], out: Path, *, config: Config, manifest: str | None = None
) -> Published:
    """Judge ready transcripts and publish the result.

    Args:
        files: a file, folders of files, or patterns.
        out: where the result goes.
        config: as for recordings.
        manifest: path or URL of a table with what the transcripts lack.

    Raises:
        UsageError: no transcripts or not the manifest can be read, the default rulebook or the
            model of stages is not valid, or a batch is at work.
    """
    paths = [files] if isinstance(files, Path) else list(files)
    stages.load(config.stages.model)
    default = rulebooks.load(config.batch.rulebook)
    known = frozenset({*rulebooks.shipped(), config.batch.rulebook})
    store = Store(out)
    with jobs.alone(store):
        customers = store.customer_key()
        given = transcripts.read_all(
            paths,
            timezone=config.batch.timezone,
            rulebooks=known,
            manifest=manifest,
            roles=wiring.role_terms(config.transcription),
            options=config.manifest,
            customer=customers.hashed,
        )
        return _published(_kept(given, customers), store, config, default)


def _kept(given: Iterable[Call | Reject], customers: CustomerKey) -> Iterator[Call | Reject]:
    """The same calls; the key is kept as soon as one names its customer."""
    kept = False
    for item in given:
        if not kept and isinstance(item, Call) and item.recording.customer_key:
            customers.keep()
            kept = True
        yield item


def _published(
    given: Iterable[Call | Reject], store: Store, config: Config, default: Rulebook
) -> Published:
    store.private.prepare()
    run_id = jobs.new_run_id()
    places: dict[publish.Place, list[publish.Located]] = defaultdict(list)
    ids: dict[publish.Place, set[str]] = defaultdict(set)
    read: dict[str, Recording] = {}
    rejects: list[Reject] = []
    crashes = Crashes()
    for item in given:
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        named = item.recording.rulebook_id
        book = default if named is None else rulebooks.load(named)
        store.penalties.keep(book)
        place = (item.recording.audit_date, item.recording.agent_id)
        read[item.recording.call_id] = item.recording
        ids[place].add(item.recording.call_id)
        with crashes.apart(item.recording.call_id, Step.JUDGING):
            audited = wiring.judge(item, book, stage_model=config.stages.model)
            places[place].append(_located(store, item, audited, config.privacy.mode))
    kept = {call_id: place for place, its in ids.items() for call_id in its}
    refused = {reject.call_id for reject in rejects if reject.call_id} - kept.keys()
    left = publish.remove_moved(store, kept.keys() | refused, keep=kept, run_id=run_id)
    store.calls.provide(name for recording in read.values() for name in recording.meta)
    for place, its in sorted(ids.items()):
        publish.publish_calls(
            store, place, places[place], run_id=run_id, crashes=crashes, replaced=its
        )
    sources = {recording.source_file for recording in read.values()}
    sources |= {reject.source_file for reject in rejects}
    index = publish.finish(
        store, read, rejects, left=left, planned=sources, crashes=crashes, run_id=run_id
    )
    for call_id in (*crashes.sentences, *refused):
        store.private.remove(transcript_cache.of_ready(call_id))
    rejects += [crashes.reject(read[call_id]) for call_id in crashes.sentences]
    return Published(len(read) - len(crashes.sentences), rejects, index)


def _located(
    store: Store, call: Call, audited: AuditedCall, private: PrivacyMode
) -> publish.Located:
    """The call as it is published; the private store has its full text, or no longer has it."""
    name = transcript_cache.of_ready(call.recording.call_id)
    if private != "mask":
        store.private.remove(name)
        return publish.Located(audited, None, private)
    store.transcripts.save(name, call.transcript)
    return publish.Located(audited, None, private, name)
