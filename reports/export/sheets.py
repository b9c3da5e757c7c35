"""The sheets and their columns: headings, kinds of values, widths."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from reports.export import cells
from reports.export.cells import Value
from reports.store.columns import Row
from reports.wording import Language, by_key


class Kind(StrEnum):
    """What a column's values are, and so how they are shown."""

    TEXT = "text"
    COUNT = "count"
    TENTHS = "tenths"
    HUNDREDTHS = "hundredths"
    SHARE = "share"
    DATE = "date"
    MOMENT = "moment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet.

    Attributes:
        name: of the value in a row; ``export.column.NAME`` is the heading.
        kind: of its values.
        width: in characters of Excel's standard font.
        words: where the values are ids: the strings that say them, such as ``rule``.
    """

    name: str
    kind: Kind = Kind.TEXT
    width: int = 12
    words: str = ""

    def heading(self, language: Language) -> str:
        """What stands above it; for a column of the manifest its name there."""
        own = cells.text(self.name.removeprefix("meta_"))
        return by_key(language).get(f"export.column.{self.name}", own)

    def value(self, row: Row, language: Language) -> Value:
        """What a row has in this column."""
        value = row.get(self.name)
        if value is None:
            return None
        if self.kind is Kind.FLAG:
            return by_key(language)["export.yes" if value else "export.no"]
        if self.kind is Kind.DATE:
            return cells.moment(date.fromisoformat(value))
        if self.kind is Kind.MOMENT:
            return cells.moment(value)
        if self.kind is Kind.TEXT:
            said = by_key(language).get(f"{self.words}.{value}") if self.words else None
            return cells.text(str(value) if said is None else said, language=language)
        return cells.number(value) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; ``linked`` is the column whose cells link to pages."""

    name: str
    linked: str
    columns: tuple[Column, ...]

    def title(self, language: Language) -> str:
        """Its name on the tab."""
        return by_key(language)[f"export.sheet.{self.name}"]

    def values(self, row: Row, language: Language) -> list[Value]:
        """The cells of a row."""
        return [column.value(row, language) for column in self.columns]

    def position(self, name: str) -> int:
        """Where a column stands, from 0."""
        return [column.name for column in self.columns].index(name)


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page of the report, and a place in it (without ``#``)."""

    page: Path
    place: str = ""


def _all(names: str, kind: Kind, width: int = 12) -> Iterator[Column]:
    return (Column(name, kind, width) for name in names.split())


_DATE = Column("audit_date", Kind.DATE, 11)
_CALL = Column("call_id", width=22)
_AGENT = (Column("agent", width=10), Column("agent_name", width=10))
_VERDICT = Column("verdict", width=10, words="verdict")
_INTERVAL = tuple(_all("score_ci_low score_ci_high", Kind.TENTHS, 14))

SUMMARY = Sheet(
    "summary",
    "audit_date",
    (
        _DATE,
        *_all("planned audited rejected not_connected scored", Kind.COUNT, 10),
        Column("mean_score", Kind.TENTHS, 10),
        *_INTERVAL,
        Column("reviewed_mean", Kind.TENTHS, 14),
        Column("auto_fails", Kind.COUNT, 15),
        Column("interruption_rate", Kind.HUNDREDTHS, 20),
        Column("talk_ratio", Kind.SHARE, 14),
    ),
)

RULES = Sheet(
    "rules",
    "audit_date",
    (
        _DATE,
        Column("rule_id", width=18, words="rule"),
        *_all("fails decided undecided", Kind.COUNT, 15),
        *_all("rate score_ci_low score_ci_high", Kind.SHARE, 14),
    ),
)

AGENTS = Sheet(
    "agents",
    "agent",
    (
        _DATE,
        *_AGENT,
        *_all("calls not_connected", Kind.COUNT, 9),
        Column("mean_score", Kind.TENTHS, 10),
        *_INTERVAL,
        Column("auto_fails", Kind.COUNT, 15),
        Column("greeting_fail_rate", Kind.SHARE, 16),
        Column("interruption_rate", Kind.HUNDREDTHS, 20),
        *_all("forbidden_rate talk_ratio", Kind.SHARE, 14),
        *_all("mean_greeting_s mean_handling_s mean_closing_s", Kind.TENTHS, 19),
    ),
)

FINDINGS = Sheet(
    "findings",
    "call_id",
    (
        _DATE,
        _CALL,
        *_AGENT,
        Column("rule_id", width=14, words="rule"),
        Column("check_id", width=18, words="check"),
        Column("clause_id", width=14),
        _VERDICT,
        Column("severity", width=10, words="severity"),
        Column("points", Kind.TENTHS, 8),
        Column("auto_fail", Kind.FLAG, 10),
        *_all("start_s end_s", Kind.TENTHS, 11),
        Column("evidence", width=50),
        Column("meant", width=30),
        Column("reason", width=50),
        Column("clause_text", width=50),
        Column("segment", width=8, words="stage"),
        Column("role", width=8, words="role"),
        Column("confidence", Kind.SHARE, 9),
        Column("decision", width=10, words="decision"),
        Column("finding_id", width=22),
    ),
)

REJECTS = Sheet(
    "rejects",
    "audit_date",
    (
        _DATE,
        Column("source_file", width=50),
        _CALL,
        Column("reason", width=20, words="reject"),
        Column("detail", width=80),
    ),
)


_BELONGS = ("team", "queue", "business_line")
_GROUP = "agent_group"


def said_twice(extra: Collection[str]) -> set[str]:
    """Those of the manifest's columns (``meta_*``) that a column of the sheet of calls has too.

    >>> said_twice(["meta_team", "meta_Queue", "meta_csat"]) == {"meta_team", "meta_Queue"}
    True
    >>> said_twice(["meta_agent_group"]), said_twice(["meta_agent_group", "meta_team"])
    ({'meta_agent_group'}, {'meta_team'})
    """
    plain = {name: name.removeprefix("meta_").lower() for name in extra}
    # of a manifest with both, the one that is not the team says something else
    twice = _BELONGS if "team" in plain.values() else (*_BELONGS, _GROUP)
    return {name for name, own in plain.items() if own in twice}


def calls(extra: Collection[str]) -> Sheet:
    """The sheet of calls, with additional columns of the manifest (``meta_*``) at its end."""
    twice = said_twice(extra)
    verdicts = ("greeting", "no_interruption", "forbidden_language")
    seconds = "agent_talk_s customer_talk_s overlap_s silence_s"
    return Sheet(
        "calls",
        "call_id",
        (
            _DATE,
            _CALL,
            Column("started_local", Kind.MOMENT, 19),
            *_AGENT,
            Column("direction", width=8, words="direction"),
            Column("duration_s", Kind.TENTHS, 11),
            Column("disposition", width=14, words="disposition"),
            Column("score", Kind.TENTHS, 8),
            Column("grade", width=8),
            Column("overridden", Kind.TENTHS, 12),
            Column("overridden_grade", width=12),
            Column("auto_fail", Kind.FLAG, 10),
            *(Column(f"{rule}_verdict", width=12, words="verdict") for rule in verdicts),
            Column("interruptions", Kind.COUNT, 10),
            *_all(seconds, Kind.TENTHS, 15),
            Column("agent_chars_per_min", Kind.COUNT, 17),
            Column("talk_ratio", Kind.SHARE, 14),
            Column("answer_wait_s", Kind.TENTHS, 16),
            Column("customer_vip", Kind.FLAG, 8),
            *_all(" ".join(_BELONGS), Kind.TEXT, 14),
            Column("channels", width=10, words="channels_short"),
            Column("doubts", width=50),
            Column("rulebook_id", width=14),
            Column("source_file", width=50),
            *(Column(name, width=16) for name in extra if name not in twice),
        ),
    )
