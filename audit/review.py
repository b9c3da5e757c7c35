"""What people say of findings, and what it does to the score.

A review agrees with a finding, overrules it, or cannot say; or it adds a fault that was missed.
The machine's findings and score stay as they are: the overridden score stands beside them,
reckoned by the same arithmetic (:func:`audit.scoring.tally`). Of several reviews of one finding
the latest counts. An appeal is an agent's word: it is shown to the reviewer and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from audit.penalties import Penalties
from audit.reasons import verbatim
from audit.scoring import tally
from audit.types import Finding, RuleScore, Scorecard, Verdict

SAME_PLACE_S = 0.5
"""A finding of the same check and verdict that starts so near is the same one, judged again."""


class Kind(StrEnum):
    """Whose word it is: the QA team's, or the agent's."""

    REVIEW = "review"
    APPEAL = "appeal"


class Decision(StrEnum):
    """What somebody says of a finding; ``MISSED`` adds one that the machine does not have."""

    AGREE = "agree"
    OVERRULE = "overrule"
    UNSURE = "unsure"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Review:
    """One person's word on one finding.

    ``check_id``, ``clause_id``, ``start_s`` and ``original_verdict`` say which finding it was, in
    case the call is judged again and its findings get other ids.
    """

    review_id: str
    call_id: str
    finding_id: str | None
    kind: Kind
    decision: Decision
    reviewer: str
    reviewed_at: datetime
    note: str | None
    rule_id: str
    check_id: str
    clause_id: str | None
    start_s: float | None
    end_s: float | None
    original_verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Settled:
    """A call after its reviews.

    ``scorecard`` is None where no review changes anything or the tariff is not known;
    ``on`` gives the reviews on each finding, latest first; ``missed`` the faults added;
    ``vanished`` those whose finding is no more.
    """

    scorecard: Scorecard | None
    on: Mapping[str, tuple[Review, ...]]
    missed: tuple[Review, ...]
    vanished: tuple[Review, ...]


def identify(
    *,
    kind: Kind,
    reviewer: str,
    call_id: str,
    finding_id: str | None,
    rule_id: str,
    clause_id: str | None,
    start_s: float | None,
) -> str:
    """The stable key of a review: one person has one word on one finding.

    A missed fault is told by its rule, clause and second.
    """
    place = finding_id or (rule_id, clause_id, None if start_s is None else round(start_s, 1))
    basis = repr((str(kind), reviewer, call_id, place))
    return hashlib.sha256(basis.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def settle(
    findings: Mapping[str, Finding],
    reviews: Sequence[Review],
    *,
    tariff: Penalties | None,
    rule_scores: Sequence[RuleScore] = (),
) -> Settled:
    """Apply reviews to a call's findings, by finding id.

    Args:
        findings: what the machine found.
        reviews: of this call, in any order.
        tariff: what faults cost; None where it is not known: faults that are added cost nothing
            then, and there is no grade.
        rule_scores: how the rules entered the score, for their weights without a tariff.
    """
    on: dict[str, list[Review]] = {}
    missed, vanished = [], []
    for review in sorted(reviews, key=lambda r: (r.reviewed_at, r.review_id), reverse=True):
        if review.decision is Decision.MISSED:
            missed.append(review)
        elif (finding_id := _place(review, findings)) is not None:
            on.setdefault(finding_id, []).append(review)
        else:
            vanished.append(review)
    settled, changed = [], False
    for finding_id, finding in findings.items():
        told = [r for r in on.get(finding_id, ()) if r.kind is Kind.REVIEW]
        if told and told[0].decision is Decision.OVERRULE:
            finding, changed = _overruled(finding, tariff), True
        settled.append(finding)
    for review in missed:
        if review.kind is Kind.REVIEW:
            settled.append(_added(review, tariff))
            changed = True
    card = _scored(settled, tariff, rule_scores) if changed else None
    return Settled(
        card, {name: tuple(own) for name, own in on.items()}, tuple(missed), tuple(vanished)
    )


def _place(review: Review, findings: Mapping[str, Finding]) -> str | None:
    """The finding a review speaks of, by its id or, judged again, by its check and second."""
    if review.finding_id in findings:
        return review.finding_id
    for finding_id, finding in findings.items():
        same = (finding.check_id, finding.clause_id, finding.verdict)
        if same != (review.check_id, review.clause_id, review.original_verdict):
            continue
        if finding.start_s is None or review.start_s is None:
            near = finding.start_s is review.start_s
        else:
            near = abs(finding.start_s - review.start_s) <= SAME_PLACE_S
        if near:
            return finding_id
    return None


def _overruled(finding: Finding, tariff: Penalties | None) -> Finding:
    """A fault that is none, or a pass that is a fault; what could not be told passes."""
    if finding.verdict is not Verdict.PASS:
        return replace(finding, verdict=Verdict.PASS, points=0.0, auto_fail=False)
    fault = tariff.penalty(finding.check_id, finding.clause_id) if tariff else None
    return replace(
        finding,
        verdict=Verdict.FAIL,
        points=fault.points if fault else 0.0,
        auto_fail=fault is not None and fault.auto_fail,
    )


def _added(review: Review, tariff: Penalties | None) -> Finding:
    fault = tariff.penalty(review.check_id, review.clause_id) if tariff else None
    return Finding(
        rule_id=review.rule_id,
        check_id=review.check_id,
        verdict=Verdict.FAIL,
        reason=verbatim(review.note or ""),
        clause_id=review.clause_id,
        severity=fault.severity if fault else None,
        points=fault.points if fault else 0.0,
        start_s=review.start_s,
        end_s=review.end_s,
        auto_fail=fault is not None and fault.auto_fail,
    )


def _scored(
    findings: Sequence[Finding], tariff: Penalties | None, rule_scores: Sequence[RuleScore]
) -> Scorecard:
    if tariff is not None:
        return tally(
            findings,
            weights=tariff.weights,
            grades=tariff.grades,
            auto_fail_grade=tariff.auto_fail_grade,
        )
    weights = [(rule.rule_id, rule.weight) for rule in rule_scores]
    return tally(findings, weights=weights, grades={"": 0.0}, auto_fail_grade="")
