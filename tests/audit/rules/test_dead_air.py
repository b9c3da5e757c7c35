"""Whose a long silence is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.rulebooks import Rulebook
from audit.rules import dead_air
from audit.types import Call, Channels, Finding, Verdict
from tests.calls import Said, found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Quiet = Callable[..., Call]
Told = Callable[[list[Finding]], dict[str, Verdict]]

STORY = "我们仓库上个星期换了新的扫码枪，前几天用得好好的，从昨天下午开始系统里就没有数据了"


@pytest.mark.parametrize(("start_s", "verdict"), [(18.99, PASS), (19.0, FAIL), (60.0, FAIL)])
def test_a_customer_left_without_an_answer(
    quiet: Quiet, book: Rulebook, start_s: float, verdict: Verdict
) -> None:
    call = quiet(("A", "您的邮箱已经到期了", start_s, start_s + 3))
    (finding,) = found_by(dead_air.RULE, call, book)
    assert finding.verdict is verdict
    if verdict is FAIL:
        assert (finding.start_s, finding.end_s) == (9, start_s)
        assert finding.clause_id == "001-忌.4"
        assert finding.evidence == "你好，我的邮箱登录不了怎么办呢"


def test_each_dead_air_has_its_finding(quiet: Quiet, book: Rulebook) -> None:
    later = [("A", "到期了", 20, 22), ("C", "那我要怎么办", 23, 25), ("A", "续费", 40, 42)]
    assert [f.start_s for f in found_by(dead_air.RULE, quiet(*later), book)] == [9, 25]


@pytest.mark.parametrize(
    "last",
    [
        "请问您的账号是多少",
        "您重启一下电脑",
        "您看一下右下角的图标",
        "您把电源线拔下来再插上就可以了",
        "麻烦您把电源关掉",
        "请您稍等，我帮您查一下",
        "好的我看看是什么情况",
        "系统有点慢",
        "请讲",
        "感谢您的来电，再见",
    ],
)
def test_a_silence_the_agent_has_accounted_for(
    quiet: Quiet, book: Rulebook, last: str, told: Told
) -> None:
    said: list[Said] = [("A", last, 10, 12), ("A", "现在可以了", 40, 42)]
    assert FAIL not in told(found_by(dead_air.RULE, quiet(*said), book)).values()
    said.insert(1, ("C", "好的", 12.5, 13))  # takes it up
    if last != "请问您的账号是多少" and "再见" not in last and last != "请讲":
        assert FAIL not in told(found_by(dead_air.RULE, quiet(*said), book)).values()


@pytest.mark.parametrize("busy", ["好，我看一下，等我一会儿", "稍等啊", "我去拿一下说明书"])
def test_a_customer_who_asks_for_time(
    quiet: Quiet, make_call: MakeCall, book: Rulebook, busy: str, told: Told
) -> None:
    call = quiet(("A", "型号是什么", 10, 12), ("C", busy, 13, 15), ("C", "找到了", 40, 41))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": PASS}


def test_a_customer_who_thinks_aloud(quiet: Quiet, book: Rulebook, told: Told) -> None:
    asked, thinks = ("A", "请问您的账号是多少", 10, 12), ("C", "嗯，这个", 13, 14)
    call = quiet(asked, thinks, ("C", "六零八二", 30, 32))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": UNTOLD}


def test_an_answer_to_a_request_is_not_the_customers_silence(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    asked, answer = ("A", "您看一下灯亮不亮", 10, 12), ("C", "三个灯里面有两个是亮着的", 13, 16)
    call = quiet(asked, answer, ("A", "那就是路由器坏了", 30, 33))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": UNTOLD}
    call = quiet(asked, answer, ("C", "喂？人呢", 30, 33))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": FAIL}


@pytest.mark.parametrize(
    "words",
    ["我接个电话", "我跟我爱人商量一下", "好的，我这就弄", "正在加载呢", "卡在里屋，我起来拿"],
)
def test_what_a_customer_does_in_a_silence_is_not_guessed(
    quiet: Quiet, make_call: MakeCall, book: Rulebook, words: str, told: Told
) -> None:
    call = quiet(("A", "是要您本人的", 10, 11), ("C", words, 12, 14), ("A", "好", 30, 31))
    assert FAIL not in told(found_by(dead_air.RULE, call, book)).values()


def test_a_customer_who_asks_for_help_and_calls_out(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    call = quiet(("C", "帮我查一下快递到哪了", 10, 12), ("C", "喂？人呢", 42, 43))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": FAIL}


@pytest.mark.parametrize(
    ("words", "next_words", "verdict"),
    [
        ("什么时候能到账", "哦", FAIL),
        ("我想问一下还有房间吗", "喂", FAIL),
        ("妈，你要上午还是下午？", "下午", UNTOLD),
        ("进电梯了", "喂，出来了", UNTOLD),
    ],
)
def test_whether_the_customer_waits_for_the_agent(
    quiet: Quiet, book: Rulebook, told: Told, words: str, next_words: str, verdict: Verdict
) -> None:
    call = quiet(("A", "是的", 10, 11), ("C", words, 12, 14), ("C", next_words, 30, 31))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": verdict}


def test_nobody_is_blamed_before_the_customer_speaks_or_without_an_agent(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    late = make_call([("A", "您好，远山软件", 0, 3), ("C", "喂", 20, 21)])
    alone = make_call([("C", STORY, 0, 9), ("C", "喂", 30, 31)])
    for call in (late, alone):
        assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": UNTOLD}


@pytest.mark.parametrize(
    ("who", "next_words", "verdict"),
    [
        ("A", "已经好了", UNTOLD),
        ("A", "现在可以了吗", UNTOLD),
        ("C", "喂，还在吗", FAIL),
        ("C", "我试过了，可以了", UNTOLD),
    ],
)
def test_the_agent_falls_silent_after_a_statement(
    quiet: Quiet, book: Rulebook, who: str, next_words: str, verdict: Verdict, told: Told
) -> None:
    call = quiet(("A", "您的密码已经重置好了", 10, 12), (who, next_words, 30, 32))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": verdict}


def test_before_the_first_and_after_the_last_sound_is_no_dead_air(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    call = make_call([("A", "您好请讲", 30, 32), ("C", STORY, 33, 38)])
    long = replace(call, transcript=replace(call.transcript, duration_s=100.0))
    assert told(found_by(dead_air.RULE, long, book)) == {"dead_air": PASS}


def test_please_wait_under_the_customers_last_words(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    said = [("C", "那你帮我看看吧，谢谢你了", 10, 14), ("A", "好您稍等", 12.5, 13.5)]
    call = quiet(*said, ("A", "让您久等了", 40, 42))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": PASS}


def test_a_pause_inside_a_turn_counts_too(quiet: Quiet, book: Rulebook) -> None:
    call = quiet(("A", "这个嘛，要续费", 9.5, 30), pauses={2: [(9.5, 11), (25, 30)]})
    (finding,) = found_by(dead_air.RULE, call, book)
    assert (finding.verdict, finding.start_s, finding.end_s) == (UNTOLD, 11, 25)


def test_words_not_understood_may_have_announced_the_silence(
    quiet: Quiet, book: Rulebook, told: Told
) -> None:
    call = quiet(("A", "", 10, 12), ("A", "好了", 30, 31))
    assert told(found_by(dead_air.RULE, call, book)) == {"dead_air": UNTOLD}


def test_dead_air_on_one_channel_and_without_times(
    quiet: Quiet, make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    said = [("?", "您好", 0, 2), ("?", STORY, 3, 9), ("?", "好了", 12, 13)]
    unknown = make_call(said, channels=Channels.MONO)
    assert told(found_by(dead_air.RULE, unknown, book)) == {"dead_air": PASS}
    unknown = make_call([*said, ("?", "还在吗", 30, 31)], channels=Channels.MONO)
    assert told(found_by(dead_air.RULE, unknown, book)) == {"dead_air": UNTOLD}
    known = quiet(("A", "到期了", 30, 32), channels=Channels.MONO)
    assert told(found_by(dead_air.RULE, known, book)) == {"dead_air": FAIL}
    text = make_call([("A", "您好"), ("C", STORY)], channels=Channels.TEXT)
    assert told(found_by(dead_air.RULE, text, book)) == {"dead_air": UNTOLD}
