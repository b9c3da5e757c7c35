"""How many turns a second all rules judge on one core: ``python -m flows.bench_rules``.

Judges the sample calls as their truth has them, the words of each turn made new in every round, so
that nothing is found in a cache that a night would have to work out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audit import pipeline, rulebook
from audit.rules.written.examples import as_call
from audit.types import Call

TRUTH = Path("data_samples/truth")
_ROLES = {"A": "客服", "C": "客户"}
_ROUNDS = 12
_MARKS = "，。、？！"


def main() -> None:
    """Print turns and calls a second, the best of some rounds, and the middle one."""
    book = rulebook.load("hotline")
    calls = [_call(json.loads(file.read_text("utf-8")), book) for file in sorted(TRUTH.iterdir())]
    turns = sum(len(call.turns) for call in calls)
    seconds = sorted(_judge(_anew(calls, number), book) for number in range(_ROUNDS))
    for name, took in (("best", seconds[0]), ("median", seconds[_ROUNDS // 2])):
        print(f"{name}: {turns / took:.0f} turns, {len(calls) / took:.0f} calls a second")


def _call(truth: dict[str, list[dict[str, str]]], book: rulebook.Rulebook) -> Call:
    lines = (
        f"[{turn['start']}-{turn['end']}] {_ROLES[turn['role']]}: {turn['text']}"
        for turn in truth["turns"]
    )
    return as_call(tuple(lines), book)


def _anew(calls: Sequence[Call], number: int) -> list[Call]:
    """The calls with a mark more at the end of each turn, another one each time."""
    mark = _MARKS[number % len(_MARKS)] * (1 + number // len(_MARKS))
    return [
        replace(
            call,
            transcript=replace(
                call.transcript,
                turns=tuple(replace(turn, text=turn.text + mark) for turn in call.turns),
            ),
        )
        for call in calls
    ]


def _judge(calls: Sequence[Call], book: rulebook.Rulebook) -> float:
    started = time.process_time()
    for call in calls:
        pipeline.judge(call, book)
    return time.process_time() - started


if __name__ == "__main__":
    main()
