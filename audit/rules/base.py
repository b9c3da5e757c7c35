"""What the rules on listening have in common: how a finding is made, and what stops a check."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from audit.language.intelligibility import is_mandarin
from audit.language.phrases import find_any
from audit.ports import JudgingModels
from audit.rulebooks.rulebook import Check, Rulebook
from audit.types import Call, Finding, Role, Span, Turn, Verdict

Evaluate = Callable[[Call, Rulebook, JudgingModels], list[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name in findings and rulebooks, and how it judges a call."""

    rule_id: str
    evaluate: Evaluate


def without_models(evaluate: Callable[[Call, Rulebook], list[Finding]]) -> Evaluate:
    """How a rule judges that asks nothing of models."""
    return lambda call, rulebook, models: evaluate(call, rulebook)


NO_TIMES = "转写文本没有时间，无法判断"
NO_ROLES = "无法判断哪一方是客服"
NO_AGENT = "录音中没有客服讲话"

SURE = 0.45
"""Mean word probability below which words are not held against anyone."""

_BYSTANDERS = re.compile(
    "(喂|哎|诶|哦)?，?(老婆|老公|媳妇|爸爸?|妈妈?|儿子|闺女|女儿|宝贝)(，|你|啊|呀)"
)


def doubt(call: Call) -> str | None:
    """Why neither seconds nor speakers of a call can be relied on, or None."""
    if any(turn.span is None for turn in call.turns):
        return NO_TIMES
    if any(turn.role is Role.UNKNOWN for turn in call.turns):
        return NO_ROLES
    return None


def without(phrases: tuple[str, ...], text: str) -> str:
    """What the phrases leave of a text."""
    while match := find_any(phrases, text):
        text = text[: match.first] + text[match.last :]
    return text


def is_to_a_bystander(turn: Turn) -> bool:
    """Whether words begin by calling someone who stands by: 老婆，卡在哪儿."""
    return _BYSTANDERS.match(turn.text) is not None


def recognised(turn: Turn) -> bool:
    """Whether a turn's words, in whatever language, were heard well enough to build on."""
    clear = turn.asr_confidence is None or turn.asr_confidence >= SURE
    return bool(turn.text) and clear and not turn.unintelligible


def understood(turn: Turn) -> bool:
    """Whether a turn's words were heard well enough to build on, and are Mandarin."""
    return recognised(turn) and is_mandarin(turn.text)


def finding(
    check_id: str,
    check: Check,
    verdict: Verdict,
    reason: str,
    *,
    span: Span | None = None,
    turn: Turn | None = None,
    meant: str | None = None,
) -> Finding:
    """A finding of ``check_id`` (``rule`` or ``rule.part``).

    Args:
        check_id: the check.
        check: clause, severity and points of the check.
        verdict: what it says.
        reason: why, in words for the QA team.
        span: the seconds it is about; those of ``turn`` if not given.
        turn: whose words are the evidence.
        meant: the norm's wording they were recognised as.
    """
    where = span or (turn.span if turn else None)
    heard = 1.0 if turn is None or turn.asr_confidence is None else turn.asr_confidence
    told = verdict is not Verdict.CANNOT_TELL
    return Finding(
        rule_id=check_id.partition(".")[0],
        check_id=check_id,
        verdict=verdict,
        reason=reason,
        clause_id=check.clause,
        severity=check.severity,
        points=check.points if verdict is Verdict.FAIL else 0.0,
        confidence=round(0.5 + 0.45 * heard, 3) if told else 0.0,
        stage=turn.stage if turn else None,
        role=turn.role if turn else Role.AGENT,
        start_s=where.start_s if where else None,
        end_s=where.end_s if where else None,
        evidence=(turn.text or None) if turn else None,
        meant=meant,
    )


def seconds(span: Span) -> str:
    """A span's length for people: ``12.0 秒``."""
    return f"{span.duration_s:.1f} 秒"
