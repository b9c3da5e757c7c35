"""Does the agent leave the customer in an unexplained silence: one finding for each."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from audit.language.phrases import find_any
from audit.language.text import spoken_characters
from audit.reasons import because
from audit.rules import hold
from audit.rules.base import (
    NO_AGENT,
    NO_ROLES,
    NO_TIMES,
    Check,
    CheckedRule,
    Context,
    Rule,
    finding,
    is_to_a_bystander,
    understood,
)
from audit.rules.cues import SilenceCues
from audit.rules.waiting import Waiting, is_call, is_token
from audit.timeline import Silence, silences
from audit.types import Call, Finding, Role, Turn, Verdict


class DeadAirRule(CheckedRule):
    """The agent leaves no silence of ``min_silence_s`` unexplained.

    ``max_reply_characters``: up to here a customer's answer to a request only takes it up.
    """

    checks: dict[Literal["dead_air"], Check] = Field(min_length=1)
    min_silence_s: float = Field(gt=0)
    max_reply_characters: int = Field(ge=0)


_ASKS = re.compile(
    "(吗|嘛|多少|怎么办|什么时候|为什么|怎么回事)[呢啊呀，。？]*$|？$"
    "|(什么时候|多久|几点)(才|能|会|可以)"
)

_COMMISSIONS = re.compile("帮我|我想(问|查|看|找|改|退|换)")
"""What sounds like a customer who asks for time, and asks the agent: 我想问一下."""


def evaluate(call: Call, rule: DeadAirRule, context: Context) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each long silence that is the agent's, else a ``pass``.

    What is before the first and after the last sound does not count, nor does a call in which
    no customer speaks (that is ``silent_call``).
    """
    cues = context.cues.silences
    if all(turn.role is Role.AGENT for turn in call.turns):
        return []
    check = rule.checks["dead_air"]
    if any(turn.span is None for turn in call.turns):
        return [finding(RULE.id, check, Verdict.CANNOT_TELL, NO_TIMES)]
    if all(turn.role is Role.CUSTOMER for turn in call.turns):
        return [finding(RULE.id, check, Verdict.CANNOT_TELL, NO_AGENT)]
    heard = Waiting(cues, context.acts(call), context.models.wording)
    waits = hold.waits(call.turns, heard, least_s=rule.min_silence_s)
    found = []
    for silence in silences(call.turns, least_s=rule.min_silence_s):
        if not any(silence.span.overlap_s(wait.span) for wait in waits):
            found += _judged(silence, call, rule, heard)
    none = because("dead_air.none", limit_s=rule.min_silence_s)
    return found or [finding(RULE.id, check, Verdict.PASS, none)]


def _judged(silence: Silence, call: Call, rule: DeadAirRule, heard: Waiting) -> list[Finding]:
    cues = heard.cues
    said = _said_before(silence, call, cues)
    if any(turn.role is Role.UNKNOWN for turn in call.turns):
        verdict, why = Verdict.CANNOT_TELL, NO_ROLES
    elif not call.said_by(Role.AGENT):
        verdict, why = Verdict.CANNOT_TELL, NO_AGENT
    elif not all(understood(turn) for turn in said):
        verdict, why = Verdict.CANNOT_TELL, because("dead_air.unclear")
    elif _is_the_customers(said, rule, cues) or _asks_for_time(said[-1], heard):
        return []
    elif _is_waited_through(said, silence.after, cues):
        verdict, why = Verdict.FAIL, because("dead_air.waited")
    else:
        verdict, why = Verdict.CANNOT_TELL, because("dead_air.turn_unknown")
    reason = because("dead_air.silence", seconds=silence.span.duration_s, why=why)
    return [
        finding(RULE.id, rule.checks["dead_air"], verdict, reason, span=silence.span, turn=said[-1])
    ]


def _said_before(silence: Silence, call: Call, cues: SilenceCues) -> list[Turn]:
    """The last words of either side before the silence, the later last; at least one turn."""
    begins_s = silence.span.start_s
    last = {
        turn.role: (min(turn.span.end_s, begins_s), turn)
        for turn in call.turns
        if turn.span is not None
        and turn.span.start_s < begins_s
        and not (turn.role is Role.AGENT and is_token(turn, cues))
    }
    ordered = sorted(last.values(), key=lambda item: item[0])
    return [turn for _, turn in ordered] or [silence.before]


def _is_the_customers(said: list[Turn], rule: DeadAirRule, cues: SilenceCues) -> bool:
    """Whether the customer is expected to speak, act or wait; if uncertain, yes."""
    last = said[-1]
    instructions = (*cues.waits, *cues.requests)
    if last.role is Role.AGENT:
        return find_any((*instructions, *cues.yields), last.text) is not None
    if _is_busy(last, cues):
        return True
    takes_up = spoken_characters(last.text) <= rule.max_reply_characters
    agent = said[0]
    return takes_up and agent.role is Role.AGENT and find_any(instructions, agent.text) is not None


def _asks_for_time(last: Turn, heard: Waiting) -> bool:
    """Whether the last words are the customer's, who goes to do something, or may."""
    if last.role is not Role.CUSTOMER or _COMMISSIONS.search(last.text):
        return False
    return heard.is_errand(last)


def _is_waited_through(said: list[Turn], after: Turn, cues: SilenceCues) -> bool:
    """Whether the customer is seen to wait: has asked, or calls out into the silence.

    Only that accuses; a customer who goes on to look for something says so in a thousand ways.
    """
    last = said[-1]
    if after.role is Role.CUSTOMER and is_call(after, cues):
        began = any(turn.role is Role.CUSTOMER for turn in said)
        return began and not _is_busy(last, cues)
    asks = last.role is Role.CUSTOMER and _ASKS.search(last.text) is not None
    return asks and not is_to_a_bystander(last)


def _is_busy(turn: Turn, cues: SilenceCues) -> bool:
    return find_any(cues.busy, turn.text) is not None and not _COMMISSIONS.search(turn.text)


RULE = Rule("dead_air", DeadAirRule, evaluate, two_voices=True)
