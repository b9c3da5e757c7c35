"""The process that judges transcripts and publishes the calls.

``flows.workers.publisher`` starts it, perhaps long before there is anything to judge, and writes
the path of a job. It ends when its standard input closes, that is, when its parent ends in whatever
way. It says in a line whether it could load the rulebook that it was started with, and at its end,
in a line of JSON, the agents' rows or what failed.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit import privacy, rulebooks
from audit.errors import CallauditError, OutputFailed, RejectReason, UsageError
from audit.intake import manifests, roots
from audit.intake.recordings import Reject
from audit.intake.roots import Root
from audit.types import AuditedCall, Call, Recording
from flows import jobs, wiring
from flows.jobs import Job, RecordingOutcome, RunSummary
from flows.workers import duplicates, processes, publisher
from models.asr.weights import cache_dir
from reports import publish
from reports.crashes import Crashes, Step
from reports.pages import environment
from reports.store import retention
from reports.store.private import PREFIX

_log = logging.getLogger(__name__)


def main() -> None:
    """Prepare to judge by the rulebooks that are named, and publish the job that is then given."""
    logging.basicConfig(level=logging.INFO)  # to where the parent lets it: nowhere, by default
    for rulebook in sys.argv[1:]:
        _prepare(rulebook)
    given = sys.stdin.readline()
    if not given:
        return
    processes.end_with_parent()
    job = jobs.load_job(Path(given.removesuffix("\n")))
    try:
        publish_all(job)
        _say(_touched(job))
    except CallauditError as error:
        _fail(str(error), usage=isinstance(error, UsageError))
    except OSError as error:
        _fail(str(OutputFailed.at(job.out, error)))
    except Exception as error:  # no message: it may quote
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.info("publishing: %s\n%s", type(error).__name__, where)
        _fail(
            f"publishing failed with {type(error).__name__}; run again with --verbose to see where"
        )


def _fail(sentence: str, *, usage: bool = False) -> None:
    _say({"sentence": sentence, "usage": usage})
    sys.exit(1)


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


def _touched(job: Job) -> list[dict[str, Any]]:
    """The rows of the agents whose calls were in the job."""
    rows = job.store.agents.rows(columns=list(jobs.AGENT_COLUMNS))
    return [row for row in rows if (row["audit_date"], row["agent"]) in job.places]


def _prepare(rulebook: str) -> None:
    """Load what judging and pages need; what is wrong is told of when it is needed."""
    with suppress(Exception), processes.importing():
        with _answering():
            rulebooks.load(rulebook)
        wiring.rehearse(rulebook)
        environment.compile_all(cache_dir() / "pages")
        _ = privacy.mask  # imports it
        pa.array([])  # imports pandas, which Arrow looks for before it makes its first array


@contextmanager
def _answering() -> Iterator[None]:
    """Tell the parent, which waits for it, whether what is done here succeeds."""
    answer = publisher.INVALID
    try:
        yield
        answer = publisher.VALID
    finally:
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()


def publish_all(job: Job) -> None:
    """Judge every transcribed call, write tables and pages, and the run's counts last."""
    root = roots.locate(job.root)
    store, transcribed, rejects = job.store, _Transcribed(), list(job.rejects)
    for recording, outcome in jobs.outcomes(job):
        if outcome.transcript_key is not None:
            transcribed.add(recording, outcome, outcome.transcript_key)
            continue
        assert outcome.reason is not None
        rejects.append(
            Reject(
                recording.source_file,
                outcome.reason,
                outcome.detail,
                recording.audit_date,
                recording.call_id,
            )
        )
    if job.config.batch.reject_duplicates:
        rejects = _without_duplicates(job, root, transcribed, rejects)
    rejects = _without_kept_audits(job, rejects)
    kept, ready = transcribed.kept, transcribed.recordings
    named = kept.keys() | {reject.call_id for reject in rejects if reject.call_id}
    left = publish.remove_moved(store, named, keep=kept, run_id=job.run_id)
    store.calls.provide(name for one in ready.values() for name in one.meta)
    crashes = Crashes()
    _judge_all(job, root, transcribed, crashes)
    index = publish.finish(
        store,
        ready,
        rejects,
        left=left,
        planned={r.source_file for r in job.recordings} | {r.source_file for r in job.rejects},
        crashes=crashes,
        run_id=job.run_id,
    )
    rejects += [crashes.reject(ready[call_id]) for call_id in crashes.sentences]
    _forget_words(job, {name for its in transcribed.places.values() for _, name in its})
    jobs.save_summary(job.store, _summary(job, transcribed, rejects, index=index))


@dataclass(slots=True)
class _Transcribed:
    """The recordings of a run that there is a transcript of."""

    places: dict[publish.Place, list[tuple[Recording, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """With the name of the transcript, by night and agent."""
    audio_s: float = 0.0
    resumed: int = 0

    def add(self, recording: Recording, outcome: RecordingOutcome, name: str) -> None:
        """Take in one recording and what became of it."""
        self.audio_s += outcome.audio_s
        self.resumed += outcome.resumed
        self.places[recording.audit_date, recording.agent_id].append((recording, name))

    def drop(self, call_ids: Collection[str]) -> None:
        """Leave out some calls."""
        for place, its in list(self.places.items()):
            left = [(one, name) for one, name in its if one.call_id not in call_ids]
            if left:
                self.places[place] = left
            else:
                del self.places[place]

    @property
    def recordings(self) -> dict[str, Recording]:
        """The recordings by call."""
        return {one.call_id: one for its in self.places.values() for one, _ in its}

    @property
    def kept(self) -> dict[str, publish.Place]:
        """Where the calls belong."""
        return {one.call_id: place for place, its in self.places.items() for one, _ in its}


def _without_duplicates(
    job: Job, root: Root, transcribed: _Transcribed, rejects: list[Reject]
) -> list[Reject]:
    """Reject each call that is recorded a second time, and say so where its id tells as much."""
    names = {one.call_id: (one, name) for its in transcribed.places.values() for one, name in its}
    listed = [names[one.call_id] for one in job.recordings if one.call_id in names]
    doubles = duplicates.among(job, listed)
    transcribed.drop(doubles.keys())
    named = {call_id: known for call_id, known in names.items() if call_id not in doubles}
    found = [duplicates.reject(names[call_id][0], first) for call_id, first in doubles.items()]
    return found + duplicates.of_same_call(job, root, rejects, named)


def _judge_all(job: Job, root: Root, transcribed: _Transcribed, crashes: Crashes) -> None:
    """Judge the calls and write their rows, one agent's night at a time."""
    private = job.config.privacy
    for place, listed in sorted(transcribed.places.items()):
        calls = []
        for recording, name in listed:
            with crashes.apart(recording.call_id, Step.JUDGING):
                audited = _judged(job, recording, name)
                uri = root.uri(recording.source_file)
                kept_as = None if private.mode == "drop" else name
                calls.append(publish.Located(audited, uri, private.mode, kept_as))
        ids = {recording.call_id for recording, _ in listed}
        publish.publish_calls(
            job.store, place, calls, run_id=job.run_id, crashes=crashes, replaced=ids
        )


def _summary(
    job: Job, transcribed: _Transcribed, rejects: Sequence[Reject], *, index: Path
) -> RunSummary:
    planned = len(job.recordings) + len(job.rejects)
    return RunSummary(
        run_id=job.run_id,
        planned=planned,
        audited=planned - len(rejects),
        rejected=len(rejects),
        resumed=transcribed.resumed,
        ignored=job.ignored,
        audio_s=round(transcribed.audio_s, 1),
        reasons=dict(Counter(str(reject.reason) for reject in rejects)),
        index=str(index),
        night=job.night,
        waiting=job.waiting,
        unlisted=job.unlisted,
        unrecorded=job.unrecorded,
    )


def _forget_words(job: Job, names: set[str]) -> None:
    """Take full transcripts out of the private store that are not to be kept, or no longer."""
    private = job.config.privacy
    if private.mode == "drop":
        retention.forget_recordings(job.store, {name[:PREFIX] for name in names})
    if private.keep_days is not None:
        today = datetime.now(manifests.time_zone(job.config.batch.timezone)).date()
        retention.forget_words(job.store, before=today - timedelta(days=private.keep_days))


def _without_kept_audits(job: Job, rejects: list[Reject]) -> list[Reject]:
    """Rejects less those whose recording has gone after it was audited: the audit stays."""
    if all(reject.reason is not RejectReason.MISSING_FILE for reject in rejects):
        return rejects
    rows = job.store.calls.rows(columns=["call_id", "source_file"])
    stored = {(row["call_id"], row["source_file"]) for row in rows}
    return [
        reject
        for reject in rejects
        if reject.reason is not RejectReason.MISSING_FILE
        or (reject.call_id, reject.source_file) not in stored
    ]


def _judged(job: Job, recording: Recording, name: str) -> AuditedCall:
    transcript = job.store.transcripts.load(name)
    if transcript is None:
        raise LookupError(f"transcript {name} of {recording.call_id} has gone")
    book = rulebooks.load(recording.rulebook_id or job.config.batch.rulebook)
    job.store.penalties.keep(book)
    return wiring.judge(Call(recording, transcript), book, stage_model=job.config.stages.model)


if __name__ == "__main__":
    main()
