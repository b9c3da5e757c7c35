"""Calls as short rows, and the figures of a set of calls: shares, means, their intervals."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from audit.rates import wilson
from audit.rules.registry import CORE
from audit.types import Disposition, Finding, Stage, Verdict
from reports.store import measures, reviews, rows
from reports.store.columns import SCHEMA_VERSION, Row, Table
from reports.store.parquet import iterate, read_partition
from reports.store.schema import CALLS, FINDINGS
from reports.store.store import Store
from reports.wording import strings

_NAMED: Iterable[str] = strings("zh")["rule"]
RULES = (*CORE, *(rule_id for rule_id in _NAMED if rule_id not in CORE))
"""In the order in which pages show them and the strings name them; others come after."""

BELONGS = ("team", "queue", "business_line")
"""Columns of the table ``calls``, in the order in which pages have them."""
_REPEATED = ("audit_date", "agent", "agent_name", "direction", "disposition", "grade", *BELONGS)


@dataclass(frozen=True, slots=True)
class Share:
    """Failures among the decided calls: those whose verdict is pass or fail."""

    fails: int
    decided: int
    undecided: int

    @property
    def rate(self) -> float | None:
        """Share of failures, 0 to 1, to four digits; None where nothing was decided."""
        return round(self.fails / self.decided, 4) if self.decided else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the rate."""
        if self.rate is None:
            return None
        return wilson(self.fails, self.decided)


@dataclass(frozen=True, slots=True)
class CallsSummary:
    """The figures of a set of calls, rounded as the table ``agents`` has them.

    ``interval`` is Student's 95 % of the mean score; ``interruptions_per_min`` are per minute of
    customers' speech; ``talk_ratio`` is the agent's share of all speech, 0 to 1; ``shares`` are by
    ``rule_id``, of rules that some call has; ``reviewed_mean`` is the mean with the scores that
    reviews have overridden, None where there are none. Calls that were ``not_connected`` are in no
    figure but ``calls``.
    """

    label: str
    calls: int
    scored: int
    mean: float | None
    interval: tuple[float, float] | None
    auto_fails: int
    shares: Mapping[str, Share]
    reviewed_mean: float | None
    interruptions_per_min: float | None = None
    talk_ratio: float | None = None
    not_connected: int = 0

    def share(self, rule_id: str) -> Share:
        """The share of one rule; nothing decided for a rule that no call has."""
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
    team: str | None = None
    queue: str | None = None
    business_line: str | None = None
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
    def belongs(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Its team, queue and line of business, as :mod:`reports.analysis.belonging` has them."""
        return tuple((kind, (name,)) for kind in BELONGS if (name := getattr(self, kind)))

    @property
    def others(self) -> int:
        """How many rules beside the core ones failed."""
        return self.verdicts[len(CORE) :].count("f")


def call_rows(
    store: Store, *, nights: tuple[str | None, str | None] = (None, None)
) -> list[CallRow]:
    """One short row for every call of some nights, by night, time and id."""
    own = {"rules", "verdicts", "reviewed", "overridden", "overridden_grade"}
    columns = [f.name for f in fields(CallRow) if f.name not in own]
    table = store.calls.arrow(columns=[*columns, "rule_scores"], nights=nights)
    rules, letters = _verdicts(table["rule_scores"])
    calls = [
        CallRow(**_interned(row), rules=rules, verdicts=verdicts)
        for row, verdicts in zip(iterate(table.select(columns)), letters, strict=True)
        if is_date(row["audit_date"])
    ]
    del table
    pa.default_memory_pool().release_unused()  # tens of megabytes in a large night
    calls = _reviewed(store, calls, reviews.stored(store, nights=nights))
    return sorted(calls, key=lambda call: (call.audit_date, call.started_local, call.call_id))


def _interned(row: dict[str, Any]) -> dict[str, Any]:
    """The row with one copy of what many rows say."""
    return row | {name: row[name] and sys.intern(row[name]) for name in _REPEATED}


def _verdicts(scores: pa.ChunkedArray) -> tuple[tuple[str, ...], Iterator[str]]:
    """Rules, and a letter of each for each call; without a Python object for each verdict."""
    flat = [chunk.flatten() for chunk in scores.chunks]
    named = {name for scored in flat for name in scored.field("rule_id").unique().to_pylist()}
    rules = (*RULES, *sorted(named - set(RULES)))
    return rules, itertools.chain.from_iterable(_letters(c, rules) for c in scores.chunks)


def _letters(scores: pa.ListArray, rules: Sequence[str]) -> list[str]:
    flat = scores.flatten()
    names, verdicts = (flat.field(name).dictionary_encode() for name in ("rule_id", "verdict"))
    column = np.array([rules.index(name) for name in names.dictionary.to_pylist()], dtype=int)
    letter = np.array([verdict[0] for verdict in verdicts.dictionary.to_pylist()], dtype="S1")
    table = np.full((len(scores), len(rules)), b"-", dtype="S1")
    call = scores.value_parent_indices().to_numpy()
    table[call, column[names.indices.to_numpy()]] = letter[verdicts.indices.to_numpy()]
    return [row.tobytes().decode("ascii") for row in table]


def _reviewed(
    store: Store, calls: list[CallRow], by_call: Mapping[str, list[Row]]
) -> list[CallRow]:
    """The calls with what reviews have made of their scores."""
    if not by_call:
        return calls
    facts: dict[str, tuple[Row, list[Row]]] = {}
    for night, agent in {(c.audit_date, c.agent) for c in calls if c.call_id in by_call}:
        found = by_call_id(partition(store, FINDINGS, night, agent))
        for facts_row in partition(store, CALLS, night, agent):
            call_id = facts_row["call_id"]
            if call_id in by_call:
                facts[call_id] = (facts_row, found.get(call_id, []))
    done = []
    for call in calls:
        if call.call_id in by_call and call.call_id in facts:
            row, findings = facts[call.call_id]
            with suppress(Exception):  # its own page says so
                call = _with_reviews(store, call, row, findings, by_call[call.call_id])
        done.append(call)
    return done


def _with_reviews(
    store: Store, call: CallRow, row: Row, findings: Sequence[Row], said: Sequence[Row]
) -> CallRow:
    given = [reviews.from_row(r) for r in said]
    card = reviews.apply(store, row, reviews.findings_by_id(findings), given).scorecard
    return replace(
        call,
        reviewed=len(given),
        overridden=card.score if card else None,
        overridden_grade=card.grade if card else None,
    )


def reject_rows(store: Store) -> list[Row]:
    """Every rejected recording with its ``audit_date``, by night and file."""
    dated = (row for row in store.rejects.rows() if is_date(row["audit_date"]))
    return sorted(dated, key=lambda row: (row["audit_date"], row["source_file"]))


def summary(label: str, calls: Sequence[CallRow]) -> CallsSummary:
    """The figures of some calls: those of a page, and those of a row of the table ``agents``."""
    ordered = sorted(calls, key=lambda call: call.call_id)  # one order, one sum to the last bit
    judged = [call for call in ordered if call.connected]
    scores = np.array([call.score for call in judged if call.score is not None])
    final = [
        s for c in ordered if (s := c.score if c.overridden is None else c.overridden) is not None
    ]
    overridden = any(call.overridden is not None for call in calls)
    agent_s = sum(call.agent_talk_s or 0.0 for call in judged)
    customer_s = sum(call.customer_talk_s or 0.0 for call in judged)
    return CallsSummary(
        label=label,
        calls=len(calls),
        scored=len(scores),
        mean=round(float(scores.mean()), 2) if len(scores) else None,
        interval=_interval(scores),
        auto_fails=sum(call.auto_fail for call in judged),
        shares=_shares(judged, rules=calls[0].rules if calls else ()),
        reviewed_mean=sum(final) / len(final) if overridden and final else None,
        interruptions_per_min=_interruptions_per_min(judged),
        talk_ratio=measures.talk_ratio(agent_s, customer_s),
        not_connected=len(calls) - len(judged),
    )


def _interval(scores: NDArray[np.float64]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean of at least two scores."""
    if len(scores) < 2:
        return None
    quantile = scipy.special.stdtrit(len(scores) - 1, 0.975)
    half = float(quantile * scores.std(ddof=1) / np.sqrt(len(scores)))
    mean = float(scores.mean())
    return round(max(0.0, mean - half), 2), round(min(100.0, mean + half), 2)


def _shares(judged: Sequence[CallRow], *, rules: Sequence[str]) -> dict[str, Share]:
    shares = {}
    for at, rule in enumerate(rules):
        count = Counter(call.verdicts[at] for call in judged)
        if rule in CORE or count["-"] < len(judged):
            shares[rule] = Share(count["f"], count["f"] + count["p"], count["c"])
    return shares


def _interruptions_per_min(judged: Sequence[CallRow]) -> float | None:
    counted = [call for call in judged if call.interruptions is not None and call.customer_talk_s]
    minutes = sum(call.customer_talk_s or 0.0 for call in counted) / 60
    if not minutes:
        return None
    return round(sum(call.interruptions or 0 for call in counted) / minutes, 4)


def agent_row(calls: Sequence[Row], *, run_id: str) -> dict[str, Any]:
    """A row of the table ``agents``: one agent's night.

    Calls that were not connected are counted, and enter nothing else.

    Args:
        calls: the rows of all the agent's calls of that night, at least one.
        run_id: the run that writes it.
    """
    figures = summary(calls[0]["agent"], [_with_core_verdicts(row) for row in calls])
    low, high = figures.interval or (None, None)
    connected = [row for row in calls if rows.is_connected(row)]
    names = [row["agent_name"] for row in calls if row["agent_name"]]
    return {
        "agent": figures.label,
        "agent_name": names[-1] if names else None,
        "calls": figures.calls,
        "not_connected": figures.not_connected,
        "mean_score": figures.mean,
        "score_ci_low": low,
        "score_ci_high": high,
        "auto_fails": figures.auto_fails,
        "greeting_fail_rate": figures.share("greeting").rate,
        "interruption_rate": figures.interruptions_per_min,
        "forbidden_rate": figures.share("forbidden_language").rate,
        "talk_ratio": figures.talk_ratio,
        **{
            f"mean_{stage}_s": _mean_s(row.get(f"{stage}_s") for row in connected)
            for stage in Stage
        },
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
    }


def _with_core_verdicts(row: Row) -> CallRow:
    """A call of which the verdicts of the core rules are known, whatever wrote its row."""
    own = ("audit_date", "rules", "verdicts", "reviewed", "overridden", "overridden_grade")
    facts: dict[str, Any] = {f.name: row.get(f.name) for f in fields(CallRow) if f.name not in own}
    verdicts = "".join(str(row[f"{rule}_verdict"])[0] for rule in CORE)
    return CallRow(audit_date="", rules=CORE, verdicts=verdicts, **facts)


def _mean_s(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None


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


def partition(store: Store, table: Table, night: str, agent: str) -> list[dict[str, Any]]:
    """The rows of one agent's night."""
    file = store[table.name].partition(date.fromisoformat(night), agent)
    return [] if (stored := read_partition(file)) is None else stored.to_pylist()


def by_call_id(listed: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the call they belong to."""
    grouped: dict[str, list[Row]] = {}
    for row in listed:
        grouped.setdefault(row["call_id"], []).append(row)
    return grouped


@dataclass(frozen=True, slots=True)
class CallFinding:
    """A finding, its stable id, and the call it belongs to."""

    call: CallRow
    id: str
    finding: Finding


_VERDICTS = (Verdict.FAIL, Verdict.CANNOT_TELL, Verdict.PASS)


def call_findings(call: CallRow, listed: Iterable[Row]) -> list[CallFinding]:
    """Failures first, then `cannot_tell`, then passes; each by time."""
    found = [CallFinding(call, row["finding_id"], rows.finding(row)) for row in listed]
    return sorted(found, key=_reading_order)


def _reading_order(hit: CallFinding) -> tuple[Any, ...]:
    f = hit.finding
    return (_VERDICTS.index(f.verdict), f.start_s is None, f.start_s or 0.0, f.check_id, hit.id)
