"""``python -m tests.benchmarks.speed``: the table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from models.asr import engines
from tests.benchmarks.speed import suite
from tests.benchmarks.speed.suite import OPENAI_CLI, Cost
from tests.benchmarks.speed.ways import CALLAUDIT, OTHERS, settings


def main() -> None:
    """Run the benchmark, print its table, write its figures."""
    arguments = _parser().parse_args()
    sounds = suite.calls(arguments.recordings, truth=arguments.truth)
    if not sounds:
        raise SystemExit(f"{arguments.recordings} holds no two-channel recordings")
    chosen = [*_own(arguments.engine, arguments.config), *arguments.ways]
    ways = [way for way in chosen if arguments.few or not suite.is_slow(way)]
    costs = suite.compare(
        sounds, ways, few=arguments.few, runs=arguments.runs, config=arguments.config
    )
    few = sounds[: arguments.few]
    if few and shutil.which("ffmpeg") is None:
        print(f"{OPENAI_CLI} is left out: it needs the program ffmpeg", file=sys.stderr)
    elif few:
        costs[OPENAI_CLI] = [suite.openai_cli(few)]
    lengths = suite.lengths(sounds, arguments.minutes)
    figures = {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}",
        "calls": len(sounds),
        "audio_s": round(sum(sound.duration_s for sound in sounds), 1),
        "runs": arguments.runs,
        "ways": {name: _figures(runs, costs[ways[0]]) for name, runs in costs.items()},
        "minutes": {minutes: _figures([cost], [cost]) for minutes, cost in lengths},
    }
    for line in _table(figures, baseline=ways[0]):
        print(line)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Speed, memory and errors, side by side.")
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--truth", type=Path, help="labelled calls, for error rates and F1")
    parser.add_argument(
        "--engine",
        action="append",
        metavar="NAME[:MODEL]",
        help="callaudit with this engine; the first is what others are compared with (default: "
        "every engine that is installed and can be used as configured)",
    )
    parser.add_argument("--config", type=Path, help="callaudit's configuration file")
    parser.add_argument("--ways", nargs="*", choices=list(OTHERS), default=list(OTHERS))
    parser.add_argument("--runs", type=int, default=1, help="median and spread of so many runs")
    parser.add_argument(
        "--few",
        type=int,
        default=3,
        help=f"so many of the calls go to {OPENAI_CLI} and callaudit with openai-whisper, which "
        "are slow; 0 for none",
    )
    parser.add_argument(
        "--minutes", type=float, nargs="+", default=[], help="cost of calls of such lengths too"
    )
    parser.add_argument("--out", type=Path, help="file that receives the figures as JSON")
    return parser


def _own(named: Sequence[str] | None, path: Path | None) -> list[str]:
    """Callaudit's ways: with the engines named, or with all that can be used."""
    if named:
        for way in (f"{CALLAUDIT}:{name}" for name in named):
            engines.choose(settings(way, path).transcription.asr)
        return [f"{CALLAUDIT}:{name}" for name in named]
    usable = []
    for name in engines.installed():
        try:
            engines.choose(settings(f"{CALLAUDIT}:{name}", path).transcription.asr)
        except UsageError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            usable.append(f"{CALLAUDIT}:{name}")
    return usable


Spread = Mapping[str, float]
"""Median, least and greatest of several runs."""


def _spread(values: Iterable[float]) -> Spread:
    found = [round(value, 4) for value in values]
    return {"median": statistics.median(found), "min": min(found), "max": max(found)}


def _figures(runs: Sequence[Cost], baseline: Sequence[Cost]) -> dict[str, Any]:
    """Costs per second of call, and how many times the baseline's for the same calls."""
    first = runs[0]
    pairs = list(zip(runs, baseline, strict=False))
    steps = {
        name: {
            "wall": _spread(run.steps[name].wall / run.audio_s for run in runs),
            "cpu": _spread(run.steps[name].cpu / run.audio_s for run in runs),
        }
        for name in first.steps
    }
    return {
        "wall": _spread(run.spent.wall / run.audio_s for run in runs),
        "cpu": _spread(run.spent.cpu / run.audio_s for run in runs),
        "times_wall": _spread(_times(run, ours, "wall") for run, ours in pairs),
        "times_cpu": _spread(_times(run, ours, "cpu") for run, ours in pairs),
        "cer": first.errors.rate,
        "cer_as_written": first.errors_as_written.rate,
        "f1": first.f1,
        "peak_mb": round(max(run.peak_mb for run in runs)) or None,
        "load_s": round(first.load.wall, 1) or None,
        "steps": steps,
        "beside_asr": {
            clock: _spread(
                getattr(run.spent, clock) / getattr(run.steps["asr"], clock) - 1 for run in runs
            )
            for clock in ("wall", "cpu")
            if "asr" in first.steps
        },
    }


def _times(run: Cost, ours: Cost, clock: str) -> float:
    """How many times ours a run takes, for the calls that it was given."""
    if run.audio_s == ours.audio_s:
        return float(getattr(run.spent, clock) / getattr(ours.spent, clock))
    same = sum(getattr(ours.by_call[path], clock) for path in run.by_call)
    return float(getattr(run.spent, clock) / same)


def _table(figures: Mapping[str, Any], *, baseline: str) -> Iterator[str]:
    yield (
        f"{figures['calls']} calls, {figures['audio_s']} s, {figures['machine']}, "
        f"{figures['runs']} runs: median (least–greatest)"
    )
    yield "seconds per second of call:"
    yield (
        f"| way | wall | {baseline} = 1 | CPU | {baseline} = 1 | CER | CER as written "
        "| F1 | peak memory |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, row in figures["ways"].items():
        cells = [
            name,
            *(_shown(row[key]) for key in ("wall", "times_wall", "cpu", "times_cpu")),
            *("–" if row[key] is None else f"{row[key]:.3f}" for key in ("cer", "cer_as_written")),
            ", ".join(f"{rule} {f1:.3f}" for rule, f1 in row["f1"].items() if f1 is not None)
            or "–",
            f"{row['peak_mb']} MB" if row["peak_mb"] else "–",
        ]
        yield f"| {' | '.join(cells)} |"
    for name, row in figures["ways"].items():
        if row["beside_asr"]:
            steps = ", ".join(f"{step} {_shown(s['wall'])}" for step, s in row["steps"].items())
            yield f"{name}: {steps}; loaded in {row['load_s']} s"
            for clock, share in row["beside_asr"].items():
                yield f"{name}: beside asr, of its {clock}: {_shown(share)}"
    if figures["minutes"]:
        yield "| minutes of call | wall per second | CPU per second | peak memory |"
        yield "| --- | --- | --- | --- |"
        for minutes, row in figures["minutes"].items():
            wall, cpu = row["wall"]["median"], row["cpu"]["median"]
            yield f"| {minutes:g} | {wall} | {cpu} | {row['peak_mb']} MB |"


def _shown(spread: Spread) -> str:
    if spread["min"] == spread["max"]:
        return f"{spread['median']:.4g}"
    return f"{spread['median']:.4g} ({spread['min']:.4g}–{spread['max']:.4g})"


if __name__ == "__main__":
    main()
