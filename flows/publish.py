"""Judging what was heard and publishing it: tables first, pages after.

Works through one agent's night at a time, so memory does not grow with the batch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audit.privacy import Private
from audit.recordings import Reject, file_of
from audit.types import AuditedCall
from reports import html, merged, parquet, records, staging
from reports.paths import case_file, night_page
from reports.schema import AGENTS, CALLS, FINDINGS, REJECTS, SCHEMA_VERSION, TURNS

Place = tuple[date, str]
"""Audit date and agent id: one partition."""

_BY_CALL = (TURNS, FINDINGS, CALLS)
_NO_AGENT = "_"
"""Partition without rows, see ``_keep_apart``."""


@dataclass(frozen=True, slots=True)
class Located:
    """An audited call, where its recording can be opened, and what becomes of customers' data."""

    audited: AuditedCall
    source_uri: str | None
    private: Private = "mask"
    transcript_id: str | None = None
    """Name of its full transcript in the private store, if it stays there."""


def publish_calls(out: Path, place: Place, calls: Sequence[Located], *, run_id: str) -> None:
    """Write one agent's night: earlier rows of the same calls give way, others stay."""
    with merged.lock(out):
        for path, rows in prepared(out, place, calls, run_id=run_id):
            parquet.write(path, rows)


def prepared(
    out: Path, place: Place, calls: Sequence[Located], *, run_id: str
) -> Iterator[tuple[Path, pa.Table]]:
    """The partitions that ``publish_calls`` writes, and their rows."""
    rows = [rows_of(call, run_id=run_id) for call in calls]
    new = {
        CALLS.name: [row.call for row in rows],
        TURNS.name: [turn for row in rows for turn in row.turns],
        FINDINGS.name: [finding for row in rows for finding in row.findings],
    }
    return _replaced(out, place, new, {str(row.call["call_id"]) for row in rows}, run_id)


def rows_of(call: Located, *, run_id: str) -> records.CallRows:
    """The rows of one call, masked unless it is to be kept in full."""
    return records.call_rows(
        call.audited,
        run_id=run_id,
        source_uri=call.source_uri,
        private=call.private,
        transcript_id=call.transcript_id,
    )


def withdraw(
    out: Path, call_ids: Iterable[str], *, keep: dict[str, Place], run_id: str
) -> set[Place]:
    """Take calls out of partitions they no longer belong to (another agent, another date).

    Returns:
        These places, whose pages still show the calls.
    """
    staging.recover(out)
    ids = pa.array(sorted(set(call_ids)), pa.string())
    stored = parquet.read(out, CALLS.name, columns=["call_id", "agent", "audit_date"])
    _keep_apart(out, set(pc.unique(stored["agent"]).to_pylist()), set(keep.values()))
    stored = stored.filter(pc.is_in(stored["call_id"], ids))
    astray: dict[Place, set[str]] = defaultdict(set)
    for row in parquet.iterate(stored):
        place = (date.fromisoformat(row["audit_date"]), row["agent"])
        if keep.get(row["call_id"]) != place:
            astray[place].add(row["call_id"])
    for place, moved in astray.items():
        with merged.lock(out):
            for path, rows in _replaced(out, place, {}, moved, run_id):
                parquet.write(path, rows)
    return set(astray)


def _keep_apart(out: Path, agents: set[str], new: set[Place]) -> None:
    """Let plain readers take folder names for text where two would be the same number.

    Where all ids are numbers, pandas makes numbers of them, and fails over ``7`` and ``007``. An
    empty partition under a name that is none is enough to stop it.
    """
    named = agents | {agent for _, agent in new}
    numbers = {agent for agent in named if re.fullmatch(r"-?[0-9]+", agent)}
    if not new or numbers != named or len({int(agent) for agent in numbers}) == len(numbers):
        return
    first = min(night for night, _ in new)
    for table in (*_BY_CALL, AGENTS):
        path = parquet.partition_file(out, table, first, _NO_AGENT)
        folder = parquet.table_dir(out, table.name)
        if not any(folder.glob(f"audit_date=*/{path.parent.name}/{path.name}")):
            parquet.write(path, parquet.to_table(table, []))


def _replaced(
    out: Path, place: Place, new: dict[str, list[records.Row]], replaced: set[str], run_id: str
) -> Iterator[tuple[Path, pa.Table]]:
    """Exchange the rows of some calls in one partition and sum up the agent's night again."""
    audit_date, agent = place
    for table in _BY_CALL:
        path = parquet.partition_file(out, table, audit_date, agent)
        fresh = parquet.to_table(table, new.get(table.name, []))
        rows = parquet.merge(parquet.read_partition(path), fresh, by="call_id", replaced=replaced)
        order = [
            (name, "ascending") for name in ("call_id", *table.key) if name in rows.schema.names
        ]
        rows = rows.sort_by(list(dict.fromkeys(order)))
        yield path, rows
    listed = rows.to_pylist()  # the last of them are the calls
    summary = [records.agent_row(listed, run_id=run_id)] if listed else []
    path = parquet.partition_file(out, AGENTS, audit_date, agent)
    yield path, parquet.to_table(AGENTS, summary)


def publish_rejects(
    out: Path, rejects: Sequence[Reject], *, planned: set[str], run_id: str
) -> None:
    """Write the rejects of a run; earlier rows of recordings it planned give way."""
    by_date: dict[date, list[records.Row]] = defaultdict(list)
    for reject in rejects:
        by_date[reject.audit_date].append(
            {
                "source_file": reject.source_file,
                "call_id": reject.call_id,
                "reason": reject.reason,
                "detail": reject.detail,
                "schema_version": SCHEMA_VERSION,
                "run_id": run_id,
            }
        )
    stored = {date.fromisoformat(night) for night in parquet.nights(out, REJECTS.name)}
    for audit_date in sorted(stored | set(by_date)):
        path = parquet.partition_file(out, REJECTS, audit_date, None)
        fresh = parquet.to_table(REJECTS, by_date.get(audit_date, []))
        with merged.lock(out):
            old = parquet.read_partition(path)
            names = old["source_file"].to_pylist() if old is not None else []
            replaced = {name for name in names if file_of(name) in planned}
            rows = parquet.merge(old, fresh, by="source_file", replaced=replaced)
            parquet.write(path, rows.sort_by("source_file"))


def publish_pages(out: Path, *, calls: set[str], agents: set[str]) -> Path:
    """Render the pages of the calls and agents that a run touched, and the index."""
    return html.render(out, touched=(calls, agents))


def publish_pages_of(out: Path, kept: dict[str, Place], *, left: Collection[Place]) -> Path:
    """Render what shows calls that are published anew; their earlier case files are removed.

    Args:
        out: the folder of the audit.
        kept: where each of the calls is.
        left: where some of them were before, see :func:`withdraw`.
    """
    for call_id in kept:
        case_file(out, call_id).unlink(missing_ok=True)
    for night, _ in left:
        night_page(out, night.isoformat()).unlink(missing_ok=True)  # which has it drawn again
    agents = {agent for _, agent in (*kept.values(), *left)}
    return publish_pages(out, calls=set(kept), agents=agents)
