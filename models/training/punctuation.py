"""Trains what sets punctuation: ``python -m models.training.punctuation``.

Writers of dialogues put the marks; without them, and half of the turns once more with errors of a
recogniser, their turns are the examples. Only turns count that are punctuated throughout, and of
those without a full stop at the end only where commas are. A writer's turns lie on one side of a
split: the calibration is set, and the figures are printed, on turns of writers that a model has
not seen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.text import punctuation, tokens
from models.training import linear
from models.training.noise import Noise
from models.training.turns import EXCHANGES, SERVICE, dialogues, exchanges

ACTS = Path("data_samples/acts")
SIGNS = re.compile(r"[，、；：。！？…—,;:!?]+")
"""Marks between clauses; a run of them is one."""

_SPACED = re.compile(r"[\u3400-\u9fff] +[\u3400-\u9fff]")
_ENDED = re.compile("[。！？…!?][”』」）]?$")
_LONGEST = 20
"""Characters that a clause may have: writers who leave out marks write longer ones."""
_LONGEST_UNENDED = 16
_GARBLED = 0.5
"""Share of the turns that come a second time, with errors of a recogniser."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Punctuated:
    """A turn in its clauses.

    Attributes:
        clauses: their characters, without signs.
        signs: after each: ``，``, ``。`` or ``？``.
        group: who wrote it.
        ended: whether it has full stops, not only commas.
    """

    clauses: tuple[str, ...]
    signs: str
    group: str
    ended: bool


def split(text: str, group: str = "") -> Punctuated:
    """A punctuated text in its clauses.

    >>> split("好的，您贵姓？").clauses, split("好的，您贵姓？").signs
    (('好的', '您贵姓'), '，？')
    """
    clauses: list[str] = []
    signs = ""
    last = 0
    for sign in SIGNS.finditer(f"{text}，"):
        said = tokens.plain(text[last : sign.start()])
        last = sign.end()
        if said:
            clauses.append(said)
            signs += _kind(sign[0])
    return Punctuated(tuple(clauses), signs, group, bool(_ENDED.search(text)))


def turns() -> Iterator[Punctuated]:
    """Turns that are punctuated throughout."""
    for file in sorted(SERVICE.glob("*.txt")):
        for _, lines in dialogues(file):
            if all(_is_ended(line.text) for line in lines[:3]):
                yield from (split(line.text, file.stem) for line in lines if _is_ended(line.text))
    for file in sorted(ACTS.glob("*.tsv")):
        for line in file.read_text("utf-8").splitlines():
            yield from _clear(line.split("\t")[2:4], file.stem)
    for file in sorted(EXCHANGES.glob("*.tsv")):
        for _, *said in exchanges(file):
            yield from _clear(said, file.stem)


def _is_ended(text: str) -> bool:
    return bool(_ENDED.search(text)) and not _SPACED.search(text)


def _clear(texts: Sequence[str], group: str) -> Iterator[Punctuated]:
    """Those of single turns that have all their marks, or at least all their commas."""
    for text in texts:
        turn = split(text, group)
        longest = max(map(len, turn.clauses), default=0)
        enough = _LONGEST if turn.ended else _LONGEST_UNENDED
        marked = turn.ended or len(turn.clauses) > 1
        if marked and longest <= enough and not _SPACED.search(text):
            yield turn


def _kind(sign: str) -> str:
    if re.search("[？?]", sign):
        return "？"
    return "。" if re.search("[。！!]", sign) else "，"


def with_errors(known: Sequence[Punctuated]) -> list[Punctuated]:
    """The turns, and half of them once more as a recogniser may hear them."""
    chance, noise = random.Random(_SEED), Noise.learned()
    heard = [turn for turn in known if chance.random() < _GARBLED]
    pieces = iter(noise.garbled([clause for turn in heard for clause in turn.clauses]))
    found = [*known]
    for turn in heard:
        kept = [(next(pieces), sign) for sign in turn.signs]
        kept = [(clause, sign) for clause, sign in kept if clause]
        clauses = tuple(clause for clause, _ in kept)
        signs = "".join(sign for _, sign in kept)
        found.append(Punctuated(clauses, signs, turn.group, turn.ended))
    return found


@dataclass(slots=True)
class _Examples:
    """Features, answers and writers of one model's examples."""

    found: list[set[str]]
    labels: list[bool]
    groups: list[str]

    def add(self, features: Sequence[str], label: bool, group: str) -> None:
        self.found.append(set(features))
        self.labels.append(label)
        self.groups.append(group)


def examples(known: Sequence[Punctuated]) -> tuple[_Examples, _Examples, _Examples]:
    """Gaps between words; marks inside turns; ends of sentences."""
    places, stops, questions = (_Examples([], [], []) for _ in range(3))
    for turn in known:
        words = tokens.telephone().cut("".join(turn.clauses))
        signs: dict[int, str] = {}
        count = 0
        for clause, mark in zip(turn.clauses, turn.signs, strict=True):
            count += len(clause)
            signs[count] = mark
        sentence = first = at = 0
        for number, word in enumerate(words, start=1):
            at += len(word)
            sign, is_last = signs.get(at), number == len(words)
            if not is_last:
                features = punctuation.place_features(words, number)
                places.add(features, sign is not None, turn.group)
            if sign is None:
                continue
            if turn.ended:
                features = punctuation.clause_features(words, sentence, first, number)
                if not is_last:
                    stops.add(features, sign != "，", turn.group)
                if sign != "，":
                    questions.add(features, sign == "？", turn.group)
            first = number
            if sign != "，":
                sentence = number
    return places, stops, questions


def main() -> None:
    """Write the three artifacts and print what each finds at some thresholds."""
    learn(list(turns()), (punctuation.PLACES, punctuation.STOPS, punctuation.QUESTIONS))


def learn(known: Sequence[Punctuated], artifacts: Sequence[Path]) -> None:
    """Write the models of places, of sentence ends and of questions, from punctuated turns."""
    settings = linear.Settings(inverse_regularization=6.0, weight_min=0.1, tolerance=1e-2)
    for examples_, out in zip(examples(with_errors(known)), artifacts, strict=True):
        labels = np.array(examples_.labels)
        odds = linear.fit(examples_.found, labels, examples_.groups, settings, out=out)
        _tell(odds, labels)


def _tell(odds: NDArray[np.float64], labels: NDArray[np.bool_]) -> None:
    for least in np.arange(-1.0, 3.1, 0.5):
        said = odds >= least
        right = (said & labels).sum()
        precision, recall = right / max(1, said.sum()), right / labels.sum()
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        print(f"{least:+.1f}: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")


if __name__ == "__main__":
    main()
