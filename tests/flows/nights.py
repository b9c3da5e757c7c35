"""Nights of short recordings that faults befall, and the count of the faults injected."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.transcription import decoding

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("callaudit")
FAULTS = ROOT / "tests" / "faults"
LEDGER = {"faults injected": 0, "calls lost": 0, "duplicates": 0}


@cache
def speech(length: int = 41_600) -> NDArray[np.int16]:
    """2.6 s of a sample call at 16 kHz, ``[channels, samples]``; only the agent speaks."""
    path = ROOT / "data_samples" / "calls" / "S06_2006_20261116T153312.wav"
    return decoding.decode(path).samples[:, 8_000 : 8_000 + length]


def write_clip(path: Path, *, number: int, length: int = 41_600) -> None:
    """A short recording; each number has bytes of its own."""
    samples = speech(length).T.astype("<i2").copy()
    samples[0] = number
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())


@dataclass
class Night:
    """A folder of short recordings whose names say what befalls whoever opens them."""

    base: Path
    calls: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    settings: str = (
        "batch: {timeout_s: 5, timeout_per_s: 6, tries: 2, memory_mb: 1500, shard_size: 4}\n"
    )
    asr: str = "{beam_size: 1}"
    out: Path = Path()

    def __post_init__(self) -> None:
        self.recordings = self.base / "recordings"
        self.recordings.mkdir(parents=True)
        self.out = self.base / "out"
        for number, call in enumerate(self.calls):
            name = f"{call}_2001_20261116T0900{number:02}.wav"
            write_clip(self.recordings / name, number=number)

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start the console script on the night, with faults."""
        config = self.base / "callaudit.yaml"
        config.write_text(f"transcription: {{asr: {self.asr}}}\n{self.settings}")
        paths = [str(FAULTS), *filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)])]
        return subprocess.Popen(
            [
                *(str(SCRIPT), "run", str(self.recordings), "--out", str(self.out)),
                *("--config", str(config), *options),
            ],
            cwd=self.base,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                **self.environment,
                "PYTHONPATH": os.pathsep.join(paths),
                **environment,
            },
        )

    def run(self, *options: str, **environment: str) -> tuple[int, str]:
        """Run it to its end; gives the exit code and what it said on stderr."""
        process = self.start(*options, **environment)
        _, output = process.communicate(timeout=240)
        assert "Traceback" not in output, output
        return process.returncode, output

    def table(self, name: str) -> pd.DataFrame:
        """A table as any reader would take it."""
        folder = self.out / "parquet" / name
        there = any(folder.glob("**/part-0.parquet"))
        return pd.read_parquet(folder) if there else pd.DataFrame({"call_id": []})

    def reasons(self) -> dict[str, str]:
        """Rejected calls and their reasons."""
        rejects = self.table("rejects")
        return dict(zip(rejects["call_id"], rejects["reason"], strict=True)) if len(rejects) else {}

    def check(self, *, complete: bool = True) -> None:
        """Every table reads; no call is there twice; with ``complete`` none is missing."""
        for path in self.out.glob("parquet/**/part-0.parquet"):
            pq.read_table(path, partitioning=None)
        audited = list(self.table("calls")["call_id"])
        ended = audited + list(self.reasons())
        LEDGER["duplicates"] += len(ended) - len(set(ended))
        assert len(ended) == len(set(ended)), ended
        for name, key in (("turns", ["call_id", "turn_index"]), ("findings", ["finding_id"])):
            rows = self.table(name)
            assert not len(rows) or not rows.duplicated(key).any()
        if complete:
            LEDGER["calls lost"] += len(set(self.calls) - set(ended))
            assert set(ended) == set(self.calls)
            assert set(self.table("turns")["call_id"]) == set(audited)
            assert set(self.table("findings")["call_id"]) == set(audited)


def inject(count: int = 1) -> None:
    """Note that faults have been injected."""
    LEDGER["faults injected"] += count
