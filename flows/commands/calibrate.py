"""Quality of the automatic findings under OUT, according to their reviews."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audit.errors import UsageError
from reports.analysis import calibration, drift
from reports.analysis.calibration import Agreement, RuleQuality, Threshold
from reports.analysis.drift import Alarm
from reports.store import Store


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything ``callaudit calibrate`` reports."""

    rules: list[RuleQuality]
    agreement: list[Agreement]
    thresholds: list[Threshold]
    alarms: list[Alarm]


def calibrate(out: Path, *, precision: float) -> Calibration:
    """Compute it all from the tables ``reviews``, ``findings`` and ``calls``.

    Raises:
        UsageError: OUT holds no reviews.
    """
    store = Store.open(out)
    reviews = store.reviews.pandas()
    if reviews.empty:
        raise UsageError(
            f"{out} holds no reviews; review findings in its pages and "
            "bring them in with `callaudit review import`"
        )
    counts, confidences = _findings(store, set(reviews["finding_id"].dropna()))
    figures = store.calls.pandas(
        columns=["audit_date", "disposition", "rule_scores", "transcript_confidence"]
    )
    return Calibration(
        rules=calibration.quality(reviews, counts),
        agreement=calibration.agreement(reviews),
        thresholds=calibration.thresholds(reviews, confidences, target=precision),
        alarms=drift.nightly(drift.nightly_figures(figures)) + drift.reviewed(reviews),
    )


def _findings(store: Store, reviewed: set[str]) -> tuple[pd.DataFrame, dict[str, float]]:
    """Findings counted by rule and verdict, and the confidence of those that are reviewed."""
    rows = store.findings.arrow(columns=["finding_id", "rule_id", "verdict", "confidence"])
    grouped = rows.group_by(["rule_id", "verdict"]).aggregate([([], "count_all")])
    counts = grouped.to_pandas().rename(columns={"count_all": "n"})
    wanted = pc.is_in(rows["finding_id"], pa.array(sorted(reviewed), pa.string()))
    kept = rows.filter(wanted).to_pydict()
    return counts, dict(zip(kept["finding_id"], kept["confidence"], strict=True))
