"""Publishing calls that were judged: tables first, pages after.

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
from audit.privacy import PrivacyMode
from audit.types import AuditedCall, Recording
from reports.analysis import figures
from reports.crashes import Crashes, Step
from reports.isolation import failing
from reports.pages import html
from reports.store import parquet
from reports.store.columns import SCHEMA_VERSION
from reports.store.rows import CallRows, Row, shown, shown_rows
from reports.store.schema import AGENTS, CALLS, FINDINGS, REJECTS, TABLES, TURNS
from reports.store.store import Store

Place = tuple[date, str]
"""Audit date and agent id: one partition."""

_BY_CALL = (TURNS, FINDINGS, CALLS)
_NO_AGENT = "_"
"""Partition without rows, see ``_keep_apart``."""


@dataclass(frozen=True, slots=True)
class Located:
    """An audited call, where its recording can be opened, and how its PII is treated."""

    audited: AuditedCall
    source_uri: str | None
    private: PrivacyMode = "mask"
    transcript_id: str | None = None
    """Name of its full transcript in the private store, if it stays there."""


def publish_calls(
    store: Store,
    place: Place,
    calls: Sequence[Located],
    *,
    run_id: str,
    crashes: Crashes | None = None,
    replaced: Collection[str] = (),
) -> None:
    """Write one agent's night: earlier rows of the same calls give way, others stay.

    Args:
        store: of the audit.
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
    if crashes is None and noted.sentences:
        raise CallauditError("; ".join(noted.sentences.values()))
    ids = {call.audited.call.recording.call_id for call in calls} | set(replaced)
    with store.lock():
        for path, table in prepared(store, place, rows, replaced=ids, run_id=run_id):
            store.write(path, table)


def sound_rows(calls: Sequence[Located], *, run_id: str, crashes: Crashes) -> list[CallRows]:
    """The rows of calls that tables can hold."""
    rows: list[CallRows] = []
    for call in calls:
        if (made := rows_of(call, run_id=run_id, crashes=crashes)) is not None:
            rows.append(made)
    for unfit, error in failing(rows, lambda some: _tables(some, run_id)):
        crashes.note(str(unfit.call["call_id"]), Step.TABLES, error)
    return [row for row in rows if row.call["call_id"] not in crashes.sentences]


def rows_of(call: Located, *, run_id: str, crashes: Crashes) -> CallRows | None:
    """The rows of one call, masked unless it is to be kept in full; None if that fails."""
    call_id = call.audited.call.recording.call_id
    with crashes.apart(call_id, Step.MASKING):
        masked = shown(call.audited, private=call.private)
        with crashes.apart(call_id, Step.TABLES):
            return shown_rows(
                masked,
                run_id=run_id,
                source_uri=call.source_uri,
                private=call.private,
                transcript_id=call.transcript_id,
            )
    return None


def prepared(
    store: Store,
    place: Place,
    rows: Sequence[CallRows],
    *,
    replaced: set[str],
    run_id: str,
) -> Iterator[tuple[Path, pa.Table]]:
    """The partitions that ``publish_calls`` writes, and their rows."""
    if rows or store.calls.partition(*place).exists():
        yield from _replaced(store, place, _rows(rows), replaced, run_id)


def _rows(rows: Sequence[CallRows]) -> dict[str, list[Row]]:
    return {
        CALLS.name: [row.call for row in rows],
        TURNS.name: [turn for row in rows for turn in row.turns],
        FINDINGS.name: [finding for row in rows for finding in row.findings],
    }


def _tables(rows: Sequence[CallRows], run_id: str) -> None:
    """Fail where a table cannot hold the rows, or an agent's night cannot be summed up of them."""
    for name, listed in _rows(rows).items():
        parquet.to_table(TABLES[name], listed)
    if rows:
        parquet.to_table(AGENTS, [figures.agent_row([r.call for r in rows], run_id=run_id)])


def remove_moved(
    store: Store, call_ids: Iterable[str], *, keep: dict[str, Place], run_id: str
) -> set[Place]:
    """Take calls out of partitions they no longer belong to (another agent, another date).

    Returns:
        These places, whose pages still show the calls.
    """
    store.recover()
    ids = pa.array(sorted(set(call_ids)), pa.string())
    stored = store.calls.arrow(columns=["call_id", "agent", "audit_date"])
    _keep_apart(store, set(pc.unique(stored["agent"]).to_pylist()), set(keep.values()))
    stored = stored.filter(pc.is_in(stored["call_id"], ids))
    moved: dict[Place, set[str]] = defaultdict(set)
    for row in parquet.iterate(stored):
        place = (date.fromisoformat(row["audit_date"]), row["agent"])
        if keep.get(row["call_id"]) != place:
            moved[place].add(row["call_id"])
    for place, gone in moved.items():
        with store.lock():
            for path, rows in _replaced(store, place, {}, gone, run_id):
                store.write(path, rows)
    return set(moved)


def _keep_apart(store: Store, agents: set[str], new: set[Place]) -> None:
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
        path = store[table.name].partition(first, _NO_AGENT)
        stored = store.layout.partitions(table.name)
        if not any(other.parent.name == path.parent.name for other in stored):
            store.write(path, parquet.to_table(table, []))


def _replaced(
    store: Store, place: Place, new: dict[str, list[Row]], replaced: set[str], run_id: str
) -> Iterator[tuple[Path, pa.Table]]:
    """Exchange the rows of some calls in one partition and sum up the agent's night again."""
    audit_date, agent = place
    for table in _BY_CALL:
        path = store[table.name].partition(audit_date, agent)
        fresh = parquet.to_table(table, new.get(table.name, []))
        rows = parquet.merge(parquet.read_partition(path), fresh, by="call_id", replaced=replaced)
        order = [
            (name, "ascending") for name in ("call_id", *table.key) if name in rows.schema.names
        ]
        rows = rows.sort_by(list(dict.fromkeys(order)))
        yield path, rows
    listed = rows.to_pylist()  # the last of them are the calls
    summary = [figures.agent_row(listed, run_id=run_id)] if listed else []
    path = store.agents.partition(audit_date, agent)
    yield path, parquet.to_table(AGENTS, summary)


def publish_rejects(
    store: Store, rejects: Sequence[Reject], *, planned: set[str], run_id: str
) -> None:
    """Write the rejects of a run; earlier rows of recordings it planned give way."""
    by_date: dict[date, list[Row]] = defaultdict(list)
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
    stored = {date.fromisoformat(night) for night in store.rejects.nights()}
    for audit_date in sorted(stored | set(by_date)):
        path = store.rejects.partition(audit_date, None)
        fresh = parquet.to_table(REJECTS, by_date.get(audit_date, []))
        with store.lock():
            old = parquet.read_partition(path)
            names = old["source_file"].to_pylist() if old is not None else []
            replaced = {name for name in names if file_of(name) in planned}
            rows = parquet.merge(old, fresh, by="source_file", replaced=replaced)
            store.write(path, rows.sort_by("source_file"))


def publish_pages(store: Store, *, calls: set[str], agents: set[str]) -> html.RenderedPages:
    """Render the pages of the calls and agents that a run touched, and the index."""
    return html.render_pages(store, touched=(calls, agents))


def finish(
    store: Store,
    judged: Mapping[str, Recording],
    rejects: Sequence[Reject],
    *,
    left: set[Place],
    planned: set[str],
    crashes: Crashes,
    run_id: str,
) -> Path:
    """Write the rejects of a run and its pages; returns the night's entrance.

    A call whose page cannot be rendered, or makes its agent's or its night's page fail, is taken
    out of the tables again and becomes a reject.

    Args:
        store: of the audit.
        judged: what was to be published, by call; the tables have it unless it has crashed.
        rejects: what was rejected before.
        left: where some of the calls were before, see :func:`remove_moved`.
        planned: source files of the run.
        crashes: the calls that have crashed by now; receives more.
        run_id: the run.
    """
    rendered: set[str] = set()
    while True:
        kept = {c: _place(r) for c, r in judged.items() if c not in crashes.sentences}
        crashed = [crashes.reject(r) for c, r in judged.items() if c in crashes.sentences]
        audited = {judged[call_id].source_file for call_id in kept}
        listed = with_distinct_names([*rejects, *crashed], audited=audited)
        publish_rejects(store, listed, planned=planned, run_id=run_id)
        gone = {reject.call_id for reject in listed if reject.call_id} - kept.keys()
        pages = _publish_pages_of(store, {c: kept[c] for c in kept.keys() - rendered}, gone, left)
        rendered |= kept.keys()
        failed = pages.failed.keys() & kept.keys()
        if not failed:
            return pages.index
        for call_id in failed:
            crashes.note(call_id, Step.PAGE, pages.failed[call_id])
        left = remove_moved(store, failed, keep={}, run_id=run_id)
        rendered -= {call_id for call_id, place in kept.items() if place in left}  # neighbours


def _place(recording: Recording) -> Place:
    return recording.audit_date, recording.agent_id


def _publish_pages_of(
    store: Store, kept: Mapping[str, Place], gone: Collection[str], left: Collection[Place]
) -> html.RenderedPages:
    """Render what shows calls that are published again; their earlier case files are removed.

    Nothing that shows calls that are ``gone`` stays.
    """
    for call_id in gone:
        store.layout.call_page(call_id).unlink(missing_ok=True)
        store.layout.audio_copy(call_id).unlink(missing_ok=True)
    for call_id in (*kept, *gone):
        store.layout.case_file(call_id).unlink(missing_ok=True)
    for night, _ in left:
        store.layout.night_page(night.isoformat()).unlink(
            missing_ok=True
        )  # so that it is rendered again
    agents = {agent for _, agent in (*kept.values(), *left)}
    return publish_pages(store, calls=set(kept), agents=agents)
