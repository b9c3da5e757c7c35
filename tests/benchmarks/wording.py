"""How well forbidden wording is told: ``python -m tests.benchmarks.wording FILE ...``.

A file is either dialogues in the notation of ``data_samples/dialogues/service`` (``.txt``), or
sentences, ``KIND`` and words separated by a tab (``.tsv``), each of which is put into a call of its
own. The whole rule judges, with the classifier and the thresholds that ship.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import rulebooks
from audit.rates import wilson
from audit.rules import forbidden_language
from audit.types import Verdict
from models.text.forbidden import INNOCENT
from models.training.turns import Line, clause_of, dialogues
from tests.calls import dialogue, found_by

_ROLES = {"坐": "客服", "客": "客户"}
_APART_S = 20.0
_LASTS_S = 15.0
_BEFORE = (Line("坐", "您好，请问有什么可以帮您"), Line("客", "你好，我有个事情想问一下"))


@dataclass(frozen=True, slots=True)
class Judged:
    """A turn of an agent: its label, and what the rule said of it (None for nothing)."""

    call: str
    kind: str
    text: str
    verdict: Verdict | None
    clause: str | None


def main(files: Sequence[Path]) -> None:
    """Print precision, recall and doubt of each file, and what went wrong with ``--verbose``."""
    for file in files:
        judged = [one for name, lines in _calls(file) for one in judge(name, lines)]
        print(file)
        for line in summary(judged):
            print(f"  {line}")
        if "--verbose" in sys.argv:
            for one in judged:
                is_wrong = (one.kind == INNOCENT) == (one.verdict is not None)
                if is_wrong:
                    print(f"    {one.call} {one.kind} {one.verdict}: {one.text}")


def judge(name: str, lines: Sequence[Line]) -> Iterator[Judged]:
    """What the rule says of every turn of the agent."""
    book = rulebooks.load("hotline")
    said = [
        f"[{at * _APART_S}-{at * _APART_S + _LASTS_S}] {_ROLES[line.speaker]}: {line.text}"
        for at, line in enumerate(lines)
    ]
    findings = found_by(forbidden_language.RULE, dialogue(said, book), book)
    by_turn = {
        round((found.start_s or 0) / _APART_S): found for found in findings if found.evidence
    }
    for at, line in enumerate(lines):
        if line.speaker == "坐":
            found = by_turn.get(at)
            yield Judged(
                call=name,
                kind=line.label.rstrip("!?") or INNOCENT,
                text=line.text,
                verdict=found.verdict if found else None,
                clause=found.clause_id if found else None,
            )


def summary(judged: Sequence[Judged]) -> Iterator[str]:
    """Precision, recall and doubt, by turn and by call."""
    clauses = clause_of()
    guilty = [one for one in judged if one.kind != INNOCENT]
    failed = [one for one in judged if one.verdict is Verdict.FAIL]
    rightly = [one for one in failed if one.kind != INNOCENT]
    told = [one for one in guilty if one.verdict is not None]
    yield f"{len(judged)} turns of agents, {len(guilty)} forbidden"
    yield _share("precision of fail", len(rightly), len(failed))
    yield _share("recall, fail", len(rightly), len(guilty))
    yield _share("recall, fail or cannot_tell", len(told), len(guilty))
    right = sum(one.clause == clauses[one.kind] for one in rightly)
    yield _share("clause right", right, len(rightly))
    for kind in clauses:
        of = [one for one in guilty if one.kind == kind]
        counts = Counter(one.verdict for one in of)
        yield (
            f"  {kind}: {len(of)}, fail {counts[Verdict.FAIL]},"
            f" cannot_tell {counts[Verdict.CANNOT_TELL]}"
        )
    faulty = {one.call for one in guilty}
    clean = {one.call for one in judged} - faulty
    accused = {one.call for one in failed} & clean
    doubted = {one.call for one in judged if one.verdict is Verdict.CANNOT_TELL} & clean - accused
    yield _share("innocent calls accused", len(accused), len(clean))
    yield _share("innocent calls cannot_tell", len(doubted), len(clean))


def _share(what: str, hits: int, count: int) -> str:
    low, high = wilson(hits, count)
    share = hits / count if count else float("nan")
    return f"{what}: {share:.3f} [{low:.2f}-{high:.2f}] ({hits} of {count})"


def _calls(file: Path) -> Iterator[tuple[str, Sequence[Line]]]:
    if file.suffix == ".txt":
        yield from dialogues(file)
        return
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        kind, text = line.split("\t")
        label = "" if kind == INNOCENT else f"{kind}!"
        yield f"{number:03}", (*_BEFORE, Line("坐", text, label))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:] if name != "--verbose"])
