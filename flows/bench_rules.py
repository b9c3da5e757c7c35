"""How many turns a second all rules judge on one core: ``python -m flows.bench_rules``.

Judges the sample calls as their truth has them, each turn with another word before it in every
round, so that nothing is found in a cache that a night would have to work out. jieba's cut of the
same words in the same run tells how fast the machine is meanwhile.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jieba

from audit import pipeline, rulebook
from audit.rules.written.examples import as_call
from audit.types import Call

TRUTH = Path("data_samples/truth")
_ROLES = {"A": "客服", "C": "客户"}
BEFORE = "甲乙丙丁戊己庚辛壬癸子丑"


def main() -> None:
    """Print turns and calls a second, the best of some rounds, and the middle one."""
    book = rulebook.load("hotline")
    calls = [_call(json.loads(file.read_text("utf-8")), book) for file in sorted(TRUTH.iterdir())]
    turns = sum(len(call.turns) for call in calls)
    _judge(calls, book)  # loads what is learned
    _cut(calls)  # loads jieba's words
    seconds, ratios = [], []
    for word in BEFORE:
        anew = _anew(calls, word)
        seconds.append(_judge(anew, book))
        ratios.append(seconds[-1] / _cut(anew))
    for name, took in (("best", min(seconds)), ("median", statistics.median(seconds))):
        print(f"{name}: {turns / took:.0f} turns, {len(calls) / took:.0f} calls a second")
    print(f"{statistics.median(ratios):.1f} times as long as jieba takes to cut the same words")


def _call(truth: dict[str, list[dict[str, str]]], book: rulebook.Rulebook) -> Call:
    lines = (
        f"[{turn['start']}-{turn['end']}] {_ROLES[turn['role']]}: {turn['text']}"
        for turn in truth["turns"]
    )
    return as_call(tuple(lines), book)


def _anew(calls: Sequence[Call], word: str) -> list[Call]:
    return [
        replace(
            call,
            transcript=replace(
                call.transcript,
                turns=tuple(replace(turn, text=word + turn.text) for turn in call.turns),
            ),
        )
        for call in calls
    ]


def _judge(calls: Sequence[Call], book: rulebook.Rulebook) -> float:
    started = time.process_time()
    for call in calls:
        pipeline.judge(call, book)
    return time.process_time() - started


def _cut(calls: Sequence[Call]) -> float:
    started = time.process_time()
    for call in calls:
        for turn in call.turns:
            jieba.lcut(turn.text)
    return time.process_time() - started


if __name__ == "__main__":
    main()
