"""Channels as recorders write them, through the command: nobody is accused by mistake."""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from audit.transcription.decoding import decode
from audit.types import SAMPLE_RATE
from tests.conftest import NO_WAY_OUT, ROOT, Script
from tests.recorder import recorder

pytestmark = pytest.mark.slow

CALLS = ROOT / "data_samples" / "calls"
CUT_IN_S = 18.26
"""When the agent of S20 interrupts the customer, the only time."""

Samples = NDArray[np.float32]


def call(name: str, seconds: float) -> Samples:
    (path,) = CALLS.glob(f"{name}_*")
    return decode(path).samples[:, : int(seconds * SAMPLE_RATE)].astype(np.float32)


def at(seconds: float) -> int:
    return int(seconds * SAMPLE_RATE)


def made() -> dict[str, Samples]:
    """Calls by what is wrong with their channels."""
    changed = call("S13", 60)
    changed[:, at(28.5) :] = changed[::-1, at(28.5) :].copy()
    late = call("S20", 24)
    late[0, : at(10)] = 0
    echoing = call("S20", 36)
    echoing[0, at(0.5) :] += 0.6 * echoing[1, : -at(0.5)]
    return {"changed": changed, "late": late, "echoing": echoing, "streamed": call("S20", 24)}


def write(folder: Path, name: str, samples: Samples) -> Path:
    path = folder / f"{name}_2006_20261118T170836.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE // 2)
        narrow = resample_poly(samples, 1, 2, axis=1).clip(-32768, 32767).astype("<i2")
        file.writeframes(np.ascontiguousarray(narrow.T).tobytes())
    return path


@dataclass(frozen=True)
class Night:
    first: str
    """What the run said while one recording was still being written."""
    second: str
    calls: pd.DataFrame
    findings: pd.DataFrame

    def fails(self, name: str) -> list[tuple[str, float]]:
        mine = self.findings[
            (self.findings["call_id"] == name) & (self.findings["verdict"] == "fail")
        ]
        return list(zip(mine["rule_id"], mine["start_s"], strict=True))


@pytest.fixture(scope="module")
def night(callaudit: Script, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("channels")
    recordings, out = folder / "recordings", folder / "out"
    recordings.mkdir()
    for name, samples in made().items():
        path = write(recordings, name, samples)
        if name == "streamed":
            whole, size = path.read_bytes(), struct.pack("<I", 0xFFFFFFFF)
            path.write_bytes(whole[:4] + size + whole[8:40] + size + whole[44:])
    live = write(recordings, "live", call("S20", 24))
    run = ("run", str(recordings), "--out", str(out), "--rulebook", "hotline")
    whole = live.read_bytes()
    with recorder(live, whole, begun=len(whole) // 2, every_s=1):
        first = callaudit(*run, env=NO_WAY_OUT)
    assert first.returncode == 0, first.stderr
    assert set(pd.read_parquet(out / "parquet" / "calls")["call_id"]) == set(made())
    second = callaudit(*run, env=NO_WAY_OUT)
    assert second.returncode == 0, second.stderr
    tables = (pd.read_parquet(out / "parquet" / name) for name in ("calls", "findings"))
    return Night(first.stdout + first.stderr, second.stdout + second.stderr, *tables)


def test_channels_that_change_accuse_nobody(night: Night) -> None:
    assert night.fails("changed") == []
    doubts = night.calls.set_index("call_id")["doubts"]["changed"]
    assert any("声道像是互换了" in doubt for doubt in doubts)


def test_a_greeting_that_was_not_recorded_is_not_missed(night: Night) -> None:
    assert night.fails("late") == [("no_interruption", pytest.approx(CUT_IN_S, abs=0.3))]
    greeting = night.findings[
        (night.findings["call_id"] == "late") & (night.findings["rule_id"] == "greeting")
    ]
    assert set(greeting["verdict"]) == {"cannot_tell"}


def test_the_customers_echo_is_no_agent_who_interrupts(night: Night) -> None:
    assert night.fails("echoing") == [("no_interruption", pytest.approx(CUT_IN_S, abs=0.3))]


def test_a_header_of_a_stream_costs_nothing(night: Night) -> None:
    assert night.fails("streamed") == [("no_interruption", pytest.approx(CUT_IN_S, abs=0.3))]


def test_what_is_still_written_is_audited_by_the_next_run(night: Night) -> None:
    assert "left for later: 1 recording still being written" in night.first
    assert "left for later" not in night.second
    assert night.fails("live") == night.fails("streamed")
