"""What reviews say of the machine, against data whose truth is known."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from audit.rates import wilson
from flows.cli import formatters
from flows.cli.main import main
from reports.analysis import calibration, drift, labels
from reports.store import Store

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def review(number: int, decision: str, **changed: Any) -> dict[str, Any]:
    """One word on one failure."""
    row = {
        "review_id": f"r{number:05d}",
        "finding_id": f"f{number:05d}",
        "call_id": f"C{number:05d}",
        "kind": "review",
        "decision": decision,
        "reviewer": "赵敏",
        "reviewed_at": NOON + timedelta(minutes=number),
        "rule_id": "greeting",
        "original_verdict": "fail",
        "sampled_by": "finding",
        "sampling_weight": 10.0,
    }
    return {**row, **changed}


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows)


def population(fails: int, passes: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"rule_id": ["greeting"] * 2, "verdict": ["fail", "pass"], "n": [fails, passes]}
    )


# precision


def test_precision_with_its_interval() -> None:
    rows = [review(n, "agree" if n < 45 else "overrule") for n in range(50)]
    rows += [review(50 + n, "unsure") for n in range(5)]
    (rule,) = calibration.quality(frame(rows), population(500, 0))
    assert (rule.reviewed, rule.agreed, rule.overruled, rule.unsure) == (55, 45, 5, 5)
    assert rule.precision == 0.9
    assert rule.precision_interval == pytest.approx(wilson(45, 50), abs=1e-4)
    assert rule.weighted_precision == pytest.approx(0.9)
    assert rule.weighted_interval == pytest.approx(wilson(45, 50), abs=1e-4)
    assert rule.recall is None  # no pass was reviewed


def test_weights_undo_the_sampling() -> None:
    rows = [review(n, "agree", sampling_weight=1.0) for n in range(40)]
    rows += [review(40 + n, "overrule", sampling_weight=9.0) for n in range(10)]
    rows += [
        review(50 + n, "overrule", sampled_by="manual", sampling_weight=None) for n in range(9)
    ]
    (rule,) = calibration.quality(frame(rows), population(500, 0))
    assert rule.precision == pytest.approx(40 / 59)
    assert rule.weighted_precision == pytest.approx(40 / 130)
    low, high = rule.weighted_interval
    assert high - low > wilson(15, 50)[1] - wilson(15, 50)[0]  # unequal weights tell less


def test_the_latest_word_counts_and_appeals_do_not() -> None:
    rows = [review(1, "agree"), review(2, "overrule"), review(3, "agree")]
    later = {"reviewed_at": NOON + timedelta(days=1)}
    rows += [
        review(1, "overrule", review_id="x1", reviewer="钱伟", **later),
        review(3, "overrule", review_id="x3", kind="appeal", reviewer="2001", **later),
        review(4, "missed", finding_id=None, original_verdict=None),
    ]
    for order in (rows, rows[::-1]):
        (rule,) = calibration.quality(frame(order), population(3, 0))
        assert (rule.agreed, rule.overruled) == (1, 2)


# recall


def test_recall_from_reviewed_passes() -> None:
    """100 failures of which 90 are right, 1,000 passes of which 5 % are wrong: 90 of 140 found."""
    rows = [review(n, "agree" if n < 90 else "overrule") for n in range(100)]
    passed = {"original_verdict": "pass", "sampled_by": "pass", "sampling_weight": 5.0}
    rows += [review(100 + n, "overrule" if n < 10 else "agree", **passed) for n in range(200)]
    (rule,) = calibration.quality(frame(rows), population(100, 1_000))
    assert (rule.passes_reviewed, rule.passes_wrong) == (200, 10)
    assert rule.recall == pytest.approx(90 / 140)
    assert rule.recall_interval is not None
    low, high = rule.recall_interval
    assert 0.4 < low < 90 / 140 < high < 0.85


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        fails, passes = 400, 4_000
        right = rng.binomial(fails, 0.85)
        wrong = rng.binomial(passes, 0.03)
        drawn = rng.permutation(fails)[:80] < right
        checked = rng.permutation(passes)[:200] < wrong
        rows = [
            review(n, "agree" if ok else "overrule", sampling_weight=5.0)
            for n, ok in enumerate(drawn)
        ]
        as_pass = {"original_verdict": "pass", "sampled_by": "pass", "sampling_weight": 20.0}
        rows += [
            review(80 + n, "overrule" if bad else "agree", **as_pass)
            for n, bad in enumerate(checked)
        ]
        (rule,) = calibration.quality(frame(rows), population(fails, passes))
        assert rule.recall_interval is not None
        held += rule.recall_interval[0] <= right / (right + wrong) <= rule.recall_interval[1]
    assert held >= 53  # of 60: 95 % less what chance allows


# agreement


def test_kappa_of_pairs_and_of_all() -> None:
    words = {"赵敏": "agree overrule", "钱伟": "agree overrule", "孙立": "overrule agree"}
    rows = [
        review(n, said.split()[n % 2], reviewer=who, review_id=f"{who}{n}")
        for who, said in words.items()
        for n in range(20)
    ]
    found = {a.reviewers: a for a in calibration.agreement(frame(rows))}
    assert found["赵敏", "钱伟"].kappa == pytest.approx(1.0)
    assert found["孙立", "赵敏"].kappa == pytest.approx(-1.0)
    assert found["孙立", "赵敏"].same == 0.0
    (all_three,) = (a for names, a in found.items() if len(names) == 3)
    # each finding has two of one kind and one of the other: P = 1/3, P_e = 1/2
    assert all_three.kappa == pytest.approx((1 / 3 - 1 / 2) / (1 / 2))
    assert all_three.findings == 20


def test_kappa_that_has_no_meaning_is_not_told() -> None:
    rows = [review(n, "agree", reviewer=w, review_id=f"{w}{n}") for n in range(12) for w in "ab"]
    (pair,) = calibration.agreement(frame(rows))
    assert (pair.kappa, pair.same) == (None, 1.0)
    assert calibration.agreement(frame(rows[:8])) == []


# thresholds


def test_a_threshold_is_where_precision_holds() -> None:
    rows, confidences = [], {}
    for n in range(400):
        sure = 0.5 + 0.5 * n / 400
        wrong = sure < 0.7 and n % 2 == 0
        rows.append(review(n, "overrule" if wrong else "agree"))
        confidences[f"f{n:05d}"] = sure
    (found,) = calibration.thresholds(frame(rows), confidences, target=0.95)
    assert found.confidence in (0.65, 0.7)
    assert found.precision is not None
    assert found.precision > 0.95
    assert found.kept == pytest.approx(0.6, abs=0.12)
    (none,) = calibration.thresholds(frame(rows), confidences, target=0.999)
    assert none.confidence is None
    (few,) = calibration.thresholds(frame(rows[-20:]), confidences)
    assert (few.confidence, few.reviewed) == (None, 20)


# drift


def nights(rates: list[float]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    days = pd.date_range("2026-10-01", periods=len(rates)).strftime("%Y-%m-%d")
    noisy = np.array(rates) + rng.normal(0, 0.01, len(rates))
    return pd.DataFrame({"greeting fails": noisy}, index=days)


def test_a_rate_that_jumps_raises_an_alarm_and_noise_does_not() -> None:
    assert drift.nightly(nights([0.2] * 35)) == []
    (alarm,) = drift.nightly(nights([0.2] * 28 + [0.3] * 7))
    assert alarm.before == pytest.approx(0.2, abs=0.01)
    assert alarm.after == pytest.approx(0.3, abs=0.01)
    assert "greeting fails" in formatters.alarm(alarm)
    assert drift.nightly(nights([0.2] * 5 + [0.4] * 7)) == []  # too short a past


def test_chance_alone_raises_few_alarms() -> None:
    rng = np.random.default_rng(5)
    days = [f"n{n:03d}" for n in range(35)]
    raised = sum(
        len(drift.nightly(pd.DataFrame(rng.normal(size=(35, 50)), index=days))) for _ in range(40)
    )
    assert raised <= 3  # of 2,000 figures


def test_precision_that_falls_raises_an_alarm() -> None:
    old = {"reviewed_at": NOON - timedelta(days=60)}
    rows = [review(n, "agree", **old) for n in range(100)]
    rows += [review(100 + n, "overrule" if n % 2 else "agree") for n in range(60)]
    (alarm,) = drift.reviewed(frame(rows))
    assert (alarm.before, alarm.after) == (1.0, 0.5)
    assert drift.reviewed(frame(rows[:100])) == []


# the command, on a drawn month


def test_the_command(month: Path, tmp_path: Path) -> None:
    place = tmp_path / "labels"
    arguments = ["calibrate", str(month), "--labels", str(place)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "greeting" in done.output
    assert "recall (estimate)" in done.output
    figures = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    assert {"rules", "agreement", "thresholds", "alarms"} == set(figures)
    reviewed = Store(month)["reviews"].pandas()
    own = calibration.latest(reviewed).query("original_verdict == 'fail'")
    assert sum(rule["reviewed"] for rule in figures["rules"]) == len(own)


def test_without_reviews(tmp_path: Path, month: Path) -> None:
    shutil.copytree(month / "parquet" / "calls", tmp_path / "parquet" / "calls")
    done = CliRunner().invoke(main, ["calibrate", str(tmp_path)])
    assert done.exit_code == 2
    assert "holds no reviews" in done.output


def test_labels_are_what_was_reviewed(month: Path, tmp_path: Path) -> None:
    counts = labels.export(Store(month), tmp_path)
    read = {
        name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in counts
    }
    assert {name: len(rows) for name, rows in read.items()} == counts
    reviews = calibration.latest(Store(month)["reviews"].pandas())
    words = reviews[(reviews["rule_id"] == "forbidden_language") & reviews["start_s"].notna()]
    innocent = set(words.loc[words["decision"] == "overrule", "call_id"])
    assert read["stages"]
    turns = Store(month)["turns"].pandas()
    agents = set(turns.loc[turns["role"] == "agent", "text"])
    for row in read["wording"]:
        assert row["text"] in agents
        assert (row["kind"] == "innocent") is not row["forbidden"]
        assert row["forbidden"] or row["family"] in innocent
    bad = set(reviews.query("rule_id == 'greeting' and decision != 'agree'")["call_id"])
    assert not bad & {row["call_id"] for row in read["stages"]}
    for row in read["stages"]:
        own = turns[turns["call_id"] == row["call_id"]].sort_values("turn_index")
        assert [turn["segment"] for turn in row["turns"]] == own["segment"].tolist()
