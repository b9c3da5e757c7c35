"""Interruptions: who takes the floor, who only listens, and edges that are not sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.rulebooks import Rulebook, load
from audit.rules import no_interruption
from audit.rules.floor import DESCRIPTIONS, VIOLATIONS, OverlapKind
from audit.rules.overlaps import overlaps
from audit.types import Call, Channels, Finding, Severity, Verdict
from reports.wording import sentence
from tests.calls import Said, found_by, turns

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]

HELLO = "您好，远山软件服务热线，工号二零零一，很高兴为您服务，请问有什么可以帮助您？"
TROUBLE = "我们办公室的打印机从今天早上开始连不上网络了，重启了两次都没有用"
OPENING = ("A", HELLO, 0.0, 6.0)
FLOOR = ("C", TROUBLE, 7.0, 14.0)


def interruptions(call: Call, book: Rulebook) -> list[Finding]:
    return [f for f in found_by(no_interruption.RULE, call, book) if f.verdict is FAIL]


@pytest.mark.parametrize(("start_s", "end_s"), [(9, 12), (9, 16), (13, 15)])
def test_cutting_in(make_call: MakeCall, book: Rulebook, start_s: float, end_s: float) -> None:
    call = make_call([OPENING, FLOOR, ("A", "你到首页去改就行了", start_s, end_s)])
    (finding,) = interruptions(call, book)
    assert (finding.start_s, finding.end_s) == (start_s, end_s)
    assert finding.points > 0
    assert finding.clause_id == book.rules.no_interruption.clauses[0]


@pytest.mark.parametrize(
    ("start_s", "end_s"),
    [
        (14.3, 16.0),  # after the customer
        (13.8, 16.0),  # over the last sound
        (7.2, 9.0),  # both begin together
    ],
)
def test_not_cutting_in(make_call: MakeCall, book: Rulebook, start_s: float, end_s: float) -> None:
    call = make_call([OPENING, FLOOR, ("A", "请问您贵姓怎么称呼", start_s, end_s)])
    (finding,) = found_by(no_interruption.RULE, call, book)
    assert finding.verdict is PASS


def test_a_backchannel_is_no_interruption(make_call: MakeCall, book: Rulebook) -> None:
    said = [OPENING, FLOOR, ("A", "你去首页那里改", 9, 10.3)]
    assert not interruptions(make_call(said, backchannels=[2]), book)
    assert interruptions(make_call(said), book)


@pytest.mark.parametrize(
    ("text", "end_s", "takes_the_floor"),
    [
        ("中文字幕", 9.6, False),  # 好好好, as Whisper hears it
        ("你们在哪里", 9.9, False),
        ("快快快快快", 9.7, False),
        ("停停停", 9.7, True),
        ("你们在哪里呢我问一下", 10.3, True),
    ],
)
def test_what_is_as_short_as_a_backchannel_is_one_whatever_is_written(
    make_call: MakeCall, book: Rulebook, text: str, end_s: float, takes_the_floor: bool
) -> None:
    call = make_call([OPENING, FLOOR, ("A", text, 9, end_s)])
    assert bool(interruptions(call, book)) is takes_the_floor


def test_a_brief_word_at_which_the_customer_stops_cuts_in(
    make_call: MakeCall, book: Rulebook
) -> None:
    stopped = ("C", "我们办公室的打印机从今天", 7.0, 9.7)
    assert interruptions(make_call([OPENING, stopped, ("A", "换个电话打", 9, 9.9)]), book)


TWO = "两台电脑都连不上，重启了好几次也没有用"
ANSWER = "您先把路由器的电源拔下来等一分钟再插上去"


@pytest.mark.parametrize(
    ("goes_on_s", "agent", "talks_over"),
    [
        (14.4, (14.2, 18.0), True),  # begins in a breath, and talks on and on
        (14.4, (14.2, 15.5), False),  # the agent gives way
        (14.9, (14.2, 18.0), False),  # the customer's pause gave the floor away
    ],
)
def test_sustained_overlap_is_an_interruption(
    make_call: MakeCall,
    book: Rulebook,
    goes_on_s: float,
    agent: tuple[float, float],
    talks_over: bool,
) -> None:
    said = [OPENING, FLOOR, ("C", TWO, goes_on_s, 19.0), ("A", ANSWER, *agent)]
    found = interruptions(make_call(said), book)
    assert bool(found) is talks_over
    assert all(sentence(one.reason).startswith("客服与客户同时讲话") for one in found)


def test_sustained_overlap_begins_where_the_agent_first_spoke(
    make_call: MakeCall, book: Rulebook
) -> None:
    goes_on = ("C", TWO, 15.0, 19.0)
    said = [OPENING, FLOOR, ("A", "您先看灯", 13.75, 14.7), goes_on, ("A", ANSWER, 15.5, 18.5)]
    (finding,) = interruptions(make_call(said), book)
    assert finding.start_s == 13.75


def test_the_customer_who_cut_in_first_is_not_talked_over(
    make_call: MakeCall, book: Rulebook
) -> None:
    agent = ("A", ANSWER, 8.0, 13.9)
    said = [OPENING, agent, ("C", TWO, 14.2, 18.0), ("A", "再看看灯亮不亮有没有红灯", 14.3, 18.5)]
    assert not interruptions(make_call(said), book)


def test_the_agent_who_takes_a_breath_keeps_the_floor(make_call: MakeCall, book: Rulebook) -> None:
    agent = [("A", "您的订单目前的状态是", 7.0, 11.0), ("A", ANSWER, 11.6, 15.0)]
    said = [OPENING, agent[0], ("C", "我就想问一下什么时候到", 11.1, 14.0), agent[1]]
    assert not interruptions(make_call(said), book)


def test_who_has_answered_for_a_while_is_cut_in_on(make_call: MakeCall, book: Rulebook) -> None:
    said = [OPENING, ("C", "是的是我", 10.0, 10.5), ("C", TWO, 11.1, 14), ("A", ANSWER, 10.6, 15)]
    assert not interruptions(make_call(said), book)


def test_only_overlap_that_goes_on_is_sustained(make_call: MakeCall, book: Rulebook) -> None:
    later = ("C", "我还没有收到货呢啊", 16.4, 17.5)
    said = [OPENING, FLOOR, ("C", "可是我那个", 14.4, 15.0), later, ("A", ANSWER * 2, 14.1, 22.0)]
    assert not interruptions(make_call(said), book)


BROKEN = "我昨天在你们营业厅办的那个宽带因为"
AGAIN = "我是说办的那个宽带因为下雨断了"


@pytest.mark.parametrize(
    ("text", "again", "verdict"),
    [
        (BROKEN, AGAIN, FAIL),
        (BROKEN, "好，我去拔电源", UNTOLD),
        ("我昨天在你们营业厅办的宽带不能用了", "昨天办的宽带不能用了", PASS),
    ],
)
def test_cutting_off_an_unfinished_sentence(
    make_call: MakeCall, book: Rulebook, text: str, again: str, verdict: Verdict
) -> None:
    said = [OPENING, ("C", text, 7, 12), ("A", ANSWER, 11.74, 15), ("C", again, 15.5, 18)]
    (finding,) = found_by(no_interruption.RULE, make_call(said), book)
    assert finding.verdict is verdict
    if verdict is FAIL:
        assert sentence(finding.reason).startswith("客户的话没说完就被打断")


@pytest.mark.parametrize(
    ("answer", "again", "verdict"),
    [
        (ANSWER, AGAIN, UNTOLD),
        (ANSWER, "好，我去拔电源", PASS),
        ("那个宽带因为什么", "那个宽带因为下雨断了", PASS),
        ("不好意思没听清您再说一遍", AGAIN, PASS),
    ],
)
def test_a_sentence_that_the_customer_has_to_say_again_is_uncertain(
    make_call: MakeCall, book: Rulebook, answer: str, again: str, verdict: Verdict
) -> None:
    broken = ("C", BROKEN, 7, 12)
    call = make_call([OPENING, broken, ("A", answer, 12.2, 15), ("C", again, 15.5, 18)])
    (finding,) = found_by(no_interruption.RULE, call, book)
    assert finding.verdict is verdict


def test_a_preset_of_other_definitions_knows_no_other_kinds(book: Rulebook) -> None:
    changes = {"min_advance_s": 5.0, "min_characters": 100}
    thresholds = book.rules.no_interruption.applied().model_copy(update=changes)
    said = turns([FLOOR, ("C", TWO, 14.4, 19.0), ("A", ANSWER, 14.2, 18.0)])
    assert not [m for m in overlaps([said[2]], said[:2], thresholds) if m.kind in VIOLATIONS]


def test_a_customer_without_sound_is_not_talked_over(book: Rulebook) -> None:
    silent = replace(turns([FLOOR])[0], speech=())
    thresholds = book.rules.no_interruption.applied()
    agent = turns([("A", ANSWER, 9.0, 12.0)])
    assert not [m for m in overlaps(agent, [silent], thresholds) if m.kind in VIOLATIONS]


@pytest.mark.parametrize(
    ("text", "takes_the_floor"),
    [
        ("不好意思，您先说。", False),
        ("听得到，听得到。", False),
        ("先生，请别告诉我密码。", False),
        ("你听到没有，你到首页去改。", True),
        ("您先说一下您的号码是多少。", True),
    ],
)
def test_giving_way_takes_no_floor(
    make_call: MakeCall, book: Rulebook, text: str, takes_the_floor: bool
) -> None:
    call = make_call([OPENING, FLOOR, ("A", text, 9, 11)])
    assert bool(interruptions(call, book)) is takes_the_floor


@pytest.mark.parametrize(
    ("text", "takes_the_floor"),
    [
        ("嗯嗯是的，您往下讲", False),
        ("好了好了，晓得了", False),  # and the customer goes on
        ("好的，那您把卡号念一遍", True),
        ("行了行了，你别讲了", True),
        ("您接着讲也没法给您退", True),
    ],
)
def test_what_remains_beside_listeners_words_takes_the_floor(
    make_call: MakeCall, book: Rulebook, text: str, takes_the_floor: bool
) -> None:
    call = make_call([OPENING, FLOOR, ("A", text, 9, 11.4)])
    assert bool(interruptions(call, book)) is takes_the_floor


def test_listeners_words_that_outlast_the_customer_are_no_interruption(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([OPENING, FLOOR, ("A", "哦哦，明白了，真不好意思", 13.2, 15.5)])
    assert not interruptions(call, book)
    assert interruptions(
        make_call([OPENING, FLOOR, ("A", "明白了，真不好意思" * 2, 12, 15.5)]), book
    )


@pytest.mark.parametrize("text", ["行了行了", "好了，知道了"])
def test_enough_has_been_heard_where_the_customer_stops(
    make_call: MakeCall, book: Rulebook, text: str
) -> None:
    said = [OPENING, FLOOR, ("A", text, 10, 11)]
    assert not interruptions(make_call(said, backchannels=[2]), book)
    stops = {1: [(7, 10.9), (12.2, 14)]}
    assert interruptions(make_call(said, backchannels=[2], pauses=stops), book)
    agrees = [OPENING, FLOOR, ("A", "好的，知道了", 10, 11)]
    assert not interruptions(make_call(agrees, pauses=stops), book)


# edges of ready transcripts

CLEAN = [
    ("A", "您好，远山软件服务热线", 0.5, 4.0),
    ("C", "你好，我的邮箱登不上去了", 4.4, 9.0),
    ("A", "请问怎么称呼您", 9.3, 11.0),
    ("C", "我姓顾，照顾的顾", 11.4, 14.0),
    ("A", "顾先生，密码提示是什么", 14.5, 17.0),
    ("C", "它说密码过期了请修改，可是我点进去是空白的", 17.4, 24.0),
    ("A", "我给您发一个新的链接", 24.3, 27.0),
]


def verdict(call: Call, book: Rulebook) -> Verdict:
    (finding,) = found_by(no_interruption.RULE, call, book)
    return finding.verdict


@pytest.mark.parametrize("padding_s", [0.3, 0.5, 0.8])
def test_padded_turns_do_not_cut_in(make_call: MakeCall, book: Rulebook, padding_s: float) -> None:
    padded = [(who, text, max(0, a - padding_s), b + padding_s) for who, text, a, b in CLEAN]
    assert verdict(make_call(padded, channels=Channels.TEXT), book) is PASS
    talks_over = ("A", "您先听我说一下这个链接怎么用", 19.0 - padding_s, 22.0 + padding_s)
    both = sorted([*padded, talks_over], key=lambda one: one[2])
    assert verdict(make_call(both, channels=Channels.TEXT), book) is FAIL


@pytest.mark.parametrize(("start_s", "told"), [(23.4, PASS), (23.0, UNTOLD), (22.5, FAIL)])
def test_edges_of_ready_transcripts_are_less_sure_than_ours(
    make_call: MakeCall, book: Rulebook, start_s: float, told: Verdict
) -> None:
    said = [*CLEAN[:-1], ("A", "我给您发一个新的链接", start_s, 27.0)]
    assert verdict(make_call(said, channels=Channels.TEXT), book) is told
    assert verdict(make_call(said), book) is FAIL


def test_who_always_cuts_in_is_not_taken_for_padded(make_call: MakeCall, book: Rulebook) -> None:
    """Padding makes both ways overlap; here only the agent begins too early."""
    said = [(who, text, a - 2.0 * (who == "A" and a > 1), b) for who, text, a, b in CLEAN]
    findings = found_by(no_interruption.RULE, make_call(said, channels=Channels.TEXT), book)
    assert [finding.verdict for finding in findings] == [FAIL] * len(findings)


def test_starting_in_a_long_pause_is_no_interruption(make_call: MakeCall, book: Rulebook) -> None:
    said = [OPENING, FLOOR, ("A", "您别着急，请问怎么称呼您", 10.2, 13)]
    assert not interruptions(make_call(said, pauses={1: [(7, 9.5), (11, 14)]}), book)
    assert interruptions(make_call(said, pauses={1: [(7, 10.0), (10.3, 14)]}), book)


def test_the_customer_cutting_in_is_not_the_agents_fault(
    make_call: MakeCall, book: Rulebook
) -> None:
    call = make_call([OPENING, ("C", TROUBLE, 3, 9)])
    assert not interruptions(call, book)


def test_a_violation_is_graver_the_longer_it_is_and_where_the_customer_stops(
    make_call: MakeCall, book: Rulebook
) -> None:
    def event(start_s: float, end_s: float) -> Finding:
        (finding,) = interruptions(
            make_call([OPENING, FLOOR, ("A", "你听我说一下", start_s, end_s)]), book
        )
        return finding

    brief, stopped, longer, longest = (
        event(10, 10.5),
        event(13.3, 15),
        event(9, 10.2),
        event(9, 15),
    )
    assert [f.severity for f in (brief, stopped, longer, longest)] == [
        Severity.MINOR,
        Severity.MAJOR,
        Severity.MAJOR,
        Severity.CRITICAL,
    ]
    assert brief.points < stopped.points == longer.points < longest.points
    assert event(12.8, 15).severity is Severity.CRITICAL  # long, and the customer stops
    assert "客户停下" in sentence(stopped.reason) and "客户继续讲" in sentence(longer.reason)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ([FLOOR, ("A", "嗯嗯", 9, 9.6)], OverlapKind.BACKCHANNEL),
        ([FLOOR, ("A", "请问您贵姓怎么称呼", 13.8, 16)], OverlapKind.TERMINAL_OVERLAP),
        ([("C", TROUBLE, 7, 14), ("A", "请问您贵姓怎么称呼", 10.2, 13)], OverlapKind.PAUSE),
        ([("A", "我帮您看一下", 5, 9), FLOOR], OverlapKind.CUSTOMER_CUTS_IN),
        ([FLOOR, ("A", "请问您贵姓怎么称呼", 7.3, 9)], OverlapKind.SIMULTANEOUS_START),
    ],
)
def test_an_overlap_that_is_not_a_violation_is_counted_by_its_kind(
    make_call: MakeCall, book: Rulebook, said: list[Said], kind: OverlapKind
) -> None:
    pauses = {0: [(7, 9.5), (11, 14)]} if kind is OverlapKind.PAUSE else None
    listens = [1] if kind is OverlapKind.BACKCHANNEL else []
    (finding,) = found_by(
        no_interruption.RULE, make_call(said, backchannels=listens, pauses=pauses), book
    )
    assert finding.verdict is PASS
    assert f"{sentence(DESCRIPTIONS[kind])} 1 次" in sentence(finding.reason)


def test_the_preset_of_teams_that_come_from_alibaba(make_call: MakeCall, tmp_path: Path) -> None:
    path = tmp_path / "moved.yaml"
    path.write_text(
        "id: moved\ntitle: m\nextends: hotline\nrules: {no_interruption: {preset: alibaba}}\n"
    )
    moved = load(str(path))

    def events(*said: Said) -> list[Finding]:
        return interruptions(make_call([OPENING, FLOOR, *said]), moved)

    assert events(("A", "你听我说一下", 11.5, 15))  # 2.5 s before the customer's end
    assert not events(("A", "你听我说一下", 12.8, 15))
    assert not events(("A", "你听我", 11.5, 15))  # three characters


def test_a_preset_that_is_not_chosen_has_to_be_valid_too(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "id: own\ntitle: o\nextends: hotline\n"
        "rules: {no_interruption: {presets: {strict: {min_overlap_s: -1}}}}\n"
    )
    with pytest.raises(UsageError, match="min_overlap_s"):
        load(str(path))


@pytest.mark.parametrize(
    ("said", "channels"),
    [
        ([("A", HELLO), ("C", TROUBLE)], Channels.TEXT),  # no times
        ([("?", HELLO, 0, 6), ("?", TROUBLE, 5, 9)], Channels.MONO),
        ([("?", HELLO, 0, 6), ("?", TROUBLE, 5, 9)], Channels.STEREO),
    ],
)
def test_interruptions_that_cannot_be_told(
    make_call: MakeCall, book: Rulebook, said: list[tuple[str, str]], channels: Channels
) -> None:
    (finding,) = found_by(no_interruption.RULE, make_call(said, channels=channels), book)
    assert finding.verdict is UNTOLD
    assert finding.reason
