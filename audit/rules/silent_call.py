"""A line on which nobody is heard: does the agent greet again, say so, and wait.

It is one too if the customer speaks only after the agent has said goodbye.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from audit.language.phrases import Match, find_any
from audit.language.text import spoken_characters
from audit.reasons import Reason, because
from audit.rules.base import (
    NO_TIMES,
    Check,
    CheckedRule,
    Context,
    Rule,
    finding,
    understood,
    without,
)
from audit.rules.fields import Phrase
from audit.types import Call, Direction, Finding, Role, Span, Turn, Verdict


class SilentCallRule(CheckedRule):
    """What the agent does where no customer is heard: ``greets``, waits, ``announces``, waits.

    ``offers`` are greetings too, and ``prompts`` other words to a silent line; more than
    ``max_other_turns`` turns of anything else are one side of a conversation. Without an offer or
    an announcement, more than ``max_other_characters`` of anything else in a turn are a message
    left. ``ends``: with these words to a silent line the agent gives it up, so that the steps are
    judged even if the customer speaks after all; not where either has words of ``thanks``, which
    belong to a conversation. ``join_s``: pauses below it are within a step.
    """

    checks: dict[
        Literal["silent_call.greets_again", "silent_call.announces", "silent_call.waits"], Check
    ] = Field(min_length=3)
    wait_s: float = Field(gt=0)
    tolerance_s: float = Field(ge=0)
    join_s: float = Field(ge=0)
    max_other_turns: int = Field(ge=0)
    max_other_characters: int = Field(ge=0)
    greets: tuple[Phrase, ...] = Field(min_length=1)
    offers: tuple[Phrase, ...] = ()
    announces: tuple[Phrase, ...] = Field(min_length=1)
    prompts: tuple[Phrase, ...] = ()
    ends: tuple[Phrase, ...] = ()
    thanks: tuple[Phrase, ...] = ()


_PROTESTS = re.compile("怎么.{0,4}(再见|拜拜|挂)|别挂")
"""Words of somebody who was about to be cut off, and does not say goodbye."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What the agent says in one go; ``pause_s`` is the silence after it, None if not known."""

    turn: Turn
    text: str
    pause_s: float | None


def evaluate(call: Call, rule: SilentCallRule, context: Context) -> list[Finding]:
    """The three checks, where the agent speaks and the customer never does, or only after goodbye.

    Who ended a call is not in a recording: steps that are missing because it ended too soon are
    ``cannot_tell``. So is all where the agent talks as if to someone: then the customer's
    channel was not recorded. Where that channel is dead, steps that are missing are no fault
    unless the agent says that nothing is heard.
    """
    if any(turn.role is not Role.AGENT for turn in call.turns):
        return _given_up(call, rule, context) or _left_silent(call, rule, context)
    if not call.turns:
        return []
    uncertainty = _uncertainty(call, rule, context.cues.stages.greeting)
    if uncertainty:
        return [
            finding(check_id, check, Verdict.CANNOT_TELL, uncertainty)
            for check_id, check in rule.checks.items()
        ]
    steps = _steps(call.turns, call.transcript.duration_s, rule)
    found = _judged(steps, rule)
    if call.transcript.dead_channel is None or _announcing(steps, rule):
        return found
    return [_unrecorded(one) for one in found]


def _given_up(call: Call, rule: SilentCallRule, context: Context) -> list[Finding]:
    """The steps before a goodbye to somebody who then speaks; nothing where that is not sure."""
    alone = list(itertools.takewhile(lambda turn: turn.surely_by(Role.AGENT), call.turns))
    if not alone or not _is_given_up(alone[-1], call.turns[len(alone)], rule):
        return []
    opening = replace(call, transcript=replace(call.transcript, turns=tuple(alone)))
    if _uncertainty(opening, rule, context.cues.stages.greeting):
        return []
    steps = _steps(alone, call.turns[len(alone)].start_s, rule)
    if len(steps) == 1:
        return _without_waiting(alone, rule)
    return [
        one for one in _judged(steps, rule, given_up=True) if one.verdict is not Verdict.CANNOT_TELL
    ]


def _left_silent(call: Call, rule: SilentCallRule, context: Context) -> list[Finding]:
    """``cannot_tell`` where the agent greets once, and somebody speaks only after a long silence.

    Whether the agent noticed that nobody spoke, a recording does not show.
    """
    alone = list(itertools.takewhile(lambda turn: turn.surely_by(Role.AGENT), call.turns))
    if not alone or call.recording.direction is Direction.OUT or call.transcript.on_one_line:
        return []
    first, reply = alone[-1], call.turns[len(alone)]
    greets = find_any((*rule.greets, *rule.offers, *context.cues.stages.greeting), alone[0].text)
    if len(alone) > 1 or not greets or first.span is None or reply.span is None:
        return []
    pause = Span(first.span.end_s, max(first.span.end_s, reply.span.start_s))
    if pause.duration_s < 2 * rule.wait_s + rule.tolerance_s:
        return []
    check = rule.checks["silent_call.greets_again"]
    reason = because("silent_call.left_silent", waited_s=pause.duration_s)
    verdict = Verdict.CANNOT_TELL
    return [finding("silent_call.greets_again", check, verdict, reason, span=pause, turn=first)]


def _without_waiting(turns: Sequence[Turn], rule: SilentCallRule) -> list[Finding]:
    """A ``fail`` where nobody was waited for before the agent said that there was no sound."""
    for before, turn in itertools.pairwise(turns):
        if find_any(rule.announces, turn.text) and before.span and turn.span:
            pause = Span(before.span.end_s, max(before.span.end_s, turn.span.start_s))
            reason = because("silent_call.too_soon", waited_s=pause.duration_s, least_s=rule.wait_s)
            check = rule.checks["silent_call.waits"]
            return [
                finding("silent_call.waits", check, Verdict.FAIL, reason, span=pause, turn=turn)
            ]
    return []


def _judged(
    steps: Sequence[_Step], rule: SilentCallRule, *, given_up: bool = False
) -> list[Finding]:
    return [
        _greets_again(steps, rule),
        _announces(steps, rule, given_up=given_up),
        _waits(steps, rule),
    ]


def _is_given_up(last: Turn, reply: Turn, rule: SilentCallRule) -> bool:
    """Whether the agent says goodbye to nobody, and somebody then speaks who had not been heard.

    Who answers with thanks or a goodbye has been in conversation, and was not recorded.
    """
    if not (reply.surely_by(Role.CUSTOMER) and find_any(rule.ends, last.text)):
        return False
    parts = find_any((*rule.ends, *rule.thanks), reply.text) and not _PROTESTS.search(reply.text)
    if parts or find_any(rule.thanks, last.text):
        return False
    return last.end_s is not None and reply.start_s is not None and last.end_s <= reply.start_s


def _unrecorded(one: Finding) -> Finding:
    """No ``fail`` where the customer may have spoken without being recorded.

    Where the agent says that there is no sound, the agent did not hear anybody either.
    """
    if one.verdict is not Verdict.FAIL:
        return one
    reason = because("silent_call.but_unrecorded", finding=one.reason)
    return replace(one, verdict=Verdict.CANNOT_TELL, reason=reason, points=0.0, confidence=0.0)


def _uncertainty(call: Call, rule: SilentCallRule, greeting: tuple[str, ...]) -> Reason | None:
    if any(turn.span is None for turn in call.turns):
        return NO_TIMES
    if call.transcript.on_one_line:
        return because("silent_call.mono")
    known = (*rule.greets, *rule.offers, *rule.announces, *rule.prompts)
    others = [turn for turn in call.turns if turn.text and not find_any(known, turn.text)]
    dead = call.transcript.dead_channel is not None
    if len(others) > (0 if dead else rule.max_other_turns):
        return because("silent_call.unrecorded")
    if call.recording.direction is Direction.OUT or _is_message(call, rule, (*greeting, *known)):
        return because("silent_call.message")
    return None


def _is_message(call: Call, rule: SilentCallRule, known: tuple[str, ...]) -> bool:
    """Whether the agent's words may be left for someone who will hear them later."""
    if any(find_any((*rule.offers, *rule.announces), turn.text) for turn in call.turns):
        return False
    rests = (spoken_characters(without(known, turn.text)) for turn in call.turns)
    return any(rest > rule.max_other_characters for rest in rests)


def _steps(turns: Sequence[Turn], until_s: float | None, rule: SilentCallRule) -> list[_Step]:
    groups: list[list[Turn]] = []
    for turn in turns:
        before = groups[-1][-1].end_s if groups else None
        if before is not None and turn.start_s is not None and turn.start_s - before < rule.join_s:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    starts = [group[0].start_s for group in groups[1:]]
    steps = []
    for group, next_s in zip(groups, [*starts, until_s], strict=True):
        end_s = group[-1].end_s
        pause_s = None if next_s is None or end_s is None else round(next_s - end_s, 3)
        steps.append(_Step(group[0], "".join(turn.text for turn in group), pause_s))
    return steps


def _time_left(steps: Sequence[_Step], rule: SilentCallRule) -> bool:
    """Whether the recording goes on long enough for one more step to be due."""
    pause_s = steps[-1].pause_s
    return pause_s is not None and pause_s >= rule.wait_s + rule.tolerance_s


def _are_understood(steps: Sequence[_Step]) -> bool:
    """Whether what was not found in the words was not said."""
    return all(understood(step.turn) for step in steps)


def _greets_again(steps: Sequence[_Step], rule: SilentCallRule) -> Finding:
    check, again = rule.checks["silent_call.greets_again"], (*rule.greets, *rule.offers)
    greeted = [step.turn for step in steps if find_any(again, step.text)]
    turn = steps[0].turn
    if len(greeted) > 1:
        verdict, reason, turn = Verdict.PASS, because("silent_call.greeted_again"), greeted[1]
    elif not _are_understood(steps):
        verdict, reason = Verdict.CANNOT_TELL, because("silent_call.greeting_unclear")
    elif len(steps) > 1 or _time_left(steps, rule):
        verdict, reason = Verdict.FAIL, because("silent_call.not_greeted_again")
    else:
        verdict, reason = Verdict.CANNOT_TELL, because("silent_call.ended_after_greeting")
    return finding("silent_call.greets_again", check, verdict, reason, turn=turn)


def _announces(steps: Sequence[_Step], rule: SilentCallRule, *, given_up: bool) -> Finding:
    check = rule.checks["silent_call.announces"]
    turn, meant = steps[-1].turn, None
    announced = _announcing(steps, rule)
    if announced:
        step, match = announced
        verdict, reason, turn = Verdict.PASS, because("silent_call.announced"), step.turn
        meant = match.meant
    elif not _are_understood(steps):
        verdict, reason = Verdict.CANNOT_TELL, because("silent_call.announcement_unclear")
    elif given_up or _time_left(steps, rule):
        verdict, reason = Verdict.FAIL, because("silent_call.not_announced")
    else:
        verdict, reason = Verdict.CANNOT_TELL, because("silent_call.ended_before_announcement")
    return finding("silent_call.announces", check, verdict, reason, turn=turn, meant=meant)


def _announcing(steps: Sequence[_Step], rule: SilentCallRule) -> tuple[_Step, Match] | None:
    for step in steps:
        match = find_any(rule.announces, step.text)
        if match:
            return step, match
    return None


def _waits(steps: Sequence[_Step], rule: SilentCallRule) -> Finding:
    """The waits up to the announcement, and the one to the end of the recording."""
    check = rule.checks["silent_call.waits"]
    least_s = rule.wait_s - rule.tolerance_s
    announced = _announcing(steps, rule)
    until = steps.index(announced[0]) if announced else len(steps) - 1
    for step, after in itertools.pairwise(steps[: until + 1]):
        if step.pause_s is not None and step.pause_s < least_s:
            next_s = after.turn.start_s
            assert next_s is not None
            reason = because("silent_call.too_soon", waited_s=step.pause_s, least_s=rule.wait_s)
            span = Span(round(next_s - step.pause_s, 3), next_s)
            return finding(
                "silent_call.waits", check, Verdict.FAIL, reason, span=span, turn=step.turn
            )
    last_s = steps[-1].pause_s
    if last_s is None or last_s < least_s:
        verdict, reason = Verdict.CANNOT_TELL, because("silent_call.last_wait_short")
    else:
        verdict, reason = Verdict.PASS, because("silent_call.waited", least_s=rule.wait_s)
    return finding("silent_call.waits", check, verdict, reason)


RULE = Rule("silent_call", SilentCallRule, evaluate)
