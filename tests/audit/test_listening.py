"""The rules on listening: what each must find, and whom it must leave in peace."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import reports
from audit.rulebook import Rulebook, load
from audit.rules import active_listening, dead_air, evaluate, hold, silent_call, speech_rate
from audit.types import Call, Channels, Finding, Role, Severity, Verdict

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Said = tuple[str, str] | tuple[str, str, float, float]

HELLO = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)
STORY = "我们仓库上个星期换了新的扫码枪，前几天用得好好的，从昨天下午开始系统里就没有数据了"


def told(findings: list[Finding]) -> dict[str, Verdict]:
    """The worst verdict of each check."""
    order = [PASS, UNTOLD, FAIL]
    ranked = sorted(findings, key=lambda finding: order.index(finding.verdict))
    return {finding.check_id: finding.verdict for finding in ranked}


# active listening: a response


def talk(make_call: MakeCall, *said: Said, **options: object) -> Call:
    return make_call([HELLO, ("C", STORY, 6.0, 21.0), *said], **options)


def test_a_customer_who_talks_long_to_a_silent_agent(make_call: MakeCall, book: Rulebook) -> None:
    call = talk(make_call, ("A", "好的，我记录一下", 21.5, 23))
    (finding,) = active_listening.evaluate(call, book)
    assert (finding.check_id, finding.verdict) == ("active_listening.response", FAIL)
    assert (finding.start_s, finding.end_s) == (6, 21)
    assert finding.clause_id == "001-忌.3"
    assert (finding.role, finding.evidence) == (Role.CUSTOMER, STORY)
    assert finding.points > 0


@pytest.mark.parametrize(
    "sound", [("A", "嗯", 12, 12.4), ("A", "", 12, 12.4), ("A", "您别急", 9, 14)]
)
def test_any_sound_of_the_agent_is_a_response(
    make_call: MakeCall, book: Rulebook, sound: Said
) -> None:
    (finding,) = active_listening.evaluate(talk(make_call, sound), book)
    assert (finding.verdict, finding.points) == (PASS, 0)


@pytest.mark.parametrize(("end_s", "found"), [(20.99, []), (21.0, [FAIL])])
def test_long_talk_begins_at_fifteen_seconds(
    make_call: MakeCall, book: Rulebook, end_s: float, found: list[Verdict]
) -> None:
    call = make_call([HELLO, ("C", STORY, 6.0, end_s)])
    assert [f.verdict for f in active_listening.evaluate(call, book)] == found


def test_short_pauses_do_not_divide_long_talk(make_call: MakeCall, book: Rulebook) -> None:
    first, second = ("C", STORY, 6.0, 14.0), ("C", STORY, 15.9, 22.0)
    assert active_listening.evaluate(make_call([HELLO, first, second]), book)
    late = ("C", STORY, 16.1, 24.0)
    assert not active_listening.evaluate(make_call([HELLO, first, late]), book)
    answered = make_call([HELLO, first, ("A", "嗯", 14.5, 15), second])
    assert not active_listening.evaluate(answered, book)


def test_an_agent_cut_short_has_not_kept_silent(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", "请问", 0, 8), ("C", STORY, 6.0, 21.5)])  # alone for 13.5 s
    assert not active_listening.evaluate(call, book)


def test_a_response_under_the_voice_cannot_be_heard_on_one_channel(
    make_call: MakeCall, book: Rulebook
) -> None:
    (finding,) = active_listening.evaluate(talk(make_call, channels=Channels.MONO), book)
    assert (finding.verdict, finding.points) == (UNTOLD, 0)
    assert "单声道" in finding.reason


def test_listening_without_times_or_roles(make_call: MakeCall, book: Rulebook) -> None:
    text = make_call([("A", "您好"), ("C", STORY)], channels=Channels.TEXT)
    assert told(active_listening.evaluate(text, book)) == {"active_listening.response": UNTOLD}
    unknown = make_call([("?", "您好", 0, 2), ("?", STORY, 3, 20)], channels=Channels.MONO)
    assert set(told(active_listening.evaluate(unknown, book)).values()) == {UNTOLD}


# active listening: nothing asked twice

ASKED = [
    ("请问您的手机号码是多少", "幺三八零零一三八零零零", "您手机号多少"),
    ("请问您贵姓", "我姓张", "怎么称呼您"),
    ("请您提供一下详细的地址", "幸福路八十八号二单元五零一", "您的地址是哪里"),
    ("请问您的账号是多少", "账号是六零八二", "账号多少"),
    ("身份证号码是多少", "一一零一零一一九九零零一零一一二三四", "您说一下您的身份证"),
    ("请问您的需求编号是多少", "二零二六一一零三", "那需求编号是多少"),
    ("请问出了什么故障", "打印机从今天早上开始连不上网络了", "是什么故障啊"),
]


def ask(make_call: MakeCall, *said: str) -> Call:
    """Agent and customer by turns, without times."""
    return make_call([("AC"[i % 2], text) for i, text in enumerate(said)], channels=Channels.TEXT)


def repeats(call: Call, book: Rulebook) -> list[Finding]:
    found = active_listening.evaluate(call, book)
    return [finding for finding in found if finding.check_id == "active_listening.repeat"]


@pytest.mark.parametrize(("first", "answer", "again"), ASKED)
def test_asking_again_for_what_was_answered(
    make_call: MakeCall, book: Rulebook, first: str, answer: str, again: str
) -> None:
    (finding,) = repeats(ask(make_call, first, answer, "好的", "嗯", again), book)
    assert (finding.verdict, finding.clause_id) == (FAIL, "000-28.1-repeat")
    assert finding.evidence == again
    assert answer in finding.reason


@pytest.mark.parametrize("reason", ["不好意思没听清", "跟您核对一下", "麻烦您再说一遍", "确认一下"])
@pytest.mark.parametrize(("first", "answer", "again"), ASKED)
def test_asking_again_with_a_reason(
    make_call: MakeCall, book: Rulebook, first: str, answer: str, again: str, reason: str
) -> None:
    found = repeats(ask(make_call, first, answer, f"{reason}，{again}"), book)
    assert [finding.verdict for finding in found] == [PASS]


@pytest.mark.parametrize(
    "said",
    [
        ["您的手机号码是多少", "你等一下我看看", "手机号码是多少"],  # no answer yet
        ["您的手机号码是多少", "幺三八", "手机号码是多少"],  # not all of it
        ["您的手机号码是多少", "幺三八零零一三八零零零", "幺三八零零一三八零零零对吗"],  # read back
        ["您的手机号码是多少", "幺三八零零一三八零零零", "您的联系电话是多少"],  # another number
        ["您的手机号码是多少", "幺三八零零一三八零零零", "您的固定电话是多少"],
        ["您的电话是多少", "幺三八零零一三八零零零", "机主的电话是多少"],
        ["订单编号是多少", "二零二六一一", "设备编号是多少"],
        ["您的地址是哪里", "幸福路八十八号", "您公司的地址是哪里"],
        ["请问您贵姓", "我姓张", "请问经办人怎么称呼"],
        ["身份证后四位是多少", "一二三四", "账号后四位是多少"],
        ["您的账号是多少", "六零八二", "另外一个账号是多少"],
        ["您的账号是多少", "六零八二", "查不到，账号是多少"],
        ["您的账号是多少", "六零八二，不对，我说错了", "那您的账号是多少"],
        ["您贵姓", "我姓张", "张先生您的地址是哪里", "幸福路八十八号", "好的张先生"],
        ["您好有什么可以帮您", STORY, "具体是什么故障", STORY],
    ],
)
def test_what_is_no_asking_again(make_call: MakeCall, book: Rulebook, said: list[str]) -> None:
    assert FAIL not in {finding.verdict for finding in repeats(ask(make_call, *said), book)}


def test_a_question_that_overlaps_the_answer_is_not_asked_again(
    make_call: MakeCall, book: Rulebook
) -> None:
    number = "幺三八零零一三八零零零"

    def call(again_s: float) -> Call:
        first, answer = ("A", "手机号码是多少", 6, 8), ("C", number, 8.5, 13)
        return make_call([HELLO, first, answer, ("A", "手机号码是多少", again_s, again_s + 2)])

    assert repeats(call(13.5), book)
    assert not repeats(call(12.5), book)


def test_words_hardly_heard_are_no_accusation_of_asking_twice(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [("A", "手机号码是多少"), ("C", "幺三八零零一三八零零零"), ("A", "手机号码是多少")]
    found = repeats(make_call(said, channels=Channels.TEXT, asr_confidence=0.3), book)
    assert [finding.verdict for finding in found] == [UNTOLD]


# dead air


def quiet(make_call: MakeCall, *said: Said, **options: object) -> Call:
    return make_call([HELLO, ("C", "你好，我的邮箱登录不了怎么办呢", 5.5, 9.0), *said], **options)


@pytest.mark.parametrize(("start_s", "verdict"), [(18.99, PASS), (19.0, FAIL), (60.0, FAIL)])
def test_a_customer_left_without_an_answer(
    make_call: MakeCall, book: Rulebook, start_s: float, verdict: Verdict
) -> None:
    call = quiet(make_call, ("A", "您的邮箱已经到期了", start_s, start_s + 3))
    (finding,) = dead_air.evaluate(call, book)
    assert finding.verdict is verdict
    if verdict is FAIL:
        assert (finding.start_s, finding.end_s) == (9, start_s)
        assert finding.clause_id == "001-忌.4"
        assert finding.evidence == "你好，我的邮箱登录不了怎么办呢"


def test_each_dead_air_has_its_finding(make_call: MakeCall, book: Rulebook) -> None:
    later = [("A", "到期了", 20, 22), ("C", "那我要怎么办", 23, 25), ("A", "续费", 40, 42)]
    assert [f.start_s for f in dead_air.evaluate(quiet(make_call, *later), book)] == [9, 25]


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
    make_call: MakeCall, book: Rulebook, last: str
) -> None:
    said: list[Said] = [("A", last, 10, 12), ("A", "现在可以了", 40, 42)]
    assert FAIL not in told(dead_air.evaluate(quiet(make_call, *said), book)).values()
    said.insert(1, ("C", "好的", 12.5, 13))  # takes it up
    if last != "请问您的账号是多少" and "再见" not in last and last != "请讲":
        assert FAIL not in told(dead_air.evaluate(quiet(make_call, *said), book)).values()


@pytest.mark.parametrize("busy", ["好，我看一下，等我一会儿", "稍等啊", "我去拿一下说明书"])
def test_a_customer_who_asks_for_time(make_call: MakeCall, book: Rulebook, busy: str) -> None:
    call = quiet(
        make_call, ("A", "型号是什么", 10, 12), ("C", busy, 13, 15), ("C", "找到了", 40, 41)
    )
    assert told(dead_air.evaluate(call, book)) == {"dead_air": PASS}


def test_a_customer_who_thinks_aloud(make_call: MakeCall, book: Rulebook) -> None:
    asked, thinks = ("A", "请问您的账号是多少", 10, 12), ("C", "嗯，这个", 13, 14)
    call = quiet(make_call, asked, thinks, ("C", "六零八二", 30, 32))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": UNTOLD}


def test_an_answer_to_a_request_is_not_the_customers_silence(
    make_call: MakeCall, book: Rulebook
) -> None:
    asked, answer = ("A", "您看一下灯亮不亮", 10, 12), ("C", "三个灯里面有两个是亮着的", 13, 16)
    call = quiet(make_call, asked, answer, ("A", "那就是路由器坏了", 30, 33))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": UNTOLD}
    call = quiet(make_call, asked, answer, ("C", "喂？人呢", 30, 33))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": FAIL}


@pytest.mark.parametrize(
    "words",
    ["我接个电话", "我跟我爱人商量一下", "好的，我这就弄", "正在加载呢", "卡在里屋，我起来拿"],
)
def test_what_a_customer_does_in_a_silence_is_not_guessed(
    make_call: MakeCall, book: Rulebook, words: str
) -> None:
    call = quiet(
        make_call, ("A", "是要您本人的", 10, 11), ("C", words, 12, 14), ("A", "好", 30, 31)
    )
    assert FAIL not in told(dead_air.evaluate(call, book)).values()


def test_a_customer_who_asks_for_help_and_calls_out(make_call: MakeCall, book: Rulebook) -> None:
    call = quiet(make_call, ("C", "帮我查一下快递到哪了", 10, 12), ("C", "喂？人呢", 42, 43))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": FAIL}


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
    make_call: MakeCall, book: Rulebook, who: str, next_words: str, verdict: Verdict
) -> None:
    call = quiet(make_call, ("A", "您的密码已经重置好了", 10, 12), (who, next_words, 30, 32))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": verdict}


def test_before_the_first_and_after_the_last_sound_is_no_dead_air(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([("A", "您好请讲", 30, 32), ("C", STORY, 33, 38)])
    long = replace(call, transcript=replace(call.transcript, duration_s=100.0))
    assert told(dead_air.evaluate(long, book)) == {"dead_air": PASS}


def test_please_wait_under_the_customers_last_words(make_call: MakeCall, book: Rulebook) -> None:
    said = [("C", "那你帮我看看吧，谢谢你了", 10, 14), ("A", "好您稍等", 12.5, 13.5)]
    call = quiet(make_call, *said, ("A", "让您久等了", 40, 42))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": PASS}


def test_a_pause_inside_a_turn_counts_too(make_call: MakeCall, book: Rulebook) -> None:
    call = quiet(make_call, ("A", "这个嘛，要续费", 9.5, 30), pauses={2: [(9.5, 11), (25, 30)]})
    (finding,) = dead_air.evaluate(call, book)
    assert (finding.verdict, finding.start_s, finding.end_s) == (UNTOLD, 11, 25)


def test_words_not_understood_may_have_announced_the_silence(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = quiet(make_call, ("A", "", 10, 12), ("A", "好了", 30, 31))
    assert told(dead_air.evaluate(call, book)) == {"dead_air": UNTOLD}


def test_dead_air_on_one_channel_and_without_times(make_call: MakeCall, book: Rulebook) -> None:
    said = [("?", "您好", 0, 2), ("?", STORY, 3, 9), ("?", "好了", 12, 13)]
    unknown = make_call(said, channels=Channels.MONO)
    assert told(dead_air.evaluate(unknown, book)) == {"dead_air": PASS}
    unknown = make_call([*said, ("?", "还在吗", 30, 31)], channels=Channels.MONO)
    assert told(dead_air.evaluate(unknown, book)) == {"dead_air": UNTOLD}
    known = quiet(make_call, ("A", "到期了", 30, 32), channels=Channels.MONO)
    assert told(dead_air.evaluate(known, book)) == {"dead_air": FAIL}
    text = make_call([("A", "您好"), ("C", STORY)], channels=Channels.TEXT)
    assert told(dead_air.evaluate(text, book)) == {"dead_air": UNTOLD}


# hold

PLEASE = "我到系统里面查一下，请您稍等"
THANKS = "让您久等了，已经办好了"


def wait(
    make_call: MakeCall,
    before: str = PLEASE,
    after: str = THANKS,
    *,
    seconds: float = 30.0,
    **options: object,
) -> Call:
    back = 14.0 + seconds
    return quiet(make_call, ("A", before, 10, 14), ("A", after, back, back + 3), **options)


def test_a_wait_as_it_should_be(make_call: MakeCall, book: Rulebook) -> None:
    call = wait(make_call)
    assert told(hold.evaluate(call, book)) == {
        "hold.announced": PASS,
        "hold.reason": PASS,
        "hold.length": PASS,
        "hold.thanked": PASS,
    }
    assert told(dead_air.evaluate(call, book)) == {"dead_air": PASS}


def test_no_wait_no_finding(make_call: MakeCall, book: Rulebook) -> None:
    assert hold.evaluate(quiet(make_call, ("A", PLEASE, 10, 14)), book) == []
    assert hold.evaluate(wait(make_call, seconds=2.9), book) == []
    assert hold.evaluate(wait(make_call, "您的邮箱到期了", "要续费"), book) == []
    question = "我帮您登记一下，请问您的地址是哪里"
    assert hold.evaluate(wait(make_call, question, "好的"), book) == []


def test_a_wait_without_a_reason(make_call: MakeCall, book: Rulebook) -> None:
    found = hold.evaluate(wait(make_call, "好的，请您稍等一下好吗"), book)
    assert told(found)["hold.reason"] is FAIL
    assert next(f for f in found if f.verdict is FAIL).clause_id == "001-宜.4"
    # a sentence that the phrases do not know may be a reason
    other = wait(make_call, "这个地址跟别的电脑发生冲突了，请您稍等")
    assert told(hold.evaluate(other, book))["hold.reason"] is UNTOLD


@pytest.mark.parametrize(("seconds", "verdict"), [(180.0, PASS), (180.1, FAIL)])
def test_a_wait_is_at_most_three_minutes(
    make_call: MakeCall, book: Rulebook, seconds: float, verdict: Verdict
) -> None:
    (length,) = (
        finding
        for finding in hold.evaluate(wait(make_call, seconds=seconds), book)
        if finding.check_id == "hold.length"
    )
    assert length.verdict is verdict
    assert (length.severity, length.clause_id) == (Severity.MAJOR, "002-接听电话.5")
    assert (length.start_s, length.end_s) == (14, 14 + seconds)


@pytest.mark.parametrize(
    "after", [THANKS, "感谢您的耐心等待", "谢谢您的等待", "不好意思，还要一会儿", "抱歉，系统很慢"]
)
def test_thanks_and_apologies_after_a_wait(make_call: MakeCall, book: Rulebook, after: str) -> None:
    assert told(hold.evaluate(wait(make_call, after=after), book))["hold.thanked"] is PASS


@pytest.mark.parametrize(("seconds", "thanked"), [(9.9, None), (10.0, FAIL)])
def test_only_a_long_wait_wants_thanks(
    make_call: MakeCall, book: Rulebook, seconds: float, thanked: Verdict | None
) -> None:
    found = told(hold.evaluate(wait(make_call, after="查到了，要续费", seconds=seconds), book))
    assert found.get("hold.thanked") is thanked


def test_words_meanwhile_do_not_end_a_wait(make_call: MakeCall, book: Rulebook) -> None:
    said = [
        ("A", PLEASE, 10, 14),
        ("C", "好的", 14.5, 15),
        ("A", "嗯", 60, 60.4),
        ("A", "这个单子是上周的", 80, 82),
        ("C", "喂", 120, 120.5),
        ("A", "在的", 121, 122),
        ("A", THANKS, 150, 153),
    ]
    found = hold.evaluate(quiet(make_call, *said), book)
    assert told(found)["hold.thanked"] is PASS
    assert sum(finding.check_id == "hold.length" for finding in found) == 1
    (length,) = (finding for finding in found if finding.check_id == "hold.length")
    assert (length.start_s, length.end_s) == (14, 150)
    assert PASS is told(dead_air.evaluate(quiet(make_call, *said), book))["dead_air"]


def test_thanks_for_a_wait_whose_announcement_was_not_heard(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = wait(make_call, "秦明萧邓，副走的工程式")
    found = told(hold.evaluate(call, book))
    assert (found["hold.announced"], found["hold.reason"]) == (UNTOLD, UNTOLD)
    assert FAIL not in told(dead_air.evaluate(call, book)).values()  # accused once or not at all


def test_a_wait_on_one_channel_and_without_times(make_call: MakeCall, book: Rulebook) -> None:
    known = wait(make_call, after="查到了，要续费", channels=Channels.MONO)
    assert told(hold.evaluate(known, book))["hold.thanked"] is FAIL
    said = [("?", PLEASE, 0, 4), ("?", "好", 30, 31)]
    unknown = hold.evaluate(make_call(said, channels=Channels.MONO), book)
    assert set(told(unknown).values()) == {UNTOLD}
    text = make_call([("A", PLEASE), ("C", "好"), ("A", "查到了")], channels=Channels.TEXT)
    assert set(told(hold.evaluate(text, book)).values()) == {UNTOLD}
    silent = make_call([("A", "您好"), ("C", STORY)], channels=Channels.TEXT)
    assert hold.evaluate(silent, book) == []


# silent call

AGAIN = "您好，请问有什么可以帮助您？"
NO_SOUND = "对不起，您的电话没有声音，请您换一部电话再次打来，好吗？再见！"


def silent(
    make_call: MakeCall, *said: Said, duration_s: float | None = 40.0, **options: object
) -> Call:
    call = make_call([HELLO, *said], **options)
    return replace(call, transcript=replace(call.transcript, duration_s=duration_s))


def test_a_silent_call_as_the_norm_has_it(make_call: MakeCall, book: Rulebook) -> None:
    call = silent(make_call, ("A", AGAIN, 10, 13), ("A", NO_SOUND, 18, 24), duration_s=29)
    assert set(told(silent_call.evaluate(call, book)).values()) == {PASS}
    assert dead_air.evaluate(call, book) == hold.evaluate(call, book) == []


def test_a_call_in_which_the_customer_speaks_is_not_silent(
    make_call: MakeCall, book: Rulebook
) -> None:
    assert silent_call.evaluate(silent(make_call, ("C", "喂", 30, 31)), book) == []
    assert silent_call.evaluate(make_call([]), book) == []


@pytest.mark.parametrize(
    ("again_s", "announced_s", "end_s", "verdict"),
    [
        (9.0, 16.0, 26.0, PASS),  # 4 s each: a second is tolerated
        (8.9, 16.0, 26.0, FAIL),
        (9.0, 15.9, 26.0, FAIL),
        (9.0, 16.0, 25.9, UNTOLD),  # nobody knows who cleared the call
    ],
)
def test_the_waits_of_a_silent_call(
    make_call: MakeCall,
    book: Rulebook,
    again_s: float,
    announced_s: float,
    end_s: float,
    verdict: Verdict,
) -> None:
    again = ("A", AGAIN, again_s, 12.0)
    said = [again, ("A", NO_SOUND, announced_s, 22.0)]
    found = told(silent_call.evaluate(silent(make_call, *said, duration_s=end_s), book))
    assert found["silent_call.waits"] is verdict
    assert found["silent_call.announces"] is PASS


def test_steps_left_out_of_a_silent_call(make_call: MakeCall, book: Rulebook) -> None:
    at_once = told(silent_call.evaluate(silent(make_call, ("A", NO_SOUND, 10, 16)), book))
    assert at_once["silent_call.greets_again"] is FAIL
    never = told(silent_call.evaluate(silent(make_call, ("A", AGAIN, 10, 13)), book))
    assert (never["silent_call.greets_again"], never["silent_call.announces"]) == (PASS, FAIL)
    nothing = told(silent_call.evaluate(silent(make_call), book))
    assert (nothing["silent_call.greets_again"], nothing["silent_call.announces"]) == (FAIL, FAIL)
    rude = silent(make_call, ("A", "喂，说话呀", 8, 9), ("A", "再不说话我就挂了", 12, 13))
    assert told(silent_call.evaluate(rude, book))["silent_call.announces"] is FAIL


def test_a_caller_who_hangs_up_leaves_the_agent_no_time(
    make_call: MakeCall, book: Rulebook
) -> None:
    found = told(silent_call.evaluate(silent(make_call, duration_s=8), book))
    assert set(found.values()) == {UNTOLD}


def test_one_side_of_a_conversation_is_no_silent_call(make_call: MakeCall, book: Rulebook) -> None:
    one_side = [("A", "请问您的账号是多少", 10, 12), ("A", "您的邮箱到期了", 20, 22)]
    found = silent_call.evaluate(silent(make_call, *one_side), book)
    assert {finding.verdict for finding in found} == {UNTOLD}
    assert "没有录到客户" in found[0].reason


def test_a_silent_call_that_cannot_be_told(make_call: MakeCall, book: Rulebook) -> None:
    mono = silent(make_call, ("A", AGAIN, 10, 13), channels=Channels.MONO)
    assert set(told(silent_call.evaluate(mono, book)).values()) == {UNTOLD}
    text = make_call([("A", "您好"), ("A", AGAIN)], channels=Channels.TEXT)
    assert set(told(silent_call.evaluate(text, book)).values()) == {UNTOLD}
    unheard = silent(make_call, ("A", "", 10, 13), ("A", NO_SOUND, 18, 24))
    assert told(silent_call.evaluate(unheard, book))["silent_call.greets_again"] is UNTOLD


# speech rate


@pytest.mark.parametrize(("seconds", "verdict"), [(15.0, PASS), (14.9, FAIL), (30.0, PASS)])
def test_the_pace_of_the_agent(
    make_call: MakeCall, book: Rulebook, seconds: float, verdict: Verdict
) -> None:
    call = make_call([("A", "您" * 100, 0, seconds), ("C", "快" * 400, 40, 42)])  # 15 s: 400/min
    (finding,) = speech_rate.evaluate(call, book)
    assert (finding.verdict, finding.clause_id) == (verdict, "001-宜.2")
    assert f"{6000 / seconds:.0f} 字" in finding.reason


def test_pauses_do_not_slow_the_pace(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", "您" * 100, 0, 30)], pauses={0: [(0, 5), (25, 30)]})
    assert told(speech_rate.evaluate(call, book)) == {"speech_rate": FAIL}


def test_a_few_words_have_no_pace(make_call: MakeCall, book: Rulebook) -> None:
    assert speech_rate.evaluate(make_call([("A", "您" * 49, 0, 2)]), book) == []
    assert speech_rate.evaluate(make_call([("A", "您" * 50, 0, 2)]), book)
    assert speech_rate.evaluate(make_call([("C", "我" * 90, 0, 2)]), book) == []


def test_a_pace_that_cannot_be_told(make_call: MakeCall, book: Rulebook) -> None:
    text = make_call([("A", "您" * 100)], channels=Channels.TEXT)
    assert told(speech_rate.evaluate(text, book)) == {"speech_rate": UNTOLD}
    unknown = make_call([("?", "您" * 100, 0, 10)], channels=Channels.MONO)
    assert told(speech_rate.evaluate(unknown, book)) == {"speech_rate": UNTOLD}
    known = make_call([("A", "您" * 100, 0, 10)], channels=Channels.MONO)
    assert told(speech_rate.evaluate(known, book)) == {"speech_rate": FAIL}


# all of them


def test_a_rulebook_without_these_rules_says_nothing(
    make_call: MakeCall, book: Rulebook, tmp_path: Path
) -> None:
    names = ("active_listening", "dead_air", "hold", "silent_call", "speech_rate")
    own = tmp_path / "own.yaml"
    without = dict.fromkeys(names)
    own.write_text(yaml.safe_dump({"id": "own", "extends": "hotline", "rules": without}))
    chat = ("A", "您" * 50, 22, 32)
    calls = [make_call([]), make_call([HELLO]), talk(make_call, chat), wait(make_call)]
    for call in calls:
        assert not {f.rule_id for f in evaluate(call, load(str(own)))} & set(names)
    assert set(names) <= {finding.rule_id for call in calls for finding in evaluate(call, book)}


def test_every_check_has_its_clause_and_its_label(book: Rulebook) -> None:
    rules = [rule for _, rule in book.rules if rule is not None and hasattr(rule, "checks")]
    checks = {check_id: check.clause for rule in rules for check_id, check in rule.checks.items()}
    assert set(checks.values()) <= set(book.clauses())
    for strings in (Path(reports.__file__).parent / "templates").glob("strings.*.json"):
        words = json.loads(strings.read_text("utf-8"))
        assert set(checks) <= set(words["check"]), strings.name
        assert {check_id.partition(".")[0] for check_id in checks} <= set(words["rule"])


def test_ready_transcripts_whose_times_cannot_be_one_voice(
    make_call: MakeCall, book: Rulebook
) -> None:
    said = [HELLO, ("A", STORY, 5, 5), ("C", STORY, 6, 20)]
    assert told(speech_rate.evaluate(make_call(said), book)) == {"speech_rate": UNTOLD}


def test_an_agent_who_is_not_heard_is_not_blamed(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("C", STORY, 0, 20)])
    found = told(active_listening.evaluate(call, book))
    assert found == {"active_listening.response": UNTOLD}


@pytest.mark.parametrize(
    ("first", "answer", "second"),
    [
        ("您的账号是多少", "一二三四五六", "您的单号是多少"),
        ("寄件方，电话号码是多少", "一三八零零一三八零零零", "收件方，电话号码是多少"),
        ("请问您贵姓", "我姓什么你们系统里不是有吗", "您贵姓"),
    ],
)
def test_another_question_is_not_the_same(
    make_call: MakeCall, book: Rulebook, first: str, answer: str, second: str
) -> None:
    call = make_call([("A", first, 0, 2), ("C", answer, 3, 6), ("A", second, 7, 9)])
    assert not repeats(call, book)
