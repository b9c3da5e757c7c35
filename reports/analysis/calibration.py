"""What reviews say of the machine: precision, recall, agreement, drift, thresholds.

A review agrees with a finding or overrules it; the latest word on a finding counts, appeals (the
agents' own words) do not. Findings that were drawn for review stand for all of their kind by
their sampling weights; those picked by hand stand for themselves only.
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

FEW = 30
"""Below so many reviewed findings nothing is suggested."""
_COMMON = 10
"""Least findings two reviewers share for their agreement to be reckoned."""
_DRAWS = 20_000
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
    """Share of its reviewed failures that were agreed with."""
    precision_interval: Interval
    """Wilson's."""
    weighted_precision: float | None
    """The same for all of its failures, from those that were drawn."""
    weighted_interval: Interval
    """Wilson's, at the effective number of reviews (Kish 1965)."""
    passes_reviewed: int
    passes_wrong: int
    recall: float | None
    """Estimated share of faults that it finds, among what could be told."""
    recall_interval: Interval | None
    """Percentiles over draws of both shares from their Beta posteriors (Jeffreys' prior)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far reviewers agree on the same findings; ``kappa`` is None where it has no meaning."""

    reviewers: tuple[str, ...]
    findings: int
    same: float
    """Share of findings on which they say the same."""
    kappa: float | None
    """Cohen's for two reviewers, Fleiss' for all together."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least confidence from which a rule's failures reach a precision."""

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
        return self.reviewed < FEW


def latest(reviews: pd.DataFrame) -> pd.DataFrame:
    """The latest review of each finding; appeals and added faults are left out."""
    own = reviews[(reviews["kind"] == "review") & reviews["finding_id"].notna()]
    ordered = own.sort_values(["reviewed_at", "review_id"])
    return ordered.drop_duplicates("finding_id", keep="last")


def quality(reviews: pd.DataFrame, population: pd.DataFrame) -> list[RuleQuality]:
    """Precision and recall of each reviewed rule.

    Args:
        reviews: the table ``reviews``.
        population: findings counted: ``rule_id``, ``verdict``, ``n``.
    """
    words = latest(reviews)
    counts = population.groupby(["rule_id", "verdict"])["n"].sum()
    return [
        _quality(
            str(rule),
            own,
            fails=counts.get((rule, "fail"), 0),
            passes=counts.get((rule, "pass"), 0),
        )
        for rule, own in words.groupby("rule_id")
    ]


def _quality(rule: str, own: pd.DataFrame, *, fails: int, passes: int) -> RuleQuality:
    failed = own[own["original_verdict"] == "fail"]
    passed = own[(own["original_verdict"] == "pass") & (own["sampled_by"] == "pass")]
    agreed, overruled = (int((failed["decision"] == d).sum()) for d in ("agree", "overrule"))
    drawn = failed[failed["sampled_by"] == "finding"]
    right, trials = _share(drawn, "agree")
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
    """Weighted share of a decision among those that decided, and the effective number."""
    told = reviews[reviews["decision"].isin(["agree", "overrule"])]
    weights = told["sampling_weight"].to_numpy(float, na_value=np.nan)
    known = ~np.isnan(weights)
    weights = weights[known]
    if not len(weights):
        return None, 0.0
    hits = weights[(told["decision"] == decision).to_numpy()[known]].sum()
    return float(hits / weights.sum()), float(weights.sum() ** 2 / (weights**2).sum())


def _recall(
    fails: int, right: float, trials: float, passes: int, wrong: float, checked: float
) -> tuple[float | None, Interval | None]:
    """Faults found over faults there: failures that are right, and passes that are wrong."""
    found, missed = fails * right, passes * wrong
    if not fails and not passes:
        return None, None
    rng = np.random.default_rng(0)
    share = rng.beta(right * trials + 0.5, (1 - right) * trials + 0.5, _DRAWS) * fails
    lost = rng.beta(wrong * checked + 0.5, (1 - wrong) * checked + 0.5, _DRAWS) * passes
    low, high = np.percentile(share / (share + lost), [2.5, 97.5])
    return (found / (found + missed) if found + missed else None), (float(low), float(high))


def agreement(reviews: pd.DataFrame) -> list[Agreement]:
    """Cohen's kappa of each pair of reviewers, then Fleiss' of all who share findings.

    Fleiss' kappa wants the same number of raters on each finding: it is reckoned on the findings
    that have two, three, … reviewers, whichever are most.
    """
    from sklearn.metrics import cohen_kappa_score

    own = reviews[(reviews["kind"] == "review") & reviews["finding_id"].notna()]
    own = own.sort_values(["reviewed_at", "review_id"])
    own = own.drop_duplicates(["finding_id", "reviewer"], keep="last")
    table = own.pivot(index="finding_id", columns="reviewer", values="decision")
    found = []
    for pair in itertools.combinations(sorted(table.columns), 2):
        both = table[list(pair)].dropna()
        if len(both) >= _COMMON:
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
    if len(rated) < _COMMON:
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
    """Suggest, for each rule, the least confidence at which to accuse.

    The lower end of Wilson's interval of the precision from there on must reach the target, so
    that few reviews suggest nothing rather than something lucky.

    Args:
        reviews: the table ``reviews``.
        confidences: of findings, by ``finding_id``.
        target: the precision wanted, 0 to 1.
    """
    words = latest(reviews)
    words = words[(words["original_verdict"] == "fail") & words["decision"].ne("unsure")]
    words = words.assign(confidence=words["finding_id"].map(confidences))
    words = words.dropna(subset=["confidence"])
    return [_threshold(str(rule), own, target) for rule, own in words.groupby("rule_id")]


def _threshold(rule: str, own: pd.DataFrame, target: float) -> Threshold:
    for least in _THRESHOLDS if len(own) >= FEW else ():
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
