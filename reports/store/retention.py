"""How long full transcripts are kept: forgetting them while tables and pages stay."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from reports.store import parquet, private_store
from reports.store.schema import CALLS


def forget_words(out: Path, *, before: date) -> int:
    """Erase full transcripts of calls before a date, and those that no call has any more.

    Tables and pages keep what they show, with marks for customers' data. What was heard since
    and is not published yet stays.
    """
    columns = ["audit_date", "transcript_id"]
    rows = parquet.read(out, CALLS.name, columns=columns).to_pylist()
    old = {row["transcript_id"] for row in rows if row["audit_date"] < before.isoformat()}
    kept = {row["transcript_id"] for row in rows} - old
    gone = [
        name
        for name in private_store.names(out)
        if name not in kept and (name in old or _is_older(out, name, before))
    ]
    for name in gone:
        private_store.remove(out, name)
    return len(gone)


def _is_older(out: Path, name: str, day: date) -> bool:
    written = private_store.written_on(out, name)
    return written is not None and written < day


def forget_recordings(out: Path, beginnings: Collection[str]) -> None:
    """Erase all full transcripts of recordings, by how the names of theirs begin."""
    for name in list(private_store.names(out)):
        if name[: private_store.PREFIX] in beginnings:
            private_store.remove(out, name)
