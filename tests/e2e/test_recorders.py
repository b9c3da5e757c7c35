"""Commands of docs/recorders.md, from an export and its recordings to the tables.

(What each of the presets reads is in tests/audit/intake/presets.)
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd

from tests.conftest import SCRIPT
from tests.test_docs import ROOT, shown

CALLS = ROOT / "data_samples" / "calls"


def audited(preset: str, call: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The calls and turns that the page's command makes of a sample with this call's audio."""
    shutil.copytree(ROOT / "tests/audit/intake/presets" / preset, folder, dirs_exist_ok=True)
    for line in (folder / "recordings.txt").read_text("utf-8").splitlines():
        (folder / line).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CALLS / call, folder / line)
    words = (shlex.split(line) for line in shown(ROOT / "docs" / "recorders.md"))
    (command,) = (line for line in words if line[line.index("--preset") + 1] == preset)
    done = subprocess.run(
        [SCRIPT, *command[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tables = folder / "OUT" / "parquet"
    return pd.read_parquet(tables / "calls"), pd.read_parquet(tables / "turns")


def test_freepbx(tmp_path: Path) -> None:
    calls, turns = audited("freepbx", "S12_2006_20261117T140540.wav", tmp_path)
    calls = calls.set_index("call_id").sort_index()
    assert [str(agent) for agent in calls.agent_id] == ["2001", "2002"]
    assert list(calls.agent_name) == ["王敏", "陈杰"]
    assert list(calls.direction) == ["in", "out"]
    assert calls.meta_queue["1794790920.412"] == "600"
    assert calls.score.notna().all()
    assert set(turns.call_id) == set(calls.index)


def test_amazon_connect_has_the_agent_on_the_right(tmp_path: Path) -> None:
    calls, turns = audited("amazon-connect", "S02_2002_20261116T094130.wav", tmp_path)
    assert sorted(calls.agent_id) == ["chen.jie", "wang.min"]
    assert set(calls.channels) == {"stereo"}
    sides = set(zip(turns.role, turns.channel.astype(int), strict=True))
    assert sides == {("agent", 1), ("customer", 0)}
