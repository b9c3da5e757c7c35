"""How long full transcripts are kept: deleting them while tables and pages stay."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from reports.store.private import PREFIX
from reports.store.store import Store


def forget_words(store: Store, *, before: date) -> int:
    """Erase full transcripts of calls before a date, and those that no call has any more.

    Tables and pages keep what they show, with placeholders for PII. What was transcribed since
    and is not published yet stays.
    """
    columns = ["audit_date", "transcript_id"]
    rows = store.calls.rows(columns=columns)
    old = {row["transcript_id"] for row in rows if row["audit_date"] < before.isoformat()}
    kept = {row["transcript_id"] for row in rows} - old
    gone = [
        name
        for name in store.private.names()
        if name not in kept and (name in old or _is_older(store, name, before))
    ]
    for name in gone:
        store.private.remove(name)
    return len(gone)


def _is_older(store: Store, name: str, day: date) -> bool:
    written = store.private.written_on(name)
    return written is not None and written < day


def forget_recordings(store: Store, beginnings: Collection[str]) -> None:
    """Erase all full transcripts of recordings, by how the names of theirs begin."""
    for name in list(store.private.names()):
        if name[:PREFIX] in beginnings:
            store.private.remove(name)
