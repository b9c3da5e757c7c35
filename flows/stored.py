"""Judging ready transcripts from a file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from audit import pipeline, rulebook, tariff, transcripts
from audit.config import Config
from audit.recordings import Reject
from flows import publish, runs
from models import stages


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a file of transcripts."""

    audited: int
    rejected: int
    index: Path


def audit_transcripts(file: Path, out: Path, *, config: Config) -> Published:
    """Judge a file of ready transcripts and publish the result.

    Raises:
        UsageError: the file cannot be read, or the default rulebook or the model of stages is not
            valid.
    """
    stages.load(config.stages.model)
    default = rulebook.load(config.batch.rulebook)
    known = frozenset({*rulebook.shipped(), config.batch.rulebook})
    run_id = runs.new_run_id()
    places: dict[publish.Place, list[publish.Located]] = defaultdict(list)
    kept: dict[str, publish.Place] = {}
    rejects: list[Reject] = []
    for item in transcripts.read(file, timezone=config.batch.timezone, rulebooks=known):
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        name = item.recording.rulebook_id
        book = default if name is None else rulebook.load(name)
        tariff.keep(out, book)
        place = (item.recording.audit_date, item.recording.agent_id)
        audited = pipeline.judge(item, book, stage_model=config.stages.model)
        places[place].append(publish.Located(audited, None))
        kept[item.recording.call_id] = place
    publish.withdraw(out, kept, keep=kept, run_id=run_id)
    for place, calls in sorted(places.items()):
        publish.publish_calls(out, place, calls, run_id=run_id)
    lines = {call.audited.call.recording.source_file for calls in places.values() for call in calls}
    publish.publish_rejects(
        out, rejects, planned=lines | {reject.source_file for reject in rejects}, run_id=run_id
    )
    index = publish.publish_pages(out, calls=set(kept), agents={agent for _, agent in places})
    return Published(len(kept), len(rejects), index)
