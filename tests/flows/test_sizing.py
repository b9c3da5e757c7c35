"""Which models a machine can afford."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.config import AsrConfig
from audit.errors import UsageError
from flows import sizing


def test_larger_models_take_longer_and_more_exact_ones_come_last() -> None:
    works = [size.work for size in sizing.SIZES]
    assert works == sorted(works)
    base = next(size for size in sizing.SIZES if size.name == "base")
    assert sizing.factor(base, measured=base) == 1.0


def test_the_best_that_fits_is_one_that_is_here() -> None:
    best = sizing.best_within(AsrConfig(device="cpu"), 1000.0)
    assert best.found
    assert 0.001 < best.rtf < 10
    with pytest.raises(UsageError, match="allow more, or use more cores"):
        sizing.best_within(AsrConfig(device="cpu"), 1e-6)


def test_the_plan_of_a_night(callaudit: Any) -> None:
    done = callaudit("doctor", "--plan", "5000", "4")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[2:]}
    assert list(rows) == [size.name for size in sizing.SIZES]
    assert rows["base"][-1] == "yes"
    assert float(rows["base"][1]) == pytest.approx(5000 * 4 / 60 * float(rows["base"][2]), rel=0.05)
    assert float(rows["large-v3"][1]) > 10 * float(rows["base"][1])


def test_a_run_that_no_model_can_do_writes_nothing(callaudit: Any, tmp_path: Path) -> None:
    done = callaudit(
        "run", "data_samples/calls", "--out", tmp_path / "out", "--max-rtf", "0.000001"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "no model on this machine" in done.stderr
    assert not (tmp_path / "out").exists()
    both = callaudit("run", "calls", "--out", tmp_path / "o", "--max-rtf", "1", "--model", "base")
    assert both.returncode == 2 and "leave --model out" in both.stderr
