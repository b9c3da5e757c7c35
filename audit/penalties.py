"""What each violation costs under a rulebook: enough to score a call again after a review."""

from __future__ import annotations

from dataclasses import dataclass

from audit.rulebooks.rulebook import Rulebook
from audit.rules import answer_wait
from audit.types import Severity


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a failure of one check costs, under one clause."""

    rule_id: str
    check_id: str
    clause_id: str
    points: float
    severity: Severity
    auto_fail: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """The shares of a day's calls (0 to 1) that must be answered within ``within_s`` seconds."""

    within_s: float
    share: float
    vip_share: float


@dataclass(frozen=True, slots=True)
class Penalties:
    """A rulebook's weights, grades and penalties, and its service level for a whole day.

    It is stored as JSON under OUT, so its fields, ``faults`` included, keep their names.
    """

    rulebook_id: str
    title: str
    sha256: str
    weights: tuple[tuple[str, float], ...]
    grades: dict[str, float]
    auto_fail_grade: str
    faults: tuple[Penalty, ...]
    service: Service | None = None

    def penalty(self, check_id: str, clause_id: str | None) -> Penalty | None:
        """The penalty of a check, under that clause where the check has several."""
        own = [penalty for penalty in self.faults if penalty.check_id == check_id]
        return next((p for p in own if p.clause_id == clause_id), own[0] if own else None)


def of(book: Rulebook) -> Penalties:
    """The penalties of a rulebook."""
    found: dict[tuple[str, str], Penalty] = {}
    for spec in book.specs():
        if spec.has_penalty:
            penalty = Penalty(
                spec.rule_id,
                spec.check_id,
                spec.clause,
                spec.points,
                spec.severity,
                spec.auto_fail,
            )
            found.setdefault((spec.check_id, spec.clause), penalty)
    return Penalties(
        rulebook_id=book.id,
        title=book.title,
        sha256=book.sha256,
        weights=tuple((rule_id, rule.weight) for rule_id, rule in book.rules.settings()),
        grades=dict(book.scoring.grades),
        auto_fail_grade=book.scoring.auto_fail_grade,
        faults=tuple(found.values()),
        service=_service(book),
    )


def _service(book: Rulebook) -> Service | None:
    wait = book.rules.get(answer_wait.RULE)
    if wait is None or wait.service_level is None:
        return None
    return Service(wait.max_wait_s, wait.service_level.share, wait.service_level.vip_share)
