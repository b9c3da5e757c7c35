"""What faults cost: kept for each rulebook, and the same as the rules charge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audit.penalties import of as penalties_of
from audit.rulebooks import load, shipped
from audit.rulebooks.clauses import clauses
from reports.store import Store


@pytest.mark.parametrize("book", shipped())
def test_every_clause_that_a_rulebook_judges_has_its_price_and_its_text(book: str) -> None:
    known = penalties_of(load(book))
    cutting, greeting = load(book).rules.no_interruption.clauses, load(book).rules.greeting
    checks = (*greeting.checks.values(), *greeting.outbound.values())
    noted = {check.clause for check in checks if check.missing == "nothing"}
    priced = {fault.clause_id for fault in known.faults}
    named = set(load(book).clauses())
    assert named - priced <= {*cutting[1:], *greeting.clauses, *noted}
    assert priced <= set(clauses())
    assert {fault.rule_id for fault in known.faults} <= {rule for rule, _ in known.weights}
    assert all(fault.points > 0 for fault in known.faults)


def test_auto_fails_and_points_are_those_of_the_rulebook() -> None:
    known = penalties_of(load("hotline"))
    for group in load("hotline").rules.forbidden_language.groups:
        fault = known.penalty("forbidden_language", group.clause)
        assert fault is not None and fault.clause_id == group.clause
    grave = known.penalty("forbidden_language", "000-26")
    assert grave is not None and grave.auto_fail
    assert known.penalty("no_such_check", "000-26") is None


def test_kept_and_read_again(tmp_path: Path) -> None:
    book = load("hotline")
    Store(tmp_path).penalties.keep(book)
    known = Store(tmp_path).penalties.load(sha256=book.sha256, rulebook_id="gone")
    assert known == penalties_of(book)
    (file,) = (tmp_path / "rulebooks").iterdir()
    file.write_text("{}")
    assert Store(tmp_path).penalties.load(sha256=book.sha256, rulebook_id="hotline") == known
    assert Store(tmp_path).penalties.load(sha256=book.sha256, rulebook_id="gone") is None
    assert Store(tmp_path).penalties.load(sha256="0" * 64, rulebook_id="hotline") is None
    assert known is not None and replace(known, faults=()).penalty("hold.length", None) is None
