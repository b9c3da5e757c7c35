"""What a rule is, and what rules have in common: how a finding is made, what stops a check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import Field

from audit.language.intelligibility import is_mandarin
from audit.language.phrases import find_any
from audit.ports import JudgingModels
from audit.reasons import Reason, because
from audit.rules.acts import CallActs
from audit.rules.cues import Cues
from audit.rules.fields import Strict
from audit.types import Call, Finding, Role, Severity, Span, Turn, Verdict

ALL_VERDICTS = frozenset(Verdict)


class Check(Strict):
    """One thing that a rule asks for: which clause does, and what a failure costs.

    ``enabled``: whether it judges calls at all.
    """

    clause: str
    points: float = Field(gt=0, allow_inf_nan=False)
    severity: Severity = Severity.MINOR
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check as scores, penalties and the catalogue of clauses need it.

    Attributes:
        rule_id: of the rule it belongs to.
        check_id: ``rule`` or ``rule.part``.
        clause: the clause of the norm that asks for it.
        points: taken off the score by a failure.
        severity: of a failure.
        auto_fail: whether a failure fails the whole call.
        verdicts: what it may say.
    """

    rule_id: str
    check_id: str
    clause: str
    points: float
    severity: Severity
    auto_fail: bool = False
    verdicts: frozenset[Verdict] = ALL_VERDICTS

    @property
    def has_penalty(self) -> bool:
        """Whether it asks for anything; a check that only ever passes notes what was said."""
        return self.verdicts != {Verdict.PASS}


class RuleSettings(Strict):
    """What a rulebook says of a rule; ``weight`` is its share of the score."""

    weight: float = Field(gt=0)

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every check, in the order in which the rulebook has them."""
        raise NotImplementedError

    def acts(self) -> Iterator[str]:
        """The acts that it asks for by name."""
        return iter(())

    def acts_of_agent(self) -> Iterator[str]:
        """Those of them that only an agent can perform here."""
        return iter(())

    def own_clauses(self) -> tuple[str, ...]:
        """Clauses that the rule as a whole answers for, beside those of its checks."""
        return ()


class CheckedRule(RuleSettings):
    """Settings of a rule whose checks are named one by one, in ``checks``."""

    checks: Mapping[Any, Check]  # subclasses list the ids

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every check that is enabled, in the order in which the rulebook has them."""
        for check_id, check in self.checks.items():
            if check.enabled:
                yield spec(rule_id, check_id, check)


def spec(
    rule_id: str,
    check_id: str,
    check: Check,
    *,
    auto_fail: bool = False,
    verdicts: frozenset[Verdict] = ALL_VERDICTS,
) -> CheckSpec:
    """A check of a rulebook with what its rule knows of it."""
    return CheckSpec(
        rule_id, check_id, check.clause, check.points, check.severity, auto_fail, verdicts
    )


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at beside the call and its own settings."""

    cues: Cues
    models: JudgingModels
    _acts: list[CallActs] = field(default_factory=list)

    def acts(self, call: Call) -> CallActs:
        """The acts of a call; those of the call that was asked for last are kept."""
        if not self._acts or self._acts[0].call is not call:
            self._acts[:] = [CallActs(call, self.cues.acts, self.models.acts)]
        return self._acts[0]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a check relies on.

    ``roles``: who is the agent. ``words``: what is said. ``by_presence``: it fails by something
    that is said and passes where nothing is found; others fail where something is not said.
    ``to_pass``: whether that is so for a ``pass`` too.
    """

    roles: bool = True
    words: bool = True
    by_presence: bool = False
    to_pass: bool = True


Settings = TypeVar("Settings", bound=RuleSettings)


@dataclass(frozen=True, slots=True)
class Rule(Generic[Settings]):
    """A built-in rule.

    Attributes:
        id: its name in rulebooks and findings.
        settings: what a rulebook says of it.
        evaluate: the findings of a call whose turns have their stages.
        core: whether every rulebook has it and every scorecard names it.
        needs: what its checks rely on.
        two_voices: whether it judges how two voices meet, which a dead channel cannot tell.
    """

    id: str
    settings: type[Settings]
    evaluate: Callable[[Call, Settings, Context], list[Finding]]
    core: bool = False
    needs: Needs = Needs()
    two_voices: bool = False


NO_TIMES = because("no_times")
NO_ROLES = because("no_roles")
NO_AGENT = because("no_agent")

WORD_CONFIDENCE_MIN = 0.45
"""Mean word probability below which words are not held against anyone."""

_BYSTANDERS = re.compile(
    "(喂|哎|诶|哦)?，?(老婆|老公|媳妇|爸爸?|妈妈?|儿子|闺女|女儿|宝贝)(，|你|啊|呀)"
)


def uncertainty(call: Call) -> Reason | None:
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
    """Whether words begin by addressing a bystander: 老婆，卡在哪儿."""
    return _BYSTANDERS.match(turn.text) is not None


def recognised(turn: Turn) -> bool:
    """Whether a turn's words, in whatever language, were recognised well enough to rely on."""
    clear = turn.asr_confidence is None or turn.asr_confidence >= WORD_CONFIDENCE_MIN
    return bool(turn.text) and clear and not turn.unintelligible


def understood(turn: Turn) -> bool:
    """Whether a turn's words were recognised well enough to rely on, and are Mandarin."""
    return recognised(turn) and is_mandarin(turn.text)


def finding(
    check_id: str,
    check: Check,
    verdict: Verdict,
    reason: Reason,
    *,
    span: Span | None = None,
    turn: Turn | None = None,
    meant: str | None = None,
    confidence: float | None = None,
    auto_fail: bool = False,
) -> Finding:
    """A finding of ``check_id`` (``rule`` or ``rule.part``).

    Args:
        check_id: the check.
        check: clause, severity and points of the check.
        verdict: what it says.
        reason: why.
        span: the seconds it is about; those of ``turn`` if not given.
        turn: whose words are the evidence.
        meant: the norm's wording they were recognised as.
        confidence: 0 to 1; by default from that of the turn's words.
        auto_fail: whether a failure fails the whole call.
    """
    where = span or (turn.span if turn else None)
    word_confidence = 1.0 if turn is None or turn.asr_confidence is None else turn.asr_confidence
    decided = verdict is not Verdict.CANNOT_TELL
    if confidence is None:
        confidence = 0.5 + 0.45 * word_confidence if decided else 0.0
    return Finding(
        rule_id=check_id.partition(".")[0],
        check_id=check_id,
        verdict=verdict,
        reason=reason,
        clause_id=check.clause,
        severity=check.severity,
        points=check.points if verdict is Verdict.FAIL else 0.0,
        confidence=round(confidence, 3),
        stage=turn.stage if turn else None,
        role=turn.role if turn else Role.AGENT,
        start_s=where.start_s if where else None,
        end_s=where.end_s if where else None,
        evidence=(turn.text or None) if turn else None,
        meant=meant,
        auto_fail=auto_fail and verdict is Verdict.FAIL,
    )


def whole_call(
    rule_id: str,
    verdict: Verdict,
    reason: Reason,
    *,
    confidence: float,
    clause: str | None = None,
) -> Finding:
    """A finding about all that the agent says, of a rule that has no check of its own for that."""
    return Finding(
        rule_id=rule_id,
        check_id=rule_id,
        verdict=verdict,
        reason=reason,
        clause_id=clause,
        confidence=round(confidence, 3),
        role=Role.AGENT,
    )
