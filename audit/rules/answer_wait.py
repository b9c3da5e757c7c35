"""Was the call answered soon enough, or the caller apologised to: one finding for a call."""

from __future__ import annotations

from audit.language.phrases import find_any
from audit.reasons import Reason, because
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
    if waited_s <= limit_s:
        told = because("answer_wait.in_time", waited_s=waited_s, limit_s=limit_s)
        return [finding(RULE_ID, rule.checks["answer_wait"], Verdict.PASS, told)]
    return [_late(call, rule, because("answer_wait.late", waited_s=waited_s, limit_s=limit_s))]


def _late(call: Call, rule: AnswerWaitRule, told: Reason) -> Finding:
    opening = [turn for turn in call.turns if turn.role is not Role.CUSTOMER][:_OPENING]
    apology = next((turn for turn in opening if find_any(rule.apologies, turn.text)), None)
    verdict, reason = Verdict.FAIL, because("answer_wait.no_apology") if rule.apologies else None
    if rule.service_level:
        level = rule.service_level
        share = level.vip_share if call.recording.customer_vip else level.share
        verdict, reason = Verdict.CANNOT_TELL, because("answer_wait.by_share", share=share)
    elif apology and apology.surely_by(Role.AGENT):
        verdict, reason = Verdict.PASS, because("answer_wait.apologised")
    elif rule.apologies and (not _told(opening) or beginning.missing(call)):
        verdict, reason = Verdict.CANNOT_TELL, because("answer_wait.apology_unknown")
    return finding(
        RULE_ID,
        rule.checks["answer_wait"],
        verdict,
        because("answer_wait.with", wait=told, why=reason) if reason else told,
        turn=apology,
    )


def _told(opening: list[Turn]) -> bool:
    """Whether what was not found in the agent's first words was not said."""
    return bool(opening) and all(understood(t) and t.surely_by(Role.AGENT) for t in opening)
