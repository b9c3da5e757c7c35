"""The one door to the Parquet tables: writes them whole, reads them back.

Every partition is one file, written beside its place and renamed into it, so that a reader
sees the old rows or the new ones and never half of either. Rows of a partition that the run
did not touch are kept.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from reports.paths import partition_value
from reports.schema import TABLES, Table

_FILE = "part-0.parquet"

Row = Mapping[str, Any]


def table_dir(out: Path, table: str) -> Path:
    """Folder of a table."""
    return out / "parquet" / table


def partition_file(out: Path, table: Table, audit_date: date, agent: str | None) -> Path:
    """The file that holds one partition."""
    folder = table_dir(out, table.name) / f"audit_date={audit_date.isoformat()}"
    if "agent_id" in table.partitions:
        folder /= f"agent_id={partition_value(agent or '')}"
    return folder / _FILE


def read(out: Path, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a whole table; partition columns come back as text.

    Returns:
        An Arrow table, empty but with all columns if nothing has been written yet.
    """
    folder = table_dir(out, table)
    definition = TABLES[table]
    partitioning = pa.schema([pa.field(name, pa.string()) for name in definition.partitions])
    if not any(folder.glob(f"**/{_FILE}")):
        empty = pa.schema([*definition.arrow_schema(), *partitioning]).empty_table()
        return empty if columns is None else empty.select(list(columns))
    files = sorted(str(path) for path in folder.glob(f"**/{_FILE}"))
    schemas = [pq.read_schema(file) for file in files]
    unified = pa.unify_schemas([*schemas, partitioning])
    dataset = ds.dataset(
        files,
        schema=unified,
        partitioning=ds.partitioning(partitioning, flavor="hive"),
        partition_base_dir=str(folder),
        format="parquet",
    )
    return dataset.to_table(columns=None if columns is None else list(columns))


def read_partition(path: Path) -> pa.Table | None:
    """The rows of one partition file, or None if there is none."""
    return pq.read_table(path, partitioning=None) if path.is_file() else None


def to_table(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of the table's schema.

    Raises:
        ValueError: a value has the wrong type, is missing, or is none of the column's values.
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


def write(path: Path, rows: pa.Table) -> None:
    """Write one partition file, all or nothing.

    One that says the same already is left alone, and its rows keep the ``run_id`` of the run
    that first said so.
    """
    old = read_partition(path)
    if old is not None and _same(old, rows):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    try:
        pq.write_table(rows, temporary, compression="zstd")
        os.chmod(temporary, 0o640)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _same(old: pa.Table, new: pa.Table) -> bool:
    """Equal but for the run that wrote the rows."""
    if old.schema.names != new.schema.names:
        return False
    compared = [name for name in new.schema.names if name != "run_id"]
    return bool(old.select(compared).equals(new.select(compared)))
