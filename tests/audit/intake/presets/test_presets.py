"""Each preset reads its sample by the command that the docs page gives, and refuses others."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from audit.errors import RejectReason, UsageError
from audit.intake import presets
from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root
from audit.types import Recording
from tests.test_docs import ROOT, shown

SAMPLES = Path(__file__).parent
CALL = ROOT / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"
PAGES = ("docs/recorders.md", "docs/zh/recorders.md")


def commands(page: str) -> dict[str, list[str]]:
    """The commands of a page by their preset, each as its words."""
    lines = [shlex.split(line) for line in shown(ROOT / page)]
    return {words[words.index("--preset") + 1]: words for words in lines if "--preset" in words}


COMMANDS = commands(PAGES[0])


def laid_out(name: str, folder: Path) -> Path:
    """A copy of a sample, with a recording wherever it names one."""
    shutil.copytree(SAMPLES / name, folder, dirs_exist_ok=True)
    for line in (folder / "recordings.txt").read_text("utf-8").splitlines():
        (folder / line).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CALL, folder / line)
    return folder


def planned(folder: Path, words: list[str], options: Mapping[str, object] | None = None) -> Plan:
    """What a command of the page plans, in a folder with what it names."""
    given = dict(pairwise(words))
    manifest = given.get("--manifest")
    return plan(
        open_root(str(folder / words[2])),
        manifest=None if manifest is None else str(folder / manifest),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
        options=ManifestOptions.model_validate({"preset": given["--preset"], **(options or {})}),
    )


def of_sample(name: str, tmp_path: Path, options: Mapping[str, object] | None = None) -> Plan:
    return planned(laid_out(name, tmp_path / name), COMMANDS[name], options)


def told(recording: Recording) -> tuple[str, str, str | None, str, str | None, str | None]:
    """Call, agent and name, start, direction and the agent's channel."""
    return (
        recording.call_id,
        recording.agent_id,
        recording.agent_name,
        recording.started_at.isoformat(),
        recording.direction and str(recording.direction),
        recording.agent_channel,
    )


UUID = "0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a0"
CONTACT = "5a1f0c1e-0000-4000-8000-00000000000"
NINE, TEN = "2026-11-16T09:02:00+08:00", "2026-11-16T10:15:00+08:00"
EXPECTED = {
    "asterisk": [
        ("1794795300.420", "2002", None, TEN, "out", None),
        ("1794790920.412", "2001", None, NINE, "in", None),
    ],
    "freepbx": [
        ("1794795300.420", "2002", "陈杰", TEN, "out", None),
        ("1794790920.412", "2001", "王敏", NINE, "in", None),
    ],
    "freeswitch": [(f"{UUID}1", "2001@default", None, NINE, "in", None)],
    "fusionpbx": [
        (f"{UUID}1", "2001", "王敏", NINE, "in", "1"),
        (f"{UUID}2", "2002", "陈杰", TEN, "out", "1"),
    ],
    "genesys-cloud": [
        (
            "9b770000-0000-4000-8000-000000000001",
            "c0ffee00-0000-4000-8000-000000002001",
            None,
            "2026-11-16T09:02:00.120000+08:00",
            "in",
            None,
        )
    ],
    "amazon-connect": [
        (f"{CONTACT}1", "wang.min", None, "2026-11-16T09:02:05+08:00", "in", "1"),
        (f"{CONTACT}2", "chen.jie", None, "2026-11-16T10:00:30+08:00", None, "1"),
    ],
    "alibaba-ccc": [("job-7000000000000001", "wangmin@demo", "王敏", NINE, "in", None)],
    "folder-per-day": [
        ("A-0001", "2001", None, "2026-11-16T00:00:00+08:00", None, None),
        ("A-0002", "2002", None, "2026-11-17T00:00:00+08:00", None, None),
    ],
    "agent-extension-time": [("2001_8001_20261116090200", "2001", None, NINE, None, None)],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_sample_is_read(name: str, tmp_path: Path) -> None:
    result = of_sample(name, tmp_path)
    assert [told(recording) for recording in result.recordings] == EXPECTED[name]


def test_a_folder_for_each_agent_has_the_time_of_the_file(tmp_path: Path) -> None:
    result = of_sample("folder-per-agent", tmp_path)
    assert [(r.call_id, r.agent_id) for r in result.recordings] == [
        ("A-0001", "2001"),
        ("A-0002", "2002"),
    ]
    written = (tmp_path / "folder-per-agent" / "calls" / "2001" / "A-0001.wav").stat().st_mtime
    assert int(result.recordings[0].started_at.timestamp()) == int(written)
