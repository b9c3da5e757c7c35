"""Who answers a customer who talks long, and who asks for a thing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.rulebooks import Rulebook
from audit.rules import active_listening
from audit.types import Call, Channels, Finding, Role, Verdict
from reports.wording import sentence
from tests.calls import Said, found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Told = Callable[[list[Finding]], dict[str, Verdict]]

HELLO = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)
STORY = "我们仓库上个星期换了新的扫码枪，前几天用得好好的，从昨天下午开始系统里就没有数据了"


def talk(make_call: MakeCall, *said: Said, **options: object) -> Call:
    return make_call([HELLO, ("C", STORY, 6.0, 21.0), *said], **options)


def test_a_customer_who_talks_long_to_a_silent_agent(make_call: MakeCall, book: Rulebook) -> None:
    call = talk(make_call, ("A", "好的，我记录一下", 21.5, 23))
    (finding,) = found_by(active_listening.RULE, call, book)
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
    (finding,) = found_by(active_listening.RULE, talk(make_call, sound), book)
    assert (finding.verdict, finding.points) == (PASS, 0)


@pytest.mark.parametrize(("end_s", "found"), [(20.99, []), (21.0, [FAIL])])
def test_long_talk_begins_at_fifteen_seconds(
    make_call: MakeCall, book: Rulebook, end_s: float, found: list[Verdict]
) -> None:
    call = make_call([HELLO, ("C", STORY, 6.0, end_s)])
    assert [f.verdict for f in found_by(active_listening.RULE, call, book)] == found


PARTS = [("C", "先是卫生间漏，后来客厅也湿了", 6.0, 9.5), ("C", "我去敲门人家不开", 13.0, 15.0)]


@pytest.mark.parametrize(
    ("parts", "call_out", "found"),
    [
        (PARTS, "喂，你听着没有啊", [FAIL]),
        (PARTS, "你倒是吱一声啊", [FAIL]),
        ([PARTS[0], ("C", "我是请了假的", 13.0, 15.0)], "你有没有在听我讲啊", [FAIL]),
        (PARTS, "墙纸也鼓起来了", []),  # nobody asks
        (PARTS, "刚给狗喂了饭", []),
        (PARTS[1:], "喂，我是他爱人", []),  # somebody comes to the phone
        ([("C", "你等一下他来了", 6.0, 8.0), PARTS[1]], "喂，哪位", []),
        ([PARTS[0], ("A", "嗯，您说", 11.0, 12.0), PARTS[1]], "喂，听着吗", []),
    ],
)
def test_a_customer_who_asks_whether_anybody_listens(
    make_call: MakeCall, book: Rulebook, parts: list[Said], call_out: str, found: list[Verdict]
) -> None:
    call = make_call([HELLO, *parts, ("C", call_out, 18.5, 20.0), ("A", "在的", 21.0, 22.0)])
    assert [one.verdict for one in found_by(active_listening.RULE, call, book)] == found


def test_short_pauses_do_not_divide_long_talk(make_call: MakeCall, book: Rulebook) -> None:
    first, second = ("C", STORY, 6.0, 14.0), ("C", STORY, 15.9, 22.0)
    assert found_by(active_listening.RULE, make_call([HELLO, first, second]), book)
    late = ("C", STORY, 16.1, 24.0)
    assert not found_by(active_listening.RULE, make_call([HELLO, first, late]), book)
    answered = make_call([HELLO, first, ("A", "嗯", 14.5, 15), second])
    assert not found_by(active_listening.RULE, answered, book)


def test_an_agent_cut_short_has_not_kept_silent(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", "请问", 0, 8), ("C", STORY, 6.0, 21.5)])  # alone for 13.5 s
    assert not found_by(active_listening.RULE, call, book)


@pytest.mark.parametrize(
    ("reply", "ends_s", "found"),
    [
        ("嗯，正赶上高峰了", 26.0, [PASS]),
        ("嗯，正赶上高峰了", 41.0, [FAIL]),  # twice as long
        ("您那边有几把枪？", 26.0, [FAIL]),
        ("哦，昨天下午开始的，一共八把是这样啊", 26.0, [FAIL]),
    ],
)
def test_a_short_answer_in_the_middle_of_a_story_shows_that_they_listen(
    make_call: MakeCall, book: Rulebook, reply: str, ends_s: float, found: list[Verdict]
) -> None:
    call = make_call(
        [HELLO, ("C", STORY, 6.0, 8.0), ("A", reply, 8.5, 10.0), ("C", STORY, 10.5, ends_s)]
    )
    assert [f.verdict for f in found_by(active_listening.RULE, call, book)] == found


def test_a_response_under_the_voice_cannot_be_heard_on_one_channel(
    make_call: MakeCall, book: Rulebook
) -> None:
    (finding,) = found_by(active_listening.RULE, talk(make_call, channels=Channels.MONO), book)
    assert (finding.verdict, finding.points) == (UNTOLD, 0)
    assert "单声道" in sentence(finding.reason)


def test_taking_over_is_no_response(make_call: MakeCall, book: Rulebook) -> None:
    (finding,) = found_by(active_listening.RULE, talk(make_call, ("A", "嗯那您说", 21, 24)), book)
    assert finding.verdict is FAIL
    late = make_call([HELLO, ("C", STORY, 6.0, 22.0), ("A", "嗯那您说", 21.5, 24)])
    (finding,) = found_by(active_listening.RULE, late, book)
    assert (finding.verdict, finding.end_s) == (FAIL, 21.5)


@pytest.mark.parametrize(
    "begins",
    [
        "您拨打的用户暂时无法接通",
        "查询请按一，人工请按零",
        "老婆，那个电话换了没有",
        "你让我把话说完",
    ],
)
def test_talk_that_wants_no_response(make_call: MakeCall, book: Rulebook, begins: str) -> None:
    (finding,) = found_by(
        active_listening.RULE, make_call([HELLO, ("C", begins + STORY, 6, 25)]), book
    )
    assert finding.verdict is UNTOLD


def test_listening_without_times_or_roles(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    text = make_call([("A", "您好"), ("C", STORY)], channels=Channels.TEXT)
    assert told(found_by(active_listening.RULE, text, book)) == {
        "active_listening.response": UNTOLD
    }
    unknown = make_call([("?", "您好", 0, 2), ("?", STORY, 3, 20)], channels=Channels.MONO)
    assert set(told(found_by(active_listening.RULE, unknown, book)).values()) == {UNTOLD}


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
    found = found_by(active_listening.RULE, call, book)
    return [finding for finding in found if finding.check_id == "active_listening.repeat"]


@pytest.mark.parametrize(("first", "answer", "again"), ASKED)
def test_asking_again_for_what_was_answered(
    make_call: MakeCall, book: Rulebook, first: str, answer: str, again: str
) -> None:
    (finding,) = repeats(ask(make_call, first, answer, "好的", "嗯", again), book)
    assert (finding.verdict, finding.clause_id) == (FAIL, "000-28.1-repeat")
    assert finding.evidence == again
    assert answer in sentence(finding.reason)


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


def test_an_agent_who_is_not_heard_is_not_blamed(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    call = make_call([("C", STORY, 0, 20)])
    found = told(found_by(active_listening.RULE, call, book))
    assert found == {"active_listening.response": UNTOLD}


@pytest.mark.parametrize(
    ("first", "answer", "second"),
    [
        ("您的账号是多少", "一二三四五六", "您的单号是多少"),
        ("寄件方，电话号码是多少", "一三八零零一三八零零零", "收件方，电话号码是多少"),
        ("请问您贵姓", "我姓什么你们系统里不是有吗", "您贵姓"),
        ("您住在哪里", "我们小区门口保安不让进来", "那您住在哪里"),
    ],
)
def test_another_question_is_not_the_same(
    make_call: MakeCall, book: Rulebook, first: str, answer: str, second: str
) -> None:
    call = make_call([("A", first, 0, 2), ("C", answer, 3, 6), ("A", second, 7, 9)])
    assert not repeats(call, book)


def test_counting_into_a_microphone_is_no_number_said_twice(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call(
        [
            HELLO,
            ("A", "请您对着话筒随便说两句", 6, 9),
            ("C", "喂喂，一二三四", 10, 12),
            ("A", "现在横条动了吗", 13, 15),
            ("C", "动了，一二三四都打出来了", 16, 18),
        ]
    )
    assert FAIL not in {one.verdict for one in found_by(active_listening.RULE, call, book)}


def test_who_was_misheard_is_not_asked_again(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call(
        [
            HELLO,
            ("C", "帮我把工单一一七五撤回来", 6, 9),
            ("A", "好的，工单一一五七，撤回，对吗？", 10, 13),
            ("C", "不是，一一七五", 14, 16),
            ("A", "是我听岔了，一一七五，对吗？", 17, 20),
            ("C", "嗯，对", 21, 22),
        ]
    )
    assert FAIL not in {one.verdict for one in found_by(active_listening.RULE, call, book)}
