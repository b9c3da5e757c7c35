"""How many turns a second all rules judge on one core: ``python -m tests.benchmarks.rules``.

Judges the sample calls as their truth has them, each turn with another word before it in every
round, so that nothing is found in a cache that a night would have to work out. jieba's cut of the
same words in the same run tells how fast the machine is meanwhile.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jieba

from audit import rulebooks, stages
from audit.types import Call
from flows import wiring
from tests.calls import MODELS, dialogue

TRUTH = Path("data_samples/truth")
_ROLES = {"A": "客服", "C": "客户"}
BEFORE = "甲乙丙丁戊己庚辛壬癸子丑"


def main() -> None:
    """Print what stages, all rules and both take: the best of some rounds, and the middle one."""
    book = rulebooks.load("hotline")
    calls = [_call(json.loads(file.read_text("utf-8")), book) for file in sorted(TRUTH.iterdir())]
    turns = sum(len(call.turns) for call in calls)
    _round(calls, book)  # loads what is learned
    rounds = [_round(_anew(calls, word), book) for word in BEFORE]
    for what, took in (
        ("stages", [r.stages_s for r in rounds]),
        ("rules", [r.rules_s for r in rounds]),
        ("both", [r.stages_s + r.rules_s for r in rounds]),
    ):
        best, middle = turns / min(took), turns / statistics.median(took)
        a_call = len(calls) / turns
        print(
            f"{what}: {best:.0f} turns a second at best, {middle:.0f} in the median round", end=""
        )
        print(f" ({best * a_call:.0f} and {middle * a_call:.0f} calls)")
    ratio = statistics.median((r.stages_s + r.rules_s) / r.cut_s for r in rounds)
    print(f"both take {ratio:.1f} times as long as jieba takes to cut the same words")


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of a core that some calls took."""

    stages_s: float
    rules_s: float
    cut_s: float


def _round(calls: Sequence[Call], book: rulebooks.Rulebook) -> _Round:
    started = time.process_time()
    for call in calls:
        for turn in call.turns:
            jieba.lcut(turn.text)
    cut = time.process_time()
    staged = [
        replace(call, transcript=replace(call.transcript, turns=turns))
        for call in calls
        for turns in [stages.assign(call.turns, cues=book.stages, model=MODELS.stages)]
    ]
    told = time.process_time()
    for call in staged:
        staged_by = stages.model_and_cues_sha256(book.stages, MODELS.stages)
        wiring.judge(call, book, staged_by=staged_by)
    return _Round(told - cut, time.process_time() - told, cut - started)


def _call(truth: dict[str, list[dict[str, str]]], book: rulebooks.Rulebook) -> Call:
    lines = (
        f"[{turn['start']}-{turn['end']}] {_ROLES[turn['role']]}: {turn['text']}"
        for turn in truth["turns"]
    )
    return dialogue(lines, book)


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


if __name__ == "__main__":
    main()
