"""Calls as short rows, and the figures of a set of calls: shares, means, their intervals."""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from audit.rates import wilson
from audit.rules.registry import CORE
from audit.types import Disposition, Finding, Verdict
from reports.store import reviews
from reports.store.parquet import iterate, partition_file, read, read_partition
from reports.store.schema import CALLS, FINDINGS, Table

RULES = (
    *CORE,
    *(
        "closing",
        "hold",
        "dead_air",
        "active_listening",
        "key_info_confirmed",
        "courtesy",
        "speech_rate",
        "silent_call",
    ),
    "answer_wait",
)
"""In the order in which pages show them; a rulebook's own rules come after."""

_REPEATED = ("audit_date", "agent", "agent_name", "direction", "disposition", "grade")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """Failures among the calls that could be told."""

    fails: int
    told: int
    untold: int

    @property
    def rate(self) -> float | None:
        """Share of failures, 0 to 1; None where nothing could be told."""
        return self.fails / self.told if self.told else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the rate."""
        if self.rate is None:
            return None
        return wilson(self.fails, self.told)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a set of calls.

    ``interval`` is Student's 95 % of the mean score; ``shares`` are by ``rule_id``, of rules that
    some call has; ``reviewed_mean`` is the mean with the scores that reviews have overridden,
    None where there are none. Calls that were ``not_connected`` are in no figure but ``calls``.
    """

    label: str
    calls: int
    scored: int
    mean: float | None
    interval: tuple[float, float] | None
    auto_fails: int
    shares: Mapping[str, Share]
    reviewed_mean: float | None
    not_connected: int = 0

    def share(self, rule_id: str) -> Share:
        """The share of one rule; nothing told for a rule that no call has."""
        return self.shares.get(rule_id, Share(0, 0, 0))


@dataclass(frozen=True, slots=True)
class CallRow:
    """What lists and figures need of one call.

    ``verdicts`` has one letter for each rule of ``rules``: p, f, c, or - where the call has no
    occasion for it. ``overridden`` is the score after reviews, None where none changes it.
    """

    audit_date: str
    agent: str
    call_id: str
    agent_name: str | None
    started_local: datetime
    direction: str | None
    duration_s: float | None
    score: float | None
    grade: str | None
    auto_fail: bool
    agent_talk_s: float | None
    customer_talk_s: float | None
    agent_chars_per_min: float | None
    interruptions: int | None
    disposition: str | None = None
    rules: tuple[str, ...] = ()
    verdicts: str = ""
    reviewed: int = 0
    overridden: float | None = None
    overridden_grade: str | None = None

    def verdict(self, rule_id: str) -> str | None:
        """The verdict of one rule, None where the call has no occasion for it."""
        at = self.rules.index(rule_id) if rule_id in self.rules else -1
        letter = self.verdicts[at] if at >= 0 else "-"
        return {"p": "pass", "f": "fail", "c": "cannot_tell"}.get(letter)

    @property
    def connected(self) -> bool:
        """Whether somebody may have been talked to."""
        return self.disposition is None or Disposition(self.disposition).connected

    @property
    def others(self) -> int:
        """How many rules beyond the first three failed."""
        return self.verdicts[len(CORE) :].count("f")


def call_rows(out: Path) -> list[CallRow]:
    """One short row for every call, by night, time and id."""
    own = {"rules", "verdicts", "reviewed", "overridden", "overridden_grade"}
    columns = [f.name for f in fields(CallRow) if f.name not in own]
    table = read(out, "calls", columns=[*columns, "rule_scores"])
    rules, letters = _verdicts(table["rule_scores"])
    calls = [
        CallRow(**_interned(row), rules=rules, verdicts=verdicts)
        for row, verdicts in zip(iterate(table.select(columns)), letters, strict=True)
        if is_date(row["audit_date"])
    ]
    del table
    pa.default_memory_pool().release_unused()  # tens of megabytes in a large night
    calls = _reviewed(out, calls)
    return sorted(calls, key=lambda call: (call.audit_date, call.started_local, call.call_id))


def _interned(row: dict[str, Any]) -> dict[str, Any]:
    """The row with one copy of what many rows say."""
    return row | {name: row[name] and sys.intern(row[name]) for name in _REPEATED}


def _verdicts(scores: pa.ChunkedArray) -> tuple[tuple[str, ...], Iterator[str]]:
    """Rules, and a letter of each for each call; without a Python object for each verdict."""
    flat = [chunk.flatten() for chunk in scores.chunks]
    named = {name for rows in flat for name in rows.field("rule_id").unique().to_pylist()}
    rules = (*RULES, *sorted(named - set(RULES)))
    return rules, itertools.chain.from_iterable(_letters(c, rules) for c in scores.chunks)


def _letters(scores: pa.ListArray, rules: Sequence[str]) -> list[str]:
    flat = scores.flatten()
    names, told = (flat.field(name).dictionary_encode() for name in ("rule_id", "verdict"))
    column = np.array([rules.index(name) for name in names.dictionary.to_pylist()], dtype=int)
    letter = np.array([verdict[0] for verdict in told.dictionary.to_pylist()], dtype="S1")
    table = np.full((len(scores), len(rules)), b"-", dtype="S1")
    call = scores.value_parent_indices().to_numpy()
    table[call, column[names.indices.to_numpy()]] = letter[told.indices.to_numpy()]
    return [row.tobytes().decode("ascii") for row in table]


def _reviewed(out: Path, calls: list[CallRow]) -> list[CallRow]:
    """The calls with what reviews have made of their scores."""
    by_call = reviews.stored(out)
    if not by_call:
        return calls
    facts: dict[str, tuple[Row, list[Row]]] = {}
    for night, agent in {(c.audit_date, c.agent) for c in calls if c.call_id in by_call}:
        found = by_call_id(partition(out, FINDINGS, night, agent))
        for facts_row in partition(out, CALLS, night, agent):
            call_id = facts_row["call_id"]
            if call_id in by_call:
                facts[call_id] = (facts_row, found.get(call_id, []))
    done = []
    for call in calls:
        if call.call_id in by_call and call.call_id in facts:
            row, findings = facts[call.call_id]
            with suppress(Exception):  # its own page says so
                call = _settled(out, call, row, findings, by_call[call.call_id])
        done.append(call)
    return done


def _settled(
    out: Path, call: CallRow, row: Row, findings: Sequence[Row], said: Sequence[Row]
) -> CallRow:
    given = [reviews.from_row(r) for r in said]
    card = reviews.settled(out, row, reviews.findings_by_id(findings), given).scorecard
    return replace(
        call,
        reviewed=len(given),
        overridden=card.score if card else None,
        overridden_grade=card.grade if card else None,
    )


def reject_rows(out: Path) -> list[Row]:
    """Every rejected recording with its ``audit_date``, by night and file."""
    rows = (row for row in read(out, "rejects").to_pylist() if is_date(row["audit_date"]))
    return sorted(rows, key=lambda row: (row["audit_date"], row["source_file"]))


def summary(label: str, calls: Sequence[CallRow]) -> Summary:
    """The figures of some calls."""
    scores = [call.score for call in calls if call.score is not None]
    n = len(scores)
    mean = sum(scores) / n if n else None
    interval = None
    if mean is not None and n > 1:
        deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / (n - 1))
        half = float(stats.t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
        interval = max(0.0, mean - half), min(100.0, mean + half)
    final = [
        s for c in calls if (s := c.score if c.overridden is None else c.overridden) is not None
    ]
    overridden = any(call.overridden is not None for call in calls)
    rules = calls[0].rules if calls else ()
    judged = [call for call in calls if call.connected]
    shares = {}
    for at, rule in enumerate(rules):
        count = Counter(call.verdicts[at] for call in judged)
        if rule in CORE or count["-"] < len(judged):
            shares[rule] = Share(count["f"], count["f"] + count["p"], count["c"])
    return Summary(
        label=label,
        calls=len(calls),
        scored=n,
        mean=mean,
        interval=interval,
        auto_fails=sum(call.auto_fail for call in calls),
        shares=shares,
        reviewed_mean=sum(final) / len(final) if overridden and final else None,
        not_connected=len(calls) - len(judged),
    )


def bins(calls: Sequence[CallRow]) -> tuple[tuple[int, int], ...]:
    """Calls, and auto-fails among them, for each ten points of score; the last includes 100."""
    counts = Counter(
        (min(9, int(call.score // 10)), call.auto_fail) for call in calls if call.score is not None
    )
    return tuple((counts[i, False] + counts[i, True], counts[i, True]) for i in range(10))


def is_date(text: object) -> bool:
    """Whether a partition's value is a date."""
    try:
        return bool(date.fromisoformat(str(text)))
    except ValueError:
        return False


def partition(out: Path, table: Table, night: str, agent: str) -> list[dict[str, Any]]:
    """The rows of one agent's night."""
    file = partition_file(out, table, date.fromisoformat(night), agent)
    return [] if (rows := read_partition(file)) is None else rows.to_pylist()


def by_call_id(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the call they belong to."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["call_id"], []).append(row)
    return grouped


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding, its stable id, and the call it belongs to."""

    call: CallRow
    id: str
    finding: Finding


_VERDICTS = (Verdict.FAIL, Verdict.CANNOT_TELL, Verdict.PASS)


def hits(call: CallRow, rows: Iterable[Row]) -> list[Hit]:
    """Failures first, then what cannot be told, then passes; each by time."""
    found = [Hit(call, row["finding_id"], reviews.finding_from_row(row)) for row in rows]
    return sorted(found, key=_reading_order)


def _reading_order(hit: Hit) -> tuple[Any, ...]:
    f = hit.finding
    return (_VERDICTS.index(f.verdict), f.start_s is None, f.start_s or 0.0, f.check_id, hit.id)
