"""Erasing calls from everything under OUT: by their age, or one by one on somebody's request.

Recordings themselves lie elsewhere and are not touched: erase them first, or the next batch that
finds them audits them again.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit import attempts
from audit.errors import UsageError
from audit.files import write_whole
from flows import runs
from reports import html, parquet, records
from reports.paths import audio_copy, call_page, case_file
from reports.schema import AGENTS, CALLS, TABLES

_MERGED = "compact"
"""Copies of old partitions; made anew by the next merging."""


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
    if not (out / "parquet").is_dir():
        raise UsageError(f"{out} holds no audit; check the path")
    with runs.alone(out):
        gone = _find(out, before, frozenset(call_ids))
        unknown = sorted(set(call_ids) - gone.calls)
        if unknown:
            raise UsageError(f"{out} has no call {', '.join(unknown)}; nothing was erased")
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
        shutil.rmtree(out / _MERGED, ignore_errors=True)
        _erase_rows(out, before, gone)
        html.render(out)
        _erase_nights(out)
    return len(gone.calls)


def _find(out: Path, before: date | None, call_ids: frozenset[str]) -> _Gone:
    gone = _Gone()
    for table in ("calls", "rejects"):
        heard = table == "calls"
        columns = ["call_id", "audit_date", "audio_sha256" if heard else "source_file"]
        rows = parquet.read(out, table, columns=columns).to_pylist()
        for row in rows:
            old = before is not None and row["audit_date"] < before.isoformat()
            chosen = old or row["call_id"] in call_ids
            if chosen and row["call_id"]:
                gone.calls.add(row["call_id"])
            if heard and row["audio_sha256"]:
                (gone.hashes if chosen else gone.kept).add(row["audio_sha256"])
            elif chosen:
                gone.files.add(row["source_file"])
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
    for path in out.glob("checkpoints/*/*.json.gz"):
        name = path.name.removesuffix(".json.gz")
        digest = _heard_of(path)
        if digest in gone.hashes or (name in gone.checkpoints and digest not in gone.kept):
            if digest is not None:
                gone.hashes.add(digest)
            gone.checkpoints.add(name)
            path.unlink()
    for name in gone.checkpoints:
        attempts.clear(out, name)
    for digest in gone.hashes:
        for path in out.glob(f"peaks/{digest[:2]}/{digest}.*"):
            path.unlink()


def _heard_of(path: Path) -> str | None:
    """Hash of the recording that a transcript is of; None for one that is damaged."""
    try:
        origin = json.loads(gzip.decompress(path.read_bytes()))["origin"]
        return str(origin["audio_sha256"])
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


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
    if calls is None or not len(calls):
        _remove(path, folder)
    elif old is not None and old["calls"].to_pylist() != [len(calls)]:
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
