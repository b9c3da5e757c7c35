"""What tests of several packages share: the console script, and one audit of the sample calls."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = Path(sys.executable).parent / "callaudit"

Script = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Audited:
    """The sample calls, audited once for the whole session; leave ``out`` as it is."""

    out: Path
    code: int
    stdout: str
    stderr: str
    wall_s: float
    arguments: tuple[str, ...]
    """Of the command that audited them."""


@pytest.fixture(scope="session")
def callaudit() -> Script:
    """Run the console script as a user does, from the repository's folder."""

    def run(
        *arguments: str | Path, timeout: float = 600, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPT), *(str(argument) for argument in arguments)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def audited(callaudit: Script, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The sample calls through the real thing: Whisper, Prefect, Parquet, HTML."""
    out = tmp_path_factory.mktemp("audited")
    samples = ROOT / "data_samples"
    arguments = ("run", str(samples / "calls"), "--manifest", str(samples / "manifest.csv"))
    arguments = (*arguments, "--out", str(out))
    started = time.perf_counter()
    done = callaudit(*arguments)
    wall_s = time.perf_counter() - started
    return Audited(out, done.returncode, done.stdout, done.stderr, wall_s, arguments)
