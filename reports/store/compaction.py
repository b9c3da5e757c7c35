"""Merges the partitions of old nights into one file a month and table."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from reports.store import months
from reports.store.atomic import replacing
from reports.store.months import Merged
from reports.store.schema import TABLES
from reports.store.store import Store

ROW_GROUP_ROWS = 65_536
"""Rows of a row group; docs/tables.md has the measurement."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of one month of one table."""

    table: str
    month: str
    nights: int
    rows: int
    bytes: int


def compact(store: Store, *, keep_nights: int = 7) -> Iterator[Compacted]:
    """Merge every stored night but the newest ``keep_nights``, a month at a time.

    Partitions stay where they are; readers of callaudit take the merged copy of a night until
    one of its partitions is written again. A month of which all old nights are merged already is
    left alone. Publishing waits while one month of one table is merged.

    Yields:
        Each month of each table that was merged.

    Raises:
        CallauditError: a file was written by a newer schema.
    """
    former = months.load(store.layout)
    for table in TABLES:
        stored = store[table].nights()
        by_month: dict[str, set[str]] = defaultdict(set)
        for night in stored[: len(stored) - keep_nights] if keep_nights else stored:
            by_month[night[:7]].add(night)
        for month, wanted in sorted(by_month.items()):
            with store.lock():
                done = {n for e in months.load(store.layout) if e.table == table for n in e.nights}
                if wanted <= done:
                    continue
                yield _merge(store, table, month, tuple(sorted(wanted | _of(done, month))))
    months.prune(store.layout, former=former)


def _of(nights: set[str], month: str) -> set[str]:
    return {night for night in nights if night.startswith(month)}


def _merge(store: Store, table: str, month: str, nights: tuple[str, ...]) -> Compacted:
    definition = TABLES[table]
    order = [*definition.partitions, *(k for k in definition.key if k not in definition.partitions)]
    parts = [store[table].arrow(nights=(night, night)) for night in nights]
    parts = [part.sort_by([(name, "ascending") for name in order]) for part in parts]
    rows = pa.concat_tables(parts, promote_options="default")
    name = f"{table}/{month}-{secrets.token_hex(4)}.parquet"
    path = store.layout.months / name
    with replacing(path, durable=True) as temporary:
        pq.write_table(rows, temporary, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    months.put(store.layout, Merged(table, name, nights))
    return Compacted(table, month, len(nights), rows.num_rows, path.stat().st_size)
