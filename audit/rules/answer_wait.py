"""Was the call answered soon enough, or the caller apologised to: one finding for a call."""

from __future__ import annotations

from audit.language.phrases import find_any
from audit.rulebooks.rulebook import AnswerWaitRule, Rulebook
from audit.rules import beginning
from audit.rules.base import finding, understood
from audit.types import Call, Direction, Finding, Role, Turn, Verdict

RULE_ID = "answer_wait"

_OPENING = 2
"""Turns of the agent in which an apology comes first."""


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One finding where the manifest tells the wait (``answer_wait_s``) of a call that came in.

    A late answer is ``cannot_tell`` where the norm asks for a share of the day's calls, or where
    the agent's first words may hold the apology that makes up for it.
    """
    rule, waited_s = rulebook.rules.answer_wait, call.recording.answer_wait_s
    if rule is None or waited_s is None or call.recording.direction is Direction.OUT:
        return []
    limit_s = rule.max_wait_s
    told = f"{waited_s:g} 秒接听，{'超过' if waited_s > limit_s else '不超过'} {limit_s:g} 秒"
    if waited_s <= limit_s:
        return [finding(RULE_ID, rule.checks["answer_wait"], Verdict.PASS, told)]
    return [_late(call, rule, told)]


def _late(call: Call, rule: AnswerWaitRule, told: str) -> Finding:
    opening = [turn for turn in call.turns if turn.role is not Role.CUSTOMER][:_OPENING]
    apology = next((turn for turn in opening if find_any(rule.apologies, turn.text)), None)
    verdict, reason = Verdict.FAIL, "没有先道歉" if rule.apologies else None
    if rule.service_level:
        level = rule.service_level
        share = level.vip_share if call.recording.customer_vip else level.share
        verdict, reason = Verdict.CANNOT_TELL, f"接通率按日统计，应不低于 {share:.0%}"
    elif apology and apology.surely_by(Role.AGENT):
        verdict, reason = Verdict.PASS, "已先道歉"
    elif rule.apologies and (not _told(opening) or beginning.missing(call)):
        verdict, reason = Verdict.CANNOT_TELL, "无法判断是否先道歉"
    return finding(
        RULE_ID,
        rule.checks["answer_wait"],
        verdict,
        f"{told}，{reason}" if reason else told,
        turn=apology,
    )


def _told(opening: list[Turn]) -> bool:
    """Whether what was not found in the agent's first words was not said."""
    return bool(opening) and all(understood(t) and t.surely_by(Role.AGENT) for t in opening)
