"""Classifies sentences as forbidden wording, and its kind.

A linear model over characters, merged syllables and words, written by
:mod:`models.training.forbidden` and read as plain arrays, without scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from audit.ports import ForbiddenKind
from models.text import tokens

ARTIFACT = Path(__file__).parent / "forbidden.npz"
"""Vocabulary, coefficients and calibration."""

INNOCENT = "innocent"

KINDS: tuple[ForbiddenKind, ...] = get_args(ForbiddenKind)
"""Kinds of forbidden wording."""


@dataclass(frozen=True, slots=True)
class _Model:
    """The trained weights of every feature, for forbidden wording and for each kind."""

    vocabulary: dict[str, int]
    whether: dict[str, float]
    which: NDArray[np.float32]
    intercepts: NDArray[np.float64]
    slope: float
    offset: float


def probabilities(texts: Sequence[str]) -> NDArray[np.float64]:
    """The probability that each sentence is forbidden wording.

    Args:
        texts: sentences as transcribed; punctuation is ignored.

    Returns:
        Calibrated probabilities, shape ``(len(texts),)``.
    """
    model = _model()
    scores = np.array([_score(text, model.whether) for text in texts])
    calibrated: NDArray[np.float64] = 1 / (1 + np.exp(-(model.slope * scores + model.offset)))
    return calibrated


def _score(text: str, weights: dict[str, float]) -> float:
    """The sum of a text's feature weights, independent of their order."""
    found = features(text)
    total = math.fsum(filter(None, map(weights.get, found)))
    return total / math.sqrt(len(found))


def kind(text: str) -> ForbiddenKind:
    """The most likely of :data:`KINDS` for a sentence, given that it is forbidden."""
    model = _model()
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


def matrix(texts: Sequence[str], vocabulary: dict[str, int]) -> Any:
    """Sparse rows, of unit norm if all features are known.

    The shape is ``(len(texts), len(vocabulary))``.
    """
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for text in texts:
        found = features(text)
        known = sorted(vocabulary[f] for f in found if f in vocabulary)
        columns += known
        values += [len(found) ** -0.5] * len(known)
        ends.append(len(columns))
    shape = (len(texts), len(vocabulary))
    return csr_matrix((np.array(values), np.array(columns, dtype=np.int32), ends), shape=shape)


@cache
def _model() -> _Model:
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        names = stored["vocabulary"].tobytes().decode().split("\n")
        slope, offset = stored["calibration"].tolist()
        return _Model(
            vocabulary={name: i for i, name in enumerate(names)},
            whether=dict(zip(names, stored["whether"].astype(np.float64).tolist(), strict=True)),
            which=stored["which"].astype(np.float32),
            intercepts=stored["intercepts"].astype(np.float64),
            slope=slope,
            offset=offset,
        )
