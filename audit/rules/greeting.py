"""Did the agent greet as the norm asks: one finding for each element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from pydantic import Field, model_validator

from audit.language.phrases import find_any, find_words
from audit.language.text import spoken_characters
from audit.reasons import Reason, because
from audit.rules import beginning
from audit.rules.acts import CallActs, Performed
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
    ``act``: so does this act of the rulebook. ``if_reached``: asked for only where the person
    whom the agent rang up could be talked to.
    """

    slack: int = Field(0, ge=0, le=2)
    phrases: tuple[Phrase, ...] = ()
    missing: Literal["fail", "cannot_tell", "nothing"] = "fail"
    unsure: tuple[Phrase, ...] = ()
    first_turns: int = Field(0, ge=0)
    when: tuple[Phrase, ...] = ()
    by_name: bool = False
    act: str | None = None
    if_reached: bool = False

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.phrases and self.act is None:
            raise ValueError("give phrases, or an act")
        return self

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

    ``outbound``: the elements of calls that the agent makes, if they are not those of ``checks``;
    ``not_reached``: acts of the other side by which it is not the person who was rung up, or that
    person cannot talk.
    """

    clauses: tuple[str, ...] = Field(min_length=1)
    not_reached: tuple[str, ...] = ()
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
        """Every element that is enabled, those of outbound calls after the others; their order."""
        for check_id, check in (*self.checks.items(), *self.outbound.items()):
            if check.enabled:
                yield spec(rule_id, check_id, check, verdicts=check.verdicts)
        if self.order is not None and self.order.enabled:
            yield spec(rule_id, ORDER, self.order, verdicts=frozenset({Verdict.FAIL}))

    def acts(self) -> Iterator[str]:
        """The acts that its elements name, and those of who was not reached."""
        yield from self.not_reached
        yield from self.acts_of_agent()

    def acts_of_agent(self) -> Iterator[str]:
        """The acts that its elements name."""
        for check in (*self.checks.values(), *self.outbound.values()):
            if check.act is not None:
                yield check.act

    def own_clauses(self) -> tuple[str, ...]:
        """Clauses that the greeting as a whole answers for."""
        return self.clauses


ORDER = "greeting.order"

_STAGE = because("greeting.stage_unknown")

_CONFIRMS = re.compile(
    "(喂|嗯|啊|哎|诶|噢|哦)?[，。 ]?(对|是|就是|我是|我就是|是我|是的|对的|本人)"
)
"""How the one whom the agent rang up answers: 对，我是."""

_ANSWERS = 3
"""Turns in which the other side says that it is not the one who was rung up."""


def evaluate(call: Call, rule: GreetingRule, context: Context) -> list[Finding]:
    """One finding for each element the rulebook asks for in calls of this direction.

    ``cannot_tell`` where the agent's turns are not known or were not understood; so is what is
    not heard where the recording lacks the beginning of the call, or where the agent rang up and
    nobody is heard to answer. A call whose direction is not known is judged as one that came in.
    """
    return _Greeting(call, rule, context.acts(call)).findings()


@dataclass(slots=True)
class _Greeting:
    """A call's opening, and what a rule says of it."""

    call: Call
    rule: GreetingRule
    acts: CallActs
    spoken: list[Turn] = field(init=False)
    opening: list[Turn] = field(init=False)

    def __post_init__(self) -> None:
        self.spoken = self.call.said_by(Role.AGENT)
        self.opening = [
            turn
            for turn in self.call.turns
            if turn.stage is Stage.GREETING and not turn.surely_by(Role.CUSTOMER)
        ]

    def findings(self) -> list[Finding]:
        """One for each element asked for, and one for a wrong order."""
        uncertainty, asked_for = self._uncertainty(), list(self._asked_for())
        if uncertainty:
            return [
                _cannot_tell(name, check, uncertainty)
                for name, check in asked_for
                if check.missing != "nothing"
            ]
        excused = beginning.missing(self.call) or self._unanswered()
        found = [one for name, check in asked_for for one in self._judged(name, check)]
        if excused is None:
            return found + self._order()
        checks = dict(asked_for)
        return [
            _cannot_tell(one.check_id, checks[one.check_id], excused)
            if one.verdict is Verdict.FAIL
            else one
            for one in found
        ]

    @property
    def _is_outbound(self) -> bool:
        return self.call.recording.direction is Direction.OUT

    def _asked_for(self) -> Iterator[tuple[str, GreetingCheck]]:
        rule, outbound = self.rule, self._is_outbound and self.rule.outbound
        reached = not outbound or not any(one.uncertainty is None for one in self._not_reached())
        for check_id, check in (rule.outbound if outbound else rule.checks).items():
            wanted = not check.when or any(find_any(check.when, turn.text) for turn in self.spoken)
            if check.enabled and wanted and (reached or not check.if_reached):
                yield check_id, check

    def _not_reached(self) -> list[Performed]:
        """Where the one who answers is not whom the agent rang up, or cannot talk, or may be so."""
        answers = self.call.said_by(Role.CUSTOMER)[:_ANSWERS]
        return [
            one
            for turn in answers
            if not _CONFIRMS.match(turn.text)
            for act in self.rule.not_reached
            for one in self.acts.performed(act, turn)
        ]

    def _uncertainty(self) -> Reason | None:
        if not self.spoken:
            if any(turn.role is Role.UNKNOWN for turn in self.call.turns):
                return NO_ROLES
            return NO_AGENT
        if not any(spoken_characters(turn.text) for turn in self.opening or self.spoken):
            return because("greeting.no_words")
        return None

    def _unanswered(self) -> Reason | None:
        alone = all(turn.role is Role.AGENT for turn in self.call.turns)
        return because("greeting.unanswered") if self._is_outbound and alone else None

    def _judged(self, check_id: str, check: GreetingCheck) -> list[Finding]:
        later = [turn for turn in self.spoken[: check.first_turns] if turn not in self.opening]
        doubts: list[Reason] = []
        for turn in (*self.opening, *later):
            said = self._said(check, turn)
            if said is not None and said.uncertainty is None:
                return [_passed(check_id, check, turn, said)]
            if said is not None and said.uncertainty is not None:
                doubts.append(said.uncertainty)
        if check.missing == "nothing":
            return []
        # where no turn is of the opening, the agent's first may be
        uncertain = [turn for turn in self.spoken if turn.in_stage(Stage.GREETING) is None]
        uncertain += [] if self.opening else self.spoken[:1]
        if any(self._said(check, turn) for turn in uncertain):
            return [_cannot_tell(check_id, check, _STAGE)]
        if any(not turn.surely_by(Role.AGENT) for turn in self.opening):
            return [_cannot_tell(check_id, check, because("greeting.speaker_unknown"))]
        if check.if_reached and self._is_outbound:
            doubts += [one.uncertainty for one in self._not_reached() if one.uncertainty]
        if doubts:
            return [_cannot_tell(check_id, check, doubts[0])]
        unsure = any(find_any(check.unsure, turn.text) for turn in self.opening)
        if check.missing == "cannot_tell" or unsure:
            return [_cannot_tell(check_id, check, because("greeting.other_wording"))]
        return [_failed(check_id, check, self.opening)]

    def _said(self, check: GreetingCheck, turn: Turn) -> Performed | None:
        name = self.call.recording.agent_name
        named = find_words(name, turn.text) if check.by_name and name else None
        if match := find_any(check.phrases, turn.text, slack=check.slack) or named:
            return Performed(match.first, match.last, match.meant, quality=match.quality)
        performed = self.acts.performed(check.act, turn) if check.act else ()
        return performed[0] if performed else None

    def _order(self) -> list[Finding]:
        """A ``fail`` where the opening has two elements in the wrong order."""
        order = self.rule.order
        if order is None or not order.enabled or not self.opening or self._is_outbound:
            return []
        turn, then = self.opening[0], self.rule.checks[order.then]
        said = "，".join(turn.text for turn in self.opening)
        begins = _first(self.rule.checks[order.first].phrases, said)
        if begins is None or not turn.surely_by(Role.AGENT) or find_any(order.unless, said):
            return []
        before, after = said[:begins], said[begins:]
        if find_any(then.phrases, after) or not find_any(then.phrases, before):
            return []
        return [finding(ORDER, order, Verdict.FAIL, because("greeting.order"), turn=turn)]


def _first(phrases: tuple[str, ...], text: str) -> int | None:
    """Where the first of some phrases begins."""
    begins = None
    while match := find_any(phrases, text):
        begins, text = match.first, text[: match.first]
    return begins


def _cannot_tell(check_id: str, check: GreetingCheck, uncertainty: Reason) -> Finding:
    return replace(finding(check_id, check, Verdict.CANNOT_TELL, uncertainty), role=None)


def _passed(check_id: str, check: GreetingCheck, turn: Turn, said: Performed) -> Finding:
    greeted = turn.stage is Stage.GREETING
    reason = because("greeting.said") if greeted else because("greeting.said_later")
    confidence = said.quality * (turn.asr_confidence or 1.0)
    passed = finding(
        check_id,
        check,
        Verdict.PASS,
        reason,
        turn=turn,
        meant=said.meant,
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


RULE = Rule("greeting", GreetingRule, evaluate, core=True)
