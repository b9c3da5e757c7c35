"""How large a night may be: time to plan it, and memory while it is heard.

``python -m tests.benchmarks.night plan 100000`` plans so many recordings that only have a size;
``python -m tests.benchmarks.night customers 100000`` plans so many rows of a manifest whose numbers
(four in five distinct) are hashed, beside one that keeps them as they are and one without them, and
tells how long hashing takes beside reading the table;
``python -m tests.benchmarks.night hear 1000`` audits so many clips of one second of tones, in which
nothing is said, with the console script, and prints the most memory that its processes took.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import wave
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from audit.intake import manifests, recordings, roots
from audit.intake.sheets import Row
from audit.privacy.customers import hashed
from flows import jobs
from tests.timing import ratio

_RATE = 8_000
_CALLS_OF_AGENT = 80
"""An agent takes so many in a night; a larger night has more agents, not busier ones."""


def name_of(number: int) -> str:
    """File name of a recording: a folder for each agent."""
    agent = number // _CALLS_OF_AGENT
    seconds = number % 60, number // 60 % 60, number // 3600 % 24
    return f"{agent}/N{number}_{agent}_20261116T{seconds[2]:02}{seconds[1]:02}{seconds[0]:02}.wav"


def plan(folder: Path, count: int) -> dict[str, float]:
    """Plan recordings of a few bytes each, and write the plan."""
    for number in range(count):
        path = folder / "calls" / name_of(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
    before = peak_mb()
    started = time.perf_counter()
    planned = recordings.plan(
        roots.open_root(str(folder / "calls")),
        manifest=None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 30,
        today=date(2026, 11, 17),
    )
    from audit.config import Config

    job = jobs.Job(
        "bench",
        folder / "out",
        "",
        Config(),
        "",
        True,
        planned.recordings,
        planned.rejects,
    )
    jobs.load_job(jobs.save_job(job))
    seconds = time.perf_counter() - started
    return {
        "recordings": len(planned.recordings),
        "shards": job.shards,
        "seconds": round(seconds, 1),
        "peak_mb_before": round(before),
        "peak_mb": round(peak_mb()),
    }


def customers(folder: Path, count: int) -> dict[str, float]:
    """Plan a manifest with customers' numbers, and the same without hashing them."""
    drawn = random.Random(1)
    numbers = [f"13{drawn.randrange(10**9):09}" for _ in range(count * 4 // 5)]
    rows = [
        f"{name_of(number)},{number // _CALLS_OF_AGENT},2026-11-16T09:00:00,in"
        for number in range(count)
    ]
    with_number = [f"{row},{drawn.choice(numbers)}" for row in rows]
    header = "file,agent_id,started_at,direction"
    tables = {
        "hashed": [f"{header},customer_key", *with_number],
        "kept": [f"{header},customer_no", *with_number],
        "none": [header, *rows],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines))

    def number_hash(given: str) -> str | None:
        return hashed(given, b"k" * 32)

    def planned(name: str) -> None:
        recordings.plan(
            None,
            manifest=str(folder / name),
            timezone="Asia/Shanghai",
            rulebooks=("hotline",),
            max_bytes=1 << 30,
            today=date(2026, 11, 17),
            customer=number_hash,
        )

    def read() -> list[Row]:
        return manifests.opened(str(folder / "hashed")).rows

    work = partial(planned, "hashed")
    both = ratio(lambda: manifests.without_numbers(read(), number_hash), read, times=3)
    return {
        "rows": count,
        "beside reading": round(both - 1, 2),
        "beside kept": round(ratio(work, partial(planned, "kept"), times=3), 2),
        "beside none": round(ratio(work, partial(planned, "none"), times=3), 2),
    }


def hear(folder: Path, count: int) -> dict[str, float]:
    """Audit clips that nobody speaks in."""
    times = np.arange(_RATE) / _RATE
    for number in range(count):
        path = folder / "calls" / name_of(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 3000 * np.sin(2 * np.pi * (300 + number % 997) * times) + number % 31
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            both = np.stack([tone, tone[::-1] * 0.5 + number // 31 % 1000]).T
            file.writeframes(both.astype("<i2").tobytes())
    script = str(Path(sys.executable).with_name("callaudit"))
    started = time.perf_counter()
    process = subprocess.Popen(
        [script, "run", str(folder / "calls"), "--out", str(folder / "out")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peaks: dict[str, float] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    process.wait()
    watcher.join()
    seconds = time.perf_counter() - started
    return {
        "recordings": count,
        "exit_code": process.returncode,
        "seconds": round(seconds),
        **peaks,
    }


def _watch(process: subprocess.Popen[bytes], peaks: dict[str, float]) -> None:
    """Note the most memory of the batch, of those that hear and publish, and of all at once."""
    while process.poll() is None:
        taken = {"batch_mb": _rss_mb(process.pid)}
        for pid, name in _below(process.pid):
            taken[name] = taken.get(name, 0) + _rss_mb(pid)
        taken["all_mb"] = sum(taken.values())
        for name, mb in taken.items():
            peaks[name] = max(peaks.get(name, 0), mb)
        time.sleep(0.5)


def _below(pid: int) -> list[tuple[int, str]]:
    """Processes of ours that another has started, and what to call their memory."""
    found = []
    try:
        listed = Path(f"/proc/{pid}/task").glob("*/children")
        for children in listed:
            for child in children.read_text().split():
                line = Path(f"/proc/{child}/cmdline").read_text()
                found += [
                    (int(child), f"{name}_mb")
                    for name in ("hearer", "publisher")
                    if f"flows.{name}" in line
                ]
    except OSError:
        pass
    return found


def _rss_mb(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0.0
    return round(int(fields[1]) * resource.getpagesize() / 2**20)


def peak_mb() -> float:
    """Most memory that this process has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["plan", "customers", "hear"])
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callaudit-night-") as folder:
        measure = {"plan": plan, "customers": customers, "hear": hear}[arguments.what]
        for name, value in measure(Path(folder), arguments.count).items():
            print(f"{name:<16}{value}")


if __name__ == "__main__":
    main()
