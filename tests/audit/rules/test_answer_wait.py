"""How long a caller waited: late by each norm's rings, and what makes up for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.rulebooks import load
from audit.rules import answer_wait
from audit.types import Call, Direction, Finding, Verdict
from reports.wording import sentence
from tests.calls import found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]

PLAIN = "您好，远山软件服务热线，请问有什么可以帮助您？"
SORRY = "您好，远山软件服务热线，不好意思让您等了这么长时间，请讲"


def waited(
    make_call: MakeCall,
    waited_s: float | None,
    *,
    said: str = PLAIN,
    who: str = "A",
    rulebook: str = "hotline",
    direction: Direction | None = None,
    vip: bool | None = None,
    asr_confidence: float | None = 0.9,
) -> list[Finding]:
    turns = [(who, said, 0, 5), ("C", "我的电脑开不了机了", 6, 8)]
    call = make_call(turns, asr_confidence=asr_confidence)
    recording = replace(
        call.recording, answer_wait_s=waited_s, direction=direction, customer_vip=vip
    )
    return found_by(answer_wait.RULE, replace(call, recording=recording), load(rulebook))


@pytest.mark.parametrize(
    ("rulebook", "waited_s", "verdict"),
    [
        ("hotline", 0.0, PASS),
        ("hotline", 25.0, PASS),  # the fifth ring and its pause
        ("hotline", 25.5, FAIL),
        ("after-sales", 10.0, PASS),
        ("after-sales", 10.5, FAIL),
        ("customer-service", 20.0, PASS),
        ("customer-service", 90.0, UNTOLD),  # a share of the day's calls may wait
    ],
)
def test_each_norm_has_its_rings(
    make_call: MakeCall, rulebook: str, waited_s: float, verdict: Verdict
) -> None:
    finding, *_ = waited(make_call, waited_s, rulebook=rulebook)
    assert finding.verdict is verdict
    assert finding.check_id == "answer_wait"
    assert finding.clause_id in load(rulebook).clauses()
    assert (finding.points > 0) == (verdict is FAIL)
    assert f"{waited_s:g} 秒" in sentence(finding.reason)


@pytest.mark.parametrize(
    ("waited_s", "direction", "rulebook"),
    [
        (None, Direction.IN, "hotline"),  # the manifest does not say
        (60.0, Direction.OUT, "hotline"),  # it is the customer who let it ring
        (60.0, Direction.IN, "field-service"),  # the norm gives no limit
    ],
)
def test_what_no_norm_judges(
    make_call: MakeCall, waited_s: float | None, direction: Direction, rulebook: str
) -> None:
    assert waited(make_call, waited_s, direction=direction, rulebook=rulebook) == []


def test_an_apology_makes_up_for_a_late_answer_where_the_norm_says_so(make_call: MakeCall) -> None:
    (excused,) = waited(make_call, 40, said=SORRY)
    assert (excused.verdict, excused.evidence) == (PASS, SORRY)
    (late,) = waited(make_call, 40, said=SORRY, rulebook="after-sales")
    assert late.verdict is FAIL


def test_words_that_may_have_been_an_apology_accuse_nobody(make_call: MakeCall) -> None:
    for options in ({"asr_confidence": 0.3}, {"said": ""}, {"who": "?"}, {"who": "C"}):
        (finding,) = waited(make_call, 40, **options)
        assert finding.verdict is UNTOLD, options
    (unsure,) = waited(make_call, 40, said=SORRY, who="?")
    assert unsure.verdict is UNTOLD


def test_the_days_share_depends_on_the_customer(make_call: MakeCall) -> None:
    plain, _ = waited(make_call, 30, rulebook="customer-service")
    vip, _ = waited(make_call, 30, rulebook="customer-service", vip=True)
    assert "75%" in sentence(plain.reason)
    assert "85%" in sentence(vip.reason)


def test_a_norm_that_asks_for_a_prompt_answer_without_a_figure(make_call: MakeCall) -> None:
    _, prompt = waited(make_call, 46, rulebook="customer-service")
    assert (prompt.check_id, prompt.clause_id) == ("answer_wait.prompt", "001-电话礼貌.1")
    assert prompt.verdict is UNTOLD
    assert len(waited(make_call, 19, rulebook="customer-service")) == 1
    assert len(waited(make_call, 46, rulebook="hotline")) == 1
