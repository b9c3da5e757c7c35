"""Calls in which nobody was talked to: told by what is played, and judged in nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.rulebooks import Rulebook
from audit.types import AuditedCall, Call, Direction, Disposition, Verdict
from flows import wiring

MakeCall = Callable[..., Call]
PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL

GREETING = ("A", "您好，青禾软件服务热线，工号零三一七，请问有什么可以帮您？", 1.0, 6.0)
PLAYED = (
    "您好，您所拨打的用户已关机，请您稍后再拨。",
    "您播打的电话咱时无人接听，请稍候再波",  # as recognisers write it
    "对不起，您拨打的号码是空号，请核对后再拨。",
    "你拨打的手机号码已停机",
    "您拨打的用户暂时不在服务区",
    "您拨打的用户线路正忙，请不要挂机",
    "电话已转至语音信箱，请在滴声后留言",
    "您好，我是周敏，不方便接电话，请在嘟的一声之后留言",
    "您好，我是机主的电话秘书，请问您有什么事需要我转告",
    "对不起，呼叫失败",
    "The number you have dialed is switched off, please try again later.",
    "Please leave a message after the beep.",
)


def judged(call: Call, book: Rulebook, direction: Direction | None = None) -> AuditedCall:
    recording = replace(call.recording, direction=direction)
    return wiring.judge(replace(call, recording=recording), book)


@pytest.mark.parametrize("played", PLAYED)
@pytest.mark.parametrize("agent", [None, "唉，又没人接", "您好周女士，青禾软件的，回头再打给您"])
def test_an_announcement_is_nobodys_call(
    make_call: MakeCall, book: Rulebook, played: str, agent: str | None
) -> None:
    said = [("C", played, 0.5, 6.0), *([("A", agent, 6.5, 8.5)] if agent else [])]
    audited = judged(make_call(said), book, Direction.OUT)
    assert audited.disposition is Disposition.ANNOUNCEMENT
    assert audited.scorecard.score is None
    assert {finding.verdict for finding in audited.findings} == {UNTOLD}
    assert sum(finding.points for finding in audited.findings) == 0
    rules = [finding.rule_id for finding in audited.findings]
    assert set(rules) == {"greeting", "no_interruption", "forbidden_language"}
    assert rules.count("no_interruption") == rules.count("forbidden_language") == 1


def test_an_announcement_is_told_whoever_it_is_taken_for(
    make_call: MakeCall, book: Rulebook
) -> None:
    for played, sighs in (("A", "C"), ("?", "?")):
        said = [(played, "您拨打的用户正在通话中，请稍后再拨", 0.5, 5), (sighs, "占线", 6, 7)]
        audited = judged(make_call(said), book, Direction.OUT)
        assert audited.disposition is Disposition.ANNOUNCEMENT, played


@pytest.mark.parametrize(
    ("said", "direction"),
    [
        # the customer picks up after what was played
        ([("C", "您拨打的电话正在通话中，请不要挂机", 0.5, 4), ("C", "喂，哪位", 5, 6)], "out"),
        ([("C", "您拨打的用户正忙。喂，你好", 0.5, 6)], "out"),
        # people say such words
        ([("C", "我拨打的电话一直无法接通", 0.5, 4)], "in"),
        ([("C", "我的号码停机了", 0.5, 3)], "in"),
        ([("C", "语音信箱怎么设置", 0.5, 3)], "in"),
    ],
)
def test_a_person_who_speaks_makes_a_conversation(
    make_call: MakeCall,
    book: Rulebook,
    said: list[tuple[str, str, float, float]],
    direction: str,
) -> None:
    call = make_call([*said, ("A", "打印机的事啊，自己看说明书", 7, 10)])
    audited = judged(call, book, Direction(direction))
    assert audited.disposition is Disposition.CONVERSATION
    assert FAIL in {f.verdict for f in audited.findings if f.rule_id == "greeting"}


def test_a_call_made_that_nobody_answers_is_no_missing_greeting(
    make_call: MakeCall, book: Rulebook
) -> None:
    sigh = make_call([("A", "没人接，下午再打", 20, 22)])
    for direction in (Direction.OUT, None):
        audited = judged(sigh, book, direction)
        assert audited.disposition is Disposition.NO_ANSWER
        assert (audited.scorecard.score, FAIL) not in {(None, f.verdict) for f in audited.findings}
    message = "周女士您好，您报修的交换机工程师明天上午九点到，请留人开门，有变化随时联系我们，再见"
    audited = judged(make_call([("A", message, 20, 30)]), book, Direction.OUT)
    assert audited.disposition is Disposition.ONE_SIDED  # what they say is judged
    greeting = {f.check_id: f.verdict for f in audited.findings if f.rule_id == "greeting"}
    assert greeting["greeting.hello"] is not FAIL
    assert greeting["greeting.organisation"] is UNTOLD


def test_a_silent_line_stays_judged(make_call: MakeCall, book: Rulebook) -> None:
    rude = make_call([("A", "说吧，什么事", 1, 3)])
    for direction in (Direction.IN, None):
        audited = judged(rude, book, direction)
        assert audited.disposition is Disposition.ONE_SIDED
        verdicts = {f.check_id: f.verdict for f in audited.findings}
        assert verdicts["greeting.hello"] is FAIL
        assert verdicts["no_interruption"] is UNTOLD
        assert "silent_call.waits" in verdicts
    after_a_menu = [("C", "人工服务请按零", 0.1, 0.9), GREETING]
    assert judged(make_call(after_a_menu), book).disposition is Disposition.ONE_SIDED


@pytest.mark.parametrize(
    "said",
    [
        [],
        [("C", "", 1, 9)],
        [("A", "字幕由志愿者提供", 1, 4), ("C", "感谢观看", 5, 7)],  # what music is written as
        [("C", "七里香 窗外", 1, 9)],
    ],
)
def test_nobody_speaks(
    make_call: MakeCall, book: Rulebook, said: list[tuple[str, str, float, float]]
) -> None:
    audited = judged(make_call(said, asr_confidence=0.2), book)
    assert audited.disposition is Disposition.NO_SPEECH
    assert audited.scorecard.score is None
    assert {finding.verdict for finding in audited.findings} == {UNTOLD}


def test_bad_words_that_nobody_heard_are_shown_and_cost_nothing(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [("C", "您拨打的电话无人接听", 0.5, 4), ("A", "你们有病吧", 5, 6)]
    audited = judged(make_call(said), book, Direction.OUT)
    (found,) = [f for f in audited.findings if f.rule_id == "forbidden_language"]
    assert (found.verdict, found.points, found.auto_fail) == (UNTOLD, 0.0, False)
    assert found.evidence == "你们有病吧"
    assert not audited.scorecard.auto_fail


def test_a_dead_channel_leaves_nothing_of_how_voices_meet(
    make_call: MakeCall, book: Rulebook
) -> None:
    story = "我这个路由器昨天换的，今天早上开始一直断网，重启也没有用，你们到底管不管"
    asked = [("C", story, 1, 30), ("C", "喂，有人吗？", 45, 47), ("C", "怎么没人说话呢？", 60, 62)]
    talks = [
        GREETING,
        ("A", "好的先生，您的路由器是昨天换的对吗", 12, 16),
        ("A", "我帮您重置一下，请您稍等", 20, 23),
        ("A", "可以了，您再试一下", 70, 72),
    ]
    for said, dead in ((asked, 0), (talks, 1)):
        call = make_call(said)
        transcript = replace(call.transcript, dead_channel=dead, duration_s=80.0)
        audited = judged(replace(call, transcript=transcript), book, Direction.IN)
        meeting = {"no_interruption", "active_listening", "dead_air", "hold"}
        told = {f.rule_id: f.verdict for f in audited.findings if f.rule_id in meeting}
        assert told == dict.fromkeys(meeting, UNTOLD)
        assert FAIL not in {f.verdict for f in audited.findings if f.rule_id == "silent_call"}
        if dead == 0:
            assert audited.scorecard.score is None
            assert FAIL not in {f.verdict for f in audited.findings}


def test_on_a_dead_channel_one_other_sentence_is_half_a_conversation(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([GREETING, ("A", "您的订单昨天已经发出去了", 8, 11)])
    transcript = replace(call.transcript, duration_s=60.0)
    alive = judged(replace(call, transcript=transcript), book, Direction.IN)
    assert FAIL in {f.verdict for f in alive.findings if f.rule_id == "silent_call"}
    dead = replace(call, transcript=replace(transcript, dead_channel=1))
    verdicts = {f.verdict for f in judged(dead, book).findings if f.rule_id == "silent_call"}
    assert verdicts == {UNTOLD}
    greets = make_call([GREETING, ("A", "您好，请问有什么可以帮您？", 12, 14)])
    silent = replace(transcript, turns=greets.turns, dead_channel=1)
    rules = {f.rule_id for f in judged(replace(greets, transcript=silent), book).findings}
    assert "silent_call" in rules and not rules & {"hold", "dead_air", "active_listening"}
