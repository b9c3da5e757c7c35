"""Erasing calls from everything under OUT: by their age, or one by one on somebody's request.

Recordings themselves lie elsewhere and are not touched: erase them first, or the next batch that
finds them audits them again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import NoAudit, UsageError
from flows import jobs as runs
from reports.pages import html
from reports.store import (
    attempts,
    months,
    parquet,
    private_store,
    records,
    retention,
    staging,
    transcript_cache,
    widening,
)
from reports.store.atomic import write_whole
from reports.store.layout import audio_copy, call_page, case_file
from reports.store.schema import AGENTS, CALLS, TABLES


@dataclass
class _Gone:
    """What is erased, by everything that it is known by."""

    calls: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    checkpoints: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    """Hashes of recordings that other calls have too: they stay theirs."""


def purge(out: Path, *, before: date | None = None, call_ids: Collection[str] = ()) -> int:
    """Erase calls and return how many.

    Args:
        out: the folder that holds the audit.
        before: erase all calls and rejects of earlier nights.
        call_ids: erase these calls, audited or rejected.

    Raises:
        UsageError: there is no such call, no audit, or a batch is at work.
    """
    with _alone(out):
        for abandoned in (out / "parquet").glob(".staged-*"):
            shutil.rmtree(abandoned)
        gone = _find(out, before, frozenset(call_ids))
        unknown = sorted(set(call_ids) - gone.calls)
        if unknown:
            raise UsageError(
                f"{out} has no call {', '.join(unknown)}; nothing was erased: check the ids"
            )
        # derived things first: should this be cut short, the tables still say what is to be done
        _erase_runs(out, before, gone)
        _erase_heard(out, gone)
        for call_id in gone.calls:
            for path in (
                call_page(out, call_id),
                audio_copy(out, call_id),
                case_file(out, call_id),
            ):
                path.unlink(missing_ok=True)
        shutil.rmtree(months.folder(out), ignore_errors=True)  # copies: made anew when merged
        _erase_rows(out, before, gone)
        html.render(out)
        _erase_nights(out)
    return len(gone.calls)


def purge_words(out: Path, *, before: date) -> int:
    """Erase the full transcripts of earlier nights; returns how many.

    Raises:
        UsageError: there is no audit, or a batch is at work.
    """
    with _alone(out):
        return retention.forget_words(out, before=before)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    if not (out / "parquet").is_dir():
        raise NoAudit.at(out)
    with runs.alone(out), months.lock(out):
        staging.recover(out)
        private_store.forget_earlier(out)
        yield


def _find(out: Path, before: date | None, call_ids: frozenset[str]) -> _Gone:
    gone = _Gone()
    for table in ("calls", "rejects"):
        heard = table == "calls"
        columns = ["call_id", "audit_date"]
        columns += ["audio_sha256", "transcript_id"] if heard else ["source_file"]
        rows = parquet.read(out, table, columns=columns).to_pylist()
        for row in rows:
            old = before is not None and row["audit_date"] < before.isoformat()
            chosen = old or row["call_id"] in call_ids
            if chosen and row["call_id"]:
                gone.calls.add(row["call_id"])
            if not heard:
                gone.files |= {row["source_file"]} if chosen else set()
                continue
            if row["audio_sha256"]:
                (gone.hashes if chosen else gone.kept).add(row["audio_sha256"])
            if row["transcript_id"] and chosen:
                gone.checkpoints.add(row["transcript_id"])
    gone.hashes -= gone.kept
    return gone


def _erase_runs(out: Path, before: date | None, gone: _Gone) -> None:
    """Take calls out of what earlier runs noted, and old runs away whole."""
    for folder in sorted((out / "runs").glob("*/")):
        jobs = folder / "job.json"
        job = json.loads(jobs.read_bytes()) if jobs.is_file() else {}
        listed = job.get("recordings", []) + job.get("rejects", [])
        for item in listed:
            old = before is not None and _date(item) < before.isoformat()
            if old and item.get("call_id"):
                gone.calls.add(item["call_id"])
            if (old or item.get("call_id") in gone.calls) and item.get("source_file"):
                gone.files.add(item["source_file"])
    for folder in sorted((out / "runs").glob("*/")):
        jobs = folder / "job.json"
        for notes in folder.glob("shard-*.jsonl"):
            _filter_notes(notes, gone)
        if jobs.is_file():
            job = json.loads(jobs.read_bytes())
            for name in ("recordings", "rejects"):
                job[name] = [item for item in job[name] if not _is_gone(item, gone)]
            if not job["recordings"] and not job["rejects"]:
                jobs.unlink()
                for notes in folder.glob("shard-*.jsonl"):
                    notes.unlink()
            else:
                write_whole(jobs, json.dumps(job, ensure_ascii=False).encode())


def _date(item: dict[str, Any]) -> str:
    return str(item.get("audit_date") or item.get("started_at") or "9999")[:10]


def _is_gone(item: dict[str, Any], gone: _Gone) -> bool:
    return item.get("call_id") in gone.calls or item.get("source_file") in gone.files


def _filter_notes(path: Path, gone: _Gone) -> None:
    lines, kept = path.read_bytes().splitlines(keepends=True), []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue  # the line a process died in
        if note.get("call_id") not in gone.calls:
            kept.append(line)
        elif note.get("checkpoint"):
            gone.checkpoints.add(note["checkpoint"])
    if len(kept) < len(lines):
        write_whole(path, b"".join(kept))


def _erase_heard(out: Path, gone: _Gone) -> None:
    """Transcripts of every configuration, tries, and waveforms."""
    kept = {transcript_cache.of_recording(digest) for digest in gone.kept}
    erased = {transcript_cache.of_recording(digest) for digest in gone.hashes}
    retention.forget_recordings(out, erased)
    for name in gone.checkpoints:
        if name[: private_store.PREFIX] not in kept:
            private_store.remove(out, name)
    private_store.forget_access(out, gone.calls)
    for name in gone.checkpoints:
        attempts.clear(out, name)
    for path in out.glob("peaks/*/*.*"):
        if path.name.partition(".")[0] not in gone.kept:  # theirs, or of what was replaced since
            path.unlink()


def _erase_rows(out: Path, before: date | None, gone: _Gone) -> None:
    """All tables; what is counted over an agent's night is counted again."""
    for name in (*(n for n in TABLES if n != CALLS.name), CALLS.name):  # calls last, see purge
        folder = parquet.table_dir(out, name)
        for path in sorted(folder.glob("audit_date=*/**/*.parquet")):
            night = path.relative_to(folder).parts[0].removeprefix("audit_date=")
            if before is not None and night < before.isoformat():
                _remove(path, folder)
            elif name != AGENTS.name:
                _keep(path, folder, lambda rows: _without(rows, gone))
    for path in sorted(parquet.table_dir(out, AGENTS.name).glob("audit_date=*/*/*.parquet")):
        _sum_up(out, path)
    widening.forget(out)  # the note may name columns that only erased calls had


def _without(rows: pa.Table, gone: _Gone) -> pa.Table:
    for column, values in (("call_id", gone.calls), ("source_file", gone.files)):
        if column in rows.schema.names:
            listed = pa.array(sorted(values), pa.string())
            rows = rows.filter(pc.invert(pc.is_in(rows[column], value_set=listed)))
    return rows


def _keep(path: Path, folder: Path, chosen: Callable[[pa.Table], pa.Table]) -> None:
    rows = parquet.read_partition(path)
    kept = None if rows is None else chosen(rows)
    if rows is None or kept is None or len(kept) == len(rows):
        return
    if len(kept):
        parquet.write(path, kept)
    else:
        _remove(path, folder)


def _remove(path: Path, folder: Path) -> None:
    """Take a partition away, and folders that it leaves empty."""
    path.unlink()
    for parent in path.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()


def _sum_up(out: Path, path: Path) -> None:
    folder = parquet.table_dir(out, AGENTS.name)
    calls = parquet.read_partition(parquet.table_dir(out, CALLS.name) / path.relative_to(folder))
    old = parquet.read_partition(path)
    if old is None or not len(old):  # keeps apart ids that readers take for one number
        return
    if calls is None or not len(calls):
        _remove(path, folder)
    elif old["calls"].to_pylist() != [len(calls)]:
        run_id = old["run_id"].to_pylist()[0]
        row = records.agent_row(calls.to_pylist(), run_id=run_id)
        parquet.write(path, parquet.to_table(AGENTS, [row]))


def _erase_nights(out: Path) -> None:
    """Pages of nights that the tables no longer have."""
    nights = {
        night
        for table in ("calls", "rejects")
        for night in parquet.read(out, table, columns=["audit_date"])["audit_date"].to_pylist()
    }
    for folder in ("nights", "queue"):
        for path in (out / "html" / folder).glob("????-??-??.*"):
            if path.stem not in nights:
                path.unlink()
