"""Did the agent greet as the norm asks: one finding for each element."""

from __future__ import annotations

from audit.phrases import find_any
from audit.rulebook import GreetingCheck, Rulebook
from audit.types import Call, Finding, Role, Segment, Turn, Verdict

RULE_ID = "greeting"


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One finding for each element the rulebook asks for.

    ``cannot_tell`` where the agent's turns are not known or were not understood.
    """
    spoken = call.said_by(Role.AGENT)
    opening = [
        turn
        for turn in call.turns
        if turn.segment is Segment.GREETING and not turn.surely_by(Role.CUSTOMER)
    ]
    checks = rulebook.rules.greeting.checks
    doubt = _doubt(call, spoken, opening)
    return [
        _untold(check_id, check, doubt) if doubt else _judged(check_id, check, opening)
        for check_id, check in checks.items()
    ]


def _doubt(call: Call, spoken: list[Turn], opening: list[Turn]) -> str | None:
    if not spoken:
        if any(turn.role is Role.UNKNOWN for turn in call.turns):
            return "无法判断哪一方是客服"
        return "录音中没有客服讲话"
    if opening and not any(turn.text for turn in opening):
        return "开头语没有识别出文字"
    return None


def _untold(check_id: str, check: GreetingCheck, doubt: str) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=check_id,
        verdict=Verdict.CANNOT_TELL,
        reason=doubt,
        clause_id=check.clause,
        severity=check.severity,
        confidence=0.0,
    )


def _judged(check_id: str, check: GreetingCheck, opening: list[Turn]) -> Finding:
    for turn in opening:
        match = find_any(check.phrases, turn.text, slack=check.slack)
        if match is None:
            continue
        return Finding(
            rule_id=RULE_ID,
            check_id=check_id,
            verdict=Verdict.PASS,
            reason="开头语中已说到",
            clause_id=check.clause,
            severity=check.severity,
            confidence=round(match.quality * (turn.asr_confidence or 1.0), 3),
            segment=Segment.GREETING,
            role=Role.AGENT,
            start_s=turn.start_s,
            end_s=turn.end_s,
            evidence=turn.text,
            meant=match.meant,
        )
    if any(not turn.surely_by(Role.AGENT) for turn in opening):
        return _untold(check_id, check, "没有听到，但开头部分有话无法确认是谁说的")
    first = opening[0] if opening else None
    confidences = [turn.asr_confidence for turn in opening if turn.asr_confidence is not None]
    return Finding(
        rule_id=RULE_ID,
        check_id=check_id,
        verdict=Verdict.FAIL,
        reason="开头语中没有说到" if opening else "没有开头语，直接进入业务",
        clause_id=check.clause,
        severity=check.severity,
        points=check.points,
        confidence=round(sum(confidences) / len(confidences), 3) if confidences else 0.9,
        segment=Segment.GREETING,
        role=Role.AGENT,
        start_s=first.start_s if first else None,
        end_s=opening[-1].end_s if opening else None,
        evidence="".join(turn.text for turn in opening) or None,
    )
