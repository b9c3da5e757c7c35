"""Many partitions replaced together: staged first, then renamed into place, all or none.

A batch is under ``OUT/parquet/.staged-ID``. Once it is complete it gets its file ``commit``, and
from then on it will take effect: if the process dies while it renames, the next writer finishes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from audit.errors import CallauditError
from reports.store import months, parquet
from reports.store.layout import Layout

_COMMIT = "commit"
_ABANDONED_S = 7 * 86_400

Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class Batch:
    """Staged partitions; only those that change."""

    layout: Layout
    folder: Path
    _stamps: dict[Path, Stamp] = field(default_factory=dict)
    _rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def put(self, path: Path, rows: pa.Table) -> None:
        """Stage one partition, unless its content is the same already."""
        rows = parquet.completed(self.layout, path, rows)
        stamp = _stamp(path)
        old = parquet.read_partition(path)
        if old is not None and parquet.same(old, rows):
            return
        relative = path.relative_to(self.layout.parquet)
        (self.folder / relative).parent.mkdir(parents=True, exist_ok=True)
        parquet.write_file(rows, self.folder / relative)
        self._stamps[path] = stamp
        for name in {"call_id", "agent"} & set(rows.schema.names):
            known = self._rows.setdefault((relative.parts[0], name), set())
            known.update(rows[name].to_pylist())

    def rows_of(self, table: str, column: str) -> set[str]:
        """Ids (``call_id`` or ``agent``) in the partitions of a table that change."""
        return self._rows.get((table, column), set())

    def commit(self) -> None:
        """Exchange the partitions.

        Raises:
            CallauditError: somebody wrote one of them since it was read; nothing was changed.
        """
        with months.lock(self.layout):
            for path, stamp in self._stamps.items():
                if _stamp(path) != stamp:
                    raise CallauditError(
                        f"{path} was written by another run meanwhile, nothing was changed; "
                        "run the command again"
                    )
            marker = self.folder / _COMMIT
            marker.touch()
            _sync(self.folder)
            _finish(self.layout, self.folder)


@contextmanager
def staged(layout: Layout) -> Iterator[Batch]:
    """A batch; whatever was not committed when the block ends is dropped."""
    recover(layout)
    folder = layout.staging(secrets.token_hex(4))
    folder.mkdir(parents=True)
    try:
        yield Batch(layout, folder)
    finally:
        if folder.exists() and not (folder / _COMMIT).exists():
            shutil.rmtree(folder, ignore_errors=True)


def recover(layout: Layout) -> None:
    """Finish batches whose process died while they took effect; drop those of days ago."""
    for folder in layout.staged():
        with months.lock(layout):
            if (folder / _COMMIT).exists():
                _finish(layout, folder)
            elif folder.exists() and time.time() - folder.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)


def drop_all(layout: Layout) -> None:
    """Drop all batches, whatever their state; the caller holds the lock."""
    for folder in layout.staged():
        shutil.rmtree(folder)


def _finish(layout: Layout, folder: Path) -> None:
    files = sorted(folder.glob("**/*.parquet"))
    inside = [path.relative_to(folder) for path in files]
    months.forget(layout, {(p.parts[0], p.parts[1].partition("=")[2]) for p in inside})
    for path, relative in zip(files, inside, strict=True):
        target = layout.parquet / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    shutil.rmtree(folder)


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
