"""Single point of access to the Parquet tables: writes them whole, reads them back.

Every partition is one file, written beside its place and renamed into it, so that a reader
sees the old rows or the new ones and never half of either. Rows of a partition that the run
did not touch are kept. All files of a table have the same columns (``reports.store.widening``).
Writers
hold the lock of ``reports.store.months``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import CallauditError
from reports.store import months, widening
from reports.store.atomic import replacing
from reports.store.columns import SCHEMA_VERSION, Row, Table
from reports.store.layout import PARTITION_FILE, Layout, partition_value
from reports.store.schema import TABLES

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_MANY_ROWS = 1_000


def read(
    layout: Layout,
    table: str,
    *,
    columns: Sequence[str] | None = None,
    nights: tuple[str | None, str | None] = (None, None),
    agents: Collection[str] | None = None,
    without: Collection[str] = (),
) -> pa.Table:
    """Read a table, or some of it; partition columns come back as text.

    Files of every version of the schema's major are read: what they do not have yet is empty.
    Nights that are merged (``reports.store.compaction``) are read from there.

    Args:
        layout: of the audit.
        table: its name.
        columns: which ones, in this order; all of them where absent.
        nights: first and last ISO date, both included; None for no limit.
        agents: ids; all where absent.
        without: nights to leave out.

    Raises:
        CallauditError: a file was written by a newer major version, or is not a Parquet file.
    """
    definition = TABLES[table]
    wanted = None if agents is None else frozenset(agents)
    chosen = _Chosen(definition, columns, nights, wanted, frozenset(without))
    covered, parts = _merged_parts(layout, chosen)
    loose = list(_partition_files(layout, chosen, covered))
    with ThreadPoolExecutor(max_workers=2) as pool:
        parts += pool.map(lambda path: _read_loose(path, chosen), loose, chunksize=64)
    whole = pa.concat_tables([_empty(chosen), *parts], promote_options="permissive")
    return whole if columns is None else whole.select(list(columns))


def stream(
    layout: Layout, table: str, night: str, *, columns: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The rows of a night, few at a time: memory does not grow with their number.

    Args:
        layout: of the audit.
        table: its name.
        night: ISO date.
        columns: which ones; a row has those of them that its file has.

    Yields:
        Rows by agent where the table is partitioned by agent, as they were written.

    Raises:
        CallauditError: a file was written by a newer major version, is not a Parquet file, or
            has gone.
    """
    chosen = _Chosen(TABLES[table], columns, (night, night), None, frozenset())
    entries = [e for e in months.load(layout) if e.table == table and night in e.nights]
    for entry in entries:
        try:
            dataset, condition = _merged(layout.months / entry.file, [night], chosen)
        except FileNotFoundError as error:
            raise _gone(layout, error) from error
        for batch in dataset.to_batches(
            columns=chosen.names(dataset.schema.names),
            filter=condition,
            batch_size=_MANY_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
        ):
            yield from batch.to_pylist()
    for path in () if entries else _partition_files(layout, chosen, set()):
        yield from iterate(_read_loose(path, chosen))


def extra(layout: Layout, table: str) -> list[str]:
    """The columns ``meta_*`` of a table: those of any file, for all have the same."""
    path = next(layout.partitions(table), None)
    names = [] if path is None else pq.read_schema(path).names
    return [name for name in names if name.startswith("meta_")]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is asked for of one table."""

    table: Table
    columns: Sequence[str] | None
    nights: tuple[str | None, str | None]
    agents: frozenset[str] | None
    without: frozenset[str]

    def has_night(self, night: str) -> bool:
        first, last = self.nights
        within = (first is None or first <= night) and (last is None or night <= last)
        return within and night not in self.without

    def names(self, stored: Sequence[str]) -> list[str]:
        """Those of a file's columns that are wanted."""
        return [name for name in stored if self.columns is None or name in self.columns]


def _empty(chosen: _Chosen) -> pa.Table:
    """No rows, but every column; nullable, for older files do not have all of them."""
    fields = [pa.field(f.name, f.type) for f in chosen.table.arrow_schema()]
    fields += [pa.field(name, pa.string()) for name in chosen.table.partitions]
    known = {field.name for field in fields}
    wanted = known if chosen.columns is None else set(chosen.columns)
    fields += [pa.field(n, pa.string()) for n in sorted(wanted - known) if n.startswith("meta_")]
    version = {"callaudit.schema_version": SCHEMA_VERSION}
    schema = pa.schema([f for f in fields if f.name in wanted], metadata=version)
    return pa.Table.from_batches([], schema)  # `empty_table` would import pandas


def _merged_parts(layout: Layout, chosen: _Chosen) -> tuple[set[str], list[pa.Table]]:
    """Nights that are merged, and what is asked for of them."""
    while True:
        index = months.load(layout)
        entries = [entry for entry in index if entry.table == chosen.table.name]
        try:
            parts = [_read_merged(layout.months / e.file, e.nights, chosen) for e in entries]
        except FileNotFoundError as error:
            if months.load(layout) == index:
                raise _gone(layout, error) from error
            continue  # merged again since the index was read
        return {night for entry in entries for night in entry.nights}, parts


def _gone(layout: Layout, error: FileNotFoundError) -> CallauditError:
    return CallauditError(
        f"{error.filename or error} has gone; remove {layout.months}: it holds copies only"
    )


def _partition_files(layout: Layout, chosen: _Chosen, covered: set[str]) -> Iterator[Path]:
    for night in layout.nights(chosen.table.name):
        if night in covered or not chosen.has_night(night):
            continue
        place = layout.night(chosen.table.name, night)
        if "agent_id" not in chosen.table.partitions:
            yield from (path for path in (place / PARTITION_FILE,) if path.is_file())
            continue
        wanted = chosen.agents and {f"agent_id={partition_value(a)}" for a in chosen.agents}
        for name in sorted(os.listdir(place)):
            path = place / name / PARTITION_FILE
            if (wanted is None or name in wanted) and path.is_file():
                yield path


def _repeated(text: str, count: int) -> pa.Array:
    """A text again and again, without a Python value for Arrow to convert: it imports pandas."""
    encoded = text.encode("utf-8")
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(len(encoded))
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(encoded * count))


def _read_loose(path: Path, chosen: _Chosen) -> pa.Table:
    rows = _read_file(path, chosen)
    values = dict(part.split("=", 1) for part in path.parts if "=" in part)
    for name in chosen.names(chosen.table.partitions):
        repeated = _repeated(unquote(values[name]), len(rows))
        rows = rows.append_column(name, repeated)
    return rows


def _read_merged(path: Path, covered: tuple[str, ...], chosen: _Chosen) -> pa.Table:
    wanted = [night for night in covered if chosen.has_night(night)]
    if not wanted:
        return _empty(chosen)
    dataset, condition = _merged(path, wanted, chosen)
    return dataset.to_table(columns=chosen.names(dataset.schema.names), filter=condition)


def _merged(path: Path, nights: Sequence[str], chosen: _Chosen) -> tuple[ds.Dataset, pc.Expression]:
    """A merged month, and the condition for what is asked for of some of its nights."""
    import pyarrow.dataset as ds  # and pandas with it, which most runs do without

    condition = pc.field("audit_date").isin(nights)
    if chosen.agents is not None and "agent_id" in chosen.table.partitions:
        condition &= pc.field("agent_id").isin(sorted(chosen.agents))
    check_version(path)
    return ds.dataset(path, format="parquet"), condition


def _read_file(path: Path, chosen: _Chosen) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            _check_version(file.metadata.metadata, path)
            names = None if chosen.columns is None else chosen.names(file.schema_arrow.names)
            if names == []:  # only partition columns are wanted
                return pa.table({"": pa.nulls(file.metadata.num_rows)}).select([])
            return file.read(columns=names, use_threads=False)
    except pa.ArrowInvalid as error:
        raise CallauditError(
            f"{path} is not a valid Parquet file ({error}); run the batch of its night again"
        ) from error


def check_version(path: Path) -> None:
    """Refuse a file of a newer major version.

    Raises:
        CallauditError: it is one.
    """
    _check_version(pq.read_metadata(path).metadata, path)


def _check_version(metadata: Mapping[bytes, bytes] | None, path: Path) -> None:
    version = (metadata or {}).get(b"callaudit.schema_version", b"1").decode()
    if int(version.partition(".")[0]) > int(SCHEMA_VERSION.partition(".")[0]):
        raise CallauditError(
            f"{path} was written by schema {version}, this callaudit reads {SCHEMA_VERSION}; "
            "install a newer callaudit"
        )


def read_partition(path: Path) -> pa.Table | None:
    """The rows of one partition file, or None if there is none."""
    return pq.read_table(path, partitioning=None) if path.is_file() else None


def iterate(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table as mappings, few at a time."""
    for batch in table.to_batches(max_chunksize=_MANY_ROWS):
        yield from batch.to_pylist()


def to_table(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of the table's schema.

    Raises:
        ValueError: a value has the wrong type, is missing, or is not an allowed value.
    """
    listed = list(rows)
    extra = tuple(sorted({key for row in listed for key in row if key.startswith("meta_")}))
    schema = table.arrow_schema(extra=extra)
    unknown = {key for row in listed for key in row} - set(schema.names)
    if unknown:
        raise ValueError(f"table {table.name} has no columns {sorted(unknown)}")
    arrays = [pa.array([row.get(f.name) for row in listed], type=f.type) for f in schema]
    built = pa.Table.from_arrays(arrays, schema=schema)
    check(table, built)
    return built


def check(table: Table, rows: pa.Table) -> None:
    """Enforce nullability and enumerated values.

    Raises:
        ValueError: names the first column that breaks its definition.
    """
    for column in table.columns:
        values = rows.column(column.name)
        if not column.nullable and values.null_count:
            raise ValueError(f"{table.name}.{column.name} may not be empty")
        if column.values:
            strange = set(pc.unique(values).to_pylist()) - set(column.values) - {None}
            if strange:
                raise ValueError(f"{table.name}.{column.name} has unknown values {strange}")


def merge(old: pa.Table | None, new: pa.Table, *, by: str, replaced: Iterable[str]) -> pa.Table:
    """Old rows whose ``by`` is not among ``replaced``, then the new rows."""
    if old is None:
        return new
    kept = old.filter(pc.invert(pc.is_in(old.column(by), pa.array(list(replaced), pa.string()))))
    return pa.concat_tables([kept, new], promote_options="default")


def write(layout: Layout, path: Path, rows: pa.Table) -> None:
    """Write one partition file, all or nothing.

    One that says the same already is left alone, and its rows keep the ``run_id`` of the run
    that first said so.
    """
    with months.lock(layout):
        rows = completed(layout, path, rows)
        old = read_partition(path)
        if old is not None and same(old, rows):
            return
        months.forget(layout, [layout.table_and_night(path)])
        _exchange(path, rows)


def completed(layout: Layout, path: Path, rows: pa.Table) -> pa.Table:
    """Rows of a partition with every column that its table has by now."""
    table, _ = layout.table_and_night(path)
    with months.lock(layout):
        return widening.completed(layout, TABLES[table], rows, exchange=_exchange)


def provide(layout: Layout, table: Table, extra: Iterable[str]) -> None:
    """Give all files of a table columns that are going to come, at once rather than one by one."""
    coming = table.arrow_schema(extra=tuple(dict.fromkeys(extra))).empty_table()
    with months.lock(layout):
        widening.completed(layout, table, coming, exchange=_exchange)


def _exchange(path: Path, rows: pa.Table) -> None:
    with replacing(path) as temporary:
        write_file(rows, temporary)


def write_file(rows: pa.Table, path: Path, *, durable: bool = True) -> None:
    """Write rows to a file as small partitions are best kept.

    Dictionaries, statistics and Arrow's own copy of the schema make a file of a few rows more
    than twice as large, and nothing reads faster for them (docs/tables.md).
    """
    many = rows.num_rows >= _MANY_ROWS
    pq.write_table(
        rows,
        path,
        compression="zstd",
        use_dictionary=many,
        write_statistics=many,
        store_schema=many,
    )
    path.chmod(0o640)
    if durable:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def same(old: pa.Table, new: pa.Table) -> bool:
    """Whether tables are equal but for the run that wrote the rows."""
    if sorted(old.schema.names) != sorted(new.schema.names):
        return False
    compared = [name for name in new.schema.names if name != "run_id"]
    return bool(old.select(compared).equals(new.select(compared)))
