"""Does the agent let the customer finish: one finding for each time the agent cuts in."""

from __future__ import annotations

from audit.rulebook import InterruptionThresholds, NoInterruptionRule, Rulebook
from audit.types import Call, Channels, Finding, Role, Severity, Span, Turn, Verdict

RULE_ID = "no_interruption"


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One ``fail`` for each cut-in, else one ``pass``.

    ``cannot_tell`` where speakers share a channel or the transcript has no times.
    """
    rule = rulebook.rules.no_interruption
    agent, customer = call.said_by(Role.AGENT), call.said_by(Role.CUSTOMER)
    doubt = _doubt(call, agent, customer)
    if doubt:
        return [_whole_call(rule, Verdict.CANNOT_TELL, doubt, confidence=0.0)]
    findings = [
        _finding(turn, cut, floor, rule)
        for turn, floor, cut in cut_ins(agent, customer, rule.thresholds)
    ]
    return findings or [_whole_call(rule, Verdict.PASS, "没有打断客户", confidence=0.95)]


def cut_ins(
    agent: list[Turn], customer: list[Turn], thresholds: InterruptionThresholds
) -> list[tuple[Turn, Turn, Span]]:
    """Each time the agent cuts in: the agent's turn, the customer's, and the overlap.

    Both may go on to contest the floor; what the agent says within ``contest_s`` after a
    cut-in belongs to it and is not counted again.
    """
    found: list[tuple[Turn, Turn, Span]] = []
    contested_until = float("-inf")
    for turn in agent:
        if turn.is_backchannel or turn.start_s is None or turn.end_s is None:
            continue
        hit = next(
            (
                (turn, floor, cut)
                for floor in customer
                if not floor.is_backchannel
                if (cut := overlap(turn, floor, thresholds)) is not None
            ),
            None,
        )
        if hit is None:
            continue
        if turn.start_s > contested_until:
            found.append(hit)
        contested_until = turn.end_s + thresholds.contest_s
    return found


def overlap(turn: Turn, floor: Turn, thresholds: InterruptionThresholds) -> Span | None:
    """The stretch in which ``turn`` talks over ``floor`` after cutting into it, or None.

    ``turn`` cuts in where it starts while ``floor`` has been held for ``min_floor_s``, is not
    in a pause longer than ``max_pause_s``, and both then sound together for at least
    ``min_overlap_s``.
    """
    if turn.start_s is None or turn.end_s is None or floor.start_s is None or floor.end_s is None:
        return None
    onset = turn.start_s
    if onset - floor.start_s < thresholds.min_floor_s or onset >= floor.end_s:
        return None
    paused_at = max((s.end_s for s in floor.speech if s.start_s <= onset), default=onset)
    resumed_at = min((s.start_s for s in floor.speech if s.end_s > onset), default=onset)
    if resumed_at - paused_at > thresholds.max_pause_s:
        return None
    together = sum(a.overlap_s(b) for a in turn.speech for b in floor.speech)
    if together < thresholds.min_overlap_s:
        return None
    return Span(onset, min(turn.end_s, floor.end_s))


def _doubt(call: Call, agent: list[Turn], customer: list[Turn]) -> str | None:
    if call.transcript.channels is Channels.MONO:
        return "单声道录音，无法可靠判断双方是否同时讲话"
    if any(turn.start_s is None for turn in (*agent, *customer)):
        return "转写文本没有时间，无法判断是否打断"
    if not agent and any(turn.role is Role.UNKNOWN for turn in call.turns):
        return "无法判断哪一方是客服"
    return None


def _finding(turn: Turn, cut: Span, floor: Turn, rule: NoInterruptionRule) -> Finding:
    assert floor.end_s is not None and turn.start_s is not None
    seconds = cut.duration_s
    grave = seconds >= rule.thresholds.grave_overlap_s
    yielded = floor.end_s - turn.start_s < 1.0
    outcome = "客户被迫停下" if yielded else "客户继续讲话"
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=Verdict.FAIL,
        reason=f"客户正在讲话时客服插话，重叠 {seconds:.1f} 秒，{outcome}",
        clause_id=rule.clauses[0],
        severity=Severity.CRITICAL if grave else rule.severity,
        points=rule.points * (1.5 if grave else 1.0),
        confidence=round(min(0.99, 0.7 + 0.3 * seconds), 3),
        segment=turn.segment,
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
