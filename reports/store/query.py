"""An audit's tables, read lazily: as rows, to pandas, Arrow or DuckDB."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from audit.errors import UsageError
from audit.rates import Z_95
from reports.store import months, parquet, schema, widening
from reports.store.columns import Table
from reports.store.layout import Layout
from reports.store.penalties import KeptPenalties

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

VIEWS = (
    *("agent_month", "team_month", "rule_trend", "service_level", "reviewed_precision"),
    *("repeat_calls", "agent_repeats", "team_repeats"),
)
"""Ready questions, ``reports/store/sql/NAME.sql``; ``Store.sql`` knows them beside the tables."""

_SERVICES = "asked_services"
"""What views know beside the tables: the service levels that the calls' rulebooks ask for."""

_SERVICES_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("rulebook_id", "rulebook_sha256")),
        *((name, pa.float64()) for name in ("within_s", "share", "vip_share")),
    ]
)

_WILSON = """
CREATE MACRO wilson_{edge}(hits, n) AS CASE WHEN n > 0 THEN greatest(0, least(1,
    (hits + {z}^2 / 2 {sign} {z} * sqrt(hits * (n - hits) / n + {z}^2 / 4)) / (n + {z}^2))) END
"""
"""The interval of :func:`audit.rates.wilson`, for queries; NULL where nothing was tried."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One table; nothing is read before it is asked for.

    ``definition`` has its key and the type, unit and meaning of each column.
    """

    layout: Layout
    definition: Table

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    def nights(self) -> list[str]:
        """The nights (ISO dates) that it has partitions of, oldest first."""
        return self.layout.nights(self.name)

    def partition(self, audit_date: date, agent: str | None) -> Path:
        """The file of one partition; ``agent`` is None for a table without agents."""
        return self.layout.partition(self.definition, audit_date, agent)

    def provide(self, extra: Iterable[str]) -> None:
        """Give all files columns that are going to come, at once rather than one by one."""
        parquet.provide(self.layout, self.definition, extra)

    def spelling(self, name: str) -> str:
        """A column's name as files have it: manifests may write theirs in other letter case."""
        return widening.spelling(self.layout, self.definition, name)

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
                self.layout, self.name, columns=columns, nights=nights, agents=agents
            )
        except KeyError as error:
            raise UsageError(f"the table {self.name} has no column {error}") from error

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

    def rows(
        self,
        *,
        columns: Sequence[str] | None = None,
        nights: tuple[str | None, str | None] = (None, None),
        agents: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        """The same as a mapping for each row."""
        read = self.arrow(columns=columns, nights=nights, agents=agents)
        rows: list[dict[str, Any]] = read.to_pylist()
        return rows

    def stream(self, night: str, *, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of one night, few at a time, see :func:`reports.store.parquet.stream`."""
        return parquet.stream(self.layout, self.name, night, columns=columns)

    def extra(self) -> list[str]:
        """Its columns ``meta_*``, which come from manifests."""
        return parquet.extra(self.layout, self.name)


def _check(nights: Any, agents: Any) -> None:
    """Refuse what would quietly choose nothing: one id instead of several, invalid dates."""
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
class Database:
    """The tables as DuckDB sees them.

    It sees each table as it was when a query first named it; make another one to see what later
    runs wrote.
    """

    layout: Layout
    _open: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def sql(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Ask in SQL (DuckDB): the tables and ``VIEWS`` are known by their names.

        ``audit_date`` is a DATE, ``agent`` the agent's id as text. Months that are merged
        (``callaudit compact``) are read in place; other partitions are read into memory
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
        """The DuckDB connection, in memory.

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
                made.execute(_WILSON.format(edge=edge, sign=sign, z=Z_95))
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
            _provide_table(connection, self.layout, table)
            self._open[table] = True
        if _SERVICES in words:
            self._provide(connection, "calls")
            _provide_services(connection, self.layout)
            self._open[_SERVICES] = True


@cache
def view_sql(name: str) -> str:
    """The query behind one of ``VIEWS``; its first lines say what it answers."""
    return files("reports").joinpath(f"store/sql/{name}.sql").read_text("utf-8")


def _provide_services(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """The service levels of the rulebooks that judged calls, where they ask for one."""
    kept = KeptPenalties(layout)
    judged = connection.execute("SELECT DISTINCT rulebook_id, rulebook_sha256 FROM calls")
    asked = [
        {"rulebook_id": rulebook_id, "rulebook_sha256": sha256, **asdict(known.service)}
        for rulebook_id, sha256 in judged.fetchall()
        if (known := kept.load(sha256=sha256, rulebook_id=rulebook_id)) and known.service
    ]
    connection.register(_SERVICES, pa.Table.from_pylist(asked, schema=_SERVICES_SCHEMA))


def _provide_table(connection: duckdb.DuckDBPyConnection, layout: Layout, table: str) -> None:
    entries = [entry for entry in months.load(layout) if entry.table == table and entry.nights]
    covered = {night for entry in entries for night in entry.nights}
    sources = []
    for number, entry in enumerate(entries):
        path = layout.months / entry.file
        parquet.check_version(path)
        nights = ", ".join(f"'{night}'" for night in entry.nights)
        name = f"{table}_merged_{number}"
        quoted = str(path).replace("'", "''")
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{quoted}') "
            f"WHERE audit_date IN ({nights})"
        )
        sources.append(name)
    loose = parquet.read(layout, table, without=covered)
    connection.register(f"{table}_loose", loose)
    sources.append(f"{table}_loose")
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM {name}" for name in sources)
    connection.execute(
        f"CREATE VIEW {table} AS "
        f"SELECT * REPLACE (try_cast(audit_date AS DATE) AS audit_date) FROM ({union})"
    )
