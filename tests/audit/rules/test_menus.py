"""A switchboard on somebody's channel is nobody's conduct."""

from __future__ import annotations

from audit.rulebooks import Rulebook
from audit.types import Finding, Verdict
from tests.audit.conftest import MakeCall
from tests.calls import Said, found_by_all

MENU = "欢迎致电远山软件，业务咨询请按一，故障报修请按二，人工服务请按零"
QUEUE = "当前坐席全忙，您前面还有三位客户在等待，请稍候"
GREETING = "您好，远山软件服务热线，工号二零零一，请问有什么可以帮您"


def judged(make_call: MakeCall, book: Rulebook, *said: Said) -> dict[str, Finding]:
    """The worst finding of each check."""
    found = sorted(found_by_all(make_call(said), book), key=lambda one: one.verdict is Verdict.FAIL)
    return {one.check_id: one for one in found}


def test_a_menu_interrupts_nobody(make_call: MakeCall, book: Rulebook) -> None:
    opening: tuple[Said, ...] = (
        ("C", "喂，你好，我要找人工，快点给我接人工", 0.2, 4.6),
        ("A", MENU, 1.0, 10.0),
        ("A", GREETING, 20.3, 28.0),
        ("C", "我的邮箱登录不了怎么办呢", 28.6, 31.0),
    )
    told = judged(make_call, book, *opening)["no_interruption"]
    assert told.verdict is Verdict.CANNOT_TELL
    assert dict(told.reason.values)["doubt"].id == "menu.played"  # type: ignore[union-attr]
    person = [
        (who, text.replace(MENU, "您说的这个我们都知道的"), *at) for who, text, *at in opening
    ]
    assert judged(make_call, book, *person)["no_interruption"].verdict is Verdict.FAIL


def test_the_agent_who_then_interrupts_is_told_of(make_call: MakeCall, book: Rulebook) -> None:
    told = judged(
        make_call,
        book,
        ("A", MENU, 1.0, 10.0),
        ("A", GREETING, 20.3, 28.0),
        ("C", "我的电脑连不上公司的网络，昨天还好好的，今天早上一打开就不行了", 28.6, 36.0),
        ("A", "你先听我说，这个是网络的问题，我们都知道的", 32.0, 37.0),
    )
    assert told["no_interruption"].verdict is Verdict.FAIL


def test_waiting_in_the_queue_is_no_dead_air_of_the_agent(
    make_call: MakeCall, book: Rulebook
) -> None:
    call: tuple[Said, ...] = (
        ("A", QUEUE, 1.0, 7.0),
        ("C", "怎么还没有人啊，还要等多久才有人接呢", 8.0, 11.0),
        ("A", GREETING, 60.0, 68.0),
        ("C", "我的邮箱登录不了怎么办呢", 68.6, 71.0),
    )
    assert judged(make_call, book, *call)["dead_air"].verdict is not Verdict.FAIL
    person = [(who, text.replace(QUEUE, "这个事情是这样的"), *at) for who, text, *at in call]
    assert judged(make_call, book, *person)["dead_air"].verdict is Verdict.FAIL


def test_an_agent_may_talk_over_a_menu_that_answers(make_call: MakeCall, book: Rulebook) -> None:
    told = judged(
        make_call,
        book,
        ("A", GREETING, 0.5, 6.0),
        ("C", "您好，欢迎致电，业务咨询请按一，故障报修请按二，人工服务请按零", 6.5, 14.0),
        ("A", "你好，听得到吗，我这里是远山软件的客服", 9.0, 13.0),
        ("C", "喂，哪位", 20.0, 21.0),
    )
    assert told["no_interruption"].verdict is Verdict.CANNOT_TELL


def test_a_menu_does_not_greet_for_the_agent(make_call: MakeCall, book: Rulebook) -> None:
    found = judged(
        make_call,
        book,
        ("A", MENU, 1.0, 10.0),
        ("A", "说吧", 20.3, 21.0),
        ("C", "我的邮箱登录不了怎么办呢", 21.6, 24.0),
    )
    assert found["greeting.agent_identity"].verdict is Verdict.FAIL
