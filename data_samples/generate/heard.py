"""What Whisper heard of said turns: ``python -m data_samples.generate.heard RUN TRUTH``.

Reads an audit (``callaudit run --out RUN --private keep``) of recordings whose labels lie in the
folder ``TRUTH``, pairs every turn said with what was heard on its speaker's side in its time, and
writes CSV to standard output; character errors by voice and codec go to standard error.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import reports
from reports.analysis.error_rates import ErrorRate
from reports.store import Store

COLUMNS: Final = ("dialogue", "turn", "role", "voice", "codec", "said", "heard", "confidence")
_ROLES: Final = {"A": "agent", "C": "customer"}


def paired(
    said: Sequence[Mapping[str, Any]], heard: Sequence[Mapping[str, Any]]
) -> list[list[Mapping[str, Any]]]:
    """What was heard of each turn said.

    Something heard belongs to the turn of the same role that it overlaps longest with, so nothing
    is counted twice; what overlaps with none is left out.

    Args:
        said: turns of the labels: ``role`` (A, C), ``start``, ``end`` in seconds.
        heard: turns of the audit: ``role`` (agent, customer), ``start_s``, ``end_s``.

    Returns:
        For each turn said, what was heard of it in the order of time; nothing where it was missed.

    >>> said = [{"role": "A", "start": 0, "end": 4}, {"role": "A", "start": 5, "end": 9}]
    >>> heard = [{"role": "agent", "start_s": 3.5, "end_s": 8}]
    >>> [len(found) for found in paired(said, heard)]
    [0, 1]
    """
    found: list[list[Mapping[str, Any]]] = [[] for _ in said]
    for turn in sorted(heard, key=lambda row: row["start_s"]):
        shared = [
            min(line["end"], turn["end_s"]) - max(line["start"], turn["start_s"])
            if _ROLES[line["role"]] == turn["role"]
            else 0.0
            for line in said
        ]
        best = max(range(len(said)), key=shared.__getitem__, default=None)
        if best is not None and shared[best] > 0:
            found[best].append(turn)
    return found


def rows(store: Store, truth: Path) -> Iterator[dict[str, Any]]:
    """The lines of the table, for each labelled call that was audited, by call and turn."""
    turns: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in store.turns.arrow().to_pylist():
        turns[row["call_id"]].append(row)
    for call in sorted(store.calls.arrow().to_pylist(), key=lambda row: str(row["call_id"])):
        name, label = call["call_id"], truth / f"{call['call_id']}.json"
        if not label.exists():
            continue
        transcript = (
            store.transcripts.load(call["transcript_id"]) if call["transcript_id"] else None
        )
        full = {turn.index: turn.text for turn in transcript.turns} if transcript else {}
        labels = json.loads(label.read_text("utf-8"))
        pairs = paired(labels["turns"], turns[name])
        for number, (line, found) in enumerate(zip(labels["turns"], pairs, strict=True), start=1):
            sure = [turn["asr_confidence"] for turn in found if turn["asr_confidence"] is not None]
            yield {
                "dialogue": name,
                "turn": number,
                "role": line["role"],
                "voice": labels["voice"] if line["role"] == "A" else "customer",
                "codec": labels["codec"],
                "said": line["text"],
                "heard": "".join(full.get(turn["turn_index"], turn["text"]) for turn in found),
                "confidence": f"{min(sure):.3f}" if sure else "",
            }


def main() -> None:
    """Write the table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder given to callaudit run --out")
    parser.add_argument("truth", type=Path, help="folder of the labels, CALLID.json")
    chosen = parser.parse_args()
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    table.writeheader()
    rates: defaultdict[tuple[str, str], ErrorRate] = defaultdict(ErrorRate)
    for row in rows(reports.open(chosen.run), chosen.truth):
        table.writerow(row)
        rates[row["voice"], row["codec"]] += ErrorRate.of_characters(row["said"], row["heard"])
    for (voice, codec), rate in sorted(rates.items()):
        if rate.rate is not None:
            print(f"{voice} {codec}: {rate.rate:.1%} of {rate.length} characters", file=sys.stderr)


if __name__ == "__main__":
    main()
