"""Greeting, handling, closing: in that order, each only where it is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit import stages
from audit.rulebooks import load
from audit.types import ROLE_CONFIDENCE_MIN, Role, Stage, Turn
from tests.calls import MODELS, turns

BOOK = load("hotline")
G, H, C = Stage.GREETING, Stage.HANDLING, Stage.CLOSING
TEXTS = (
    "您好，软件服务热线，很高兴为您服务，请问有什么可以帮助您？",
    "你好",
    "我想查一下我的账单",
    "请您稍等，我帮您查一下",
    "跟您核对一下",
    "嗯",
    "",
    "请问还有其他可以帮您的吗？",
    "没有了，再见",
    "感谢您的来电，再见",
)


def staged(*said: tuple[str, str]) -> list[Stage | None]:
    assigned = stages.assign(turns(said), cues=BOOK.stages, model=MODELS.stages)
    return [turn.stage for turn in assigned]


def test_a_whole_call() -> None:
    assert staged(
        ("A", TEXTS[0]),
        ("C", "我的电脑连不上网，麻烦你看看"),
        ("A", "请您稍等，我帮您查一下"),
        ("C", "好了，可以了"),
        ("A", "请问还有其他可以帮您的吗？"),
        ("C", "没有了"),
        ("A", "感谢您的来电，再见"),
    ) == [G, H, H, H, C, C, C]


def test_a_call_without_greeting() -> None:
    segments = staged(
        ("A", "你那个问题我看了，是系统没有更新"),
        ("C", "那什么时候能好呢，我等着用"),
        ("A", "明天上午十点以前"),
        ("A", "感谢您的来电，再见"),
    )
    assert G not in segments[1:]
    assert segments[-1] is C


def test_a_call_without_closing() -> None:
    segments = staged(
        ("A", TEXTS[0]),
        ("C", "我想问一下发票什么时候能开出来，已经三个星期了"),
        ("A", "财务那边说还在审核"),
        ("C", "那到底还要多久，你给我一个准确的时间"),
        ("A", "最晚下星期三"),
        ("C", "那我下星期三再打过来问你们"),
        ("A", "您把订单编号告诉我，我登记下来，有结果我们通知您"),
        ("C", "编号我现在没有带在身上，在办公室的电脑里面存着"),
    )
    assert segments[0] is G
    assert C not in segments[:-2]


def test_a_stray_thank_you_opens_no_closing() -> None:
    segments = staged(
        ("A", TEXTS[0]),
        ("C", "我想查一下我的订单到哪里了"),
        ("A", "感谢您的配合，请您提供订单编号"),
        ("C", "编号是三三五六"),
        ("A", "我帮您查一下，请您稍等"),
        ("C", "我要投诉你们的快递，太慢了"),
        ("A", "我帮您登记处理"),
        ("A", "请问还有其他可以帮您的吗"),
        ("C", "没有了，再见"),
    )
    assert segments[2:7] == [H] * 5
    assert segments[-1] is C


def test_no_turns() -> None:
    assert stages.assign([], cues=BOOK.stages, model=MODELS.stages) == ()


_turns = st.lists(st.tuples(st.sampled_from(list(Role)), st.sampled_from(TEXTS)), max_size=14)


@given(_turns)
def test_stages_only_move_forward_and_nothing_else_changes(said: list[tuple[Role, str]]) -> None:
    turns = [Turn(i, role, text) for i, (role, text) in enumerate(said)]
    result = stages.assign(turns, cues=BOOK.stages, model=MODELS.stages)
    order = [list(Stage).index(turn.stage) for turn in result if turn.stage]
    assert len(order) == len(turns)
    assert order == sorted(order)
    bare = [replace(turn, stage=None, stage_confidence=None, stage_or=None) for turn in result]
    assert bare == turns
    for turn in result:
        sure = (turn.stage_confidence or 0) >= ROLE_CONFIDENCE_MIN
        assert (turn.stage_or is None) == sure
        assert turn.stage is not None
        assert turn.in_stage(turn.stage) is (True if sure else None)
