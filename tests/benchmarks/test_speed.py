"""The benchmark itself: every way transcribes, and what it costs is added up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data_samples"
OURS = "callaudit:faster-whisper:base"


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One short call, transcribed in two ways, and half a minute of it laid together."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "calls").mkdir()
    shutil.copy(SAMPLES / "calls" / "S16_2006_20261118T100328.wav", folder / "calls")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.speed", str(folder / "calls")),
            *("--truth", str(SAMPLES / "truth"), "--few", "0", "--minutes", "0.5", "--runs", "2"),
            *("--engine", "faster-whisper:base", "--ways", "faster-whisper-batched"),
            *("--out", str(folder / "b.json")),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert f"| {OURS} |" in done.stdout
    return dict(json.loads((folder / "b.json").read_text("utf-8")))


def test_every_way_transcribes_the_call(figures: dict[str, Any]) -> None:
    ways = figures["ways"]
    assert set(ways) == {OURS, "faster-whisper-batched"}
    for way in ways.values():
        assert 0 <= way["cer"] < 0.5
        assert way["cer"] <= way["cer_as_written"]
        for clock in ("wall", "cpu"):
            assert 0 < way[clock]["min"] <= way[clock]["median"] <= way[clock]["max"]
        assert 100 < way["peak_mb"] < 2000


def test_what_an_engine_does_to_the_rules_is_told(figures: dict[str, Any]) -> None:
    ours, other = figures["ways"][OURS], figures["ways"]["faster-whisper-batched"]
    assert ours["f1"]["greeting"] == 1.0  # the agent of S16 says all of it
    assert other["f1"] == {}


def test_the_steps_are_the_whole(figures: dict[str, Any]) -> None:
    ours = figures["ways"][OURS]
    assert set(ours["steps"]) == {"asr", "transcribe", "judge", "publish"}
    steps = [step["cpu"]["median"] for step in ours["steps"].values()]
    assert sum(steps) == pytest.approx(ours["cpu"]["median"], rel=0.05)
    assert ours["times_wall"]["median"] == ours["times_cpu"]["median"] == 1.0


def test_lengths_are_told_too(figures: dict[str, Any]) -> None:
    (row,) = figures["minutes"].values()
    assert row["wall"]["median"] > 0 and row["steps"]["asr"]["wall"]["median"] > 0
