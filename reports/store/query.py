"""An audit's tables for analysts: lazily, to pandas, Arrow or DuckDB."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from audit.errors import NoAudit, UsageError
from reports.store import months, parquet, schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

VIEWS = ("agent_month", "rule_trend", "service_level", "reviewed_precision")
"""Ready questions, ``reports/sql/NAME.sql``; ``Store.sql`` knows them beside the tables."""

_WILSON = """
CREATE MACRO wilson_{edge}(hits, n) AS CASE WHEN n > 0 THEN greatest(0, least(1,
    ((hits + 1.9207) {sign} 1.96 * sqrt(hits * (n - hits) / n + 0.9604)) / (n + 3.8416))) END
"""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One table; nothing is read before it is asked for.

    ``definition`` tells its key and the type, unit and meaning of each column.
    """

    out: Path
    definition: schema.Table

    def arrow(
        self,
        *,
        columns: Sequence[str] | None = None,
        nights: tuple[str | None, str | None] = (None, None),
        agents: Collection[str] | None = None,
    ) -> pa.Table:
        """Read the table, or some of it.

        Args:
            columns: which; all of them where absent.
            nights: first and last ISO date, both included; None for no limit.
            agents: ids; all where absent.

        Raises:
            UsageError: there is no such column.
            CallauditError: a file was written by a newer major version of the schema.
        """
        try:
            _check(nights, agents)
            return parquet.read(
                self.out, self.definition.name, columns=columns, nights=nights, agents=agents
            )
        except KeyError as error:
            raise UsageError(f"the table {self.definition.name} has no column {error}") from error

    def pandas(
        self,
        *,
        columns: Sequence[str] | None = None,
        nights: tuple[str | None, str | None] = (None, None),
        agents: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """The same as a DataFrame."""
        read = self.arrow(columns=columns, nights=nights, agents=agents)
        frame: pd.DataFrame = read.to_pandas()
        return frame


def _check(nights: Any, agents: Any) -> None:
    """Refuse what would quietly choose nothing: one id instead of several, days that are none."""
    if isinstance(agents, str) or not all(
        isinstance(agent, str) for agent in (() if agents is None else agents)
    ):
        raise UsageError('agents must be ids as text, such as ["2001", "007"]')
    try:
        first, last = nights
        for night in filter(None, (first, last)):
            if date.fromisoformat(night).isoformat() != night:
                raise ValueError(night)
    except (TypeError, ValueError) as error:
        raise UsageError(
            'nights must be the first and the last, such as ("2026-11-01", "2026-11-30"); '
            "either may be None"
        ) from error


@dataclass(frozen=True, slots=True)
class Store:
    """The tables under OUT; ``reports.open`` makes one.

    A store sees the tables as they are when it first reads each of them for SQL; open it again
    to see what later runs wrote.
    """

    out: Path
    _open: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, name: str) -> StoredTable:
        """A table by its name."""
        if name not in schema.TABLES:
            raise UsageError(f"there is no table {name!r}; there are {', '.join(schema.TABLES)}")
        return StoredTable(self.out, schema.TABLES[name])

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

    def sql(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Ask in SQL (DuckDB): the tables and ``VIEWS`` are known by their names.

        ``audit_date`` is a DATE, ``agent`` the agent's id as text. Months that are merged
        (``callaudit compact``) are read where they lie; other partitions are read into memory
        once, when a query first names their table.

        Returns:
            A relation: ``.df()``, ``.arrow()``, ``.fetchall()``, or the next query's source.

        Raises:
            UsageError: DuckDB is not installed.
        """
        connection = self.connection()
        self._provide(connection, query)
        return connection.sql(query, params=parameters)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The store's own DuckDB connection, in memory.

        Raises:
            UsageError: DuckDB is not installed.
        """
        if "connection" not in self._open:
            try:
                import duckdb
            except ModuleNotFoundError as error:
                raise UsageError("SQL needs DuckDB: pip install 'callaudit[analysis]'") from error
            made = self._open["connection"] = duckdb.connect()
            for edge, sign in (("low", "-"), ("high", "+")):
                made.execute(_WILSON.format(edge=edge, sign=sign))
        connection: duckdb.DuckDBPyConnection = self._open["connection"]
        return connection

    def _provide(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        """Make known what a query names and is not known yet."""
        words = set(re.findall(r"\w+", query.lower())) - self._open.keys()
        for view in words & set(VIEWS):
            self._open[view] = True  # first: a view may have a column of its own name
            self._provide(connection, view_sql(view))
            connection.execute(f"CREATE VIEW {view} AS {view_sql(view)}")
        for table in words & schema.TABLES.keys() - self._open.keys():
            _provide_table(connection, self.out, table)
            self._open[table] = True


def open_store(out: Path) -> Store:
    """The tables under a folder.

    Raises:
        UsageError: there are none.
    """
    if not (out / "parquet").is_dir():
        raise NoAudit.at(out)
    return Store(out)


@cache
def view_sql(name: str) -> str:
    """The query behind one of ``VIEWS``; its first lines say what it answers."""
    return files("reports").joinpath(f"store/sql/{name}.sql").read_text("utf-8")


def _provide_table(connection: duckdb.DuckDBPyConnection, out: Path, table: str) -> None:
    entries = [entry for entry in months.load(out) if entry.table == table and entry.nights]
    covered = {night for entry in entries for night in entry.nights}
    sources = []
    for number, entry in enumerate(entries):
        path = months.folder(out) / entry.file
        parquet.check_version(path)
        nights = ", ".join(f"'{night}'" for night in entry.nights)
        name = f"{table}_merged_{number}"
        quoted = str(path).replace("'", "''")
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{quoted}') "
            f"WHERE audit_date IN ({nights})"
        )
        sources.append(name)
    loose = parquet.read(out, table, without=covered)
    connection.register(f"{table}_loose", loose)
    sources.append(f"{table}_loose")
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM {name}" for name in sources)
    connection.execute(
        f"CREATE VIEW {table} AS "
        f"SELECT * REPLACE (try_cast(audit_date AS DATE) AS audit_date) FROM ({union})"
    )
