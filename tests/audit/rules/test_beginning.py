"""Recordings without the beginning of their call accuse nobody of a missing greeting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.rulebooks import Rulebook
from audit.rules import answer_wait, beginning, greeting
from audit.types import Call, Channels, Verdict
from reports.wording import sentence
from tests.calls import found_by

MakeCall = Callable[..., Call]
PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL

ASKS = ("C", "交换机的灯不亮了，麻烦你们看一下", 6.0, 9.0)
GOES_ON = [
    ("A", "我重启了服务器，请您再登录一次试试", 1.0, 4.0),
    ("C", "还是登录不了，提示密码错误", 4.5, 7.0),
    ("A", "请您稍等，我再查一下日志", 7.5, 9.5),
]


def verdicts(call: Call, book: Rulebook) -> dict[str, Verdict]:
    found = found_by(greeting.RULE, call, book)
    never = {name for name, check in book.rules.greeting.checks.items() if check.missing != "fail"}
    return {one.check_id: one.verdict for one in found if one.check_id not in never}


def changed(call: Call, *, named: str | None = None, **transcript: Any) -> Call:
    recording = call.recording
    if named:
        recording = replace(recording, source_file=f"a/{named}.wav", call_id=named)
    return Call(recording, replace(call.transcript, **transcript))


def test_what_a_late_recorder_did_not_catch_cannot_be_told(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([("A", "软件服务热线，工号零三一七，请问有什么可以帮您？", 0.0, 4.0), ASKS])
    assert verdicts(call, book)["greeting.hello"] is FAIL
    late = verdicts(changed(call, begins_in_speech=True), book)
    assert late["greeting.hello"] is UNTOLD
    assert late["greeting.agent_identity"] is late["greeting.offer_help"] is PASS
    (one,) = [f for f in found_by(greeting.RULE, changed(call, begins_in_speech=True), book)][:1]
    assert (one.points, "录音开始" in sentence(one.reason)) == (0.0, True)


@pytest.mark.parametrize(
    "named",
    [
        *("20261116-0317_part2", "x-Part 03", "call_p2", "x.seg2", "总机第二段", "总机_分段3"),
        *("x-2", "x_3", "x (2)", "x.1"),  # these alone could be names of other calls
    ],
)
def test_a_later_part_is_told_by_its_name(make_call: MakeCall, book: Rulebook, named: str) -> None:
    call = make_call(GOES_ON)
    assert set(verdicts(call, book).values()) == {FAIL}
    assert set(verdicts(changed(call, named=named), book).values()) == {UNTOLD}


@pytest.mark.parametrize(
    "named",
    [
        *("x_part1", "x-1", "map2", "sip2", "20261116.57", "x-22", "x"),
        *("p4", "p04", "part9", "seg11", "PART-00023", "Seg 3", "第三段", "part-3", "x-part-0007"),
        *("x_part31", "desk-p-00004"),  # a running number, too high for one call
    ],
)
def test_other_names_excuse_nothing(make_call: MakeCall, book: Rulebook, named: str) -> None:
    assert FAIL in verdicts(changed(make_call(GOES_ON), named=named), book).values()


def test_a_serial_number_excuses_an_opening_without_hello(
    make_call: MakeCall, book: Rulebook
) -> None:
    """The first words of a second part may sound like an opening; a hello is one."""
    soothes = make_call([("A", "您先别急，请问您贵姓？", 1.0, 3.0), ("C", "姓倪。", 3.5, 4.5)])
    curt = make_call([("A", "喂，什么事？", 1.0, 2.0), ("C", "打印机坏了。", 2.5, 4.5)])
    assert FAIL in verdicts(soothes, book).values()
    assert FAIL not in verdicts(changed(soothes, named="x-2"), book).values()
    assert FAIL in verdicts(changed(curt, named="x-2"), book).values()


def test_a_date_is_no_name_of_a_call_in_parts(make_call: MakeCall, book: Rulebook) -> None:
    opens = make_call([("A", "您好，说吧", 1.0, 2.0), ("C", "你好，我想报修", 2.5, 4.0), ASKS])
    for named in ("2026-11-18-p4", "20261118_part4", "2026年11月18日第四段"):
        assert FAIL in verdicts(changed(opens, named=named), book).values(), named
        assert set(verdicts(changed(make_call(GOES_ON), named=named), book).values()) == {UNTOLD}
    named = "20261118T101500_p4"  # a moment names a call
    assert FAIL not in verdicts(changed(opens, named=named), book).values()


def test_a_number_alone_excuses_no_opening(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", "您好，说吧", 1.0, 2.0), ("C", "你好，我想报修", 2.5, 4.0), ASKS])
    assert FAIL in verdicts(changed(call, named="x-2"), book).values()


def test_a_column_may_number_the_parts(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call(GOES_ON)
    for value, verdict in (("2", UNTOLD), ("2/3", UNTOLD), ("1", FAIL), ("", FAIL)):
        numbered = replace(call, recording=replace(call.recording, meta={"meta_part": value}))
        assert set(verdicts(numbered, book).values()) == {verdict}, value


@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        ("，工号零三一七，请问有什么可以帮您？", UNTOLD),
        ("务热线，很高兴为您服务", UNTOLD),
        ("为您服务，请讲", UNTOLD),
        ("好的，我登记一下", UNTOLD),
        ("什么事？快说", FAIL),
        ("青禾软件服务热线，请讲", FAIL),
        ("报一下设备编号", FAIL),
    ],
)
def test_a_transcript_that_begins_within_a_sentence(
    make_call: MakeCall, book: Rulebook, first: str, verdict: Verdict
) -> None:
    call = make_call([("A", first, 0.0, 3.0), ASKS], channels=Channels.TEXT, asr_confidence=None)
    assert verdicts(call, book)["greeting.hello"] is verdict
    later = make_call([("A", first, 2.0, 5.0), ASKS], channels=Channels.TEXT, asr_confidence=None)
    assert verdicts(later, book)["greeting.hello"] is FAIL


def test_a_transcripts_file_is_no_part_of_a_call(make_call: MakeCall) -> None:
    call = make_call(GOES_ON, channels=Channels.TEXT)
    exported = replace(call, recording=replace(call.recording, source_file="night_part2.jsonl:1"))
    assert beginning.missing(exported) is None


@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        ("对，就是昨天报的那台", UNTOLD),
        ("嗯，对，还是二号楼的那台扫描仪。", UNTOLD),
        ("呃，没错，在五楼会议室。", UNTOLD),
        ("嗯，嗯，是的，早上已经打过一次。", UNTOLD),
        ("哦，好，那我下午再等等看。", UNTOLD),
        ("那行，你们快一点。", UNTOLD),
        ("啊对对对，是我报的。", UNTOLD),
        ("嗯对就是那一批", UNTOLD),
        ("是的你好，我就是登记的那个人", UNTOLD),
        ("还没有，一直没人来。", UNTOLD),
        ("对不起，我想问个事", FAIL),
        ("哎，对了，我想问个事", FAIL),
        ("对面那台打印机坏了", FAIL),
        ("喂，你好，我想报修", FAIL),
        ("好的你好我想问一下账号", FAIL),
        ("好，你好，我想问一下账号。", FAIL),
        ("嗯，你好，我这里上不了网", FAIL),
        ("没有网络了，帮我看看", FAIL),
        ("可以帮我查一下工单吗", FAIL),
        ("是这样的，我的密码忘了", FAIL),
        ("那个，我的密码忘了", FAIL),
    ],
)
def test_a_customer_who_answers_first_was_asked_before(
    make_call: MakeCall, book: Rulebook, first: str, verdict: Verdict
) -> None:
    call = make_call([("C", first, 1.0, 3.0), ("A", "收到，马上处理", 3.5, 5.0)])
    assert (FAIL in verdicts(call, book).values()) is (verdict is FAIL)


def test_an_apology_that_may_have_been_said_before_is_not_missed(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([("A", "请问您是哪里报修", 0.0, 3.0), ASKS])
    call = replace(call, recording=replace(call.recording, answer_wait_s=90.0))
    (told,) = found_by(answer_wait.RULE, call, book)
    (late,) = found_by(answer_wait.RULE, changed(call, begins_in_speech=True), book)
    assert (told.verdict, late.verdict) == (FAIL, UNTOLD)
