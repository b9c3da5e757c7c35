"""Does the agent show that they listen: an answer to long talk, nothing asked twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from audit.language.phrases import find_any, find_literal
from audit.language.repeats import repeated_share
from audit.language.text import spoken_characters
from audit.reasons import Reason, because, written
from audit.rules.acts import CallActs
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
from audit.rules.calling_out import called_out
from audit.rules.cues import SilenceCues
from audit.rules.fields import Pattern, Phrase, Strict
from audit.timeline import Timeline
from audit.types import Call, Finding, Role, Span, Turn, Verdict


class AskedItem(Strict):
    """Something an agent asks for, and by what an answer to it is recognised.

    An answer has at least ``min_digits`` digits in a row, or ``min_characters`` characters,
    or one of the phrases ``answers``.
    """

    title: str
    title_en: str | None = Field(None, exclude=True)
    questions: tuple[Phrase, ...] = Field(min_length=1)
    answers: tuple[Phrase, ...] = ()
    min_digits: int | None = Field(None, ge=1)
    min_characters: int | None = Field(None, ge=1)


class ActiveListeningRule(CheckedRule):
    """The agent answers a customer who talks long, and does not ask for the same thing twice.

    ``calls_out``: words of a customer who has talked for ``min_unanswered_s`` without an answer,
    and asks whether anybody listens. ``unless``: words between the answer and the second question
    that give it a reason; ``other_subjects``: such by which it is about something else, where
    nobody protests. ``protest``: an act of the customer who has said it already, whatever was
    asked; ``excuse``: one of the agent with which a question may be asked again.
    """

    checks: dict[Literal["active_listening.response", "active_listening.repeat"], Check] = Field(
        min_length=2
    )
    min_floor_s: float = Field(gt=0)
    max_pause_s: float = Field(ge=0)
    min_unanswered_s: float = Field(gt=0)
    calls_out: Pattern | None = None
    items: dict[str, AskedItem] = Field(default_factory=dict)
    unless: tuple[Phrase, ...] = ()
    other_subjects: tuple[Phrase, ...] = ()
    protest: str | None = None
    excuse: str | None = None

    def acts(self) -> Iterator[str]:
        """The acts by which a customer protests and an agent excuses a question."""
        return filter(None, (self.protest, self.excuse))


_RESPONSE: Literal["active_listening.response"] = "active_listening.response"
_REPEAT: Literal["active_listening.repeat"] = "active_listening.repeat"

_DIGITS = re.compile("[0-9零一二三四五六七八九幺夭腰两]+")
"""夭 and 腰 are what recognisers write for 幺, the one of telephone numbers."""

_HEAR_OUT = re.compile("[听让]我.{0,4}说")

_MACHINE = re.compile("您拨打的|请按|提示音|欢迎(致电|拨打)|语音信箱")
"""What answering machines and menus say."""

_NO_ANSWER = re.compile("什么|吗|没|等|不是|怎么|再|？")
"""Words of a customer who asks back, has none, or puts the answer off."""

_ASKS = re.compile(
    "[吗呢？]|什么|多少|哪|几|贵姓|留.{0,4}(电话|号码|联系)|[报说讲念]一下|有没有|是不是"
)
"""Signs of a question."""

_NUMBER_DIGITS = 4
"""Digits of a number that is hardly said twice by chance."""

_CHECKS = re.compile("[对是]吗|[对是]吧|没错吧")
_CORRECTS = re.compile("(不是|不对|错了|没对|哎不|嗯不)")
"""What is not asked again but was misheard: 1157，对吗？ 不是，1175."""

_COUNTING = "一二三四五六七八九十"
"""What a customer says to try a microphone is no number."""

_READ_BACK = 0.6
"""Share of a question's syllables that the customer had said, from which it asks to confirm."""

_SAID_AGAIN = 0.6
"""Share of an answer's syllables that the customer had said before, from which it was given."""

_BRIEF_CHARACTERS = 10
"""Characters up to which an agent's words in the middle of a story only show that they listen."""

_BREAK = re.compile("[您你问]|一下")
_FILLERS = "的是那就呢啊嗯好请，。？！、"
"""What comes before a question without saying what it is about: 那请问您的…."""


def evaluate(call: Call, rule: ActiveListeningRule, context: Context) -> list[Finding]:
    """Findings of both checks; none where nobody talks long and nothing is asked twice."""
    if any(turn.role is Role.UNKNOWN for turn in call.turns):
        return [
            finding(check_id, check, Verdict.CANNOT_TELL, NO_ROLES)
            for check_id, check in rule.checks.items()
        ]
    repeats = _repeats(call, rule) or _protested(call, rule, context.acts(call))
    return [*_responses(call, rule, context.cues.silences), *repeats]


def _responses(call: Call, rule: ActiveListeningRule, cues: SilenceCues) -> list[Finding]:
    """One ``fail`` for each long talk the agent stays silent in, else one ``pass``.

    ``cannot_tell`` instead where both share a channel (嗯 under another voice is not heard
    there), where no agent is heard at all, where the agent had asked for a wait or for
    something to be read out, or the customer to be heard out, and where the words are a
    machine's or for someone else.
    """
    check = rule.checks["active_listening.response"]
    customer = call.said_by(Role.CUSTOMER)
    if any(turn.span is None for turn in call.turns):
        return [finding(_RESPONSE, check, Verdict.CANNOT_TELL, NO_TIMES)] if customer else []
    spoken = Timeline.spoken(call.said_by(Role.AGENT))
    floors = [
        (floor, turns)
        for turns in _floors(customer, spoken, rule)
        if (floor := _alone(turns, spoken)).duration_s >= rule.min_floor_s
    ]
    silent = [
        (floor, turns)
        for floor, turns in floors
        if not any(floor.overlap_s(span) for span in spoken)
        and not (floor.duration_s < 2 * rule.min_floor_s and _goes_on(turns[0], call, rule))
    ]
    if not silent and rule.calls_out is not None:
        silent = called_out(customer, spoken, rule.calls_out, least_s=rule.min_unanswered_s)
    if floors and not silent:
        reason = because("listening.all_answered", count=len(floors))
        return [finding(_RESPONSE, check, Verdict.PASS, reason)]
    return [_silent(call, floor, turns, check, cues) for floor, turns in silent]


def _goes_on(turn: Turn, call: Call, rule: ActiveListeningRule) -> bool:
    """Whether the customer goes on with what the agent has just answered briefly, in its middle."""
    before = [one for one in call.turns if one.index < turn.index][-2:]
    if [one.role for one in before] != [Role.CUSTOMER, Role.AGENT]:
        return False
    reply = before[1]
    spans = [one.span for one in (*before, turn) if one.span]
    return (
        all(b.start_s - a.end_s <= rule.max_pause_s for a, b in itertools.pairwise(spans))
        and spoken_characters(reply.text) <= _BRIEF_CHARACTERS
        and not _ASKS.search(reply.text)
    )


def _silent(
    call: Call, floor: Span, turns: Sequence[Turn], check: Check, cues: SilenceCues
) -> Finding:
    agent = call.said_by(Role.AGENT)
    before = [turn for turn in agent if turn.index < turns[0].index]
    uncertainty: Reason | None = None
    if not agent:
        uncertainty = NO_AGENT
    elif call.transcript.on_one_line:
        uncertainty = because("listening.mono")
    elif before and find_any((*cues.waits, *cues.requests), before[-1].text):
        uncertainty = because("listening.asked_to_wait")
    elif any(_HEAR_OUT.search(turn.text) for turn in turns):
        uncertainty = because("listening.hear_out")
    elif any(is_to_a_bystander(turn) or _MACHINE.search(turn.text) for turn in turns):
        uncertainty = because("listening.other_addressee")
    return finding(
        _RESPONSE,
        check,
        Verdict.CANNOT_TELL if uncertainty else Verdict.FAIL,
        because(
            "listening.long_talk",
            seconds=floor.duration_s,
            why=uncertainty or because("listening.no_response"),
        ),
        span=floor,
        turn=turns[0],
    )


def _floors(
    customer: Sequence[Turn], agent: Timeline, rule: ActiveListeningRule
) -> list[list[Turn]]:
    """The customer's turns, those together that only a short pause divides."""
    floors: list[list[Turn]] = []
    for turn in customer:
        before = floors[-1][-1].span if floors else None
        if before and turn.span:
            pause = Span(before.end_s, turn.span.start_s)
            answered = any(pause.start_s < s.end_s and s.start_s < pause.end_s for s in agent)
            if pause.duration_s <= rule.max_pause_s and not answered:
                floors[-1].append(turn)
                continue
        floors.append([turn])
    return floors


def _alone(turns: Sequence[Turn], agent: Timeline) -> Span:
    """The stretch of some turns, without where the agent still speaks or takes over."""
    first, last = turns[0].span, turns[-1].span
    assert first and last
    start_s = max([first.start_s, *(s.end_s for s in agent if s.start_s <= first.start_s)])
    end_s = min([last.end_s, *(s.start_s for s in agent if s.end_s > last.end_s)])
    return Span(start_s, max(start_s, end_s))


def _repeats(call: Call, rule: ActiveListeningRule) -> list[Finding]:
    """One ``fail`` for each question that the customer had answered.

    One ``pass`` if every second question had its reason (没听清, 核对一下).
    """
    check = rule.checks["active_listening.repeat"]
    reasons = (*rule.unless, *rule.other_subjects)
    failed: list[Finding] = []
    excused, blamed = 0, set[int]()
    for item in rule.items.values():
        for first, again in _asked_twice(call, item, reasons):
            if again.index in blamed:
                continue
            between = [t for t in call.turns if first.index < t.index < again.index]
            answer = _answer(between, again, item)
            if answer is None:
                continue
            since = [turn for turn in between if turn.index >= answer.index]
            words = "，".join(turn.text for turn in (*since, again))
            if find_any(reasons, words):
                excused += 1
                continue
            blamed.add(again.index)
            decided = all(understood(turn) for turn in (first, answer, again))
            failed.append(
                finding(
                    _REPEAT,
                    check,
                    Verdict.FAIL if decided else Verdict.CANNOT_TELL,
                    because(
                        "listening.asked_again",
                        item=written(item.title, item.title_en),
                        answer=answer.text,
                    ),
                    turn=again,
                )
            )
    if failed or not excused:
        return failed
    explained = because("listening.repeat_explained")
    return [finding(_REPEAT, check, Verdict.PASS, explained)]


def _protested(call: Call, rule: ActiveListeningRule, acts: CallActs) -> list[Finding]:
    """One finding for each question that the customer answers with what was said before.

    So it is where the answer repeats the customer's own words, and where the customer says so
    (刚才不是报过了吗); ``cannot_tell`` where only that is heard.
    """
    check = rule.checks[_REPEAT]
    found: list[Finding] = []
    for question, answer in _questions(call, rule):
        earlier = [t.text for t in call.said_by(Role.CUSTOMER) if t.index < question.index]
        protests = acts.performed(rule.protest, answer) if rule.protest else ()
        again = _is_said_again(answer.text, earlier, half=bool(protests))
        excused = rule.excuse is not None and acts.performed(rule.excuse, question)
        other = find_any(rule.other_subjects, question.text) or _is_read_back(
            question.text, earlier
        )
        if excused or (other and not protests) or not (again or protests):
            continue
        clear = understood(question) and understood(answer)
        reason = because("listening.protested", answer=answer.text)
        found.append(
            finding(
                _REPEAT,
                check,
                Verdict.FAIL if again and clear else Verdict.CANNOT_TELL,
                reason if again and clear else because("listening.protest_unclear"),
                turn=question,
            )
        )
    return found


def _questions(call: Call, rule: ActiveListeningRule) -> Iterator[tuple[Turn, Turn]]:
    """The agent's questions that have no excuse, each with the customer's answer."""
    for question, answer in itertools.pairwise(t for t in call.turns if not t.is_backchannel):
        if question.role is not Role.AGENT or answer.role is not Role.CUSTOMER:
            continue
        misheard = _CORRECTS.match(answer.text) and _CHECKS.search(question.text)
        if _ASKS.search(question.text) and not (find_any(rule.unless, question.text) or misheard):
            yield question, answer


def _is_read_back(text: str, earlier: Sequence[str]) -> bool:
    """Whether a question holds what the customer said before, to have it confirmed."""
    known = _numbers("，".join(earlier))
    return bool(_numbers(text) & known) or repeated_share(text, earlier) >= _READ_BACK


def _is_said_again(text: str, earlier: Sequence[str], *, half: bool) -> bool:
    """Whether most of a text was said before, or with ``half`` anything of it."""
    if _numbers(text) & _numbers("，".join(earlier)):
        return True
    share = repeated_share(text, earlier)
    return share > 0 if half else share >= _SAID_AGAIN


def _numbers(text: str) -> set[str]:
    """The numbers in a text, of four digits and more."""
    plain = re.sub("[，、 ]", "", text)
    runs = {run for run in _DIGITS.findall(plain) if len(run) >= _NUMBER_DIGITS}
    return {run for run in runs if run not in _COUNTING}


def _asked_twice(
    call: Call, item: AskedItem, excuses: tuple[str, ...]
) -> Iterator[tuple[Turn, Turn]]:
    """Questions for an item and the next one in the same words: 订单编号 is not 设备编号."""
    last: dict[str, Turn] = {}
    for turn in call.said_by(Role.AGENT):
        match = find_literal(item.questions, turn.text)  # 账号 sounds like 单号
        if match is None:
            continue
        before = turn.text[: match.first]
        if find_any(excuses, before):  # 没听清，…: what the reason is made of is no subject
            before = re.split("[，。？！]", before)[-1]
        about = _BREAK.split(before)[-1].strip(_FILLERS)
        if about in last:
            yield last[about], turn
        last[about] = turn


def _answer(between: Sequence[Turn], again: Turn, item: AskedItem) -> Turn | None:
    """The customer's turn that answers, finished before the question comes again."""
    for turn in between:
        over = turn.end_s is None or again.start_s is None or turn.end_s <= again.start_s
        if turn.role is Role.CUSTOMER and over and _answers(turn.text, item):
            return turn
    return None


def _answers(text: str, item: AskedItem) -> bool:
    if _NO_ANSWER.search(text):
        return False
    runs = _DIGITS.findall("".join(sign for sign in text if sign.isalnum()))
    digits = max(map(len, runs), default=0)
    return (
        (item.min_digits is not None and digits >= item.min_digits)
        or (item.min_characters is not None and spoken_characters(text) >= item.min_characters)
        or find_any(item.answers, text) is not None
    )


RULE = Rule("active_listening", ActiveListeningRule, evaluate, two_voices=True)
