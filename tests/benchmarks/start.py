"""The first minute: how long one call takes from the command to its page, and once more.

``python -m tests.benchmarks.start`` audits one sample call of 43 s into a new folder, and into the
same folder again, where nothing is left to transcribe. ``--against PATH`` does the same with
another checkout, in turns, so that other work on the machine meets both. It prints medians:
seconds by the clock, CPU seconds of all processes, and the ratio to the other checkout. Modules are
compiled before, as those of an installed package are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALL = ROOT / "data_samples" / "calls" / "S08_2003_20261117T085033.wav"
RUNS = ("first", "again")

Spent = tuple[float, float]
"""Seconds by the clock and CPU seconds."""


def run(checkout: Path, calls: Path, out: Path, cache: Path) -> Spent:
    """Audit a folder of calls with the code of a checkout.

    Raises:
        RuntimeError: it failed.
    """
    command = "from flows.cli.main import main; main(prog_name='callaudit')"
    environment = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "CALLAUDIT_CACHE": str(cache),
        "PYTHONPYCACHEPREFIX": str(cache / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", command, "run", str(calls), "--out", str(out)],
        env=environment,
        cwd=calls,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)  # with all processes below that were waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the run of {checkout} ended with exit code {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def measure(checkouts: list[Path], times: int) -> dict[tuple[Path, str], list[Spent]]:
    """What each run of each checkout took; one run of each before that is not counted."""
    spent: dict[tuple[Path, str], list[Spent]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calls").mkdir()
        shutil.copy(CALL, folder / "calls")
        for number in range(times + 1):
            for checkout in checkouts:
                out = folder / f"out-{number}-{checkouts.index(checkout)}"
                for which in RUNS:
                    took = run(checkout, folder / "calls", out, folder / "cache")
                    print(number, which, *(f"{seconds:.1f}" for seconds in took), checkout)
                    if number:  # the very first makes Prefect's database, and compiles
                        spent.setdefault((checkout, which), []).append(took)
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--times", type=int, default=3, help="runs of each kind (default: 3)")
    given = parser.parse_args()
    checkouts = [ROOT, *([given.against.resolve()] if given.against else [])]
    spent = measure(checkouts, given.times)
    print(f"load of the machine in the last minute: {os.getloadavg()[0]:.1f}")
    for which in RUNS:
        for checkout in checkouts:
            walls, cpus = zip(*spent[checkout, which], strict=True)
            print(
                f"{which}: {statistics.median(walls):.1f} s, "
                f"{statistics.median(cpus):.1f} CPU s, least {min(walls):.1f} s  {checkout}"
            )
        if given.against:
            pairs = zip(*(spent[checkout, which] for checkout in checkouts), strict=True)
            ratios = [(ours[0] / theirs[0], ours[1] / theirs[1]) for ours, theirs in pairs]
            wall, cpu = (statistics.median(values) for values in zip(*ratios, strict=True))
            print(f"{which}: {wall:.2f} of its time, {cpu:.2f} of its CPU time")


if __name__ == "__main__":
    main()
