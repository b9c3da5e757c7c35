"""Merged months: old partitions copied into few large files, and the nights they hold.

The copies are under ``OUT/compact`` and are read by callaudit's own readers only; the partitions
under ``OUT/parquet`` stay as they are. ``OUT/compact/index.json`` says which nights of which
table a file holds. It is exchanged whole, so a reader has one view or the next. Files never
change; one that the index no longer names is removed a generation later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from filelock import BaseFileLock, FileLock

from audit.errors import CallauditError
from reports.store.atomic import write_whole
from reports.store.layout import Layout


@dataclass(frozen=True, slots=True)
class Merged:
    """One file, relative to ``OUT/compact``, and the nights (ISO dates) it holds."""

    table: str
    file: str
    nights: tuple[str, ...]


def lock(layout: Layout) -> BaseFileLock:
    """Held by whoever writes tables under OUT; the same thread may take it again."""
    layout.parquet.mkdir(parents=True, exist_ok=True)
    return FileLock(layout.writers_lock, is_singleton=True)


def load(layout: Layout) -> tuple[Merged, ...]:
    """What is merged by now.

    Raises:
        CallauditError: the index is damaged.
    """
    path = layout.months_index
    try:
        entries = json.loads(path.read_text("utf-8"))
        return tuple(Merged(e["table"], e["file"], tuple(e["nights"])) for e in entries)
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise CallauditError(
            f"{path} is damaged ({error}); remove the folder {path.parent}: it holds copies only"
        ) from error


def save(layout: Layout, entries: Iterable[Merged]) -> None:
    """Exchange the index; the caller holds the lock."""
    listed = sorted((asdict(e) for e in entries if e.nights), key=lambda e: str(e["file"]))
    write_whole(layout.months_index, json.dumps(listed, indent=1).encode("utf-8"), durable=True)


def forget(layout: Layout, places: Iterable[tuple[str, str]]) -> None:
    """Let (table, night) be read from its partitions again; the caller holds the lock."""
    entries, gone = load(layout), set(places)
    if any((e.table, night) in gone for e in entries for night in e.nights):
        save(layout, _without(entries, gone))


def put(layout: Layout, new: Merged) -> None:
    """Let nights be read from a new file; the caller holds the lock."""
    kept = _without(load(layout), {(new.table, night) for night in new.nights})
    save(layout, [*kept, new])


def _without(entries: Sequence[Merged], places: set[tuple[str, str]]) -> list[Merged]:
    return [
        replace(e, nights=tuple(n for n in e.nights if (e.table, n) not in places)) for e in entries
    ]


def prune(layout: Layout, *, former: Sequence[Merged]) -> None:
    """Remove files that neither the index nor the ``former`` one names; readers may hold those."""
    named = {e.file for e in (*former, *load(layout))}
    for path in layout.months.glob("*/*.parquet"):
        if path.relative_to(layout.months).as_posix() not in named:
            path.unlink(missing_ok=True)
