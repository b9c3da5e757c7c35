"""Each command of docs/recorders.md audits its sample whole, from the export to the tables.

The recordings are cut from sample calls, with the channels and the codec that the system has. (What
else the presets read is in tests/audit/intake/presets.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from audit.transcription import decoding
from audit.types import SAMPLE_RATE
from tests.audit.intake.presets.test_presets import COMMANDS, EXPECTED, NUMBERS, SAMPLES
from tests.audit.transcription.test_decoding import encode
from tests.conftest import SCRIPT
from tests.test_docs import ROOT

CODECS = {".wav": "pcm_mulaw", ".mp3": "libmp3lame", ".opus": "libopus"}
WRITTEN = datetime(2026, 11, 16, 17, 45, tzinfo=ZoneInfo("Asia/Shanghai"))
"""When the recordings are said to have been written."""
ALWAYS = {"freepbx", "amazon-connect"}
"""Presets that every run of the suite audits; the others are slow tests."""


@dataclass(frozen=True)
class Sound:
    """What is cut from a sample call, and words in it of the agent and of the customer."""

    sample: str
    end_s: float
    agent: tuple[str, ...]
    customer: tuple[str, ...]
    agent_channel: int | None
    """None where both are on one."""

    def samples(self) -> NDArray[np.int16]:
        (path,) = (ROOT / "data_samples" / "calls").glob(f"{self.sample}_*")
        whole: NDArray[np.int16] = decoding.decode(path).samples
        return whole[:, : round(self.end_s * SAMPLE_RATE)]


LEFT = Sound("S13", 17.7, ("您好", "请问"), ("提示",), agent_channel=0)
RIGHT = Sound("S16", 14.0, ("您好", "软件"), ("备份",), agent_channel=1)
MIXED = Sound("S12", 17.6, ("您好", "没有办法"), ("服务费",), agent_channel=None)
SOUNDS = {
    **dict.fromkeys(COMMANDS, LEFT),
    **{"asterisk": MIXED, "freepbx": MIXED},  # as MixMonitor leaves them
    **{"fusionpbx": RIGHT, "amazon-connect": RIGHT},  # as the page says
}
AGENT_LATE_S = 3.0
"""How much later than the customer's the agent's file of tencent-tccc begins, by its name."""


def _side(name: str, samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """What the file of one side has: the customer waits before the agent's begins."""
    if name.endswith("-1794790933.mp3"):
        return samples[:1]
    waits = np.zeros((1, round(AGENT_LATE_S * SAMPLE_RATE)), np.int16)
    return np.concatenate([waits, samples[1:]], axis=1)


def _without_nan(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), None)


@dataclass(frozen=True)
class Audited:
    """What a command made of a sample."""

    calls: pd.DataFrame
    turns: pd.DataFrame
    rejects: pd.DataFrame
    recordings: list[str]
    """Those of the sample."""
    code: int
    told: str


def audited(preset: str, folder: Path) -> Audited:
    """What the page's command makes of a sample with real recordings."""
    shutil.copytree(SAMPLES / preset, folder, dirs_exist_ok=True)
    names = (folder / "recordings.txt").read_text("utf-8").splitlines()
    samples = SOUNDS[preset].samples()
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = _side(name, samples) if preset == "tencent-tccc" else samples
        rate = 48_000 if path.suffix == ".opus" else 8_000
        form = "ogg" if path.suffix == ".opus" else None
        encode(path, sound, CODECS[path.suffix], rate=rate, container_format=form)
        os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    done = subprocess.run(
        [SCRIPT, *COMMANDS[preset][1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return of(folder, preset, names, done.returncode, done.stdout + done.stderr)


def of(folder: Path, preset: str, names: list[str], code: int, told: str) -> Audited:
    """What the tables of a sample say."""
    root = COMMANDS[preset][2]

    def table(name: str) -> pd.DataFrame:
        path = folder / "OUT" / "parquet" / name
        return _without_nan(pd.read_parquet(path)) if path.exists() else pd.DataFrame()

    return Audited(
        table("calls"),
        table("turns"),
        table("rejects"),
        [name.removeprefix(f"{root}/") for name in names],
        code,
        told,
    )


CALLS = {
    **EXPECTED,
    "folder-per-agent": [
        (call_id, agent, None, WRITTEN.isoformat(), None, None)
        for call_id, agent in (("A-0001", "2001"), ("A-0002", "2002"))
    ],
    "tencent-tccc": [
        (
            "e1000000-0000-4000-8000-000000000001",
            "2001",
            "王敏",
            "2026-11-16T09:02:10+08:00",
            "in",
            "0",
        )
    ],
}
REJECTS = {"alibaba-ccc": {"no_agent": "job-7000000000000002-"}}
"""Reasons, and how the file is named; a call that was transferred has two agents."""
COPIES = ("call_screen.", "_call_recording_redacted_")
"""Recordings that are left out, by what is in their names."""


def audits(preset: str) -> Any:
    return pytest.param(preset, marks=() if preset in ALWAYS else pytest.mark.slow)


@pytest.mark.parametrize("preset", map(audits, COMMANDS))
def test_the_command_of_the_page_audits_the_sample(preset: str, tmp_path: Path) -> None:
    check(preset, audited(preset, tmp_path))


def check(preset: str, done: Audited) -> None:
    """Compare what the tables say with what is expected."""
    rejects = REJECTS.get(preset, {})
    assert (done.code, len(done.rejects)) == (3 if rejects else 0, len(rejects)), done.told
    for reason, name in rejects.items():
        (row,) = done.rejects.to_dict("records")
        assert row["reason"] == reason and row["source_file"].startswith(name)

    calls = done.calls.set_index("call_id")
    zone = ZoneInfo("Asia/Shanghai")
    found = {
        (
            str(call_id),
            str(row["agent"]),
            row["agent_name"],
            row["started_at"].astimezone(zone).isoformat(),
            row["direction"],
        )
        for call_id, row in calls.iterrows()
    }
    assert found == {expected[:5] for expected in CALLS[preset]}

    files = [name for listed in calls["source_files"] for name in listed]
    left_out = {name for name in done.recordings if any(copy in name for copy in COPIES)}
    assert sorted([*files, *done.rejects.get("source_file", [])]) == sorted(
        set(done.recordings) - left_out
    )
    kept = calls[[name for name in calls if name.startswith("meta_")]].to_string()
    assert not [number for number in NUMBERS if number in kept]
    for call_id in calls.index:
        check_words(SOUNDS[preset], calls.loc[call_id], done.turns[done.turns.call_id == call_id])
    if preset == "tencent-tccc":
        begin = min(done.turns[done.turns.role == "agent"].start_s)
        assert begin == pytest.approx(AGENT_LATE_S + 1.16, abs=0.2)


def check_words(sound: Sound, call: Any, turns: pd.DataFrame) -> None:
    """Both sides are heard, each where it is, and are judged."""
    assert call["channels"] == ("mono" if sound.agent_channel is None else "stereo")
    assert call["greeting_verdict"] in {"pass", "fail"}
    assert call["score"] is not None
    for role, words in (("agent", sound.agent), ("customer", sound.customer)):
        text = "".join(turns[turns.role == role].sort_values("turn_index").text)
        assert all(word in text for word in words), (role, text)
    if sound.agent_channel is not None:
        sides = set(zip(turns.role, turns.channel.astype(int), strict=True))
        assert sides == {("agent", sound.agent_channel), ("customer", 1 - sound.agent_channel)}
