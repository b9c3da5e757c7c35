"""Waits: announced, explained, short and thanked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.rulebooks import Rulebook
from audit.rules import dead_air, hold
from audit.types import Call, Channels, Finding, Severity, Verdict
from tests.calls import Said, found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Quiet = Callable[..., Call]
Told = Callable[[list[Finding]], dict[str, Verdict]]


# hold

PLEASE = "我到系统里面查一下，请您稍等"
THANKS = "让您久等了，已经办好了"


def wait(
    quiet: Quiet,
    before: str = PLEASE,
    after: str = THANKS,
    *,
    seconds: float = 30.0,
    **options: object,
) -> Call:
    back = 14.0 + seconds
    return quiet(("A", before, 10, 14), ("A", after, back, back + 3), **options)


def test_a_wait_as_it_should_be(quiet: Quiet, book: Rulebook, told: Told) -> None:
    call = wait(quiet)
    assert told(found_by(hold.RULE, call, book)) == {
        "hold.announced": PASS,
        "hold.reason": PASS,
        "hold.length": PASS,
        "hold.thanked": PASS,
    }
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": PASS}


def test_a_wait_goes_on_where_the_customer_asks_how_long(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    call = quiet(
        ("A", PLEASE, 10, 14),
        ("C", "还没查出来啊", 134, 136),
        ("A", "财务那边还在翻单子，请您稍等一下", 137, 140),
        ("A", "查到了，让您久等了", 260, 263),
    )
    assert told(found_by(hold.RULE, call, book))["hold.length"] is FAIL


def test_an_agent_who_waits_for_the_customer(quiet: Quiet, book: Rulebook, told: Told) -> None:
    call = wait(quiet, "好的您慢点走，我在线上等您", "辛苦您了", seconds=230)
    assert FAIL not in told(found_by(hold.RULE, call, book)).values()


def test_who_tells_a_story_with_pauses_does_not_wait(quiet: Quiet, book: Rulebook) -> None:
    story = [("C", "先是卫生间漏", 18, 22), ("C", "我去敲门人家不开", 26, 30)]
    call = quiet(("A", "请问怎么称呼您", 10, 14), *story, ("A", "抱歉给您添麻烦了", 34, 37))
    assert found_by(hold.RULE, call, book) == []


def test_no_wait_no_finding(quiet: Quiet, book: Rulebook) -> None:
    assert found_by(hold.RULE, quiet(("A", PLEASE, 10, 14)), book) == []
    assert found_by(hold.RULE, wait(quiet, seconds=2.9), book) == []
    assert found_by(hold.RULE, wait(quiet, "您的邮箱到期了", "要续费"), book) == []
    question = "我帮您登记一下，请问您的地址是哪里"
    assert found_by(hold.RULE, wait(quiet, question, "好的"), book) == []


@pytest.mark.parametrize(
    "words",
    [
        "请您稍后对我的服务进行评价",
        "请别挂机，稍后请您给我的服务打分",
        "您稍后会收到短信，请注意查收",
        "您等一下会收到验证码",
        "请稍后再拨",
    ],
)
def test_what_comes_later_is_no_wait(quiet: Quiet, book: Rulebook, words: str) -> None:
    assert found_by(hold.RULE, wait(quiet, words, "好了"), book) == []


def test_a_wait_without_a_reason(quiet: Quiet, book: Rulebook, told: Told) -> None:
    found = found_by(hold.RULE, wait(quiet, "好的，请您稍等一下好吗"), book)
    assert told(found)["hold.reason"] is FAIL
    assert next(f for f in found if f.verdict is FAIL).clause_id == "001-宜.4"
    # a sentence that the phrases do not know may be a reason
    other = wait(quiet, "这个地址跟别的电脑发生冲突了，请您稍等")
    assert told(found_by(hold.RULE, other, book))["hold.reason"] is UNTOLD


def test_a_reason_that_the_customer_gave(quiet: Quiet, book: Rulebook, told: Told) -> None:
    said = [
        ("C", "那帮我取消预约吧", 9.5, 12),
        ("A", "好的，稍等", 12.5, 14),
        ("A", THANKS, 30, 33),
    ]
    assert told(found_by(hold.RULE, quiet(*said), book))["hold.reason"] is UNTOLD


def test_saying_what_one_does_is_not_asking_to_wait(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    found = told(found_by(hold.RULE, wait(quiet, "正在为您登记", "登记好了"), book))
    assert found["hold.thanked"] is UNTOLD


@pytest.mark.parametrize(("seconds", "verdict"), [(180.0, PASS), (180.1, FAIL)])
def test_a_wait_is_at_most_three_minutes(
    quiet: Quiet, book: Rulebook, seconds: float, verdict: Verdict
) -> None:
    (length,) = (
        finding
        for finding in found_by(hold.RULE, wait(quiet, seconds=seconds), book)
        if finding.check_id == "hold.length"
    )
    assert length.verdict is verdict
    assert (length.severity, length.clause_id) == (Severity.MAJOR, "002-接听电话.5")
    assert (length.start_s, length.end_s) == (14, 14 + seconds)


@pytest.mark.parametrize(
    "after",
    [
        THANKS,
        "感谢您的耐心等待",
        "谢谢您的等待",
        "感谢等待",
        "谢谢您的耐心",
        "辛苦您等了这么久",
        "让您等了半天",
        "劳您久候了",
        "不好意思，还要一会儿",
        "抱歉，系统很慢",
    ],
)
def test_thanks_and_apologies_after_a_wait(
    quiet: Quiet, book: Rulebook, after: str, told: Told
) -> None:
    assert told(found_by(hold.RULE, wait(quiet, after=after), book))["hold.thanked"] is PASS


@pytest.mark.parametrize(("seconds", "thanked"), [(9.9, None), (10.0, FAIL)])
def test_only_a_long_wait_wants_thanks(
    quiet: Quiet, book: Rulebook, seconds: float, thanked: Verdict | None, told: Told
) -> None:
    found = told(found_by(hold.RULE, wait(quiet, after="查到了，要续费", seconds=seconds), book))
    assert found.get("hold.thanked") is thanked


def test_words_meanwhile_do_not_end_a_wait(quiet: Quiet, book: Rulebook, told: Told) -> None:
    said = [
        ("A", PLEASE, 10, 14),
        ("C", "好的", 14.5, 15),
        ("A", "嗯", 60, 60.4),
        ("A", "这个单子是上周的", 80, 82),
        ("C", "喂", 120, 120.5),
        ("A", "在的", 121, 122),
        ("A", THANKS, 150, 153),
    ]
    found = found_by(hold.RULE, quiet(*said), book)
    assert told(found)["hold.thanked"] is PASS
    assert sum(finding.check_id == "hold.length" for finding in found) == 1
    (length,) = (finding for finding in found if finding.check_id == "hold.length")
    assert (length.start_s, length.end_s) == (14, 150)
    assert PASS is told(found_by(dead_air.RULE, quiet(*said), book))["dead_air"]


@pytest.mark.parametrize(
    ("interim", "customer", "lengths"),
    [
        ("还在查，您稍等", None, [FAIL]),
        ("快了，再等一下", None, [FAIL]),
        ("还在查，您稍等", "喂，还在吗", [FAIL]),
        ("还在查，您稍等", "我另外还想改一下密码", [PASS, PASS]),
        ("查到了，您的套餐到期了，我再查一下流量，您稍等", None, [PASS, PASS]),
        ("让您久等了，还在查，您稍等", None, [PASS, PASS]),
    ],
)
def test_who_asks_to_wait_on_begins_no_other_wait(
    quiet: Quiet, book: Rulebook, interim: str, customer: str | None, lengths: list[Verdict]
) -> None:
    said: list[Said] = [("A", PLEASE, 10, 14), ("A", interim, 120, 123), ("A", THANKS, 230, 233)]
    if customer:
        said.insert(1, ("C", customer, 116, 119))
    found = found_by(hold.RULE, quiet(*said), book)
    assert [f.verdict for f in found if f.check_id == "hold.length"] == lengths
    assert FAIL not in {f.verdict for f in found if f.check_id == "hold.thanked"}


def test_silence_after_the_answer_is_no_wait(quiet: Quiet, book: Rulebook) -> None:
    said = [("A", PLEASE, 10, 14), ("A", "查到了，要续费", 15, 18), ("A", "需要吗", 40, 41)]
    assert found_by(hold.RULE, quiet(*said), book) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PLEASE, "您好，财务部"),
        (PLEASE, "我是投诉专员小周"),
        ("这就给您转财务部，请稍等", "哪位"),
        (PLEASE, "您好，工号二零零一"),
    ],
)
def test_another_voice_need_not_thank(
    quiet: Quiet, book: Rulebook, told: Told, before: str, after: str
) -> None:
    assert told(found_by(hold.RULE, wait(quiet, before, after), book))["hold.thanked"] is UNTOLD


def test_thanks_for_a_wait_whose_announcement_was_not_heard(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    call = wait(quiet, "秦明萧邓，副走的工程式")
    found = told(found_by(hold.RULE, call, book))
    assert (found["hold.announced"], found["hold.reason"]) == (UNTOLD, UNTOLD)
    assert (
        FAIL not in told(found_by(dead_air.RULE, call, book)).values()
    )  # accused once or not at all


def test_a_wait_on_one_channel_and_without_times(
    quiet: Quiet, make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    known = wait(quiet, after="查到了，要续费", channels=Channels.MONO)
    assert told(found_by(hold.RULE, known, book))["hold.thanked"] is FAIL
    said = [("?", PLEASE, 0, 4), ("?", "好", 30, 31)]
    unknown = found_by(hold.RULE, make_call(said, channels=Channels.MONO), book)
    assert set(told(unknown).values()) == {UNTOLD}
    text = make_call([("A", PLEASE), ("C", "好"), ("A", "查到了")], channels=Channels.TEXT)
    assert set(told(found_by(hold.RULE, text, book)).values()) == {UNTOLD}
    silent = make_call([("A", "您好"), ("C", "网断了")], channels=Channels.TEXT)
    assert found_by(hold.RULE, silent, book) == []
