"""Is a wait announced, given a reason, short, and thanked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.phrases import Match, find_any
from audit.rulebook import HoldRule, Rulebook, SilenceCues
from audit.rules.findings import NO_TIMES, doubt, finding, understood
from audit.text import spoken_characters
from audit.timing import silences
from audit.types import Call, Finding, Role, Segment, Span, Turn, Verdict

RULE_ID = "hold"

_TOKEN_CHARACTERS = 3
"""Characters up to which a turn without any cue is a sound (嗯, 好的) that changes nothing."""

_NO_QUESTIONS = re.compile("(好|可以|行)(吗|嘛|么)|好不好|什么(情况|原因|问题)|怎么回事")
"""What sounds like a question and wants no answer: 请您稍等一下好吗, 我看看是什么情况."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The customer waits from the agent's words ``before`` to ``back``.

    ``silent_s``: seconds in which nobody speaks. ``announced`` and ``thanked`` are the words
    found; a wait has at least one of them.
    """

    before: Turn
    back: Turn
    span: Span
    silent_s: float
    announced: Match | None
    thanked: Match | None


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """For each wait one finding of each check that applies; nothing where no customer is heard.

    A long silence that is neither announced nor thanked for is ``dead_air`` and no wait.
    """
    rule, cues = rulebook.rules.hold, rulebook.silences
    if rule is None or all(turn.role is Role.AGENT for turn in call.turns):
        return []
    unsure = doubt(call)
    if unsure is None:
        found = waits(call.turns, cues, least_s=rule.min_silence_s)
        return [one for wait in found for one in _judged(wait, call, rule)]
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

    The agent's next words end a wait, unless they are about nothing else and silence follows
    them again (还在查); what the customer says and the agent's 嗯 do not.
    """
    words = [turn for turn in turns if turn.role is Role.AGENT and not is_token(turn, cues)]
    quiet = silences(turns, least_s=least_s)
    found: list[Wait] = []
    opening: tuple[Turn, Match] | None = None
    for number, (before, back) in enumerate(itertools.pairwise(words), start=1):
        announced = announcement(before.text, cues)
        goes_on = not (
            announced
            or find_any((*cues.thanks, *cues.requests, *cues.yields), before.text)
            or _customer_speaks(turns, words[max(0, number - 2)], before, cues)
            or _customer_speaks(turns, before, back, cues)
        )
        if not goes_on:
            opening = (before, announced) if announced else None
        silent_s = sum(silence.span.overlap_s(_between(before, back)) for silence in quiet)
        # a customer who asks 喂 comes between the agent's first words and the thanks
        after = "".join(turn.text for turn in words[number : number + 2])
        thanked = find_any(cues.thanks, after)
        if not silent_s or not (opening or thanked):
            continue
        first, asked = opening or (before, None)
        if found and found[-1].before is first:
            silent_s += found.pop().silent_s
        thanked = thanked or find_any(cues.apologies, after)
        found.append(Wait(first, back, _between(first, back), round(silent_s, 3), asked, thanked))
    return found


def _between(first: Turn, last: Turn) -> Span:
    assert first.end_s is not None and last.start_s is not None
    return Span(first.end_s, max(first.end_s, last.start_s))


def _customer_speaks(turns: Sequence[Turn], first: Turn, last: Turn, cues: SilenceCues) -> bool:
    """Whether the customer says more than 好的 between two turns."""
    between = (turn for turn in turns if first.index < turn.index < last.index)
    return any(turn.role is Role.CUSTOMER and not is_token(turn, cues) for turn in between)


def announcement(text: str, cues: SilenceCues) -> Match | None:
    """Where the text asks the customer to wait and does not go on to ask something else."""
    match = find_any(cues.announcements, text)
    if match is None:
        return None
    rest = _NO_QUESTIONS.sub("", text[match.last :])
    return None if find_any((*cues.requests, *cues.yields), rest) else match


def is_token(turn: Turn, cues: SilenceCues) -> bool:
    """Whether a turn is a mere sound of listening, after which all is as before."""
    if turn.is_backchannel:
        return True
    every = (*cues.announcements, *cues.thanks, *cues.requests, *cues.yields, *cues.busy)
    return (
        bool(turn.text)
        and spoken_characters(turn.text) <= _TOKEN_CHARACTERS
        and find_any(every, turn.text) is None
    )


def _judged(wait: Wait, call: Call, rule: HoldRule) -> list[Finding]:
    found = [_announced(wait, rule), _reason(wait, call, rule), _length(wait, rule)]
    if wait.silent_s >= rule.min_thanked_s:
        found.append(_thanked(wait, rule))
    return found


def _announced(wait: Wait, rule: HoldRule) -> Finding:
    check = rule.checks["hold.announced"]
    if wait.announced is None:
        reason = "客服事后为等待致谢或致歉，但没有听清等待前是否说明"
        return finding(
            "hold.announced", check, Verdict.CANNOT_TELL, reason, span=wait.span, turn=wait.before
        )
    return finding(
        "hold.announced",
        check,
        Verdict.PASS,
        "等待前已请客户稍等",
        turn=wait.before,
        meant=wait.announced.meant,
    )


def _reason(wait: Wait, call: Call, rule: HoldRule) -> Finding:
    check = rule.checks["hold.reason"]
    said = [
        turn
        for turn in call.said_by(Role.AGENT)
        # 请问有什么可以帮您 is no reason
        if turn is wait.before
        or (turn.index < wait.before.index and turn.segment is not Segment.GREETING)
    ][-3:]
    match = find_any(rule.reasons, "".join(turn.text for turn in said))
    meant = wait.announced.meant if wait.announced else ""
    bare = spoken_characters(wait.before.text) - spoken_characters(meant)
    if match:
        verdict, reason = Verdict.PASS, "已说明等待的原因"
    elif (
        wait.announced is None
        or bare > rule.max_bare_characters
        or not all(understood(turn) for turn in said)
    ):
        verdict, reason = Verdict.CANNOT_TELL, "无法判断等待前的话里是否说明了原因"
    else:
        verdict, reason = Verdict.FAIL, "请客户等待，没有说明原因"
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
    limit = f"{rule.max_length_s:.0f} 秒"
    return finding(
        "hold.length",
        rule.checks["hold.length"],
        Verdict.FAIL if long else Verdict.PASS,
        f"客户等待 {wait.silent_s:.1f} 秒，{'超过' if long else '不超过'} {limit}",
        span=wait.span,
        turn=wait.before,
    )


def _thanked(wait: Wait, rule: HoldRule) -> Finding:
    if wait.thanked:
        verdict, reason = Verdict.PASS, "等待后已致谢或致歉"
    elif understood(wait.back):
        verdict = Verdict.FAIL
        reason = f"客户等待 {wait.silent_s:.1f} 秒，之后没有致谢或致歉"
    else:
        verdict, reason = Verdict.CANNOT_TELL, "等待后的话没有听清，无法判断是否致谢"
    return finding(
        "hold.thanked",
        rule.checks["hold.thanked"],
        verdict,
        reason,
        turn=wait.back,
        meant=wait.thanked.meant if wait.thanked else None,
    )
