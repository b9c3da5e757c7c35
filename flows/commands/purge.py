"""Erasing calls from everything under OUT: by their age, or one by one on somebody's request.

Recordings themselves are elsewhere and are not touched: erase them first, or the next batch that
finds them audits them again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import UsageError
from audit.intake.recordings import Reject
from audit.types import Recording
from flows import jobs
from reports.analysis import figures
from reports.pages import html
from reports.store import Store, parquet, retention, staging, transcript_cache, widening
from reports.store.atomic import write_whole
from reports.store.private import PREFIX
from reports.store.schema import AGENTS, CALLS, TABLES


@dataclass
class _Gone:
    """What is erased, by everything that it is known by."""

    calls: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    transcripts: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    """Hashes of recordings that other calls have too: they stay theirs."""


def purge(
    out: Path,
    *,
    before: date | None = None,
    call_ids: Collection[str] = (),
    customers: Collection[str] = (),
) -> int:
    """Erase calls and return how many.

    Args:
        out: the folder that holds the audit.
        before: erase all calls and rejects of earlier nights.
        call_ids: erase these calls, audited or rejected.
        customers: erase all calls of these, by the numbers that manifests gave.

    Raises:
        UsageError: there is no such call or customer, no audit, or a batch is at work.
    """
    store = Store.open(out)
    with _alone(store):
        staging.drop_all(store.layout)
        of_customers = _calls_of(store, customers)
        gone = _find(store, before, of_customers.union(call_ids))
        gone.calls |= of_customers
        unknown = sorted(set(call_ids) - gone.calls)
        if unknown:
            raise UsageError(
                f"{out} has no call {', '.join(unknown)}; nothing was erased: check the ids"
            )
        # derived things first: should this be cut short, the tables still say what is to be done
        _erase_runs(store, before, gone)
        _erase_transcribed(store, gone)
        layout = store.layout
        for call_id in gone.calls:
            for path in (
                layout.call_page(call_id),
                layout.audio_copy(call_id),
                layout.case_file(call_id),
            ):
                path.unlink(missing_ok=True)
        shutil.rmtree(layout.months, ignore_errors=True)  # copies: made again when merged
        _erase_rows(store, before, gone)
        html.render(store)
        _erase_nights(store)
    return len(gone.calls)


def purge_words(out: Path, *, before: date) -> int:
    """Erase the full transcripts of earlier nights; returns how many.

    Raises:
        UsageError: there is no audit, or a batch is at work.
    """
    store = Store.open(out)
    with _alone(store):
        return retention.forget_words(store, before=before)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    with jobs.alone(store), store.lock():
        store.recover()
        yield


def _calls_of(store: Store, customers: Collection[str]) -> frozenset[str]:
    """The calls of customers: of the tables, and of runs, which know those rejected since.

    Raises:
        UsageError: one has none, or they were hashed with another key.
    """
    if not customers:
        return frozenset()
    key = store.customer_key()
    wanted = [key.hashed(number) for number in customers]
    listed = store.calls.rows(columns=["call_id", "customer_key"])
    calls = [(row["customer_key"], row["call_id"]) for row in listed]
    for job in jobs.stored_jobs(store):
        calls += [(one.customer_key, one.call_id) for one in job.recordings]
    for place, digest in enumerate(wanted, start=1):
        if digest is None or all(known != digest for known, _ in calls):
            raise UsageError(
                f"{store.root} has no call of customer {place} of {len(wanted)}; nothing was "
                "erased: check the number, and that manifests named it in customer_key"
            )
    return frozenset(call_id for digest, call_id in calls if digest in wanted)


def _find(store: Store, before: date | None, call_ids: frozenset[str]) -> _Gone:
    gone = _Gone()
    for table in ("calls", "rejects"):
        audited = table == "calls"
        columns = ["call_id", "audit_date"]
        columns += ["audio_sha256", "transcript_id"] if audited else ["source_file"]
        rows = store[table].rows(columns=columns)
        for row in rows:
            old = before is not None and row["audit_date"] < before.isoformat()
            chosen = old or row["call_id"] in call_ids
            if chosen and row["call_id"]:
                gone.calls.add(row["call_id"])
            if not audited:
                gone.files |= {row["source_file"]} if chosen else set()
                continue
            if row["audio_sha256"]:
                (gone.hashes if chosen else gone.kept).add(row["audio_sha256"])
            if row["transcript_id"] and chosen:
                gone.transcripts.add(row["transcript_id"])
    gone.hashes -= gone.kept
    return gone


def _erase_runs(store: Store, before: date | None, gone: _Gone) -> None:
    """Take calls out of what earlier runs noted, and old runs away whole."""
    for job in jobs.stored_jobs(store):
        listed: list[Recording | Reject] = [*job.recordings, *job.rejects]
        for item in listed:
            old = before is not None and item.audit_date < before
            if old and item.call_id:
                gone.calls.add(item.call_id)
            if old or item.call_id in gone.calls:
                gone.files.add(item.source_file)
    for run_id in store.layout.run_ids():
        for notes in store.layout.all_outcomes(run_id):
            _filter_notes(notes, gone)
    for job in jobs.stored_jobs(store):
        left = replace(
            job,
            recordings=tuple(one for one in job.recordings if not _is_gone(one, gone)),
            rejects=tuple(one for one in job.rejects if not _is_gone(one, gone)),
        )
        if left.recordings or left.rejects:
            jobs.save_job(left)
            continue
        store.layout.job_file(job.run_id).unlink()
        for notes in store.layout.all_outcomes(job.run_id):
            notes.unlink()


def _is_gone(item: Recording | Reject, gone: _Gone) -> bool:
    return item.call_id in gone.calls or item.source_file in gone.files


def _filter_notes(path: Path, gone: _Gone) -> None:
    noted = jobs.read_outcomes(path)
    gone.transcripts |= {
        o.transcript_key for o in noted if o.call_id in gone.calls and o.transcript_key
    }
    kept = b"".join(jobs.outcome_line(o) for o in noted if o.call_id not in gone.calls)
    if kept != path.read_bytes():
        write_whole(path, kept)


def _erase_transcribed(store: Store, gone: _Gone) -> None:
    """Transcripts of every configuration, tries, and waveforms."""
    kept = {transcript_cache.of_recording(digest) for digest in gone.kept}
    erased = {transcript_cache.of_recording(digest) for digest in gone.hashes}
    retention.forget_recordings(store, erased)
    for name in gone.transcripts:
        if name[:PREFIX] not in kept:
            store.private.remove(name)
    store.private.forget_access(gone.calls)
    for name in gone.transcripts:
        store.attempts.clear(name)
    store.waveforms.keep_only(gone.kept)  # the others are erased calls', or of what was replaced


def _erase_rows(store: Store, before: date | None, gone: _Gone) -> None:
    """All tables; what is counted over an agent's night is counted again."""
    for name in (*(n for n in TABLES if n != CALLS.name), CALLS.name):  # calls last, see purge
        folder = store.layout.table(name)
        for path in sorted(store.layout.partitions(name)):
            _, night = store.layout.table_and_night(path)
            if before is not None and night < before.isoformat():
                _remove(path, folder)
            elif name != AGENTS.name:
                _keep(store, path, lambda rows: _without(rows, gone))
    for path in sorted(store.layout.partitions(AGENTS.name)):
        _sum_up(store, path)
    widening.forget(store.layout)  # the note may name columns that only erased calls had


def _without(rows: pa.Table, gone: _Gone) -> pa.Table:
    for column, values in (("call_id", gone.calls), ("source_file", gone.files)):
        if column in rows.schema.names:
            listed = pa.array(sorted(values), pa.string())
            rows = rows.filter(pc.invert(pc.is_in(rows[column], value_set=listed)))
    return rows


def _keep(store: Store, path: Path, chosen: Callable[[pa.Table], pa.Table]) -> None:
    rows = parquet.read_partition(path)
    kept = None if rows is None else chosen(rows)
    if rows is None or kept is None or len(kept) == len(rows):
        return
    if len(kept):
        store.write(path, kept)
    else:
        _remove(path, store.layout.table(store.layout.table_and_night(path)[0]))


def _remove(path: Path, folder: Path) -> None:
    """Take a partition away, and folders that it leaves empty."""
    path.unlink()
    for parent in path.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()


def _sum_up(store: Store, path: Path) -> None:
    folder = store.layout.table(AGENTS.name)
    own = store.layout.table(CALLS.name) / path.relative_to(folder)
    calls = parquet.read_partition(own)
    old = parquet.read_partition(path)
    if old is None or not len(old):  # keeps apart ids that readers take for one number
        return
    if calls is None or not len(calls):
        _remove(path, folder)
    elif old["calls"].to_pylist() != [len(calls)]:
        run_id = old["run_id"].to_pylist()[0]
        row = figures.agent_row(calls.to_pylist(), run_id=run_id)
        store.write(path, parquet.to_table(AGENTS, [row]))


def _erase_nights(store: Store) -> None:
    """Pages of nights that the tables no longer have."""
    nights = {
        night
        for table in ("calls", "rejects")
        for night in store[table].arrow(columns=["audit_date"])["audit_date"].to_pylist()
    }
    for path in list(store.layout.pages_of_nights()):
        if path.stem not in nights:
            path.unlink()
