"""Judging transcripts that are already there: ready ones from a file, stored ones from tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from audit import pipeline, rulebook, tariff, transcripts
from audit.config import Config
from audit.errors import UsageError
from audit.recordings import Reject
from audit.types import AuditedCall
from flows import publish, runs
from models import stages
from reports import parquet, records


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


@dataclass(frozen=True, slots=True)
class Change:
    """A call that another rulebook judges otherwise."""

    call_id: str
    agent: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a rescore changes."""

    calls: int
    changed: tuple[Change, ...]
    written: bool

    def lines(self) -> Iterator[str]:
        """The changes as text, one call a line, then the counts."""
        for change in self.changed:
            yield f"{change.call_id}\t{change.agent}\t{change.before} → {change.after}"
        agents = len({change.agent for change in self.changed})
        kept = "written" if self.written else "nothing written (use --write to keep it)"
        yield f"{len(self.changed)} of {self.calls} calls change, {agents} agents; {kept}"


def rescore(out: Path, *, rulebook_id: str, write: bool, config: Config) -> Changes:
    """Judge every stored transcript under a rulebook and compare.

    Raises:
        UsageError: nothing is stored under OUT, or the rulebook or the model of stages is not
            valid.
    """
    stages.load(config.stages.model)
    book = rulebook.load(rulebook_id)
    calls = parquet.read(out, "calls").to_pylist()
    if not calls:
        raise UsageError(f"{out} holds no audit; run `callaudit run RECORDINGS --out {out}` first")
    turns: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in parquet.read(out, "turns").to_pylist():
        turns[row["call_id"]].append(row)
    changed: list[Change] = []
    places: dict[publish.Place, list[publish.Located]] = defaultdict(list)
    for row in calls:
        call = records.call_from_rows(row, turns[row["call_id"]])
        call = replace(call, recording=replace(call.recording, rulebook_id=book.id))
        audited = pipeline.judge(call, book, stage_model=config.stages.model)
        before, after = _told(row), _told(_row(audited))
        if before != after:
            changed.append(Change(row["call_id"], row["agent"], before, after))
        place = (date.fromisoformat(row["audit_date"]), row["agent"])
        places[place].append(publish.Located(audited, row["source_uri"]))
    if write:
        tariff.keep(out, book)
        run_id = runs.new_run_id()
        for place, located in sorted(places.items()):
            publish.publish_calls(out, place, located, run_id=run_id)
        publish.publish_pages(
            out, calls={row["call_id"] for row in calls}, agents={agent for _, agent in places}
        )
    return Changes(len(calls), tuple(changed), write)


def _row(audited: AuditedCall) -> Mapping[str, Any]:
    return records.call_rows(audited, run_id="", source_uri=None).call


def _told(row: Mapping[str, Any]) -> str:
    """Score, grade and verdicts of a call in a few words."""
    verdicts = ", ".join(f"{rule['rule_id']} {rule['verdict']}" for rule in row["rule_scores"])
    return f"{row['score']} {row['grade']} ({verdicts})"
