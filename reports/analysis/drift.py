"""Drift alarms: a rule suddenly fails more, decides less, or reviewers agree with it less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from audit.types import Disposition
from reports.analysis.calibration import latest

RECENT, BASELINE = 7, 28
"""Nights that are compared, and nights before them that they are compared with."""
COUNT_MIN = 10
"""Baseline nights, or reviews in either period, below which nothing is compared."""
Z = 4.0
"""Standard errors from which a change is an alarm: with 50 figures every night, chance alone
raises about one per year."""
P = 0.001
"""The same for precision, by Fisher's exact test."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One figure that moved."""

    figure: str
    before: float
    after: float
    strength: str


def nightly(figures: pd.DataFrame) -> list[Alarm]:
    """Figures of the last week that are far from those of the four weeks before.

    Changes are measured against the standard deviation of the baseline nights, so ordinary
    variation between nights raises no alarm.

    Args:
        figures: a row a night, sorted, a column a figure.
    """
    recent, base = figures.iloc[-RECENT:], figures.iloc[-RECENT - BASELINE : -RECENT]
    found = []
    for name in figures.columns:
        now, before = recent[name].dropna(), base[name].dropna()
        if len(before) < COUNT_MIN or len(now) < 2:
            continue
        spread = max(float(before.std(ddof=1)), 1e-6)
        z = (now.mean() - before.mean()) / (spread * np.sqrt(1 / len(now) + 1 / len(before)))
        if abs(z) >= Z:
            strength = f"{z:+.1f} standard errors"
            found.append(Alarm(str(name), float(before.mean()), float(now.mean()), strength))
    return found


def nightly_figures(calls: pd.DataFrame) -> pd.DataFrame:
    """One row per night: each rule's share of failed and of undecided calls, and confidence.

    Args:
        calls: ``audit_date``, ``disposition``, ``rule_scores``, ``transcript_confidence``; those
            that were not connected are in no figure.
    """
    unreached = [outcome for outcome in Disposition if not outcome.connected]
    calls = calls[~calls["disposition"].isin(unreached)]
    scores = calls[["audit_date", "rule_scores"]].explode("rule_scores").dropna()
    flat = pd.DataFrame(
        {
            "night": scores["audit_date"],
            "rule": [score["rule_id"] for score in scores["rule_scores"]],
            "verdict": [score["verdict"] for score in scores["rule_scores"]],
        }
    )
    counts = flat.value_counts().unstack("verdict", fill_value=0)
    counts = counts.reindex(columns=["pass", "fail", "cannot_tell"], fill_value=0)
    decided = counts["pass"] + counts["fail"]
    rates = {
        "fails": (counts["fail"] / decided.where(decided > 0)).unstack("rule"),
        "undecided": (counts["cannot_tell"] / counts.sum(axis=1)).unstack("rule"),
    }
    parts = [rate.add_suffix(f" {name}") for name, rate in rates.items()]
    confidence = calls.groupby("audit_date")["transcript_confidence"].mean()
    return pd.concat([*parts, confidence.rename("transcript confidence")], axis=1).sort_index()


def reviewed(reviews: pd.DataFrame, *, days: int = 28) -> list[Alarm]:
    """Rules whose reviewed precision in the last ``days`` differs from what it was before."""
    decided = latest(reviews)
    decided = decided[(decided["original_verdict"] == "fail") & decided["decision"].ne("unsure")]
    if decided.empty:
        return []
    since = decided["reviewed_at"].max() - pd.Timedelta(days=days)
    found = []
    for rule, own in decided.groupby("rule_id"):
        agreed, new = own["decision"] == "agree", own["reviewed_at"] > since
        counts = [[int((agreed & part).sum()), int((~agreed & part).sum())] for part in (~new, new)]
        if min(map(sum, counts)) < COUNT_MIN:
            continue
        p = float(stats.fisher_exact(counts)[1])
        if p < P:
            before, after = (agree / (agree + not_) for agree, not_ in counts)
            found.append(Alarm(f"{rule} reviewed precision", before, after, f"p = {p:.1g}"))
    return found
