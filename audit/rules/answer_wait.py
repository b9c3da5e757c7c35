"""Was the call answered soon enough, or the caller apologised to: one finding for a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from audit.language.phrases import find_any
from audit.reasons import Reason, because
from audit.rules import beginning
from audit.rules.base import (
    ALL_VERDICTS,
    Check,
    CheckedRule,
    CheckSpec,
    Context,
    Needs,
    Rule,
    finding,
    spec,
    understood,
)
from audit.rules.fields import Phrase, Strict
from audit.types import Call, Direction, Finding, Role, Turn, Verdict


class ServiceLevel(Strict):
    """Share of a day's calls that are to be answered in time, 0 to 1."""

    share: float = Field(gt=0, le=1)
    vip_share: float = Field(gt=0, le=1)


class AnswerWaitRule(CheckedRule):
    """The call is answered within ``max_rings`` rings of ``ring_s`` seconds each.

    ``apologies``: where the norm lets the agent make up for a late answer, the words for it.
    ``service_level``: where the norm asks for a share of the day's calls, no single one fails.
    ``answer_wait.prompt``: where it asks besides for a prompt answer, without a figure.
    """

    checks: dict[Literal["answer_wait", "answer_wait.prompt"], Check] = Field(min_length=1)
    max_rings: int = Field(ge=1)
    ring_s: float = Field(gt=0)
    apologies: tuple[Phrase, ...] = ()
    service_level: ServiceLevel | None = None

    @property
    def max_wait_s(self) -> float:
        """Seconds of ringing after which an answer is late."""
        return self.max_rings * self.ring_s

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every check; no single call fails a share of the day's calls."""
        possible = ALL_VERDICTS - {Verdict.FAIL} if self.service_level else ALL_VERDICTS
        for check_id, check in self.checks.items():
            verdicts = frozenset({Verdict.CANNOT_TELL}) if check_id == _PROMPT else possible
            yield spec(rule_id, check_id, check, verdicts=verdicts)

    @model_validator(mode="after")
    def _has_wait(self) -> Self:
        if _WAIT not in self.checks:
            raise ValueError(f"give the check {_WAIT}")
        return self


_WAIT: Literal["answer_wait"] = "answer_wait"
_PROMPT: Literal["answer_wait.prompt"] = "answer_wait.prompt"

_OPENING = 2
"""Turns of the agent in which an apology comes first."""


def evaluate(call: Call, rule: AnswerWaitRule, context: Context) -> list[Finding]:
    """One finding where the manifest has the wait (``answer_wait_s``) of a call that came in.

    A late answer is ``cannot_tell`` where the norm asks for a share of the day's calls, or where
    the agent's first words may hold the apology that makes up for it.
    """
    waited_s = call.recording.answer_wait_s
    if waited_s is None or call.recording.direction is Direction.OUT:
        return []
    limit_s = rule.max_wait_s
    if waited_s <= limit_s:
        waited = because("answer_wait.in_time", waited_s=waited_s, limit_s=limit_s)
        return [finding(RULE.id, rule.checks["answer_wait"], Verdict.PASS, waited)]
    late = because("answer_wait.late", waited_s=waited_s, limit_s=limit_s)
    found = [_late(call, rule, late)]
    if prompt := rule.checks.get(_PROMPT):
        # the manifest does not say whether the agent or the queue let it ring
        reason = because("answer_wait.with", wait=late, why=because("answer_wait.who_let_ring"))
        found.append(finding(_PROMPT, prompt, Verdict.CANNOT_TELL, reason))
    return found


def _late(call: Call, rule: AnswerWaitRule, waited: Reason) -> Finding:
    opening = [turn for turn in call.turns if turn.role is not Role.CUSTOMER][:_OPENING]
    apology = next((turn for turn in opening if find_any(rule.apologies, turn.text)), None)
    verdict, reason = Verdict.FAIL, because("answer_wait.no_apology") if rule.apologies else None
    if rule.service_level:
        level = rule.service_level
        share = level.vip_share if call.recording.customer_vip else level.share
        verdict, reason = Verdict.CANNOT_TELL, because("answer_wait.by_share", share=share)
    elif apology and apology.surely_by(Role.AGENT):
        verdict, reason = Verdict.PASS, because("answer_wait.apologised")
    elif rule.apologies and (not _is_understood(opening) or beginning.missing(call)):
        verdict, reason = Verdict.CANNOT_TELL, because("answer_wait.apology_unknown")
    return finding(
        RULE.id,
        rule.checks["answer_wait"],
        verdict,
        because("answer_wait.with", wait=waited, why=reason) if reason else waited,
        turn=apology,
    )


def _is_understood(opening: list[Turn]) -> bool:
    """Whether what was not found in the agent's first words was not said."""
    return bool(opening) and all(understood(t) and t.surely_by(Role.AGENT) for t in opening)


RULE = Rule(
    _WAIT,
    AnswerWaitRule,
    evaluate,
    needs=Needs(to_pass=False),  # a soon answer is the manifest's word
)
