"""Greetings: which elements are said, which are missed, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.rulebooks import Rulebook
from audit.rules import greeting
from audit.types import Call, Finding, Role, Verdict
from tests.calls import found_by

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
MakeCall = Callable[..., Call]

HELLO = "您好，远山软件服务热线，工号二零零一，很高兴为您服务，请问有什么可以帮助您？"
TROUBLE = "我们办公室的打印机从今天早上开始连不上网络了，重启了两次都没有用"


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.check_id: finding.verdict for finding in findings}


def test_a_full_greeting_passes_every_element(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", HELLO, 0, 6), ("C", TROUBLE, 7, 12)])
    findings = found_by(greeting.RULE, call, book)
    assert set(verdicts(findings).values()) == {PASS}
    assert [finding.check_id for finding in findings] == list(book.rules.greeting.checks)
    for finding in findings:
        assert (finding.role, finding.start_s, finding.end_s) == (Role.AGENT, 0, 6)
        assert finding.evidence == HELLO
        assert finding.points == 0


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("远山软件服务热线，工号二零零一，请问有什么可以帮助您？", "greeting.hello"),
        ("您好，工号二零零一，请问有什么可以帮助您？", "greeting.organisation"),
        ("您好，远山软件服务热线，请问有什么可以帮助您？", "greeting.agent_identity"),
        ("您好，远山软件服务热线，工号二零零一。", "greeting.offer_help"),
    ],
)
def test_each_element_is_missed_where_it_is_not_said(
    make_call: MakeCall, book: Rulebook, said: str, missing: str
) -> None:
    found = found_by(greeting.RULE, make_call([("A", said, 0, 5), ("C", TROUBLE, 6, 11)]), book)
    failed = [finding for finding in found if finding.verdict is FAIL]
    assert [finding.check_id for finding in failed] == [missing]
    assert failed[0].points == book.rules.greeting.checks[missing].points
    assert failed[0].clause_id == book.rules.greeting.checks[missing].clause


def test_the_customers_hello_is_not_the_agents(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("C", HELLO, 0, 6), ("A", "喂，说吧", 7, 8), ("C", TROUBLE, 9, 14)])
    assert FAIL in verdicts(found_by(greeting.RULE, call, book)).values()
    assert PASS not in verdicts(found_by(greeting.RULE, call, book)).values()


def test_a_greeting_by_misheard_words_passes(make_call: MakeCall, book: Rulebook) -> None:
    call = make_call([("A", HELLO.replace("工号", "公号"), 0, 6), ("C", TROUBLE, 7, 12)])
    assert verdicts(found_by(greeting.RULE, call, book))["greeting.agent_identity"] is PASS


@pytest.mark.parametrize(
    "said",
    [
        [("?", HELLO, 0, 6), ("?", TROUBLE, 7, 12)],  # nobody knows who speaks
        [("C", TROUBLE, 0, 5)],  # no word of the agent
        [("A", "", 0, 6), ("C", TROUBLE, 7, 12)],  # the greeting was not understood
        [],
    ],
)
def test_a_greeting_that_cannot_be_told(
    make_call: MakeCall, book: Rulebook, said: list[tuple[str, str, float, float]]
) -> None:
    findings = found_by(greeting.RULE, make_call(said), book)
    assert set(verdicts(findings).values()) == {UNTOLD}
    assert all(finding.points == 0 and finding.reason for finding in findings)
