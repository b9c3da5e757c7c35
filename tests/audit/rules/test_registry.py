"""A rule is one file: what its module says is found wherever rules are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import penalties
from audit.rulebooks import InvalidRulebook, Rulebook, load
from audit.rulebooks.clauses import judged
from audit.rules import answer_wait, greeting, hold
from audit.rules.registry import CORE, RULES
from audit.scoring import score
from audit.types import Call, Severity, Verdict
from tests.audit.conftest import MakeCall
from tests.audit.rules import toy
from tests.calls import found_by_all

OWN = """\
id: own
title: own
extends: hotline
rules:
  toy:
    weight: 7
    checks:
      toy.magic: {clause: 999-1, points: 3, severity: major}
    magic: [芝麻开门]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(OWN, "utf-8")
    return path


@pytest.fixture(scope="module")
def with_toy(own: Path) -> Rulebook:
    return load(str(own), registry=(*RULES, toy.RULE))


def call_of(make_call: MakeCall, words: str) -> Call:
    return make_call([("A", words, 0, 4), ("C", "你好，我的邮箱登录不了怎么办呢", 5, 9)])


def test_a_rulebook_reads_the_settings_of_a_new_rule(with_toy: Rulebook) -> None:
    settings = with_toy.rules.of(toy.RULE)
    assert settings.magic == ("芝麻开门",)
    assert settings.checks["toy.magic"].severity is Severity.MAJOR


@pytest.mark.parametrize(
    ("words", "verdict", "points"),
    [("您好，芝麻开门", Verdict.PASS, 0.0), ("您好，请讲", Verdict.FAIL, 3.0)],
)
def test_a_new_rule_judges_and_counts(
    make_call: MakeCall, with_toy: Rulebook, words: str, verdict: Verdict, points: float
) -> None:
    findings = found_by_all(call_of(make_call, words), with_toy)
    (found,) = [finding for finding in findings if finding.rule_id == "toy"]
    assert (found.verdict, found.points, found.clause_id) == (verdict, points, "999-1")
    scored = {rule.rule_id: rule for rule in score(findings, with_toy).rules}["toy"]
    assert (scored.verdict, scored.weight, scored.earned) == (verdict, 7.0, 7.0 - points)


def test_a_new_rule_has_clauses_penalties_and_a_weight(with_toy: Rulebook) -> None:
    assert "999-1" in with_toy.clauses()
    costs = penalties.of(with_toy)
    assert ("toy", 7.0) in costs.weights
    penalty = costs.penalty("toy.magic", "999-1")
    assert penalty is not None
    assert (penalty.rule_id, penalty.points, penalty.severity) == ("toy", 3.0, Severity.MAJOR)
    assert judged([with_toy])["999-1"] == {"toy.magic": frozenset(Verdict)}


def test_wrong_settings_of_a_new_rule_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace("weight: 7", "weight: 0"), "utf-8")
    with pytest.raises(InvalidRulebook, match=r"line 6: rules\.toy\.weight"):
        load(str(path), registry=(*RULES, toy.RULE))


def test_a_rule_that_is_not_registered_is_an_unknown_key(own: Path) -> None:
    with pytest.raises(InvalidRulebook, match=r"line 5: rules\.toy: there is no such key"):
        load(str(own))


def test_core_rules_come_first_and_every_rule_has_a_name_of_its_own() -> None:
    ids = [rule.id for rule in RULES]
    assert tuple(ids[:3]) == CORE == ("greeting", "no_interruption", "forbidden_language")
    assert len(set(ids)) == len(ids)


def test_rules_that_a_rulebook_does_not_have(book: Rulebook) -> None:
    bare = book.rules.model_copy(update={"hold": None})
    assert bare.get(hold.RULE) is None
    with pytest.raises(KeyError, match="hold"):
        bare.of(hold.RULE)
    assert "hold" not in dict(bare.settings())
    assert bare.of(greeting.RULE) == book.rules.of(greeting.RULE)
    assert bare.get(answer_wait.RULE) is not None


def test_core_rules_speak_about_every_call(make_call: MakeCall, book: Rulebook) -> None:
    opening = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 6.0)
    asked = ("C", "我们办公室的打印机从今天早上开始连不上网络了", 7.0, 14.0)
    for said in ([], [opening], [opening, asked], [("?", "您好，远山软件服务热线")]):
        assert {finding.rule_id for finding in found_by_all(make_call(said), book)} >= {*CORE}
