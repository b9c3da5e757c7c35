"""Alarms: a rule that all at once fails more, tells less, or is agreed with less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from audit.types import Disposition
from reports.analysis.calibration import latest

RECENT, BASELINE, LEAST = 7, 28, 10
"""Nights that are compared, nights they are compared with, and the fewest of these."""
Z = 4.0
"""Standard errors from which a change is an alarm: of 50 figures looked at every night, chance
alone raises one about once a year."""
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

    The yardstick is the spread between the baseline's own nights, so that what varies from night
    to night anyway raises no alarm.

    Args:
        figures: a row a night, sorted, a column a figure.
    """
    recent, base = figures.iloc[-RECENT:], figures.iloc[-RECENT - BASELINE : -RECENT]
    found = []
    for name in figures.columns:
        now, before = recent[name].dropna(), base[name].dropna()
        if len(before) < LEAST or len(now) < 2:
            continue
        spread = max(float(before.std(ddof=1)), 1e-6)
        z = (now.mean() - before.mean()) / (spread * np.sqrt(1 / len(now) + 1 / len(before)))
        if abs(z) >= Z:
            strength = f"{z:+.1f} standard errors"
            found.append(Alarm(str(name), float(before.mean()), float(now.mean()), strength))
    return found


def nightly_figures(calls: pd.DataFrame) -> pd.DataFrame:
    """A row a night: for each rule the share of calls it fails and cannot tell, and confidence.

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
    told = counts["pass"] + counts["fail"]
    rates = {
        "fails": (counts["fail"] / told.where(told > 0)).unstack("rule"),
        "cannot be told": (counts["cannot_tell"] / counts.sum(axis=1)).unstack("rule"),
    }
    parts = [rate.add_suffix(f" {name}") for name, rate in rates.items()]
    heard = calls.groupby("audit_date")["transcript_confidence"].mean()
    return pd.concat([*parts, heard.rename("transcript confidence")], axis=1).sort_index()


def reviewed(reviews: pd.DataFrame, *, days: int = 28) -> list[Alarm]:
    """Rules whose reviewed precision in the last ``days`` differs from what it was before."""
    words = latest(reviews)
    words = words[(words["original_verdict"] == "fail") & words["decision"].ne("unsure")]
    if words.empty:
        return []
    since = words["reviewed_at"].max() - pd.Timedelta(days=days)
    found = []
    for rule, own in words.groupby("rule_id"):
        agreed, new = own["decision"] == "agree", own["reviewed_at"] > since
        counts = [[int((agreed & part).sum()), int((~agreed & part).sum())] for part in (~new, new)]
        if min(map(sum, counts)) < LEAST:
            continue
        p = float(stats.fisher_exact(counts)[1])
        if p < P:
            before, after = (agree / (agree + not_) for agree, not_ in counts)
            found.append(Alarm(f"{rule} reviewed precision", before, after, f"p = {p:.1g}"))
    return found
