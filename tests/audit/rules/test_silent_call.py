"""Lines on which nobody is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.rulebooks import Rulebook
from audit.rules import dead_air, hold, silent_call
from audit.types import Call, Channels, Direction, Finding, Verdict
from reports.wording import sentence
from tests.calls import Said, found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]
Told = Callable[[list[Finding]], dict[str, Verdict]]

HELLO = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)


# silent call

AGAIN = "您好，请问有什么可以帮助您？"
NO_SOUND = "对不起，您的电话没有声音，请您换一部电话再次打来，好吗？再见！"


def silent(
    make_call: MakeCall, *said: Said, duration_s: float | None = 40.0, **options: object
) -> Call:
    call = make_call([HELLO, *said], **options)
    return replace(call, transcript=replace(call.transcript, duration_s=duration_s))


def test_a_silent_call_as_the_norm_has_it(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    call = silent(make_call, ("A", AGAIN, 10, 13), ("A", NO_SOUND, 18, 24), duration_s=29)
    assert set(told(found_by(silent_call.RULE, call, book)).values()) == {PASS}
    assert found_by(dead_air.RULE, call, book) == found_by(hold.RULE, call, book) == []


def test_a_call_in_which_the_customer_speaks_is_not_silent(
    make_call: MakeCall, book: Rulebook
) -> None:
    assert found_by(silent_call.RULE, silent(make_call, ("C", "喂", 15, 16)), book) == []
    assert found_by(silent_call.RULE, make_call([]), book) == []


@pytest.mark.parametrize(
    ("said", "failed"),
    [
        ([("A", NO_SOUND, 11, 17)], {"silent_call.greets_again"}),
        ([("A", AGAIN, 7, 10), ("A", NO_SOUND, 12, 18)], {"silent_call.waits"}),
        ([("A", AGAIN, 10, 13), ("A", "那就这样吧，再见", 18, 20)], {"silent_call.announces"}),
        ([("A", AGAIN, 10, 13), ("A", NO_SOUND, 18, 24)], set()),
        ([("A", AGAIN, 10, 13), ("A", "您的声音听不到呢", 18, 20)], set()),  # not given up
    ],
)
def test_a_customer_who_speaks_after_the_agent_has_said_goodbye(
    make_call: MakeCall, book: Rulebook, told: Told, said: list[Said], failed: set[str]
) -> None:
    later = ("C", "别挂别挂，我刚拿起来", 26, 28)
    found = told(found_by(silent_call.RULE, silent(make_call, *said, later), book))
    assert {check for check, verdict in found.items() if verdict is FAIL} == failed
    assert UNTOLD not in found.values()


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
    told: Told,
) -> None:
    again = ("A", AGAIN, again_s, 12.0)
    said = [again, ("A", NO_SOUND, announced_s, 22.0)]
    found = told(found_by(silent_call.RULE, silent(make_call, *said, duration_s=end_s), book))
    assert found["silent_call.waits"] is verdict
    assert found["silent_call.announces"] is PASS


def test_steps_left_out_of_a_silent_call(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    at_once = told(found_by(silent_call.RULE, silent(make_call, ("A", NO_SOUND, 10, 16)), book))
    assert at_once["silent_call.greets_again"] is FAIL
    never = told(found_by(silent_call.RULE, silent(make_call, ("A", AGAIN, 10, 13)), book))
    assert (never["silent_call.greets_again"], never["silent_call.announces"]) == (PASS, FAIL)
    nothing = told(found_by(silent_call.RULE, silent(make_call), book))
    assert (nothing["silent_call.greets_again"], nothing["silent_call.announces"]) == (FAIL, FAIL)
    rude = silent(make_call, ("A", "喂，说话呀", 8, 9), ("A", "再不说话我就挂了", 12, 13))
    assert told(found_by(silent_call.RULE, rude, book))["silent_call.announces"] is FAIL


def test_a_caller_who_hangs_up_leaves_the_agent_no_time(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    found = told(found_by(silent_call.RULE, silent(make_call, duration_s=8), book))
    assert set(found.values()) == {UNTOLD}


def test_one_side_of_a_conversation_is_no_silent_call(make_call: MakeCall, book: Rulebook) -> None:
    one_side = [("A", "请问您的账号是多少", 10, 12), ("A", "您的邮箱到期了", 20, 22)]
    found = found_by(silent_call.RULE, silent(make_call, *one_side), book)
    assert {finding.verdict for finding in found} == {UNTOLD}
    assert "没有录到客户" in sentence(found[0].reason)


@pytest.mark.parametrize(
    "words",
    [
        "我这边听不到您，再见",
        "您的线路没有声音",
        "电话无声，先挂了",
        "听不见您讲话",
        "可能信号不好，一直听不到",
        "您那头没声儿",
        "没有听到您的声音",
    ],
)
def test_ways_to_say_that_nothing_is_heard(
    make_call: MakeCall, book: Rulebook, told: Told, words: str
) -> None:
    call = silent(make_call, ("A", AGAIN, 10, 13), ("A", words, 18, 21))
    assert told(found_by(silent_call.RULE, call, book))["silent_call.announces"] is PASS


def test_a_message_left_is_no_silent_call(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    message = "您好王先生，您的保单月底到期，方便的时候请回个电话"
    call = make_call([("A", message, 0, 8)])
    assert set(told(found_by(silent_call.RULE, call, book)).values()) == {UNTOLD}
    plain = silent(
        make_call, ("A", "您好，远山暖建服务乐显工号二零零六，请问有什么可以帮助您", 10, 13)
    )
    assert told(found_by(silent_call.RULE, plain, book))["silent_call.announces"] is FAIL
    out = replace(plain, recording=replace(plain.recording, direction=Direction.OUT))
    assert set(told(found_by(silent_call.RULE, out, book)).values()) == {UNTOLD}


def test_a_silent_call_that_cannot_be_told(make_call: MakeCall, book: Rulebook, told: Told) -> None:
    mono = silent(make_call, ("A", AGAIN, 10, 13), channels=Channels.MONO)
    assert set(told(found_by(silent_call.RULE, mono, book)).values()) == {UNTOLD}
    text = make_call([("A", "您好"), ("A", AGAIN)], channels=Channels.TEXT)
    assert set(told(found_by(silent_call.RULE, text, book)).values()) == {UNTOLD}
    unheard = silent(make_call, ("A", "", 10, 13), ("A", NO_SOUND, 18, 24))
    assert told(found_by(silent_call.RULE, unheard, book))["silent_call.greets_again"] is UNTOLD


def test_a_channel_that_may_not_have_been_recorded_accuses_nobody(
    make_call: MakeCall, book: Rulebook, told: Told
) -> None:
    def dead(*said: Said) -> dict[str, Verdict]:
        call = silent(make_call, *said)
        call = replace(call, transcript=replace(call.transcript, dead_channel=1))
        found = found_by(silent_call.RULE, call, book)
        assert all(one.verdict is FAIL or one.points == 0 for one in found)
        return told(found)

    greeted = dead()
    assert greeted["silent_call.greets_again"] is greeted["silent_call.announces"] is UNTOLD
    assert FAIL not in dead(("A", AGAIN, 6, 9)).values()
    announced = dead(("A", NO_SOUND, 10, 16))  # the agent heard nothing either
    assert announced["silent_call.greets_again"] is FAIL
    assert announced["silent_call.announces"] is PASS


@pytest.mark.parametrize(
    "said",
    [
        [("A", "小李再见。", 5.5, 6.5), ("C", "我的打印机坏了", 7, 9)],  # to somebody else
        [("A", "您先挂机，我打给您。", 7, 9), ("C", "好", 10, 11)],
        [("A", "好的，不客气，再见。", 12, 15), ("C", "谢谢，再见。", 16, 17)],  # was not recorded
        [("A", "您好？再见。", 8, 10), ("C", "我要报修，家里断网了", 9, 12)],
        [("A", "再见。", 8, 10), ("?", "喂？", 11, 12)],
        [("A", "再不说话我就挂了啊。", 8, 10), ("C", "喂喂。", 11, 12)],
    ],
)
def test_a_line_that_is_not_given_up(
    make_call: MakeCall, book: Rulebook, told: Told, said: list[Said]
) -> None:
    call = make_call(sorted([HELLO, *said], key=lambda one: one[2]))
    assert FAIL not in told(found_by(silent_call.RULE, call, book)).values()


@pytest.mark.parametrize("reply", ["别挂别挂，我才拿起来", "哎在呢，怎么就再见了"])
def test_a_line_given_up_without_waiting(make_call: MakeCall, book: Rulebook, reply: str) -> None:
    hurried = [("A", AGAIN, 5.5, 8.5), ("A", NO_SOUND, 9, 15), ("C", reply, 17, 19)]
    (found,) = found_by(silent_call.RULE, make_call([HELLO, *hurried]), book)
    assert (found.check_id, found.verdict) == ("silent_call.waits", FAIL)
    assert (found.start_s, found.end_s) == (8.5, 9)


@pytest.mark.parametrize(("reply_s", "verdicts"), [(16.0, {UNTOLD}), (15.9, set())])
def test_a_line_on_which_nobody_speaks_for_long(
    make_call: MakeCall, book: Rulebook, reply_s: float, verdicts: set[Verdict]
) -> None:
    call = make_call([HELLO, ("C", "喂，有人吗", reply_s, reply_s + 2), ("A", "您请讲", 19, 20)])
    assert {one.verdict for one in found_by(silent_call.RULE, call, book)} == verdicts
