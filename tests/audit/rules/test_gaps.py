"""What is not held against an agent of whom, or beside whom, a channel carries nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from audit.reasons import AGENT, CUSTOMER, Reason, because
from audit.rulebooks import load
from audit.types import Call, Finding, Verdict
from tests.audit.conftest import MakeCall
from tests.calls import Said, found_by_all

CALL: Sequence[Said] = (
    ("A", "您好，请问有什么可以帮您？", 0.5, 5.0),
    ("C", "我的电脑连不上公司的网络，昨天还好好的，今天早上一打开就不行了，", 5.5, 12.0),
    ("A", "你先听我说，这个是网络的问题，我们都知道的。", 9.0, 13.5),
    ("C", "那要多久才能修好呢？", 14.0, 16.0),
    ("C", "喂，你还在吗？", 50.0, 52.0),
    ("A", "你是不是傻，这都不会。", 53.0, 56.0),
    ("C", "那算了，再见。", 57.0, 58.0),
)
FAILS = {"no_interruption", "forbidden_language", "dead_air", "greeting.organisation"}


def gap(who: Reason, start_s: float, end_s: float) -> Reason:
    return because("recording.gap", who=who, start_s=start_s, end_s=end_s)


def judged(make_call: MakeCall, said: Sequence[Said], *gaps: Reason) -> list[Finding]:
    call: Call = make_call(said)
    doubted = replace(call, transcript=replace(call.transcript, doubts=gaps))
    return found_by_all(doubted, load("hotline"))


def failed(found: Sequence[Finding]) -> set[str]:
    return {one.check_id for one in found if one.verdict is Verdict.FAIL}


def test_without_a_gap_all_of_it_fails(make_call: MakeCall) -> None:
    assert failed(judged(make_call, CALL)) >= FAILS


@pytest.mark.parametrize(
    ("missing", "excused"),
    [
        (gap(AGENT, 20, 45), {"dead_air"}),
        (gap(CUSTOMER, 20, 45), {"dead_air"}),
        (gap(AGENT, 0, 0.4), {"greeting.organisation"}),
        (gap(CUSTOMER, 0, 4), set()),
    ],
)
def test_only_what_may_be_in_the_gap_is_not_told(
    make_call: MakeCall, missing: Reason, excused: set[str]
) -> None:
    found = judged(make_call, CALL, missing)
    assert FAILS - failed(found) == excused
    told = {one.check_id: one for one in found}
    for check_id in excused:
        assert told[check_id].verdict is Verdict.CANNOT_TELL
        assert missing in dict(told[check_id].reason.values).values()  # the reason names it
        assert told[check_id].points == 0


def test_who_was_not_heard_throughout_is_not_acquitted(make_call: MakeCall) -> None:
    quiet = (*CALL[:2], ("A", "好的，我马上帮您处理。", 12.5, 15.0), ("C", "谢谢。", 15.5, 16.5))
    (told,) = (one for one in judged(make_call, quiet) if one.rule_id == "no_interruption")
    assert told.verdict is Verdict.PASS
    missing = gap(CUSTOMER, 8, 12)
    (told,) = (one for one in judged(make_call, quiet, missing) if one.rule_id == "no_interruption")
    assert (told.verdict, told.reason) == (Verdict.CANNOT_TELL, missing)
