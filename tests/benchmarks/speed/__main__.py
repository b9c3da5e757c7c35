"""``python -m tests.benchmarks.speed``: the table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.speed import suite
from tests.benchmarks.speed.suite import GIVES, OPENAI_CLI, SLOW, Cost
from tests.benchmarks.speed.ways import WAYS


def main() -> None:
    """Run the benchmark, print its table, write its figures."""
    parser = argparse.ArgumentParser(description="Speed, memory and errors, side by side.")
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--truth", type=Path, help="labelled calls, for character error rates")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument(
        "--few",
        type=int,
        default=3,
        help=f"so many of the calls go to {OPENAI_CLI} and {SLOW[0]}, which are slow; 0 for none",
    )
    parser.add_argument(
        "--minutes", type=float, nargs="+", default=[], help="cost of calls of such lengths too"
    )
    parser.add_argument("--out", type=Path, help="file that receives the figures as JSON")
    arguments = parser.parse_args()
    sounds = suite.calls(arguments.recordings, truth=arguments.truth)
    if not sounds:
        raise SystemExit(f"{arguments.recordings} holds no two-channel recordings")
    ways = [way for way in arguments.ways if arguments.few or way not in SLOW]
    costs = suite.compare(sounds, ways, few=arguments.few)
    few = sounds[: arguments.few]
    if few and shutil.which("ffmpeg") is None:
        print(f"{OPENAI_CLI} is left out: it needs the program ffmpeg", file=sys.stderr)
    elif few:
        costs[OPENAI_CLI] = suite.openai_cli(few)
    paths = {str(sound.path) for sound in few}
    figures = {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}",
        "calls": len(sounds),
        "audio_s": round(sum(sound.duration_s for sound in sounds), 1),
        "ways": {name: _figures(cost, costs, paths) for name, cost in costs.items()},
        "minutes": {m: _figures(c, {}, set()) for m, c in suite.lengths(sounds, arguments.minutes)},
    }
    for line in _table(figures):
        print(line)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def _figures(cost: Cost, costs: Mapping[str, Cost], few: set[str]) -> dict[str, Any]:
    """Costs per second of call; ``times_callaudit`` compares wall times on the same calls."""
    ours = costs.get("callaudit")
    against = None
    if ours is not None:
        all_calls = cost.audio_s == ours.audio_s
        same = ours.wall_s if all_calls else sum(ours.wall_by_call[path] for path in few)
        against = round(cost.wall_s / same, 2)
    return {
        "wall": round(cost.wall_s / cost.audio_s, 4),
        "cpu": round(cost.cpu_s / cost.audio_s, 4),
        "times_callaudit": against,
        "cer": None if cost.cer is None else round(cost.cer, 4),
        "peak_mb": round(cost.peak_mb) or None,
        "load_s": round(cost.load_s, 1) or None,
        "steps": {name: round(s / cost.audio_s, 4) for name, s in cost.steps.items()},
    }


def _table(figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{figures['calls']} calls, {figures['audio_s']} s, {figures['machine']}"
    yield "seconds per second of call:"
    yield "| way | wall | CPU | callaudit = 1 | CER | peak memory | beside text |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, row in figures["ways"].items():
        shown = [row[key] for key in ("wall", "cpu", "times_callaudit", "cer")]
        memory = f"{row['peak_mb']} MB" if row["peak_mb"] else "–"
        cells = [name, *("–" if v is None else str(v) for v in shown), memory, GIVES.get(name, "–")]
        yield f"| {' | '.join(cells)} |"
    for name, row in figures["ways"].items():
        if row["steps"]:
            steps = ", ".join(f"{step} {seconds}" for step, seconds in row["steps"].items())
            rest = sum(row["steps"].values()) / row["steps"]["asr"]
            yield f"{name}: {steps}; whole / asr {rest:.3f}, loaded in {row['load_s']} s"
    if figures["minutes"]:
        yield "| minutes of call | wall per second | CPU per second | peak memory |"
        yield "| --- | --- | --- | --- |"
        for minutes, row in figures["minutes"].items():
            yield f"| {minutes:g} | {row['wall']} | {row['cpu']} | {row['peak_mb']} MB |"


if __name__ == "__main__":
    main()
