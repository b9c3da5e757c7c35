"""From findings to a score between 0 and 100."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audit.rulebooks.rulebook import Rulebook
from audit.rules.registry import CORE
from audit.types import Finding, RuleScore, Scorecard, Verdict


def score(findings: Sequence[Finding], rulebook: Rulebook) -> Scorecard:
    """Score a call by a rulebook's weights and grades; see :func:`tally`."""
    return tally(
        findings,
        weights=[(rule_id, rule.weight) for rule_id, rule in rulebook.rules.settings()],
        grades=rulebook.scoring.grades,
        auto_fail_grade=rulebook.scoring.auto_fail_grade,
    )


def tally(
    findings: Sequence[Finding],
    *,
    weights: Iterable[tuple[str, float]],
    grades: Mapping[str, float],
    auto_fail_grade: str,
) -> Scorecard:
    """Score a call.

    A rule earns its weight less the points of its failures, never below 0. A rule that is
    undecidable leaves the sum on both sides; one that had no occasion in the call, and so has no
    findings, is not in it at all. The score is 100 times what was earned over what could be
    earned; an auto-fail makes it 0.
    """
    rules = [
        _earned(rule_id, weight, own)
        for rule_id, weight in weights
        if (own := [f for f in findings if f.rule_id == rule_id]) or rule_id in CORE
    ]
    if all(rule.verdict is Verdict.CANNOT_TELL for rule in rules if rule.rule_id in CORE):
        rules = [rule for rule in rules if rule.rule_id in CORE]
    auto_fail = any(finding.auto_fail for finding in findings)
    decided = [rule for rule in rules if rule.verdict is not Verdict.CANNOT_TELL]
    if auto_fail:
        return Scorecard(0.0, auto_fail_grade, True, tuple(rules))
    if not decided:
        return Scorecard(None, None, False, tuple(rules))
    points = 100 * sum(rule.earned for rule in decided) / sum(rule.weight for rule in decided)
    points = round(points, 1)
    grade = next(
        grade
        for grade, least in sorted(grades.items(), key=lambda item: -item[1])
        if points >= least
    )
    return Scorecard(points, grade, False, tuple(rules))


def _earned(rule_id: str, weight: float, own: Sequence[Finding]) -> RuleScore:
    verdict = rule_verdict(own)
    lost = sum(finding.points for finding in own)
    earned = 0.0 if verdict is Verdict.CANNOT_TELL else max(0.0, weight - lost)
    return RuleScore(rule_id, verdict, weight, earned)


def rule_verdict(findings: Sequence[Finding]) -> Verdict:
    """``fail`` if any check failed, else ``pass`` if any passed, else ``cannot_tell``."""
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.FAIL, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return Verdict.CANNOT_TELL
