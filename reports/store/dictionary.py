"""The data dictionary ``docs/schema.md``, written from ``reports.store.schema``.

``python -m reports.store.dictionary > docs/schema.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pyarrow as pa

from reports.store.columns import CHANGES, SCHEMA_VERSION, Table, TableColumn
from reports.store.schema import TABLES

_HEAD = f"""\
# The tables

Written by `python -m reports.store.dictionary` from `reports/store/schema.py`, the one
place that defines them; a test compares the two. Schema version {SCHEMA_VERSION}.

A table lies under `OUT/parquet/TABLE`, a file for each partition. Partition columns are in the
paths, not in the files: `audit_date` is the call's local date, `agent_id` the agent's id with
characters that are no letters or digits escaped as in URLs. `agent` is the same id as text,
whatever a reader makes of the folder's name. Columns `meta_*` of `calls` are the manifest's own,
as text. A cell is empty only where `empty` says so; times are seconds from the start of the
recording. How the files behave when they are many: [tables.md](tables.md).
"""

_NAMES = {
    pa.string(): "text",
    pa.float64(): "float64",
    pa.int32(): "int32",
    pa.bool_(): "bool",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", tz="UTC"): "timestamp, UTC",
}


def page() -> str:
    """The page ``docs/schema.md``."""
    return "\n".join(
        [_HEAD, *(line for table in TABLES.values() for line in _table(table)), *_log()]
    )


def _table(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n"
    yield f"{table.meaning[0].upper()}{table.meaning[1:]}."
    yield f"Key: {_listed(table.key)}. Partitions: {_listed(table.partitions)}.\n"
    yield "| column | type | unit | empty | values | meaning |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for column in table.columns:
        yield _row(column)
    yield ""


def _row(column: TableColumn) -> str:
    cells = (
        f"`{column.name}`",
        _type(column.type),
        column.unit,
        "yes" if column.nullable else "",
        _listed(column.values),
        column.meaning,
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"list of {_type(type_.value_type)}"
    if pa.types.is_struct(type_):
        return "(" + ", ".join(f"{field.name} {_type(field.type)}" for field in type_) + ")"
    return _NAMES[type_]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_LOG = """\
## Changes

A new column or table raises the minor version; a column that is renamed, dropped or means
something else raises the major one. Readers take every version of their own major: what a
file does not have yet is empty. A newer major is refused.

| version | added |
| --- | --- |"""


def _log() -> Iterator[str]:
    yield _LOG
    for version, added in CHANGES:
        yield f"| {version} | {added} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
