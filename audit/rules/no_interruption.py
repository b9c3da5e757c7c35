"""Does the agent let the customer finish: one finding for each time the agent cuts in."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from audit.language.phrases import find_any
from audit.language.text import spoken_characters
from audit.rulebooks.rulebook import InterruptionThresholds, NoInterruptionRule, Rulebook
from audit.rules.base import without
from audit.transcription.backchannels import hushes, is_backchannel
from audit.types import Call, Channels, Finding, Role, Severity, Span, Turn, Verdict

RULE_ID = "no_interruption"

_RESTS = 6
"""Characters besides 您先说: 哎，不好意思，您先说."""

_GOES_ON = 3
"""Characters after it beyond which they have to be a listener's: 您继续说也没有用."""

_POINTS = {Severity.MINOR: 0.5, Severity.MAJOR: 1.0, Severity.CRITICAL: 1.5}


class Contact(StrEnum):
    """How the agent's voice meets the customer's; the first two are violations.

    ``UNSURE`` would be one if the edges of a ready transcript were as good as ours.
    """

    CUT_IN = "抢话打断，客户停下"
    TALK_OVER = "盖过客户讲话，客户继续讲"
    UNSURE = "重叠可能只是转写时间的误差"
    BACKCHANNEL = "应答语"
    TERMINAL = "客户话尾重叠"
    PAUSE = "客户停顿时应答"
    CUSTOMER_CUTS_IN = "客户插话"
    TOGETHER = "同时开口"


VIOLATIONS = (Contact.CUT_IN, Contact.TALK_OVER)


@dataclass(frozen=True, slots=True)
class Meeting:
    """An agent's turn that meets a turn of the customer.

    ``overlap_s`` are the seconds in which both sound, those that padding makes left out.
    """

    contact: Contact
    turn: Turn
    floor: Turn
    overlap_s: float


@dataclass(frozen=True, slots=True)
class Edges:
    """How far the edges of turns may be off (seconds).

    Attributes:
        padding_s: by which neighbours overlap all through the call, though nobody talks over.
        end_s: by which one end of a turn may be off besides.
        overlap_s: by which neighbours may overlap though nobody talks over.
    """

    padding_s: float = 0.0
    end_s: float = 0.0
    overlap_s: float = 0.0


MEASURED = Edges()
"""Edges that we measured ourselves; what the thresholds allow is enough for them."""

_CHANGES = 2
"""Changes of speaker each way from which a call tells how its turns were padded."""


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One ``fail`` for each cut-in, else one ``pass`` that counts what was no violation.

    ``cannot_tell`` where speakers share a channel, only one of them (or nobody) is heard, or the
    transcript has no times.
    """
    rule = rulebook.rules.no_interruption
    agent, customer = call.said_by(Role.AGENT), call.said_by(Role.CUSTOMER)
    doubt = _doubt(call, agent, customer)
    if doubt:
        return [_whole_call(rule, Verdict.CANNOT_TELL, doubt, confidence=0.0)]
    taking = [turn for turn in agent if not _gives_way(turn, rule)]
    thresholds = rule.applied()
    met = meetings(taking, customer, thresholds, edges=edges(call, thresholds))
    violations = [_finding(meeting, rule) for meeting in met if meeting.contact in VIOLATIONS]
    if violations:
        return violations
    unsure = [meeting for meeting in met if meeting.contact is Contact.UNSURE]
    if unsure:
        return [_unsure(unsure, rule)]
    counts = Counter(meeting.contact for meeting in met)
    others = "、".join(f"{kind} {counts[kind]} 次" for kind in Contact if counts[kind])
    reason = "没有打断客户" + (f"（{others}，不算打断）" if others else "")
    return [_whole_call(rule, Verdict.PASS, reason, confidence=0.95)]


def _gives_way(turn: Turn, rule: NoInterruptionRule) -> bool:
    """Whether the agent says hardly more than 您先说 or 听得到, which takes no floor."""
    rest = without(rule.unless, turn.text)
    if rest == turn.text or spoken_characters(rest) > _RESTS:
        return False
    after = turn.text
    while match := find_any(rule.unless, after):
        after = after[match.last :]
    return spoken_characters(after) <= _GOES_ON or is_backchannel(after)


def edges(call: Call, thresholds: InterruptionThresholds) -> Edges:
    """How far the edges of a call's turns may be off: those of ready transcripts are others' work.

    Voice activity detectors pad what they find, on both sides. A call all of whose changes of
    speaker overlap, each way, was padded: who cuts in makes one way overlap, not both.
    """
    end_s = thresholds.ready_edge_s
    if call.transcript.channels is not Channels.TEXT or not end_s:
        return MEASURED
    padding_s = _padding_s(call.turns)
    return Edges(padding_s, end_s, max(2 * end_s, padding_s + end_s))


def _padding_s(turns: Sequence[Turn]) -> float:
    """Seconds by which most changes of speaker overlap, in the direction in which less do."""
    overlaps: dict[Role, list[float]] = {Role.AGENT: [], Role.CUSTOMER: []}
    for before, after in itertools.pairwise(turns):
        if before.role is after.role or before.span is None or after.span is None:
            continue
        if after.role in overlaps and after.span.end_s > before.span.end_s:
            overlaps[after.role].append(before.span.end_s - after.span.start_s)
    if min(map(len, overlaps.values())) < _CHANGES:
        return 0.0
    return max(0.0, min(map(statistics.median, overlaps.values())))


def meetings(
    agent: Sequence[Turn],
    customer: Sequence[Turn],
    thresholds: InterruptionThresholds,
    *,
    edges: Edges = MEASURED,
) -> list[Meeting]:
    """Where the agent's turns meet the customer's, each told what it is.

    A turn that meets several of the customer's is told by the gravest. Both may go on to
    contest the floor: what the agent says within ``contest_s`` after a violation, or after the
    customer has cut in, belongs to it and is left out.
    """
    floors = [floor for floor in customer if not floor.is_backchannel]
    voice = sorted(span for floor in floors for span in floor.speech)
    found: list[Meeting] = []
    contested_until = float("-inf")
    for turn in agent:
        span = turn.span
        if span is None:
            continue
        met = [m for floor in floors if (m := _meeting(turn, floor, thresholds, edges))]
        gravest = min(met, key=lambda m: list(Contact).index(m.contact), default=None)
        if gravest is None:
            continue
        if _only_listens(gravest, span, voice, thresholds, edges):
            gravest = replace(gravest, contact=Contact.BACKCHANNEL)
        if gravest.contact not in VIOLATIONS:
            found.append(gravest)
            if gravest.contact is Contact.CUSTOMER_CUTS_IN:
                contested_until = span.end_s + thresholds.contest_s
            continue
        if span.start_s > contested_until:
            found.append(gravest)
        contested_until = span.end_s + thresholds.contest_s
    return found


def _meeting(
    turn: Turn, floor: Turn, thresholds: InterruptionThresholds, edges: Edges
) -> Meeting | None:
    mine, theirs = turn.span, floor.span
    if mine is None or theirs is None or mine.overlap_s(theirs) == 0:
        return None
    together_s = sum(a.overlap_s(b) for a in turn.speech for b in floor.speech)
    contact = _contact(turn, mine, floor, theirs, together_s, thresholds, edges)
    return Meeting(contact, turn, floor, round(max(0.0, together_s - edges.padding_s), 3))


def _contact(
    turn: Turn,
    mine: Span,
    floor: Turn,
    theirs: Span,
    together_s: float,
    thresholds: InterruptionThresholds,
    edges: Edges,
) -> Contact:
    onset_s = mine.start_s
    left_s = theirs.end_s - onset_s
    held_s = onset_s - _taken_up_at(floor.speech or (theirs,), onset_s, thresholds)
    if abs(held_s) < thresholds.min_floor_s + edges.end_s:
        return Contact.TOGETHER
    if held_s < 0:
        return Contact.CUSTOMER_CUTS_IN
    paused_at = max((s.end_s for s in floor.speech if s.start_s <= onset_s), default=onset_s)
    resumed_at = min((s.start_s for s in floor.speech if s.end_s > onset_s), default=onset_s)
    if resumed_at - paused_at > thresholds.max_pause_s:
        return Contact.PAUSE
    padded_s = thresholds.min_overlap_s + edges.padding_s + edges.end_s
    if together_s < padded_s or left_s < thresholds.min_advance_s:
        return Contact.TERMINAL if mine.end_s > theirs.end_s else Contact.BACKCHANNEL
    if spoken_characters(turn.text) < thresholds.min_characters:
        return Contact.BACKCHANNEL
    if together_s < thresholds.min_overlap_s + edges.overlap_s:
        return Contact.UNSURE
    stops = left_s < thresholds.yield_s and mine.end_s > theirs.end_s
    return Contact.CUT_IN if stops else Contact.TALK_OVER


def _only_listens(
    meeting: Meeting,
    mine: Span,
    voice: Sequence[Span],
    thresholds: InterruptionThresholds,
    edges: Edges,
) -> bool:
    """Whether what seems to cut in is a listener's words, wherever the other's turn ends.

    好了好了 is none where the other's voice stops at it.
    """
    turn = meeting.turn
    if not turn.is_backchannel:
        accused = meeting.contact in (*VIOLATIONS, Contact.UNSURE)
        brief = mine.duration_s <= thresholds.listening_s + 2 * edges.end_s
        if not (accused and brief and is_backchannel(turn.text)):
            return False
    return not (hushes(turn.text) and _stops(voice, mine.start_s, thresholds))


def _stops(voice: Sequence[Span], onset_s: float, thresholds: InterruptionThresholds) -> bool:
    """Whether a voice falls silent soon after an instant, for longer than a pause in a turn."""
    within_s = onset_s + thresholds.yield_s
    nexts = itertools.chain((span.start_s for span in voice[1:]), [float("inf")])
    return any(
        onset_s < span.end_s < within_s and next_s - span.end_s > thresholds.max_pause_s
        for span, next_s in zip(voice, nexts, strict=True)
    )


def _taken_up_at(
    speech: Sequence[Span], onset_s: float, thresholds: InterruptionThresholds
) -> float:
    """When the speech at ``onset_s`` began, or began again after a pause that gave the floor."""
    taken_up_s = speech[0].start_s
    for before, after in itertools.pairwise(speech):
        if after.start_s > onset_s:
            break
        if after.start_s - before.end_s > thresholds.max_pause_s:
            taken_up_s = after.start_s
    return taken_up_s


def severity(meeting: Meeting, thresholds: InterruptionThresholds) -> Severity:
    """Graver the longer both sound together, and where the customer stops."""
    steps = (
        (meeting.overlap_s >= thresholds.long_overlap_s)
        + (meeting.overlap_s >= thresholds.grave_overlap_s)
        + (meeting.contact is Contact.CUT_IN)
    )
    return list(Severity)[min(steps, 2)]


def _doubt(call: Call, agent: list[Turn], customer: list[Turn]) -> str | None:
    if call.transcript.channels is Channels.MONO:
        return "单声道录音，无法可靠判断双方是否同时讲话"
    if any(turn.start_s is None for turn in (*agent, *customer)):
        return "转写文本没有时间，无法判断是否打断"
    if not agent and any(turn.role is Role.UNKNOWN for turn in call.turns):
        return "无法判断哪一方是客服"
    if not agent or not customer:
        return "只听到一方讲话，谈不上打断"
    return None


def _unsure(met: Sequence[Meeting], rule: NoInterruptionRule) -> Finding:
    longest = max(met, key=lambda meeting: meeting.overlap_s)
    reason = f"{Contact.UNSURE}（{len(met)} 处，最长 {longest.overlap_s:.1f} 秒），无法判断是否打断"
    return replace(
        _whole_call(rule, Verdict.CANNOT_TELL, reason, confidence=0.0),
        start_s=longest.turn.start_s,
        end_s=longest.turn.end_s,
        evidence=longest.turn.text or None,
    )


def _finding(meeting: Meeting, rule: NoInterruptionRule) -> Finding:
    grade = severity(meeting, rule.applied())
    turn = meeting.turn
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=Verdict.FAIL,
        reason=f"{meeting.contact}，重叠 {meeting.overlap_s:.1f} 秒",
        clause_id=rule.clauses[0],
        severity=grade,
        points=rule.points * _POINTS[grade],
        confidence=round(min(0.99, 0.7 + 0.3 * meeting.overlap_s), 3),
        stage=turn.stage,
        role=Role.AGENT,
        start_s=turn.start_s,
        end_s=turn.end_s,
        evidence=turn.text or None,
    )


def _whole_call(
    rule: NoInterruptionRule, verdict: Verdict, reason: str, *, confidence: float
) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=verdict,
        reason=reason,
        clause_id=rule.clauses[0],
        confidence=confidence,
        role=Role.AGENT,
    )
