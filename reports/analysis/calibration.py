"""Quality of the automatic findings according to reviews: precision, recall, agreement, thresholds.

A review agrees with a finding or overrules it; the latest review of a finding counts, appeals by
agents do not. Findings sampled for review represent all findings of their stratum by their
sampling weights; those picked by hand represent only themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.errors import UsageError
from audit.rates import wilson

REVIEWS_MIN = 30
"""Reviewed findings from which a threshold is suggested."""
_SHARED_MIN = 10
"""Findings that reviewers must share for their agreement to be computed."""
_POSTERIOR_SAMPLES = 20_000
_THRESHOLDS = np.round(np.arange(0.50, 1.0, 0.05), 2)

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RuleQuality:
    """One rule according to reviews; intervals are 95 %."""

    rule_id: str
    reviewed: int
    agreed: int
    overruled: int
    unsure: int
    precision: float | None
    """Share of its reviewed failures that reviewers agreed with."""
    precision_interval: Interval
    """Wilson's."""
    weighted_precision: float | None
    """The same for all of its failures, estimated from the sampled ones."""
    weighted_interval: Interval
    """Wilson's, at the effective number of reviews (Kish 1965)."""
    passes_reviewed: int
    passes_wrong: int
    recall: float | None
    """Estimated share of violations that it finds, ``cannot_tell`` left out."""
    recall_interval: Interval | None
    """Percentiles over samples of both shares from their Beta posteriors (Jeffreys' prior)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Inter-reviewer agreement on the same findings; ``kappa`` is None where it is not defined."""

    reviewers: tuple[str, ...]
    findings: int
    same: float
    """Share of findings on which their decisions are the same."""
    kappa: float | None
    """Cohen's for two reviewers, Fleiss' for all together."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest confidence from which a rule's failures reach a precision."""

    rule_id: str
    reviewed: int
    confidence: float | None
    """None where no threshold reaches it, or too few failures are reviewed."""
    precision: float | None
    kept: float | None
    """Share of the reviewed failures at or above it."""

    @property
    def too_few(self) -> bool:
        """Whether there are too few reviews to suggest one."""
        return self.reviewed < REVIEWS_MIN


def latest(reviews: pd.DataFrame) -> pd.DataFrame:
    """The latest review of each finding; appeals and added violations are left out."""
    own = reviews[(reviews["kind"] == "review") & reviews["finding_id"].notna()]
    ordered = own.sort_values(["reviewed_at", "review_id"])
    return ordered.drop_duplicates("finding_id", keep="last")


def quality(reviews: pd.DataFrame, population: pd.DataFrame) -> list[RuleQuality]:
    """Precision and recall of each reviewed rule.

    Args:
        reviews: the table ``reviews``.
        population: findings counted: ``rule_id``, ``verdict``, ``n``.
    """
    decided = latest(reviews)
    counts = population.groupby(["rule_id", "verdict"])["n"].sum()
    return [
        _quality(
            str(rule),
            own,
            fails=counts.get((rule, "fail"), 0),
            passes=counts.get((rule, "pass"), 0),
        )
        for rule, own in decided.groupby("rule_id")
    ]


def _quality(rule: str, own: pd.DataFrame, *, fails: int, passes: int) -> RuleQuality:
    failed = own[own["original_verdict"] == "fail"]
    passed = own[(own["original_verdict"] == "pass") & (own["sampled_by"] == "pass")]
    agreed, overruled = (int((failed["decision"] == d).sum()) for d in ("agree", "overrule"))
    sampled = failed[failed["sampled_by"] == "finding"]
    right, trials = _share(sampled, "agree")
    wrong, checked = _share(passed, "overrule")
    recall = None
    interval = None
    if right is not None and wrong is not None:
        recall, interval = _recall(fails, right, trials, passes, wrong, checked)
    return RuleQuality(
        rule_id=rule,
        reviewed=len(failed),
        agreed=agreed,
        overruled=overruled,
        unsure=int((failed["decision"] == "unsure").sum()),
        precision=agreed / (agreed + overruled) if agreed + overruled else None,
        precision_interval=wilson(agreed, agreed + overruled),
        weighted_precision=right,
        weighted_interval=wilson((right or 0.0) * trials, trials),
        passes_reviewed=int(passed["decision"].isin(["agree", "overrule"]).sum()),
        passes_wrong=int((passed["decision"] == "overrule").sum()),
        recall=recall,
        recall_interval=interval,
    )


def _share(reviews: pd.DataFrame, decision: str) -> tuple[float | None, float]:
    """Weighted share of a decision among agree and overrule, and the effective sample size."""
    decided = reviews[reviews["decision"].isin(["agree", "overrule"])]
    weights = decided["sampling_weight"].to_numpy(float, na_value=np.nan)
    known = ~np.isnan(weights)
    weights = weights[known]
    if not len(weights):
        return None, 0.0
    hits = weights[(decided["decision"] == decision).to_numpy()[known]].sum()
    return float(hits / weights.sum()), float(weights.sum() ** 2 / (weights**2).sum())


def _recall(
    fails: int, right: float, trials: float, passes: int, wrong: float, checked: float
) -> tuple[float | None, Interval | None]:
    """Violations found by violations present: correct failures, and incorrect passes."""
    found, missed = fails * right, passes * wrong
    if not fails and not passes:
        return None, None
    rng = np.random.default_rng(0)
    share = rng.beta(right * trials + 0.5, (1 - right) * trials + 0.5, _POSTERIOR_SAMPLES) * fails
    lost = rng.beta(wrong * checked + 0.5, (1 - wrong) * checked + 0.5, _POSTERIOR_SAMPLES) * passes
    low, high = np.percentile(share / (share + lost), [2.5, 97.5])
    return (found / (found + missed) if found + missed else None), (float(low), float(high))


def agreement(reviews: pd.DataFrame) -> list[Agreement]:
    """Cohen's kappa of each pair of reviewers, then Fleiss' of all who share findings.

    Fleiss' kappa needs the same number of raters for each finding: it is computed on the findings
    with two, three, … reviewers, whichever is the most frequent number.
    """
    from sklearn.metrics import cohen_kappa_score

    own = reviews[(reviews["kind"] == "review") & reviews["finding_id"].notna()]
    own = own.sort_values(["reviewed_at", "review_id"])
    own = own.drop_duplicates(["finding_id", "reviewer"], keep="last")
    table = own.pivot(index="finding_id", columns="reviewer", values="decision")
    found = []
    for pair in itertools.combinations(sorted(table.columns), 2):
        both = table[list(pair)].dropna()
        if len(both) >= _SHARED_MIN:
            one, other = both[pair[0]].tolist(), both[pair[1]].tolist()
            alike = len({*one, *other}) == 1
            kappa = None if alike else float(cohen_kappa_score(one, other))
            same = float(np.mean([a == b for a, b in zip(one, other, strict=True)]))
            found.append(Agreement((str(pair[0]), str(pair[1])), len(both), same, kappa))
    raters = table.notna().sum(axis=1)
    shared = raters[raters > 1]
    if len(shared):
        found += _fleiss(table, raters == shared.mode().max())
    return found


def _fleiss(table: pd.DataFrame, chosen: pd.Series) -> Iterator[Agreement]:
    inter_rater = _statsmodels("inter_rater")
    rated = np.array([row.dropna().tolist() for _, row in table[chosen].iterrows()])
    if len(rated) < _SHARED_MIN:
        return
    counts, categories = inter_rater.aggregate_raters(rated)
    kappa = float(inter_rater.fleiss_kappa(counts)) if len(categories) > 1 else None
    same = float((counts.max(axis=1) == rated.shape[1]).mean())
    names = tuple(str(name) for name in table.columns[table[chosen].notna().any()])
    if len(names) > 2:
        yield Agreement(names, len(rated), same, kappa)


def thresholds(
    reviews: pd.DataFrame, confidences: Mapping[str, float], *, target: float = 0.95
) -> list[Threshold]:
    """Suggest, for each rule, the lowest confidence at which to report a failure.

    The lower bound of Wilson's interval of the precision above it must reach the target, so that a
    small number of reviews suggests nothing rather than a lucky value.

    Args:
        reviews: the table ``reviews``.
        confidences: of findings, by ``finding_id``.
        target: the required precision, 0 to 1.
    """
    decided = latest(reviews)
    decided = decided[(decided["original_verdict"] == "fail") & decided["decision"].ne("unsure")]
    decided = decided.assign(confidence=decided["finding_id"].map(confidences))
    decided = decided.dropna(subset=["confidence"])
    return [_threshold(str(rule), own, target) for rule, own in decided.groupby("rule_id")]


def _threshold(rule: str, own: pd.DataFrame, target: float) -> Threshold:
    for least in _THRESHOLDS if len(own) >= REVIEWS_MIN else ():
        kept = own[own["confidence"] >= least]
        agreed = int((kept["decision"] == "agree").sum())
        if len(kept) and wilson(agreed, len(kept))[0] >= target:
            share = len(kept) / len(own)
            return Threshold(rule, len(own), float(least), agreed / len(kept), share)
    return Threshold(rule, len(own), None, None, None)


def _statsmodels(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"statsmodels.stats.{module}")
    except ModuleNotFoundError as error:
        raise UsageError(
            "calibration needs statsmodels: pip install 'callaudit[analysis]'"
        ) from error
