"""Classifies an agent's turns as forbidden wording, and its kind.

Linear models over characters, merged syllables and words of the turn and of the customer's answer,
written by :mod:`models.training.forbidden` and read as plain arrays, without scikit-learn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from audit.ports import ForbiddenKind, SpokenTurn
from models.text import tokens

ARTIFACT = Path(__file__).parent / "forbidden.npz"
"""Vocabularies, coefficients and calibration."""

INNOCENT = "innocent"

KINDS: tuple[ForbiddenKind, ...] = get_args(ForbiddenKind)
"""Kinds of forbidden wording."""

_QUOTES = re.compile(
    '[“”"「」]|(?:他|她|人家|对方|师傅|同事|那边|您|你|骗子)(?:们|)(?:刚才|刚刚|)(?:说|讲|骂|问|喊)'
    "|原话|原文|念给|写的是|写着|写道|第.{1,3}条"
)
"""Words that introduce somebody else's, and quotation marks."""

SIGNALS = ("turn", "answer", "answered", "repeated", "quoted", "length")
"""What speaks for and against a turn: its own features and the answer's, and circumstances."""


@dataclass(frozen=True, slots=True)
class _Model:
    """What was learned: weights of the features of a turn, of an answer, and of the signals."""

    whether: dict[str, float]
    answer: dict[str, float]
    weights: NDArray[np.float64]
    offset: float


@dataclass(frozen=True, slots=True)
class _Kinds:
    """What was learned of :data:`KINDS`: rows of features, weights and intercepts of each kind."""

    vocabulary: dict[str, int]
    which: NDArray[np.float32]
    intercepts: NDArray[np.float64]


def probabilities(turns: Sequence[SpokenTurn]) -> NDArray[np.float64]:
    """The probability that the wording of each turn is forbidden.

    Args:
        turns: turns as transcribed; punctuation is ignored but for quotation marks.

    Returns:
        Calibrated probabilities, shape ``(len(turns),)``.
    """
    model = _model()
    found = np.zeros(len(turns))
    for at, turn in enumerate(turns):
        of = np.array(circumstances(turn))
        of[0] = _score(features(turn.text), model.whether)
        if turn.after:
            of[1] = _score(answer_features(turn.after), model.answer)
        found[at] = math.fsum(of * model.weights)
    calibrated: NDArray[np.float64] = 1 / (1 + np.exp(-(found + model.offset)))
    return calibrated


def circumstances(turn: SpokenTurn) -> tuple[float, ...]:
    """The :data:`SIGNALS` of a turn, without what its own features and the answer's come to."""
    length = math.log1p(len(tokens.plain(turn.text)))
    return 0.0, 0.0, float(bool(turn.after)), turn.repeated, float(is_quoting(turn.text)), length


def familiarity(text: str) -> float:
    """Share of a text's pairs of characters that training met more than once; 1 for none."""
    said = tokens.plain(text)
    pairs = [a + b for a, b in pairwise(said)]
    known = _pairs()
    return sum(pair in known for pair in pairs) / len(pairs) if pairs else 1.0


def _score(found: set[str], weights: dict[str, float]) -> float:
    """The sum of the weights of features, independent of their order."""
    total = math.fsum(filter(None, map(weights.get, found)))
    return total / math.sqrt(len(found)) if found else 0.0


def is_quoting(text: str) -> bool:
    """Whether a turn has words that introduce somebody else's.

    >>> is_quoting("他说爱找谁找谁，是吗"), is_quoting("爱找谁找谁")
    (True, False)
    """
    return _QUOTES.search(text) is not None


def kind(text: str) -> ForbiddenKind:
    """The most likely of :data:`KINDS` for a turn, given that it is forbidden."""
    model = _kinds()
    found = features(text)
    known = sorted(model.vocabulary[f] for f in found if f in model.vocabulary)
    scores = model.which[known].sum(axis=0) * len(found) ** -0.5 + model.intercepts
    return KINDS[int(scores.argmax())]


def features(text: str) -> set[str]:
    """The n-grams of a text: ``c`` characters, ``s`` merged syllables, ``w`` words.

    >>> sorted(f for f in features("有意见") if f[0] == "w")
    ['w^ 有', 'w意见', 'w意见 $', 'w有', 'w有 意见']
    """
    said = tokens.plain(text)
    cut = tokens.common().cut(said)
    return {*[f"c{character}" for character in f"^{said}$"], *tokens.grams(said, cut)}


def answer_features(text: str) -> set[str]:
    """The n-grams of what a customer answers: characters and merged syllables.

    >>> sorted(answer_features("你骂我"))[:4]
    ['c$', 'c^', 'c^你', 'c^你骂']
    """
    said = tokens.plain(text)
    return {*[f"c{character}" for character in f"^{said}$"], *tokens.grams(said, ())}


def matrix(found: Iterable[set[str]], vocabulary: dict[str, int]) -> Any:
    """Sparse rows, of unit norm if all features are known.

    The shape is ``(len(found), len(vocabulary))``.
    """
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for row in found:
        known = sorted(vocabulary[f] for f in row if f in vocabulary)
        columns += known
        values += [max(1, len(row)) ** -0.5] * len(known)
        ends.append(len(columns))
    shape = (len(ends) - 1, len(vocabulary))
    return csr_matrix((np.array(values), np.array(columns, dtype=np.int32), ends), shape=shape)


def _names(stored: Any, key: str) -> list[str]:
    return stored[key].tobytes().decode().split("\n")  # type: ignore[no-any-return]


@cache
def _model() -> _Model:
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        names, answers = _names(stored, "vocabulary"), _names(stored, "answers")
        whether = stored["whether"].astype(np.float64).tolist()
        answer = stored["answer"].astype(np.float64).tolist()
        *weights, offset = stored["calibration"].tolist()
        return _Model(
            whether=dict(zip(names, whether, strict=True)),
            answer=dict(zip(answers, answer, strict=True)),
            weights=np.array(weights),
            offset=offset,
        )


@cache
def _pairs() -> frozenset[str]:
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        return frozenset(_names(stored, "pairs"))


@cache
def _kinds() -> _Kinds:
    """A third of the artifact, for turns that are found to be forbidden."""
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        names = _model().whether  # in the order of the vocabulary
        return _Kinds(
            vocabulary=dict(zip(names, range(len(names)), strict=True)),
            which=stored["which"].astype(np.float32),
            intercepts=stored["intercepts"].astype(np.float64),
        )
