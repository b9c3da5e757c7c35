"""The output folder as one object, from which everything in it is reached.

What tables need is imported where they are asked for: the process that transcribes has a store too,
and a hard limit of memory, of which Arrow's allocator alone would reserve more than a gigabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import NoAudit, UsageError
from reports.store.attempts import Attempts
from reports.store.customers import CustomerKey
from reports.store.layout import Layout
from reports.store.private import PrivateStore
from reports.store.transcript_cache import TranscriptCache
from reports.store.waveforms import Waveforms

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from filelock import BaseFileLock

    from reports.store.penalties import KeptPenalties
    from reports.store.query import Database, StoredTable
    from reports.store.staging import Batch


@dataclass(frozen=True)
class Store:
    """Everything under the output folder ``root``; ``reports.open`` makes one for notebooks.

    Nothing is read before it is asked for. For SQL a store sees each table as it was when a query
    first named it; open it again to see what later runs wrote.
    """

    root: Path

    @classmethod
    def open(cls, root: str | PathLike[str]) -> Store:
        """The store of an audit that is there.

        Raises:
            UsageError: there are no tables under the folder.
        """
        store = cls(Path(root))
        if not store.layout.parquet.is_dir():
            raise NoAudit.at(store.root)
        return store

    @cached_property
    def layout(self) -> Layout:
        """Where everything is."""
        return Layout(self.root)

    # tables

    def __getitem__(self, name: str) -> StoredTable:
        """A table by its name."""
        from reports.store import schema
        from reports.store.query import StoredTable

        if name not in schema.TABLES:
            raise UsageError(f"there is no table {name!r}; there are {', '.join(schema.TABLES)}")
        return StoredTable(self.layout, schema.TABLES[name])

    @property
    def calls(self) -> StoredTable:
        """One row a call."""
        return self["calls"]

    @property
    def turns(self) -> StoredTable:
        """One row a turn."""
        return self["turns"]

    @property
    def findings(self) -> StoredTable:
        """One row a verdict of a check."""
        return self["findings"]

    @property
    def agents(self) -> StoredTable:
        """One row an agent and night."""
        return self["agents"]

    @property
    def rejects(self) -> StoredTable:
        """One row a recording that was not audited."""
        return self["rejects"]

    @property
    def reviews(self) -> StoredTable:
        """One row a decision of a person."""
        return self["reviews"]

    @cached_property
    def _database(self) -> Database:
        from reports.store.query import Database

        return Database(self.layout)

    def sql(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Ask in SQL, see :meth:`reports.store.query.Database.sql`.

        Raises:
            UsageError: DuckDB is not installed.
        """
        return self._database.sql(query, parameters)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The store's own DuckDB connection, in memory.

        Raises:
            UsageError: DuckDB is not installed.
        """
        return self._database.connection()

    # writing tables

    def lock(self) -> BaseFileLock:
        """Held by whoever writes tables; the same thread may take it again."""
        from reports.store import months

        return months.lock(self.layout)

    def write(self, partition: Path, rows: pa.Table) -> None:
        """Write one partition file, all or nothing, see :func:`reports.store.parquet.write`."""
        from reports.store import parquet

        parquet.write(self.layout, partition, rows)

    def transaction(self) -> AbstractContextManager[Batch]:
        """Partitions that are exchanged together; what is not committed is dropped."""
        from reports.store import staging

        return staging.staged(self.layout)

    def recover(self) -> None:
        """Finish transactions whose process died while they took effect."""
        from reports.store import staging

        staging.recover(self.layout)

    # beside the tables

    @cached_property
    def private(self) -> PrivateStore:
        """What was said in full, for the owner only."""
        return PrivateStore(self.layout)

    def customer_key(self) -> CustomerKey:
        """What customers are hashed with.

        Raises:
            UsageError: it is not the one that the tables were made with.
        """
        return CustomerKey.of(self.layout)

    @cached_property
    def transcripts(self) -> TranscriptCache:
        """Transcripts, so that no recording is transcribed twice; they are in ``private``."""
        return TranscriptCache(self.private)

    @cached_property
    def attempts(self) -> Attempts:
        """How often each recording was begun and not finished."""
        return Attempts(self.layout)

    @cached_property
    def waveforms(self) -> Waveforms:
        """Waveforms of the recordings."""
        return Waveforms(self.layout)

    @cached_property
    def penalties(self) -> KeptPenalties:
        """Penalties of the rulebooks that judged calls."""
        from reports.store.penalties import KeptPenalties

        return KeptPenalties(self.layout)
