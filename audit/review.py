"""Reviews and appeals, and how they change a score.

A review agrees with a finding, overrules it or is unsure; or it adds a violation that was missed.
The automatic findings and score are kept, and the overridden score is computed beside them by the
same arithmetic (:func:`audit.scoring.tally`). Of several reviews of one finding the latest counts.
An appeal comes from an agent: it is shown to the reviewer and changes nothing.
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

SAME_FINDING_TOLERANCE_S = 0.5
"""Seconds within which findings of the same check and verdict, from two audits of a call, are the
same finding."""


class ReviewKind(StrEnum):
    """Who it comes from: the QA team, or the agent."""

    REVIEW = "review"
    APPEAL = "appeal"


class Decision(StrEnum):
    """A person's verdict on a finding; ``MISSED`` adds one that the audit did not report."""

    AGREE = "agree"
    OVERRULE = "overrule"
    UNSURE = "unsure"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Review:
    """One person's decision on one finding.

    ``check_id``, ``clause_id``, ``start_s`` and ``original_verdict`` identify the finding if the
    call is audited again and its findings get other ids.
    """

    review_id: str
    call_id: str
    finding_id: str | None
    kind: ReviewKind
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
class ReviewedCall:
    """A call after its reviews.

    Attributes:
        scorecard: the overridden score; None if no review changes it.
        by_finding: the reviews of each finding, latest first, by finding id.
        missed: reviews that add a violation.
        vanished: reviews whose finding no longer exists.
    """

    scorecard: Scorecard | None
    by_finding: Mapping[str, tuple[Review, ...]]
    missed: tuple[Review, ...]
    vanished: tuple[Review, ...]


def identify(
    *,
    kind: ReviewKind,
    reviewer: str,
    call_id: str,
    finding_id: str | None,
    rule_id: str,
    clause_id: str | None,
    start_s: float | None,
) -> str:
    """The stable key of a review: each person has one decision on each finding.

    A missed violation is identified by its rule, clause and second.
    """
    place = finding_id or (rule_id, clause_id, None if start_s is None else round(start_s, 1))
    basis = repr((str(kind), reviewer, call_id, place))
    return hashlib.sha256(basis.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def apply_reviews(
    findings: Mapping[str, Finding],
    reviews: Sequence[Review],
    *,
    penalties: Penalties | None,
    rule_scores: Sequence[RuleScore] = (),
) -> ReviewedCall:
    """Apply reviews to a call's findings, by finding id.

    Args:
        findings: of the audit.
        reviews: of this call, in any order.
        penalties: what violations cost; None if not known: added violations then cost nothing,
            and there is no grade.
        rule_scores: how the rules entered the score; gives their weights if ``penalties`` is None.
    """
    by_finding: dict[str, list[Review]] = {}
    missed, vanished = [], []
    for review in sorted(reviews, key=lambda r: (r.reviewed_at, r.review_id), reverse=True):
        if review.decision is Decision.MISSED:
            missed.append(review)
        elif (finding_id := _reviewed_finding(review, findings)) is not None:
            by_finding.setdefault(finding_id, []).append(review)
        else:
            vanished.append(review)
    after, changed = [], False
    for finding_id, finding in findings.items():
        decisive = [r for r in by_finding.get(finding_id, ()) if r.kind is ReviewKind.REVIEW]
        if decisive and decisive[0].decision is Decision.OVERRULE:
            finding, changed = _overruled(finding, penalties), True
        after.append(finding)
    for review in missed:
        if review.kind is ReviewKind.REVIEW:
            after.append(_added(review, penalties))
            changed = True
    card = _score(after, penalties, rule_scores) if changed else None
    return ReviewedCall(
        card,
        {name: tuple(of_finding) for name, of_finding in by_finding.items()},
        tuple(missed),
        tuple(vanished),
    )


def _reviewed_finding(review: Review, findings: Mapping[str, Finding]) -> str | None:
    """The finding under review, by its id or, after another audit, by its check and second."""
    if review.finding_id in findings:
        return review.finding_id
    for finding_id, finding in findings.items():
        same = (finding.check_id, finding.clause_id, finding.verdict)
        if same != (review.check_id, review.clause_id, review.original_verdict):
            continue
        if finding.start_s is None or review.start_s is None:
            is_near = finding.start_s is review.start_s
        else:
            is_near = abs(finding.start_s - review.start_s) <= SAME_FINDING_TOLERANCE_S
        if is_near:
            return finding_id
    return None


def _overruled(finding: Finding, penalties: Penalties | None) -> Finding:
    """The finding with the opposite verdict; ``cannot_tell`` becomes a pass."""
    if finding.verdict is not Verdict.PASS:
        return replace(finding, verdict=Verdict.PASS, points=0.0, auto_fail=False)
    penalty = penalties.penalty(finding.check_id, finding.clause_id) if penalties else None
    return replace(
        finding,
        verdict=Verdict.FAIL,
        points=penalty.points if penalty else 0.0,
        auto_fail=penalty is not None and penalty.auto_fail,
    )


def _added(review: Review, penalties: Penalties | None) -> Finding:
    penalty = penalties.penalty(review.check_id, review.clause_id) if penalties else None
    return Finding(
        rule_id=review.rule_id,
        check_id=review.check_id,
        verdict=Verdict.FAIL,
        reason=verbatim(review.note or ""),
        clause_id=review.clause_id,
        severity=penalty.severity if penalty else None,
        points=penalty.points if penalty else 0.0,
        start_s=review.start_s,
        end_s=review.end_s,
        auto_fail=penalty is not None and penalty.auto_fail,
    )


def _score(
    findings: Sequence[Finding], penalties: Penalties | None, rule_scores: Sequence[RuleScore]
) -> Scorecard:
    if penalties is not None:
        return tally(
            findings,
            weights=penalties.weights,
            grades=penalties.grades,
            auto_fail_grade=penalties.auto_fail_grade,
        )
    weights = [(rule.rule_id, rule.weight) for rule in rule_scores]
    return tally(findings, weights=weights, grades={"": 0.0}, auto_fail_grade="")
