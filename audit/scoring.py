"""From findings to a score between 0 and 100."""

from __future__ import annotations

from collections.abc import Sequence

from audit.rulebook import Rulebook
from audit.types import Finding, RuleScore, Scorecard, Verdict


def score(findings: Sequence[Finding], rulebook: Rulebook) -> Scorecard:
    """Score a call.

    A rule earns its weight less the points of its failures, never below 0. A rule that cannot
    be told leaves the sum on both sides. The score is 100 times what was earned over what could
    be earned; an auto-fail makes it 0.
    """
    weights = {
        "greeting": rulebook.rules.greeting.weight,
        "no_interruption": rulebook.rules.no_interruption.weight,
        "forbidden_language": rulebook.rules.forbidden_language.weight,
    }
    rules = []
    for rule_id, weight in weights.items():
        own = [finding for finding in findings if finding.rule_id == rule_id]
        verdict = rule_verdict(own)
        lost = sum(finding.points for finding in own)
        earned = 0.0 if verdict is Verdict.CANNOT_TELL else max(0.0, weight - lost)
        rules.append(RuleScore(rule_id, verdict, weight, earned))
    auto_fail = any(finding.auto_fail for finding in findings)
    told = [rule for rule in rules if rule.verdict is not Verdict.CANNOT_TELL]
    if auto_fail:
        return Scorecard(0.0, rulebook.scoring.auto_fail_grade, True, tuple(rules))
    if not told:
        return Scorecard(None, None, False, tuple(rules))
    points = 100 * sum(rule.earned for rule in told) / sum(rule.weight for rule in told)
    points = round(points, 1)
    grade = next(
        grade
        for grade, least in sorted(rulebook.scoring.grades.items(), key=lambda item: -item[1])
        if points >= least
    )
    return Scorecard(points, grade, False, tuple(rules))


def rule_verdict(findings: Sequence[Finding]) -> Verdict:
    """``fail`` if any check failed, else ``pass`` if any passed, else ``cannot_tell``."""
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.FAIL, Verdict.PASS):
        if verdict in verdicts:
            return verdict
    return Verdict.CANNOT_TELL
