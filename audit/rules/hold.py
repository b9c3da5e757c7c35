"""Is a wait announced, given a reason, short, and thanked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from audit.language.phrases import Match, find_any, find_literal
from audit.language.text import spoken_characters
from audit.reasons import because
from audit.rules.base import (
    ALL_VERDICTS,
    NO_TIMES,
    Check,
    CheckedRule,
    CheckSpec,
    Context,
    Rule,
    finding,
    spec,
    uncertainty,
    understood,
    without,
)
from audit.rules.cues import SilenceCues
from audit.rules.fields import Phrase
from audit.timeline import Silence, silences
from audit.types import Call, Finding, Role, Span, Stage, Turn, Verdict


class HoldRule(CheckedRule):
    """A wait is announced, has a reason, is short, and is thanked for.

    ``min_silence_s`` of silence make a wait, ``min_thanked_s`` one that wants a reason and
    thanks. More than ``max_bare_characters`` besides 好的，请您稍等一下 may be a reason.
    ``unless``: words after a wait that may be thanks, or another voice's greeting.
    """

    checks: dict[Literal["hold.announced", "hold.reason", "hold.length", "hold.thanked"], Check] = (
        Field(min_length=4)
    )
    min_silence_s: float = Field(gt=0)
    min_thanked_s: float = Field(gt=0)
    max_length_s: float = Field(gt=0)
    max_bare_characters: int = Field(ge=0)
    reasons: tuple[Phrase, ...] = Field(min_length=1)
    unless: tuple[Phrase, ...] = ()

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every check; a silence that nobody announced is ``dead_air``, never a failed hold."""
        for check_id, check in self.checks.items():
            never = {Verdict.FAIL} if check_id == "hold.announced" else set()
            yield spec(rule_id, check_id, check, verdicts=ALL_VERDICTS - never)


_TOKEN_CHARACTERS = 3
"""Characters up to which a turn without any cue is a sound (嗯, 好的) that changes nothing."""

_CALL_CHARACTERS = 2
"""Characters besides 喂 and the like up to which a customer only calls: 喂，你还在吗."""

_POLITE = re.compile(
    "好的|好吗|[可行]以?吗|一[下会]儿?|片刻|先生|女士|[好嗯啊哈呀吧呢哦那您你请先行的]"
)

_ASIDE_CHARACTERS = 5
_DONE = re.compile("[到好完成有]了")
"""What an agent who has come back says; 还没出来, in so few words, is not that."""

_NO_QUESTIONS = re.compile("(好|可以|行)(吗|嘛|么)|好不好|什么(情况|原因|问题)|怎么回事")
"""What sounds like a question and wants no answer: 请您稍等一下好吗, 我看看是什么情况."""

_TRANSFERS = re.compile("[您你]转(?!账)|转(接|到|给|人工)")


@dataclass(frozen=True, slots=True)
class Wait:
    """The customer waits from the agent's words ``before`` to ``back``.

    ``silent_s``: seconds in which nobody speaks. ``announced`` and ``thanked`` are the words
    found; a wait has at least one of them. ``asked``: the agent asked the customer to wait,
    and did not only say what they were about.
    """

    before: Turn
    back: Turn
    span: Span
    silent_s: float
    announced: Match | None
    thanked: Match | None
    asked: bool


def evaluate(call: Call, rule: HoldRule, context: Context) -> list[Finding]:
    """For each wait one finding of each check that applies; nothing where no customer is heard.

    A long silence that is neither announced nor thanked for is ``dead_air`` and no wait.
    """
    cues = context.cues.silences
    if all(turn.role is Role.AGENT for turn in call.turns):
        return []
    unsure = uncertainty(call)
    if unsure is None:
        found = waits(call.turns, cues, least_s=rule.min_silence_s)
        return [one for wait in found for one in _judged(wait, call, rule, cues)]
    for turn in call.turns:
        if turn.role is not Role.CUSTOMER and (match := announcement(turn.text, cues)):
            reason = NO_TIMES if turn.span is None else unsure
            return [
                finding(check_id, check, Verdict.CANNOT_TELL, reason, turn=turn, meant=match.meant)
                for check_id, check in rule.checks.items()
            ]
    return []


def waits(turns: Sequence[Turn], cues: SilenceCues, *, least_s: float) -> list[Wait]:
    """The waits in a call whose turns have times and roles.

    The agent's next words end a wait, unless they ask to wait on (还在查，您稍等) or such words,
    or thanks, follow. What the customer calls meanwhile and the agent's 嗯 do not end it.
    """
    quiet = silences(turns, least_s=least_s)
    if not quiet:
        return []
    words = [turn for turn in turns if turn.role is Role.AGENT and not is_token(turn, cues)]
    found: list[Wait] = []
    opening: tuple[Turn, Match] | None = None
    for number, (before, back) in enumerate(itertools.pairwise(words), start=1):
        # a customer who asks 喂 comes between the agent's first words and the thanks
        after = "".join(turn.text for turn in words[number : number + 2])
        thanked = find_any(cues.thanks, after)
        previous = words[max(0, number - 2)]
        on = thanked is not None or _asks_on(back, cues)
        aside = _asks_on(before, cues) or (on and _is_aside(turns, before, back, cues))
        if not (aside and _still_waits(turns, quiet, previous, before, cues)):
            opening = None
        if opening is None and (announced := announcement(before.text, cues)):
            opening = (before, announced)
        silent_s = sum(silence.span.overlap_s(_between(before, back)) for silence in quiet)
        if not silent_s or not (opening or thanked):
            continue
        first, match = opening or (before, None)
        thanked = thanked or find_any(cues.apologies, after)
        if found and found[-1].before is first:
            earlier = found.pop()
            silent_s += earlier.silent_s
            thanked = thanked or earlier.thanked
        asked = find_any(cues.announcements, first.text) is not None
        span = _between(first, back)
        found.append(Wait(first, back, span, round(silent_s, 3), match, thanked, asked))
    return found


def _still_waits(
    turns: Sequence[Turn],
    quiet: Sequence[Silence],
    previous: Turn,
    now: Turn,
    cues: SilenceCues,
) -> bool:
    """Whether nothing that ends a wait is said up to and with the agent's words ``now``."""
    first_to_speak = any(silence.after is now for silence in quiet)
    asked = not first_to_speak and _customer_speaks(turns, previous, now, cues)
    return not asked and find_any(cues.thanks, now.text) is None


def _asks_on(turn: Turn, cues: SilenceCues) -> bool:
    """Whether the agent's words ask to wait, and say nothing else: 还在查，您稍等."""
    if spoken_characters(_bare(turn.text, cues)) > _ASIDE_CHARACTERS or _DONE.search(turn.text):
        return False
    return announcement(turn.text, cues) is not None


def _is_aside(turns: Sequence[Turn], words: Turn, back: Turn, cues: SilenceCues) -> bool:
    """Whether the agent's words want no answer, get none and open no other wait."""
    return not (
        _DONE.search(words.text)
        or find_any((*cues.waits, *cues.requests, *cues.yields), words.text)
        or _customer_speaks(turns, words, back, cues)
    )


def _bare(text: str, cues: SilenceCues) -> str:
    """What words say besides 好的，请您稍等一下."""
    return _POLITE.sub("", without(cues.waits, text))


def _between(first: Turn, last: Turn) -> Span:
    assert first.end_s is not None and last.start_s is not None
    return Span(first.end_s, max(first.end_s, last.start_s))


def _customer_speaks(turns: Sequence[Turn], first: Turn, last: Turn, cues: SilenceCues) -> bool:
    """Whether the customer says more than 好的 or 喂，还在吗 between two turns."""
    return any(
        turn.role is Role.CUSTOMER and not is_token(turn, cues) and not is_call(turn, cues)
        for turn in turns
        if first.index < turn.index < last.index
    )


def is_call(turn: Turn, cues: SilenceCues) -> bool:
    """Whether a customer's words only call out into a silence."""
    text = turn.text
    while match := find_literal(cues.calls, text):
        text = text[: match.first] + text[match.last :]
    return text != turn.text and spoken_characters(text) <= _CALL_CHARACTERS


def announcement(text: str, cues: SilenceCues) -> Match | None:
    """Where the text tells the customer to wait, and not for something that comes later.

    Nor may it go on to ask something else.
    """
    match = find_any(cues.waits, text)
    if match is None or find_any(cues.later, text[match.first :]):
        return None
    rest = _NO_QUESTIONS.sub("", without(cues.waits, text[match.last :]))
    return None if find_any((*cues.requests, *cues.yields), rest) else match


def is_token(turn: Turn, cues: SilenceCues) -> bool:
    """Whether a turn is a mere sound of listening, after which all is as before."""
    if turn.is_backchannel:
        return True
    every = (*cues.waits, *cues.thanks, *cues.requests, *cues.yields, *cues.busy)
    return (
        bool(turn.text)
        and spoken_characters(turn.text) <= _TOKEN_CHARACTERS
        and find_any(every, turn.text) is None
    )


def _judged(wait: Wait, call: Call, rule: HoldRule, cues: SilenceCues) -> list[Finding]:
    found = [_announced(wait, rule), _length(wait, rule)]
    if wait.silent_s >= rule.min_thanked_s:
        found += [_reason(wait, call, rule, cues), _thanked(wait, rule)]
    return found


def _announced(wait: Wait, rule: HoldRule) -> Finding:
    check = rule.checks["hold.announced"]
    if wait.announced is None:
        reason = because("hold.not_heard")
        return finding(
            "hold.announced", check, Verdict.CANNOT_TELL, reason, span=wait.span, turn=wait.before
        )
    return finding(
        "hold.announced",
        check,
        Verdict.PASS,
        because("hold.announced"),
        turn=wait.before,
        meant=wait.announced.meant,
    )


def _reason(wait: Wait, call: Call, rule: HoldRule, cues: SilenceCues) -> Finding:
    check = rule.checks["hold.reason"]
    said = [
        turn
        for turn in call.said_by(Role.AGENT)
        # 请问有什么可以帮您 is no reason
        if turn is wait.before
        or (turn.index < wait.before.index and turn.stage is not Stage.GREETING)
    ][-3:]
    match = find_any(rule.reasons, "".join(turn.text for turn in said))
    asked = [turn for turn in call.said_by(Role.CUSTOMER) if turn.index < wait.before.index][-1:]
    if match:
        verdict, reason = Verdict.PASS, because("hold.reason_given")
    elif any(find_any(rule.reasons, turn.text) for turn in asked):
        verdict, reason = Verdict.CANNOT_TELL, because("hold.asked_by_customer")
    elif (
        not wait.asked
        or spoken_characters(_bare(wait.before.text, cues)) > rule.max_bare_characters
        or not all(understood(turn) for turn in said)
    ):
        verdict, reason = Verdict.CANNOT_TELL, because("hold.reason_unknown")
    else:
        verdict, reason = Verdict.FAIL, because("hold.no_reason")
    return finding(
        "hold.reason",
        check,
        verdict,
        reason,
        turn=wait.before,
        meant=match.meant if match else None,
    )


def _length(wait: Wait, rule: HoldRule) -> Finding:
    long = wait.silent_s > rule.max_length_s
    waited_s, limit_s = wait.silent_s, rule.max_length_s
    return finding(
        "hold.length",
        rule.checks["hold.length"],
        Verdict.FAIL if long else Verdict.PASS,
        because("hold.too_long", waited_s=waited_s, limit_s=limit_s)
        if long
        else because("hold.short_enough", waited_s=waited_s, limit_s=limit_s),
        span=wait.span,
        turn=wait.before,
    )


def _thanked(wait: Wait, rule: HoldRule) -> Finding:
    if wait.thanked:
        verdict, reason = Verdict.PASS, because("hold.thanked")
    elif not understood(wait.back):
        verdict, reason = Verdict.CANNOT_TELL, because("hold.thanks_unclear")
    elif not wait.asked:
        verdict, reason = Verdict.CANNOT_TELL, because("hold.not_asked")
    elif _is_someone_else(wait) or find_any(rule.unless, wait.back.text):
        verdict, reason = Verdict.CANNOT_TELL, because("hold.someone_else")
    else:
        verdict = Verdict.FAIL
        reason = because("hold.not_thanked", waited_s=wait.silent_s)
    return finding(
        "hold.thanked",
        rule.checks["hold.thanked"],
        verdict,
        reason,
        turn=wait.back,
        meant=wait.thanked.meant if wait.thanked else None,
    )


def _is_someone_else(wait: Wait) -> bool:
    """Whether another voice comes back, as after a transfer."""
    other = wait.back.speaker != wait.before.speaker
    return other or _TRANSFERS.search(wait.before.text) is not None


RULE = Rule("hold", HoldRule, evaluate, two_voices=True)
