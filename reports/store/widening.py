"""Which columns a table has: the same ones in each of its files.

Readers that know nothing of callaudit (pandas, Arrow, DuckDB) take a table for what the file says
whose path comes first, and DuckDB refuses files that lack a column of that one. Where a night
brings a column that was never there, such as ``meta_queue``, the files of earlier nights therefore
get it too, empty: the first one last, so that every reader can read at any moment. DuckDB ignores
letter case, too: columns of the manifest that differ in it only are one column, in the spelling
that came first. What all files have is noted in ``OUT/parquet/columns.json``, so only a new column
makes anybody look at them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reports.store.atomic import write_whole
from reports.store.columns import Table
from reports.store.layout import Layout

Exchange = Callable[[Path, pa.Table], None]
"""Puts rows in the place of a file, all or nothing."""


def completed(layout: Layout, table: Table, rows: pa.Table, *, exchange: Exchange) -> pa.Table:
    """Rows with every column of their table; files that lack one of theirs get it.

    The caller holds the lock of the tables.

    Args:
        layout: of the audit.
        table: the rows' table.
        rows: what is to be written there.
        exchange: writes the files.
    """
    noted = _load(layout)
    known = set(noted.get(table.name, ()))
    if table.name not in noted:
        known = set().union(*(_known(table, _stored(file)) for file in _files(layout, table)))
    rows = _spelt_alike(rows, known)
    own = _known(table, rows.schema.names)
    if table.name not in noted or not own <= known:
        files = _files(layout, table)
        known |= own
        _complete(table, files, known, exchange)
        text = json.dumps(noted | {table.name: _order(table, known)}, ensure_ascii=False, indent=1)
        write_whole(layout.columns_note, text.encode("utf-8"))
    return _with(table, rows, known)


def forget(layout: Layout) -> None:
    """Have columns looked for in the files again, at the next writing."""
    layout.columns_note.unlink(missing_ok=True)


def spelling(layout: Layout, table: Table, name: str) -> str:
    """A column's name in the letter case in which files have it; as it is where none do."""
    noted = _load(layout).get(table.name, ())
    return next((known for known in noted if known.lower() == name.lower()), name)


def _files(layout: Layout, table: Table) -> list[str]:
    return sorted(map(str, layout.partitions(table.name)))


def _spelt_alike(rows: pa.Table, known: Collection[str]) -> pa.Table:
    """Rows with one ``meta_*`` column for each name, in whatever letter case it came.

    It is spelt as among ``known``, else as it comes first; the first value that is there counts.
    """
    spelt = {name.lower(): name for name in sorted(known, reverse=True)}
    columns: dict[str, list[pa.ChunkedArray]] = {}
    for name in rows.schema.names:
        own = name.startswith("meta_") and name not in known
        chosen = spelt.setdefault(name.lower(), name) if own else name
        columns.setdefault(chosen, []).append(rows[name])
    if list(columns) == rows.schema.names:
        return rows
    fields = [
        rows.schema.field(name) if name in rows.schema.names else pa.field(name, pa.string())
        for name in columns
    ]
    arrays = [pc.coalesce(*found) for found in columns.values()]
    return pa.table(arrays, schema=pa.schema(fields, metadata=rows.schema.metadata))


def _complete(table: Table, files: list[str], columns: set[str], exchange: Exchange) -> None:
    def complete(file: str) -> None:
        with contextlib.suppress(pa.ArrowInvalid), pq.ParquetFile(file) as stored:
            if not columns <= set(stored.schema_arrow.names):
                rows = stored.read(use_threads=False)
                exchange(Path(file), _with(table, rows, columns))

    with ThreadPoolExecutor(max_workers=4) as pool:
        for _ in pool.map(complete, files[:0:-1]):
            pass
    for first in files[:1]:
        complete(first)


def _stored(file: str) -> list[str]:
    """The columns of a file; none where it is damaged, which whoever reads it will say."""
    with contextlib.suppress(pa.ArrowInvalid):
        return list(pq.read_schema(file).names)
    return []


def _known(table: Table, names: Collection[str]) -> set[str]:
    """Those that this version can write: a newer one may have more."""
    own = set(table.arrow_schema().names)
    return {name for name in names if name in own or name.startswith("meta_")}


def _order(table: Table, names: Collection[str]) -> list[str]:
    own = table.arrow_schema().names
    return [*(name for name in own if name in names), *sorted(set(names) - set(own))]


def _with(table: Table, rows: pa.Table, columns: set[str]) -> pa.Table:
    order = _order(table, columns | set(rows.schema.names))
    if order == rows.schema.names:
        return rows
    types = {field.name: field.type for field in table.arrow_schema()}
    empty = {
        name: pa.field(name, types.get(name, pa.string()))
        for name in columns - set(rows.schema.names)
    }
    fields = [empty.get(name) or rows.schema.field(name) for name in order]
    arrays = [
        pa.nulls(len(rows), field.type) if field.name in empty else rows[field.name]
        for field in fields
    ]
    return pa.table(arrays, schema=pa.schema(fields, metadata=rows.schema.metadata))


def _load(layout: Layout) -> dict[str, list[str]]:
    try:
        noted: dict[str, list[str]] = json.loads(layout.columns_note.read_bytes())
    except (FileNotFoundError, ValueError):  # a damaged note is written again
        return {}
    return noted
