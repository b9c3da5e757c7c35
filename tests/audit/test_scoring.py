"""The arithmetic of a score."""

from __future__ import annotations

import pytest

from audit.reasons import verbatim
from audit.rulebooks import Rulebook
from audit.scoring import score
from audit.types import Finding, Verdict

PASS, FAIL, UNTOLD = Verdict.PASS, Verdict.FAIL, Verdict.CANNOT_TELL
RULES = ("greeting", "no_interruption", "forbidden_language")  # weights 25, 35, 40


def finding(rule: str, verdict: Verdict, *, points: float = 0, auto_fail: bool = False) -> Finding:
    return Finding(rule, rule, verdict, verbatim(""), points=points, auto_fail=auto_fail)


def test_all_passed_is_full_marks(book: Rulebook) -> None:
    card = score([finding(rule, PASS) for rule in RULES], book)
    assert (card.score, card.grade, card.auto_fail) == (100.0, "A", False)


@pytest.mark.parametrize(
    ("points", "expected", "grade"),
    [([12], 88.0, "B"), ([12, 12], 76.0, "C"), ([12, 12, 12], 65.0, "C"), ([12] * 9, 65.0, "C")],
)
def test_points_come_off_their_own_rule_and_no_further(
    book: Rulebook, points: list[float], expected: float, grade: str
) -> None:
    cuts = [finding("no_interruption", FAIL, points=p) for p in points]
    card = score([finding("greeting", PASS), *cuts, finding("forbidden_language", PASS)], book)
    assert (card.score, card.grade) == (expected, grade)
    assert card.verdict("no_interruption") is FAIL


def test_what_cannot_be_told_leaves_the_denominator(book: Rulebook) -> None:
    findings = [
        finding("greeting", FAIL, points=5),
        finding("no_interruption", UNTOLD),
        finding("forbidden_language", PASS),
    ]
    card = score(findings, book)
    assert card.score == round(100 * (20 + 40) / (25 + 40), 1)
    assert card.verdict("no_interruption") is UNTOLD
    untold = next(rule for rule in card.rules if rule.rule_id == "no_interruption")
    assert untold.earned == 0


def test_nothing_told_is_no_score(book: Rulebook) -> None:
    card = score([finding(rule, UNTOLD) for rule in RULES], book)
    assert (card.score, card.grade, card.auto_fail) == (None, None, False)
    assert score([], book).score is None


def test_an_auto_fail_is_nought_whatever_else(book: Rulebook) -> None:
    findings = [finding("greeting", PASS), finding("no_interruption", PASS)]
    card = score([*findings, finding("forbidden_language", FAIL, points=1, auto_fail=True)], book)
    assert (card.score, card.grade, card.auto_fail) == (0.0, "F", True)


def test_one_failed_check_fails_its_rule(book: Rulebook) -> None:
    mixed = [finding("greeting", PASS), finding("greeting", FAIL, points=6)]
    card = score([*mixed, finding("greeting", UNTOLD)], book)
    assert card.verdict("greeting") is FAIL
    assert card.verdict("no such rule") is UNTOLD
    assert card.score == round(100 * 19 / 25, 1)


def test_each_score_has_a_grade_of_the_rulebook(book: Rulebook) -> None:
    for points in range(0, 26):
        card = score([finding("greeting", FAIL, points=points)], book)
        assert card.score is not None
        assert card.grade is not None
        best = max(least for least in book.scoring.grades.values() if least <= card.score)
        assert book.scoring.grades[card.grade] == best


def test_other_rules_count_where_the_call_has_occasion_for_them(book: Rulebook) -> None:
    core = [finding(rule, PASS) for rule in RULES]
    assert [rule.rule_id for rule in score(core, book).rules] == list(RULES)
    card = score([*core, finding("hold", FAIL, points=8)], book)  # weight 10
    assert card.score == round(100 * 102 / 110, 1)
    assert card.verdict("hold") is FAIL
    assert card.verdict("dead_air") is UNTOLD
    untold = score([*core, finding("hold", UNTOLD)], book)
    assert (untold.score, untold.verdict("hold")) == (100.0, UNTOLD)


def test_other_rules_alone_are_no_score(book: Rulebook) -> None:
    core = [finding(rule, UNTOLD) for rule in RULES]
    card = score([*core, finding("dead_air", PASS)], book)
    assert (card.score, card.grade) == (None, None)
    assert [rule.rule_id for rule in card.rules] == list(RULES)


def test_a_rule_the_rulebook_does_not_have_is_not_scored(book: Rulebook) -> None:
    without = book.rules.model_copy(update={"hold": None})
    bare = book.model_copy(update={"rules": without})
    core = [finding(rule, PASS) for rule in RULES]
    assert score([*core, finding("hold", FAIL, points=8)], bare).score == 100.0
