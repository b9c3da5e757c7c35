"""What each violation costs under a rulebook: enough to score a call again after a review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.rulebooks.rulebook import Rulebook
from audit.types import Severity


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that a rulebook knows, and what it costs."""

    rule_id: str
    check_id: str
    clause_id: str
    points: float
    severity: Severity
    auto_fail: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """Shares of a day's calls that are to be answered within so many seconds, 0 to 1."""

    within_s: float
    share: float
    vip_share: float


@dataclass(frozen=True, slots=True)
class Tariff:
    """A rulebook's weights, grades and faults, and what it asks of a whole day."""

    rulebook_id: str
    title: str
    sha256: str
    weights: tuple[tuple[str, float], ...]
    grades: dict[str, float]
    auto_fail_grade: str
    faults: tuple[Fault, ...]
    service: Service | None = None

    def fault(self, check_id: str, clause_id: str | None) -> Fault | None:
        """The fault of a check, under that clause where the check knows several."""
        own = [fault for fault in self.faults if fault.check_id == check_id]
        return next((f for f in own if f.clause_id == clause_id), own[0] if own else None)


def of(book: Rulebook) -> Tariff:
    """The tariff of a rulebook."""
    rules = book.rules
    found: dict[tuple[str, str], Fault] = {}

    def add(check_id: str, check: Any, *, rule_id: str, auto_fail: bool = False) -> None:
        fault = Fault(rule_id, check_id, check.clause, check.points, check.severity, auto_fail)
        found.setdefault((check_id, check.clause), fault)

    greeting = rules.greeting
    for check_id, check in (*greeting.checks.items(), *greeting.outbound.items()):
        if check.missing != "nothing":
            add(check_id, check, rule_id="greeting")
    if greeting.order is not None:
        add("greeting.order", greeting.order, rule_id="greeting")
    cutting = rules.no_interruption
    for clause in cutting.clauses[:1]:
        found["no_interruption", clause] = Fault(
            "no_interruption", "no_interruption", clause, cutting.points, Severity.MAJOR
        )
    name = "forbidden_language"
    for group in rules.forbidden_language.groups:
        add(name, group, rule_id=name, auto_fail=group.auto_fail)
    if rules.forbidden_language.meaning is not None:
        for kind in rules.forbidden_language.meaning.kinds.values():
            add(name, kind, rule_id=name)
    built_in = {"greeting", "no_interruption", "forbidden_language"}
    for rule_id, rule in rules:
        if rule is None or rule_id in built_in:
            continue
        for check_id, check in rule.checks.items():
            add(check_id, check, rule_id=rule_id, auto_fail=getattr(check, "auto_fail", False))
    return Tariff(
        rulebook_id=book.id,
        title=book.title,
        sha256=book.sha256,
        weights=tuple((rule_id, rule.weight) for rule_id, rule in rules if rule is not None),
        grades=dict(book.scoring.grades),
        auto_fail_grade=book.scoring.auto_fail_grade,
        faults=tuple(found.values()),
        service=_service(book),
    )


def _service(book: Rulebook) -> Service | None:
    wait = book.rules.answer_wait
    if wait is None or wait.service_level is None:
        return None
    return Service(wait.max_wait_s, wait.service_level.share, wait.service_level.vip_share)
