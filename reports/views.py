"""From tables to page models: everything a page shows is computed here, nothing is drawn.

Partitions are read one night and agent at a time, so memory is bounded by the busiest agent's
night and by one short row for each call.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from scipy import stats

from audit.types import Finding, Role, Segment, Span, Turn, Verdict
from reports.parquet import partition_file, read, read_partition
from reports.schema import CALLS, FINDINGS, TURNS, Table

RULES = ("greeting", "no_interruption", "forbidden_language")
TREND_NIGHTS, WORST, LISTED_CALLS, LISTED_HITS = 28, 30, 500, 40
_SEVERITIES = ("critical", "major", "minor", None)
_VERDICTS = ("fail", "cannot_tell", "pass")

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
        """95 % interval of the rate (Wilson 1927, JASA 22:209-212)."""
        if self.rate is None:
            return None
        n, p, z = self.told, self.rate, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a set of calls; ``interval`` is Student's 95 % of the mean score."""

    label: str
    calls: int
    scored: int
    mean: float | None
    interval: tuple[float, float] | None
    auto_fails: int
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class CallRow:
    """What lists and figures need of one call."""

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
    greeting_verdict: str
    no_interruption_verdict: str
    forbidden_language_verdict: str
    agent_talk_s: float | None
    customer_talk_s: float | None
    agent_chars_per_min: float | None
    interruptions: int | None

    @property
    def verdicts(self) -> tuple[str, str, str]:
        """Verdicts of ``RULES``, in their order."""
        return self.greeting_verdict, self.no_interruption_verdict, self.forbidden_language_verdict


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding, its stable id, and the call it belongs to."""

    call: CallRow
    id: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class NightPage:
    """One night: the entrance of the report; ``bins`` are (calls, auto-fails) by ten points."""

    night: str
    nights: tuple[str, ...]
    summary: Summary
    previous: Summary | None
    trend: tuple[Summary, ...]
    bins: tuple[tuple[int, int], ...]
    worst: tuple[Hit, ...]
    fails: int
    agents: tuple[Row, ...]
    calls: tuple[CallRow, ...]
    rejects: tuple[Row, ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """An agent's failures under one clause, latest first; ``total`` counts those left off too."""

    clause_id: str | None
    rule_id: str
    total: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class AgentPage:
    """One agent over all nights, beside the team."""

    agent: str
    agent_name: str | None
    summary: Summary
    team: Summary
    trend: tuple[Summary, ...]
    interruptions_per_min: float | None
    talk_ratio: float | None
    chars_per_min: float | None
    calls: tuple[CallRow, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn and the findings that rest on it."""

    turn: Turn
    marks: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class CallPage:
    """One call: facts, turns, findings, and what each rule put into the score."""

    row: CallRow
    facts: Row
    meta: tuple[tuple[str, str], ...]
    turns: tuple[TurnView, ...]
    findings: tuple[Hit, ...]
    stages: tuple[tuple[str, Span], ...]
    overlaps: tuple[Span, ...]
    duration_s: float | None
    rules: tuple[Row, ...]
    before: CallRow | None
    after: CallRow | None


def call_rows(out: Path) -> list[CallRow]:
    """One short row for every call, by night, time and id."""
    rows = read(out, "calls", columns=[f.name for f in fields(CallRow)]).to_pylist()
    calls = (CallRow(**row) for row in rows if _is_date(row["audit_date"]))
    return sorted(calls, key=lambda call: (call.audit_date, call.started_local, call.call_id))


def reject_rows(out: Path) -> list[Row]:
    """Every rejected recording with its ``audit_date``, by night and file."""
    rows = (row for row in read(out, "rejects").to_pylist() if _is_date(row["audit_date"]))
    return sorted(rows, key=lambda row: (row["audit_date"], row["source_file"]))


def night_pages(
    out: Path, calls: Sequence[CallRow], rejects: Sequence[Row], *, wanted: Iterable[str]
) -> Iterator[NightPage]:
    """The pages of the ``wanted`` nights, in the order of their dates."""
    by_night: dict[str, list[CallRow]] = {row["audit_date"]: [] for row in rejects}
    for call in calls:
        by_night.setdefault(call.audit_date, []).append(call)
    nights = sorted(by_night)
    history = [summary(night, by_night[night]) for night in nights]
    agents = sorted(read(out, "agents").to_pylist(), key=lambda row: str(row["agent"]))
    for night in sorted(set(wanted)):
        at = nights.index(night)
        refused = [row for row in rejects if row["audit_date"] == night]
        found = list(_failures(out, by_night[night]))
        yield NightPage(
            night=night,
            nights=tuple(reversed(nights)),
            summary=history[at],
            previous=history[at - 1] if at else None,
            trend=tuple(history[max(0, at + 1 - TREND_NIGHTS) : at + 1]),
            bins=bins(by_night[night]),
            worst=tuple(heapq.nsmallest(WORST, found, key=_gravest)),
            fails=len(found),
            agents=tuple(row for row in agents if row["audit_date"] == night),
            calls=tuple(by_night[night]),
            rejects=tuple(refused),
            reasons=tuple(Counter(str(row["reason"]) for row in refused).most_common()),
        )


def agent_page(out: Path, own: Sequence[CallRow], *, team: Summary) -> AgentPage:
    """The page of the agent whose calls are ``own`` (at least one, in order)."""
    by_clause: dict[tuple[str | None, str], list[Hit]] = {}
    for hit in _failures(out, own):
        by_clause.setdefault((hit.finding.clause_id, hit.finding.rule_id), []).append(hit)
    told = [c for c in own if c.interruptions is not None and c.customer_talk_s]
    minutes = sum(call.customer_talk_s or 0.0 for call in told) / 60
    agent_s = sum(call.agent_talk_s or 0.0 for call in own)
    both_s = agent_s + sum(call.customer_talk_s or 0.0 for call in own)
    paces = [call.agent_chars_per_min for call in own if call.agent_chars_per_min is not None]
    nights = itertools.groupby(own, key=lambda call: call.audit_date)
    ranked = sorted(by_clause.items(), key=lambda item: (-len(item[1]), str(item[0])))
    return AgentPage(
        agent=own[0].agent,
        agent_name=next((call.agent_name for call in reversed(own) if call.agent_name), None),
        summary=summary(own[0].agent, own),
        team=team,
        trend=tuple(summary(night, list(group)) for night, group in nights)[-TREND_NIGHTS:],
        interruptions_per_min=sum(c.interruptions or 0 for c in told) / minutes if told else None,
        talk_ratio=agent_s / both_s if both_s else None,
        chars_per_min=sum(paces) / len(paces) if paces else None,
        calls=tuple(reversed(own))[:LISTED_CALLS],
        clauses=tuple(
            Clause(clause, rule, len(hits), tuple(reversed(hits))[:LISTED_HITS])
            for (clause, rule), hits in ranked
        ),
    )


def call_pages(
    out: Path, own: Sequence[CallRow], *, only: set[str] | None = None
) -> Iterator[CallPage]:
    """Pages of one agent's calls of one night; ``only`` picks some by their ids."""
    facts = {row["call_id"]: row for row in _partition(out, CALLS, own[0])}
    turns = _by_call(_partition(out, TURNS, own[0]))
    findings = _by_call(_partition(out, FINDINGS, own[0]))
    for at, call in enumerate(own):
        if only is not None and call.call_id not in only:
            continue
        row, found = facts[call.call_id], _hits(call, findings.get(call.call_id, ()))
        spoken = sorted(map(_turn, turns.get(call.call_id, ())), key=lambda turn: turn.index)
        last = max((turn.end_s for turn in spoken if turn.end_s is not None), default=None)
        yield CallPage(
            row=call,
            facts=row,
            meta=tuple((k[5:], v) for k, v in row.items() if k.startswith("meta_") and v),
            turns=tuple(
                TurnView(turn, tuple(hit for hit in found if _rests_on(hit.finding, turn)))
                for turn in spoken
            ),
            findings=tuple(found),
            stages=stages(spoken),
            overlaps=overlaps(spoken),
            duration_s=max(filter(None, (call.duration_s, last)), default=None),
            rules=tuple(row.get("rule_scores") or ()),
            before=own[at - 1] if at else None,
            after=own[at + 1] if at + 1 < len(own) else None,
        )


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
    counts = [Counter(call.verdicts[i] for call in calls) for i in range(len(RULES))]
    shares = tuple(
        Share(c[Verdict.FAIL], c[Verdict.FAIL] + c[Verdict.PASS], c[Verdict.CANNOT_TELL])
        for c in counts
    )
    failed = sum(call.auto_fail for call in calls)
    return Summary(label, len(calls), n, mean, interval, failed, shares)


def bins(calls: Sequence[CallRow]) -> tuple[tuple[int, int], ...]:
    """Calls, and auto-fails among them, for each ten points of score; the last includes 100."""
    counts = Counter(
        (min(9, int(call.score // 10)), call.auto_fail) for call in calls if call.score is not None
    )
    return tuple((counts[i, False] + counts[i, True], counts[i, True]) for i in range(10))


def stages(turns: Sequence[Turn]) -> tuple[tuple[str, Span], ...]:
    """Runs of turns of one stage; each lasts until the next one begins."""
    timed = [(turn.segment, turn.span) for turn in turns if turn.segment and turn.span]
    runs = [(str(key), list(run)) for key, run in itertools.groupby(timed, key=lambda t: t[0])]
    starts = [min(span.start_s for _, span in run) for _, run in runs]
    ends = [*starts[1:], *([max(span.end_s for _, span in timed)] if timed else [])]
    return tuple(
        (stage, Span(start, end)) for (stage, _), start, end in zip(runs, starts, ends, strict=True)
    )


def overlaps(turns: Sequence[Turn]) -> tuple[Span, ...]:
    """Stretches in which agent and customer sound at once."""
    agent, customer = (
        sorted(span for turn in turns if turn.role is role for span in turn.speech)
        for role in (Role.AGENT, Role.CUSTOMER)
    )
    found, i, j = [], 0, 0
    while i < len(agent) and j < len(customer):
        start = max(agent[i].start_s, customer[j].start_s)
        end = min(agent[i].end_s, customer[j].end_s)
        if start < end:
            found.append(Span(start, end))
        if agent[i].end_s < customer[j].end_s:
            i += 1
        else:
            j += 1
    return tuple(found)


def _is_date(text: object) -> bool:
    try:
        return bool(date.fromisoformat(str(text)))
    except ValueError:
        return False


def _partition(out: Path, table: Table, call: CallRow) -> list[dict[str, Any]]:
    file = partition_file(out, table, date.fromisoformat(call.audit_date), call.agent)
    return [] if (rows := read_partition(file)) is None else rows.to_pylist()


def _by_call(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["call_id"], []).append(row)
    return grouped


def _failures(out: Path, calls: Sequence[CallRow]) -> Iterator[Hit]:
    """Failed checks of the calls, read one partition at a time."""
    ordered = sorted(calls, key=lambda call: (call.audit_date, call.agent))
    for _, group in itertools.groupby(ordered, key=lambda call: (call.audit_date, call.agent)):
        own = list(group)
        rows = _by_call(_partition(out, FINDINGS, own[0]))
        for call in own:
            failed = [r for r in rows.get(call.call_id, ()) if r["verdict"] == Verdict.FAIL]
            yield from _hits(call, failed)


def _hits(call: CallRow, rows: Iterable[Row]) -> list[Hit]:
    """Failures first, then what cannot be told, then passes; each by time."""
    names = [field.name for field in fields(Finding)]
    hits = [Hit(call, row["finding_id"], Finding(**{k: row[k] for k in names})) for row in rows]
    return sorted(hits, key=_reading_order)


def _turn(row: Row) -> Turn:
    start, end = row["start_s"], row["end_s"]
    speech = tuple(Span(s["start_s"], s["end_s"]) for s in row["speech"])
    if not speech and start is not None and end is not None:
        speech = (Span(start, end),)
    same = {k: row[k] for k in ("text", "channel", "asr_confidence", "is_backchannel")}
    same |= {"start_s": start, "end_s": end, "segment": Segment(row["segment"])}
    return Turn(row["turn_index"], Role(row["role"]), speech=speech, **same)


def _rests_on(finding: Finding, turn: Turn) -> bool:
    """Whether the finding starts in the turn or, without times, quotes its words."""
    if finding.verdict == Verdict.PASS or finding.role != turn.role or not finding.evidence:
        return False
    if finding.start_s is None or turn.span is None:
        return finding.start_s is None and finding.evidence == turn.text
    return turn.span.start_s - 0.01 <= finding.start_s < turn.span.end_s


def _gravest(hit: Hit) -> tuple[Any, ...]:
    f = hit.finding
    rank = (not f.auto_fail, _SEVERITIES.index(f.severity), -f.points, -f.confidence)
    return (*rank, hit.call.call_id, hit.id)


def _reading_order(hit: Hit) -> tuple[Any, ...]:
    f = hit.finding
    return (_VERDICTS.index(f.verdict), f.start_s is None, f.start_s or 0.0, f.check_id, hit.id)
