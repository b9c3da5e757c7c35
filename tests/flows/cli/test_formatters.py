"""What the terminal shows of the values that commands return."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli import formatters
from flows.commands.import_reviews import Imported
from flows.doctor import DoctorCheck
from flows.sizing import SIZES, Estimate
from models.training.own_stages import Measured
from models.training.stages import Figures
from reports.analysis.calibration import REVIEWS_MIN, Agreement, Threshold


def test_a_check_that_fails_catches_the_eye() -> None:
    assert formatters.check(DoctorCheck("torch", True, "2.13.0")) == "ok      torch: 2.13.0"
    assert formatters.check(DoctorCheck("torch", False, "not installed")).startswith(
        "MISSING torch"
    )


def test_the_plan_has_hours_and_a_dash_where_no_error_rate_is_known() -> None:
    estimates = [Estimate(SIZES[1], 0.05, True), Estimate(SIZES[3], 0.5, False)]
    _, base, medium = formatters.plan(estimates, calls=600, minutes=2)
    assert base.split() == ["base", "1.0", "0.050", "74", "MB", "–", "yes"]
    assert medium.split() == ["medium", "10.0", "0.500", "769", "MB", "0.072", "no"]


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (Threshold("hold", 40, 0.7, 0.96, 0.5), "accuse from confidence 0.70"),
        (Threshold("hold", REVIEWS_MIN - 1, None, None, None), "too few to suggest a threshold"),
        (Threshold("hold", REVIEWS_MIN, None, None, None), "no threshold reaches the target"),
    ],
)
def test_thresholds(threshold: Threshold, said: str) -> None:
    assert said in formatters.threshold(threshold)


def test_agreement_of_two_and_of_all() -> None:
    assert "Cohen's kappa 0.80" in formatters.agreement(Agreement(("a", "b"), 10, 0.9, 0.8))
    three = Agreement(("a", "b", "c"), 10, 0.9, None)
    assert "Fleiss' kappa not defined, the same on 90% of 10" in formatters.agreement(three)


def test_imported_reviews_say_what_was_left_out_only_where_something_was() -> None:
    plain = formatters.imported(Imported(2, 1, 0, 0, 0, 1, Path()))
    assert plain == (
        "2 reviews imported, 1 changed, 0 already there; 1 calls have an overridden score"
    )
    odd = formatters.imported(Imported(2, 1, 0, 3, 4, 1, Path()))
    assert "; 3 refer to calls that are not" in odd and "; 4 refer to findings that no" in odd


def test_figures_of_stages_have_a_dash_where_there_is_nothing_to_measure() -> None:
    figures = Figures(12, 0.9444, 1.0, None, 1.0, 0.05, 0.98)
    line = formatters.stage_figures(Measured("before, your calls", figures))
    assert line.startswith("before, your calls: 12 calls: turns right 0.944, greeting")
    assert "closing start within two turns –," in line
