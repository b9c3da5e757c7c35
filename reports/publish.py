"""Judging what was heard and publishing it: tables first, pages after.

Works through one agent's night at a time, so memory does not grow with the batch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import CallauditError
from audit.intake.recordings import Reject, file_of, with_distinct_names
from audit.privacy import Private
from audit.types import AuditedCall, Recording
from reports.crashes import Crashes, Step
from reports.isolation import failing
from reports.pages import html
from reports.store import months, parquet, records, staging
from reports.store.layout import audio_copy, call_page, case_file, night_page
from reports.store.schema import AGENTS, CALLS, FINDINGS, REJECTS, SCHEMA_VERSION, TABLES, TURNS

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


def publish_calls(
    out: Path,
    place: Place,
    calls: Sequence[Located],
    *,
    run_id: str,
    crashes: Crashes | None = None,
    replaced: Collection[str] = (),
) -> None:
    """Write one agent's night: earlier rows of the same calls give way, others stay.

    Args:
        out: the folder of the audit.
        place: the agent's night.
        calls: as they were judged.
        run_id: the run that writes them.
        crashes: receives the calls that no rows could be made of.
        replaced: ids of further calls whose earlier rows give way: those that were to be judged.

    Raises:
        CallauditError: no rows could be made of a call, and there is nothing to receive it.
    """
    noted = Crashes() if crashes is None else crashes
    rows = sound_rows(calls, run_id=run_id, crashes=noted)
    if crashes is None and noted.told:
        raise CallauditError("; ".join(noted.told.values()))
    ids = {call.audited.call.recording.call_id for call in calls} | set(replaced)
    with months.lock(out):
        for path, table in prepared(out, place, rows, replaced=ids, run_id=run_id):
            parquet.write(path, table)


def sound_rows(
    calls: Sequence[Located], *, run_id: str, crashes: Crashes
) -> list[records.CallRows]:
    """The rows of calls that tables can hold."""
    rows: list[records.CallRows] = []
    for call in calls:
        if (made := rows_of(call, run_id=run_id, crashes=crashes)) is not None:
            rows.append(made)
    for unfit, error in failing(rows, lambda some: _tables(some, run_id)):
        crashes.note(str(unfit.call["call_id"]), Step.TABLES, error)
    return [row for row in rows if row.call["call_id"] not in crashes.told]


def rows_of(call: Located, *, run_id: str, crashes: Crashes) -> records.CallRows | None:
    """The rows of one call, masked unless it is to be kept in full; None if that fails."""
    call_id = call.audited.call.recording.call_id
    with crashes.apart(call_id, Step.MASKING):
        shown = records.shown(call.audited, private=call.private)
        with crashes.apart(call_id, Step.TABLES):
            return records.shown_rows(
                shown,
                run_id=run_id,
                source_uri=call.source_uri,
                private=call.private,
                transcript_id=call.transcript_id,
            )
    return None


def prepared(
    out: Path,
    place: Place,
    rows: Sequence[records.CallRows],
    *,
    replaced: set[str],
    run_id: str,
) -> Iterator[tuple[Path, pa.Table]]:
    """The partitions that ``publish_calls`` writes, and their rows."""
    if rows or parquet.partition_file(out, CALLS, *place).exists():
        yield from _replaced(out, place, _rows(rows), replaced, run_id)


def _rows(rows: Sequence[records.CallRows]) -> dict[str, list[records.Row]]:
    return {
        CALLS.name: [row.call for row in rows],
        TURNS.name: [turn for row in rows for turn in row.turns],
        FINDINGS.name: [finding for row in rows for finding in row.findings],
    }


def _tables(rows: Sequence[records.CallRows], run_id: str) -> None:
    """Fail where a table cannot hold the rows, or an agent's night cannot be summed up of them."""
    for name, listed in _rows(rows).items():
        parquet.to_table(TABLES[name], listed)
    if rows:
        parquet.to_table(AGENTS, [records.agent_row([r.call for r in rows], run_id=run_id)])


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
        with months.lock(out):
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
        with months.lock(out):
            old = parquet.read_partition(path)
            names = old["source_file"].to_pylist() if old is not None else []
            replaced = {name for name in names if file_of(name) in planned}
            rows = parquet.merge(old, fresh, by="source_file", replaced=replaced)
            parquet.write(path, rows.sort_by("source_file"))


def publish_pages(out: Path, *, calls: set[str], agents: set[str]) -> html.Drawn:
    """Render the pages of the calls and agents that a run touched, and the index."""
    return html.draw(out, touched=(calls, agents))


def finish(
    out: Path,
    judged: Mapping[str, Recording],
    rejects: Sequence[Reject],
    *,
    left: set[Place],
    planned: set[str],
    crashes: Crashes,
    run_id: str,
) -> Path:
    """Write the rejects of a run and its pages; returns the night's entrance.

    A call whose page cannot be drawn, or that its agent's or its night's fails for, leaves the
    tables again and is a reject, too.

    Args:
        out: the folder of the audit.
        judged: what was to be published, by call; the tables have it unless it has crashed.
        rejects: what was rejected before.
        left: where some of the calls were before, see :func:`withdraw`.
        planned: source files of the run.
        crashes: the calls that have crashed by now; receives more.
        run_id: the run.
    """
    drawn: set[str] = set()
    while True:
        kept = {c: _place(r) for c, r in judged.items() if c not in crashes.told}
        crashed = [crashes.reject(r) for c, r in judged.items() if c in crashes.told]
        audited = {judged[call_id].source_file for call_id in kept}
        listed = with_distinct_names([*rejects, *crashed], audited=audited)
        publish_rejects(out, listed, planned=planned, run_id=run_id)
        gone = {reject.call_id for reject in listed if reject.call_id} - kept.keys()
        pages = _publish_pages_of(out, {c: kept[c] for c in kept.keys() - drawn}, gone, left)
        drawn |= kept.keys()
        failed = pages.failed.keys() & kept.keys()
        if not failed:
            return pages.index
        for call_id in failed:
            crashes.note(call_id, Step.PAGE, pages.failed[call_id])
        left = withdraw(out, failed, keep={}, run_id=run_id)
        drawn -= {call_id for call_id, place in kept.items() if place in left}  # neighbours


def _place(recording: Recording) -> Place:
    return recording.audit_date, recording.agent_id


def _publish_pages_of(
    out: Path, kept: Mapping[str, Place], gone: Collection[str], left: Collection[Place]
) -> html.Drawn:
    """Render what shows calls that are published anew; their earlier case files are removed.

    Nothing that shows calls that are ``gone`` stays.
    """
    for call_id in gone:
        call_page(out, call_id).unlink(missing_ok=True)
        audio_copy(out, call_id).unlink(missing_ok=True)
    for call_id in (*kept, *gone):
        case_file(out, call_id).unlink(missing_ok=True)
    for night, _ in left:
        night_page(out, night.isoformat()).unlink(missing_ok=True)  # which has it drawn again
    agents = {agent for _, agent in (*kept.values(), *left)}
    return publish_pages(out, calls=set(kept), agents=agents)
