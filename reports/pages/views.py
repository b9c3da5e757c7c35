"""From tables to page models: everything a page shows is computed here, nothing is rendered.

Partitions are read one night and agent at a time, so memory is bounded by the busiest agent's
night and by one short row for each call.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from audit import privacy
from audit.penalties import Penalties
from audit.reasons import Reason
from audit.review import Review, ReviewedCall
from audit.timeline import Timeline, sounds
from audit.types import Finding, Role, Span, Turn, Verdict
from reports.analysis import belonging
from reports.analysis.belonging import Choices, Group
from reports.analysis.figures import (
    CallFinding,
    CallRow,
    CallsSummary,
    bins,
    by_call_id,
    call_findings,
    partition,
    summary,
)
from reports.analysis.sampling import SampledFinding, review_queue
from reports.analysis.service_level import ServiceLevel, service_levels
from reports.store import reasons, reviews, rows
from reports.store.columns import Row
from reports.store.schema import CALLS, FINDINGS, TURNS
from reports.store.store import Store

TREND_DAYS, WORST, LISTED_CALLS, LISTED_HITS, EXTREMES = 28, 30, 500, 40, 5
SILENCE_S = 2.0
"""At least this long without speech is shown as silence, and may be skipped."""
_SEVERITIES = ("critical", "major", "minor", None)


@dataclass(frozen=True, slots=True)
class NightPage:
    """One night: the entrance of the report; ``bins`` are (calls, auto-fails) by ten points.

    ``weeks`` sums up the four weeks before the night, ``trend`` has each night of them and the
    night itself. ``calls`` are all of the night's, ``not_connected`` those among them in which
    nobody was reached, ``outcomes`` how these came out. ``groups``
    are teams, queues and lines of business, and ``of_agents`` tells which of them agents have.
    """

    night: str
    nights: tuple[str, ...]
    rules: tuple[str, ...]
    summary: CallsSummary
    previous: CallsSummary | None
    weeks: CallsSummary | None
    trend: tuple[CallsSummary, ...]
    bins: tuple[tuple[int, int], ...]
    worst: tuple[CallFinding, ...]
    fails: int
    agents: tuple[Row, ...]
    calls: tuple[CallRow, ...]
    not_connected: tuple[CallRow, ...]
    outcomes: tuple[tuple[str, int], ...]
    rejects: tuple[Row, ...]
    reasons: tuple[tuple[str, int], ...]
    levels: tuple[ServiceLevel, ...]
    groups: tuple[tuple[str, tuple[Group, ...]], ...]
    choices: Choices
    of_agents: Mapping[str, Choices]
    queue: tuple[SampledFinding, ...]
    reviews: int
    appeals: int


@dataclass(frozen=True, slots=True)
class ClauseFailures:
    """An agent's failures under one clause, latest first; ``total`` counts those left off too."""

    clause_id: str | None
    rule_id: str
    total: int
    hits: tuple[CallFinding, ...]


@dataclass(frozen=True, slots=True)
class AgentPage:
    """One agent over all nights, beside the others of the team (None where there are none).

    ``choices`` are the teams, queues and lines of business of ``calls``.
    """

    agent: str
    agent_name: str | None
    rules: tuple[str, ...]
    summary: CallsSummary
    team: CallsSummary | None
    trend: tuple[CallsSummary, ...]
    chars_per_min: float | None
    calls: tuple[CallRow, ...]
    choices: Choices
    best: tuple[CallRow, ...]
    worst: tuple[CallRow, ...]
    clauses: tuple[ClauseFailures, ...]

    @property
    def interruptions_per_min(self) -> float | None:
        """How often the agent cuts in, per minute of customers' speech."""
        return self.summary.interruptions_per_min

    @property
    def talk_ratio(self) -> float | None:
        """The agent's share of all speech, 0 to 1."""
        return self.summary.talk_ratio


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn and the findings in it."""

    turn: Turn
    findings: tuple[CallFinding, ...]


@dataclass(frozen=True, slots=True)
class CallPage:
    """One call: facts, turns, findings, contribution of each rule to the score, reviews."""

    row: CallRow
    facts: Row
    doubts: tuple[Reason, ...]
    meta: tuple[tuple[str, str], ...]
    turns: tuple[TurnView, ...]
    findings: tuple[CallFinding, ...]
    stages: tuple[tuple[str, Span], ...]
    overlaps: tuple[Span, ...]
    silences: tuple[Span, ...]
    duration_s: float | None
    rules: tuple[Row, ...]
    penalties: Penalties | None
    reviewed: ReviewedCall
    before: CallRow | None
    after: CallRow | None

    @property
    def hidden(self) -> tuple[Span, ...]:
        """When PII is said that the page does not show."""
        return privacy.redacted_spans(masked for view in self.turns for masked in view.turn.masked)


def night_pages(
    store: Store, calls: Sequence[CallRow], rejects: Sequence[Row], *, wanted: Iterable[str]
) -> Iterator[NightPage]:
    """The pages of the ``wanted`` nights, in the order of their dates."""
    by_night: dict[str, list[CallRow]] = {row["audit_date"]: [] for row in rejects}
    for call in calls:
        by_night.setdefault(call.audit_date, []).append(call)
    nights = sorted(by_night)
    agents = sorted(store.agents.rows(), key=lambda row: str(row["agent"]))
    said = Counter(
        (row["audit_date"], row["kind"])
        for row in store.reviews.rows(columns=["audit_date", "kind"])
    )
    for night in sorted(set(wanted)):
        at, own = nights.index(night), by_night[night]
        since = (date.fromisoformat(night) - timedelta(days=TREND_DAYS)).isoformat()
        recent = [past for past in nights[:at] if past >= since]
        earlier = [call for past in recent for call in by_night[past]]
        refused = [row for row in rejects if row["audit_date"] == night]
        worst, fails = _worst(store, own)
        unreached = tuple(call for call in own if not call.connected)
        now = summary(night, own)
        yield NightPage(
            night=night,
            nights=tuple(reversed(nights)),
            rules=tuple(now.shares),
            summary=now,
            previous=summary(nights[at - 1], by_night[nights[at - 1]]) if at else None,
            weeks=summary(since, earlier) if earlier else None,
            trend=(*(summary(past, by_night[past]) for past in recent), now),
            bins=bins(own),
            worst=worst,
            fails=fails,
            agents=tuple(row for row in agents if row["audit_date"] == night),
            calls=tuple(own),
            not_connected=unreached,
            outcomes=tuple(Counter(str(call.disposition) for call in unreached).most_common()),
            rejects=tuple(refused),
            reasons=tuple(Counter(str(row["reason"]) for row in refused).most_common()),
            levels=service_levels(store, night),
            groups=belonging.groups(own),
            choices=belonging.choices(own),
            of_agents=belonging.of_agents(own),
            queue=tuple(review_queue(store, night, own)),
            reviews=said[night, "review"],
            appeals=said[night, "appeal"],
        )


def agent_page(store: Store, own: Sequence[CallRow], *, others: Sequence[CallRow]) -> AgentPage:
    """The page of the agent whose calls are ``own`` (at least one, in order)."""
    by_clause: dict[tuple[str | None, str], list[CallFinding]] = {}
    for hit in itertools.chain.from_iterable(_failures(store, own)):
        by_clause.setdefault((hit.finding.clause_id, hit.finding.rule_id), []).append(hit)
    talked = [call for call in own if call.connected]
    paces = [call.agent_chars_per_min for call in talked if call.agent_chars_per_min is not None]
    nights = itertools.groupby(own, key=lambda call: call.audit_date)
    ranked = sorted(by_clause.items(), key=lambda item: (_weight(item[1]), str(item[0])))
    scored = sorted((c for c in own if c.score is not None), key=lambda c: (c.score, c.call_id))
    kept = min(EXTREMES, len(scored) // 2)
    figures = summary(own[0].agent, own)
    return AgentPage(
        agent=own[0].agent,
        agent_name=next((call.agent_name for call in reversed(own) if call.agent_name), None),
        rules=tuple(figures.shares),
        summary=figures,
        team=summary("", belonging.teammates(own, others)) if others else None,
        trend=tuple(summary(night, list(group)) for night, group in nights)[-TREND_DAYS:],
        chars_per_min=sum(paces) / len(paces) if paces else None,
        calls=(listed := tuple(reversed(own))[:LISTED_CALLS]),
        choices=belonging.choices(listed),
        best=tuple(reversed(scored[-kept:])) if kept else (),
        worst=tuple(scored[:kept]),
        clauses=tuple(
            ClauseFailures(clause, rule, len(found), tuple(reversed(found))[:LISTED_HITS])
            for (clause, rule), found in ranked
        ),
    )


def call_pages(
    store: Store, own: Sequence[CallRow], *, only: set[str] | None = None
) -> Iterator[CallPage]:
    """Pages of one agent's calls of one night; ``only`` picks some by their ids."""
    night, agent = own[0].audit_date, own[0].agent
    facts = {row["call_id"]: row for row in partition(store, CALLS, night, agent)}
    turns = by_call_id(partition(store, TURNS, night, agent))
    findings = by_call_id(partition(store, FINDINGS, night, agent))
    said = reviews.stored(store)
    for at, call in enumerate(own):
        if only is not None and call.call_id not in only:
            continue
        row, listed = facts[call.call_id], findings.get(call.call_id, [])
        found = call_findings(call, listed)
        spoken = sorted(map(_drawable, turns.get(call.call_id, ())), key=lambda turn: turn.index)
        last = max((turn.end_s for turn in spoken if turn.end_s is not None), default=None)
        duration_s = max(filter(None, (call.duration_s, last)), default=None)
        own_reviews = [reviews.from_row(r) for r in said.get(call.call_id, ())]
        by_turn = _by_turn(found, spoken)
        yield CallPage(
            row=call,
            facts=row,
            doubts=reasons.doubts(row),
            meta=tuple((k[5:], v) for k, v in row.items() if k.startswith("meta_") and v),
            turns=tuple(TurnView(turn, tuple(by_turn.get(turn.index, ()))) for turn in spoken),
            findings=tuple(found),
            stages=stages(spoken),
            overlaps=overlaps(spoken),
            silences=silences(spoken, duration_s),
            duration_s=duration_s,
            rules=tuple(row.get("rule_scores") or ()),
            penalties=reviews.penalties_of(store, row),
            reviewed=reviews.apply(store, row, reviews.findings_by_id(listed), own_reviews),
            before=own[at - 1] if at else None,
            after=own[at + 1] if at + 1 < len(own) else None,
        )


def latest(said: Sequence[Review]) -> Review | None:
    """The review that counts among those on one finding."""
    return next((review for review in said if review.kind == "review"), None)


def stages(turns: Sequence[Turn]) -> tuple[tuple[str, Span], ...]:
    """Runs of turns of one stage; each lasts until the next one begins."""
    timed = [(turn.stage, turn.span) for turn in turns if turn.stage and turn.span]
    runs = [(str(key), list(run)) for key, run in itertools.groupby(timed, key=lambda t: t[0])]
    starts = [min(span.start_s for _, span in run) for _, run in runs]
    ends = [*starts[1:], *([max(span.end_s for _, span in timed)] if timed else [])]
    return tuple(
        (stage, Span(start, end)) for (stage, _), start, end in zip(runs, starts, ends, strict=True)
    )


def overlaps(turns: Sequence[Turn]) -> tuple[Span, ...]:
    """Stretches in which agent and customer sound at once."""
    agent, customer = (
        Timeline.of(span for turn in turns if turn.role is role for span in turn.speech)
        for role in (Role.AGENT, Role.CUSTOMER)
    )
    return (agent & customer).spans


def silences(turns: Sequence[Turn], duration_s: float | None) -> tuple[Span, ...]:
    """Stretches of at least ``SILENCE_S`` in which nobody speaks."""
    spoken = Timeline.of(span for turn in turns for span in turn.speech)
    if not spoken or duration_s is None:
        return ()
    return spoken.gaps(Span(0.0, duration_s), min_s=SILENCE_S).spans


def _worst(store: Store, calls: Sequence[CallRow]) -> tuple[tuple[CallFinding, ...], int]:
    """The most severe failures of the calls, and how many there are."""
    worst: list[CallFinding] = []
    fails = 0
    for found in _failures(store, calls):
        fails += len(found)
        worst = heapq.nsmallest(WORST, [*worst, *found], key=_most_severe)
    return tuple(worst), fails


def _failures(store: Store, calls: Sequence[CallRow]) -> Iterator[list[CallFinding]]:
    """Failed checks of the calls, one partition at a time."""
    ordered = sorted(calls, key=lambda call: (call.audit_date, call.agent))
    for (night, agent), group in itertools.groupby(ordered, lambda c: (c.audit_date, c.agent)):
        failed = [
            r for r in partition(store, FINDINGS, night, agent) if r["verdict"] == Verdict.FAIL
        ]
        grouped = by_call_id(failed)
        yield [hit for call in group for hit in call_findings(call, grouped.get(call.call_id, ()))]


def _drawable(row: Row) -> Turn:
    """A stored turn; where only its beginning and end are known, it sounds in between."""
    turn = rows.turn(row)
    return turn if turn.speech else replace(turn, speech=sounds(turn))


def _by_turn(
    found: Sequence[CallFinding], turns: Sequence[Turn]
) -> Mapping[int, list[CallFinding]]:
    """Findings other than passes, by the index of the turn they belong to."""
    by_turn: dict[int, list[CallFinding]] = {}
    for hit in found:
        for turn in turns:
            if _rests_on(hit.finding, turn):
                by_turn.setdefault(turn.index, []).append(hit)
    return by_turn


def _rests_on(finding: Finding, turn: Turn) -> bool:
    """Whether the finding starts in the turn or, without times, quotes its words."""
    if finding.verdict == Verdict.PASS or finding.role != turn.role or not finding.evidence:
        return False
    if finding.start_s is None or turn.span is None:
        return finding.start_s is None and finding.evidence == turn.text
    return turn.span.start_s - 0.01 <= finding.start_s < turn.span.end_s


def _weight(found: Sequence[CallFinding]) -> tuple[Any, ...]:
    """Clauses that matter most come first: auto-fails, then points lost, then how often."""
    points = sum(hit.finding.points for hit in found)
    return (-sum(hit.finding.auto_fail for hit in found), -points, -len(found))


def _most_severe(hit: CallFinding) -> tuple[Any, ...]:
    f = hit.finding
    rank = (not f.auto_fail, _SEVERITIES.index(f.severity), -f.points, -f.confidence)
    return (*rank, hit.call.call_id, hit.id)
