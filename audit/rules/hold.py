"""Is a wait announced, given a reason, short, and thanked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from audit.language.phrases import STRICT, find_any
from audit.language.text import spoken_characters
from audit.reasons import because
from audit.rules.acts import Performed
from audit.rules.base import (
    NO_TIMES,
    Check,
    CheckedRule,
    Context,
    Rule,
    finding,
    uncertainty,
    understood,
)
from audit.rules.cues import SilenceCues
from audit.rules.fields import Phrase
from audit.rules.waiting import Waiting, announcement, bare, is_call, is_token
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


_ASIDE_CHARACTERS = 5
_ON = re.compile("再.{0,3}(等|候)|还(在|没|要|得|需)|继续(等|查)|别挂|不要挂|多等")
"""With which a wait goes on: 网管那边还在导，请您再稍等一下."""
_DONE = re.compile("[到好完成有]了")
"""What an agent who has come back says; 还没出来, in so few words, is not that."""

_OFFERS = re.compile("(有)?什么.{0,4}帮.{0,4}|为您服务|我(们)?(是|叫|姓)")
"""Words of an opening, which tell of no wait."""
_SETS_ABOUT = re.compile("我(?!知道|明白|了解|听|记)|[给帮替为跟]您|正在|马上|这就|[等候稍]")
"""In words that may tell of a wait, though no cue is found: 我跑过去问一声，行不行."""

_ASKED = 3
"""Turns of the customer before a wait that may say what the agent sets about."""

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
    announced: Performed | None
    thanked: Performed | None
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
        heard = Waiting(cues, context.acts(call), context.models.wording)
        found = waits(call.turns, heard, least_s=rule.min_silence_s)
        return [one for wait in found for one in _judged(wait, call, rule, heard)]
    for turn in call.turns:
        if turn.role is not Role.CUSTOMER and (match := announcement(turn.text, cues)):
            reason = NO_TIMES if turn.span is None else unsure
            return [
                finding(check_id, check, Verdict.CANNOT_TELL, reason, turn=turn, meant=match.meant)
                for check_id, check in rule.checks.items()
            ]
    return []


def waits(turns: Sequence[Turn], heard: Waiting, *, least_s: float) -> list[Wait]:
    """The waits in a call whose turns have times and roles.

    The agent's next words end a wait, unless they ask to wait on (还在查，您稍等) or such words,
    or thanks, follow. What the customer calls meanwhile and the agent's 嗯 do not end it.
    """
    quiet, cues = silences(turns, least_s=least_s), heard.cues
    if not quiet:
        return []
    words = [turn for turn in turns if turn.role is Role.AGENT and not is_token(turn, cues)]
    found: list[Wait] = []
    opening: tuple[Turn, Performed] | None = None
    for number, (before, back) in enumerate(itertools.pairwise(words), start=1):
        # a customer who asks 喂 comes between the agent's first words and the thanks
        after = words[number : number + 2]
        thanked = heard.thanked(after)
        previous = words[max(0, number - 2)]
        on = thanked is not None or _asks_on(back, heard)
        aside = _asks_on(before, heard) or (on and _is_aside(turns, before, back, cues))
        if not (aside and _still_waits(turns, quiet, previous, before, cues)):
            opening = None
        silent_s = sum(silence.span.overlap_s(_between(before, back)) for silence in quiet)
        if silent_s and opening is None and (announced := heard.announced(before)):
            opening = (before, announced)
        if opening is None and (
            _has_gone(turns, before, back, heard)
            or _talks_on(turns, quiet, _between(before, back), cues)
        ):
            continue
        if not silent_s or not (opening or thanked):
            continue
        first, announced = opening or (before, None)
        if thanked is None and find_any(cues.apologies, "".join(turn.text for turn in after)):
            thanked = Performed(0, len(back.text))
        if found and found[-1].before is first:
            earlier = found.pop()
            silent_s += earlier.silent_s
            thanked = thanked or earlier.thanked
        span, asked = _between(first, back), heard.asked(first)
        found.append(Wait(first, back, span, round(silent_s, 3), announced, thanked, asked))
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
    return not asked and find_any(cues.thanks, now.text, slack=STRICT) is None


def _asks_on(turn: Turn, heard: Waiting) -> bool:
    """Whether the agent's words ask to wait, and say nothing else: 还在查，您稍等."""
    if _DONE.search(turn.text) or heard.announced(turn) is None:
        return False
    on = _ON.search(turn.text) is not None
    return on or spoken_characters(bare(turn.text, heard.cues)) <= _ASIDE_CHARACTERS


def _is_aside(turns: Sequence[Turn], words: Turn, back: Turn, cues: SilenceCues) -> bool:
    """Whether the agent's words want no answer, get none and open no other wait."""
    return not (
        _DONE.search(words.text)
        or find_any((*cues.waits, *cues.requests, *cues.yields), words.text)
        or _customer_speaks(turns, words, back, cues)
    )


def _between(first: Turn, last: Turn) -> Span:
    assert first.end_s is not None and last.start_s is not None
    return Span(first.end_s, max(first.end_s, last.start_s))


def _has_gone(turns: Sequence[Turn], before: Turn, back: Turn, heard: Waiting) -> bool:
    """Whether it is the customer who is away: 你等我一下，我去拿."""
    return any(
        turn.role is Role.CUSTOMER and heard.is_errand(turn)
        for turn in turns[max(0, before.index - 1) : back.index]
    )


def _talks_on(
    turns: Sequence[Turn], quiet: Sequence[Silence], span: Span, cues: SilenceCues
) -> bool:
    """Whether the customer, after a silence in a stretch, goes on and does not only call out."""
    first = next((silence for silence in quiet if silence.span.overlap_s(span)), None)
    return first is not None and any(
        turn.role is Role.CUSTOMER
        and turn.start_s is not None
        and first.span.end_s <= turn.start_s < span.end_s
        and not is_token(turn, cues)
        and not is_call(turn, cues)
        for turn in turns
    )


def _customer_speaks(turns: Sequence[Turn], first: Turn, last: Turn, cues: SilenceCues) -> bool:
    """Whether the customer says more than 好的 or 喂，还在吗 between two turns."""
    return any(
        turn.role is Role.CUSTOMER and not is_token(turn, cues) and not is_call(turn, cues)
        for turn in turns
        if first.index < turn.index < last.index
    )


def _judged(wait: Wait, call: Call, rule: HoldRule, heard: Waiting) -> list[Finding]:
    found = [_announced(wait, rule, heard), _length(wait, rule)]
    if wait.silent_s >= rule.min_thanked_s:
        found += [_reason(wait, call, rule, heard), _thanked(wait, rule)]
    return found


def _announced(wait: Wait, rule: HoldRule, heard: Waiting) -> Finding:
    check = rule.checks["hold.announced"]
    if wait.announced is None:
        before = wait.before
        kept = wait.silent_s >= rule.min_thanked_s and heard.is_clear(before)
        kept = kept and not _SETS_ABOUT.search(_OFFERS.sub("", before.text))
        verdict = Verdict.FAIL if kept else Verdict.CANNOT_TELL
        reason = because("hold.not_announced") if kept else because("hold.not_heard")
        return finding("hold.announced", check, verdict, reason, span=wait.span, turn=wait.before)
    doubt = wait.announced.uncertainty
    return finding(
        "hold.announced",
        check,
        Verdict.CANNOT_TELL if doubt else Verdict.PASS,
        doubt or because("hold.announced"),
        turn=wait.before,
        meant=wait.announced.meant,
    )


def _reason(wait: Wait, call: Call, rule: HoldRule, heard: Waiting) -> Finding:
    check = rule.checks["hold.reason"]
    said = [
        turn
        for turn in call.said_by(Role.AGENT)
        # 请问有什么可以帮您 is no reason
        if turn is wait.before
        or (turn.index < wait.before.index and turn.stage is not Stage.GREETING)
    ][-3:]
    match = find_any(rule.reasons, "".join(turn.text for turn in said))
    is_bare = spoken_characters(bare(wait.before.text, heard.cues)) <= rule.max_bare_characters
    meant = [
        one
        for turn in said
        if (one := heard.gives_reason(turn))
        and not (one.uncertainty and (is_bare or turn is not wait.before))
    ]
    asked = [t for t in call.said_by(Role.CUSTOMER) if t.index < wait.before.index][-_ASKED:]
    if match or any(one.uncertainty is None for one in meant):
        verdict, reason = Verdict.PASS, because("hold.reason_given")
    elif meant and meant[0].uncertainty is not None:
        verdict, reason = Verdict.CANNOT_TELL, meant[0].uncertainty
    elif any(find_any(rule.reasons, turn.text) for turn in asked):
        verdict, reason = Verdict.CANNOT_TELL, because("hold.asked_by_customer")
    elif not (wait.asked and is_bare) or not all(understood(turn) for turn in said):
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
    waited_s, limit_s = wait.silent_s, rule.max_length_s
    told = [one.uncertainty for one in (wait.announced, wait.thanked) if one is not None]
    doubt = next(iter(told), None) if None not in told else None
    if waited_s <= limit_s:
        verdict = Verdict.PASS
        reason = because("hold.short_enough", waited_s=waited_s, limit_s=limit_s)
    else:
        verdict = Verdict.CANNOT_TELL if doubt else Verdict.FAIL
        reason = doubt or because("hold.too_long", waited_s=waited_s, limit_s=limit_s)
    check = rule.checks["hold.length"]
    return finding("hold.length", check, verdict, reason, span=wait.span, turn=wait.before)


def _thanked(wait: Wait, rule: HoldRule) -> Finding:
    if wait.thanked and wait.thanked.uncertainty:
        verdict, reason = Verdict.CANNOT_TELL, wait.thanked.uncertainty
    elif wait.thanked:
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
