"""Did the agent greet as the norm asks: one finding for each element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field, model_validator

from audit.language.phrases import Match, find, find_any, find_words
from audit.language.text import spoken_characters
from audit.reasons import Reason, because
from audit.rules import beginning
from audit.rules.base import (
    ALL_VERDICTS,
    NO_AGENT,
    NO_ROLES,
    Check,
    CheckSpec,
    Context,
    Rule,
    RuleSettings,
    finding,
    spec,
)
from audit.rules.fields import Phrase
from audit.types import Call, Direction, Finding, Role, Stage, Turn, Verdict


class GreetingCheck(Check):
    """One element of the greeting.

    ``slack``: half syllables that may be wrong beyond the usual tolerance, for names. ``missing``:
    what the check says where the element is not found; with ``nothing`` the norm does not ask for
    it, and it is noted where it is said. ``unsure``: words with which a missing element
    ``cannot_tell`` instead (a name that no list has). ``first_turns``: how many of the
    agent's first turns may say it, whatever their stage. ``when``: asked for only where the agent
    says one of these words in the call. ``by_name``: the agent's name from the manifest counts too.
    """

    slack: int = Field(0, ge=0, le=2)
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    missing: Literal["fail", "cannot_tell", "nothing"] = "fail"
    unsure: tuple[Phrase, ...] = ()
    first_turns: int = Field(0, ge=0)
    when: tuple[Phrase, ...] = ()
    by_name: bool = False

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """What it may say."""
        if self.missing == "nothing":
            return frozenset({Verdict.PASS})
        return ALL_VERDICTS - {Verdict.FAIL} if self.missing == "cannot_tell" else ALL_VERDICTS


class GreetingOrder(Check):
    """Of two elements in one turn, ``first`` comes before ``then``.

    ``unless``: with these words in the turn it is not judged (an announcement played before it).
    """

    first: str
    then: str
    unless: tuple[Phrase, ...] = ()


class GreetingRule(RuleSettings):
    """The greeting and its elements, by ``check_id``.

    ``outbound``: the elements of calls that the agent makes, if they are not those of ``checks``.
    """

    clauses: tuple[str, ...] = Field(min_length=1)
    checks: dict[str, GreetingCheck]
    outbound: dict[str, GreetingCheck] = Field(default_factory=dict)
    order: GreetingOrder | None = None

    @model_validator(mode="after")
    def _known_order(self) -> Self:
        for name in (self.order.first, self.order.then) if self.order else ():
            if name not in self.checks:
                raise ValueError(f"order names {name!r}, which is not a check of the greeting")
        return self

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every element, those of outbound calls after the others, and their order."""
        for check_id, check in (*self.checks.items(), *self.outbound.items()):
            yield spec(rule_id, check_id, check, verdicts=check.verdicts)
        if self.order is not None:
            yield spec(rule_id, ORDER, self.order, verdicts=frozenset({Verdict.FAIL}))

    def own_clauses(self) -> tuple[str, ...]:
        """Clauses that the greeting as a whole answers for."""
        return self.clauses


ORDER = "greeting.order"

_STAGE = because("greeting.stage_unknown")


def evaluate(call: Call, rule: GreetingRule, context: Context) -> list[Finding]:
    """One finding for each element the rulebook asks for in calls of this direction.

    ``cannot_tell`` where the agent's turns are not known or were not understood; so is what is
    not heard where the recording lacks the beginning of the call, or where the agent rang up and
    nobody is heard to answer. A call whose direction is not known is judged as one that came in.
    """
    spoken = call.said_by(Role.AGENT)
    opening = [
        turn
        for turn in call.turns
        if turn.stage is Stage.GREETING and not turn.surely_by(Role.CUSTOMER)
    ]
    uncertainty = _uncertainty(call, spoken, opening)
    asked_for = list(_asked_for(call, rule, spoken))
    if uncertainty:
        return [
            _cannot_tell(name, check, uncertainty)
            for name, check in asked_for
            if check.missing != "nothing"
        ]
    excused = beginning.missing(call) or _unanswered(call)
    if excused is None:
        found = [one for name, check in asked_for for one in _judged(call, name, check, opening)]
        return found + _order(call, rule, opening)
    return [
        _cannot_tell(name, check, excused) if one.verdict is Verdict.FAIL else one
        for name, check in asked_for
        for one in _judged(call, name, check, opening)
    ]


def _asked_for(
    call: Call, rule: GreetingRule, spoken: list[Turn]
) -> Iterator[tuple[str, GreetingCheck]]:
    out = call.recording.direction is Direction.OUT
    for check_id, check in (rule.outbound if out and rule.outbound else rule.checks).items():
        if not check.when or any(find_any(check.when, turn.text) for turn in spoken):
            yield check_id, check


def _uncertainty(call: Call, spoken: list[Turn], opening: list[Turn]) -> Reason | None:
    if not spoken:
        if any(turn.role is Role.UNKNOWN for turn in call.turns):
            return NO_ROLES
        return NO_AGENT
    if not any(spoken_characters(turn.text) for turn in opening or spoken):
        return because("greeting.no_words")
    return None


def _unanswered(call: Call) -> Reason | None:
    out = call.recording.direction is Direction.OUT
    alone = all(turn.role is Role.AGENT for turn in call.turns)
    return because("greeting.unanswered") if out and alone else None


def _cannot_tell(check_id: str, check: GreetingCheck, uncertainty: Reason) -> Finding:
    return replace(finding(check_id, check, Verdict.CANNOT_TELL, uncertainty), role=None)


def _judged(call: Call, check_id: str, check: GreetingCheck, opening: list[Turn]) -> list[Finding]:
    spoken = call.said_by(Role.AGENT)
    later = [turn for turn in spoken[: check.first_turns] if turn not in opening]
    for turn in (*opening, *later):
        match = _said(call, check, turn)
        if match is not None:
            return [_passed(check_id, check, turn, match)]
    if check.missing == "nothing":
        return []
    uncertain = [turn for turn in spoken if turn.in_stage(Stage.GREETING) is None]
    if any(_said(call, check, turn) for turn in uncertain):
        return [_cannot_tell(check_id, check, _STAGE)]
    if any(not turn.surely_by(Role.AGENT) for turn in opening):
        return [_cannot_tell(check_id, check, because("greeting.speaker_unknown"))]
    if check.missing == "cannot_tell" or any(find_any(check.unsure, t.text) for t in opening):
        return [_cannot_tell(check_id, check, because("greeting.other_wording"))]
    return [_failed(check_id, check, opening)]


def _said(call: Call, check: GreetingCheck, turn: Turn) -> Match | None:
    name = call.recording.agent_name
    named = find_words(name, turn.text) if check.by_name and name else None
    return find_any(check.phrases, turn.text, slack=check.slack) or named


def _passed(check_id: str, check: GreetingCheck, turn: Turn, match: Match) -> Finding:
    greeted = turn.stage is Stage.GREETING
    reason = because("greeting.said") if greeted else because("greeting.said_later")
    confidence = match.quality * (turn.asr_confidence or 1.0)
    passed = finding(
        check_id,
        check,
        Verdict.PASS,
        reason,
        turn=turn,
        meant=match.meant,
        confidence=confidence,
    )
    return replace(passed, role=Role.AGENT)


def _failed(check_id: str, check: GreetingCheck, opening: list[Turn]) -> Finding:
    first = opening[0] if opening else None
    confidences = [turn.asr_confidence for turn in opening if turn.asr_confidence is not None]
    reason = because("greeting.not_said") if opening else because("greeting.none")
    confidence = sum(confidences) / len(confidences) if confidences else 0.9
    return replace(
        finding(check_id, check, Verdict.FAIL, reason, confidence=confidence),
        stage=Stage.GREETING,
        start_s=first.start_s if first else None,
        end_s=opening[-1].end_s if opening else None,
        evidence="".join(turn.text for turn in opening) or None,
    )


def _order(call: Call, rule: GreetingRule, opening: list[Turn]) -> list[Finding]:
    """A ``fail`` where the first turn has two elements in the wrong order."""
    order = rule.order
    if order is None or not opening or call.recording.direction is Direction.OUT:
        return []
    turn, then = opening[0], rule.checks[order.then]
    hellos = [find(phrase, turn.text) for phrase in rule.checks[order.first].phrases]
    begins = min((match.first for match in hellos if match), default=None)
    if begins is None or not turn.surely_by(Role.AGENT) or find_any(order.unless, turn.text):
        return []
    before, after = turn.text[:begins], turn.text[begins:]
    if find_any(then.phrases, after, slack=then.slack) or not find_any(then.phrases, before):
        return []
    return [finding(ORDER, order, Verdict.FAIL, because("greeting.order"), turn=turn)]


RULE = Rule("greeting", GreetingRule, evaluate, core=True)
