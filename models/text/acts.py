"""Classifies what turns do (dialogue acts): complaining of a delay, apologising, asking to wait.

One linear model for each act over characters and merged syllables of the turn and of what the other
side said before it, written by :mod:`models.training.acts` and read as plain arrays, without
scikit-learn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.ports import ACTS, AnsweringTurn
from models.text import tokens

ARTIFACT = Path(__file__).parent / "acts.npz"
"""Vocabulary, coefficients and calibration."""

_BEFORE_LAST = 12
"""Characters at the end of what was said before that count: an answer is to the last words."""


@dataclass(frozen=True, slots=True)
class _Model:
    """What was learned: the weights of each feature for every act, and the acts' calibration.

    The first row of ``weights`` is of no feature.
    """

    rows: dict[str, int]
    weights: NDArray[np.float32]
    scales: NDArray[np.float64]
    offsets: NDArray[np.float64]


def probabilities(turns: Sequence[AnsweringTurn]) -> NDArray[np.float64]:
    """The probability that each turn performs each of :data:`audit.ports.ACTS`.

    Args:
        turns: turns, or parts of turns, as transcribed; punctuation is ignored.

    Returns:
        Calibrated probabilities, shape ``(len(turns), len(ACTS))``.
    """
    model = _model()
    if not turns:
        return np.zeros((0, len(ACTS)))
    known: list[int] = []
    begins: list[int] = []
    counts: list[int] = []
    for turn in turns:
        found = features(turn)
        begins.append(len(known))
        counts.append(len(found))
        known.append(0)  # a row of zeros, for turns without any known feature
        known += sorted(filter(None, map(model.rows.get, found)))
    sums = np.add.reduceat(model.weights[known], begins, axis=0)
    scores = sums / np.sqrt(np.maximum(1, counts))[:, None]
    calibrated: NDArray[np.float64] = 1 / (1 + np.exp(-(scores * model.scales + model.offsets)))
    return calibrated


def sha256() -> str:
    """Hash of what was learned."""
    return hashlib.sha256(ARTIFACT.read_bytes()).hexdigest()


def features(turn: AnsweringTurn) -> set[str]:
    """The n-grams of a turn, and (``b``) pairs of characters of what was said before it.

    >>> sorted(features(AnsweringTurn("再见")))
    ['c$', 'c^', 'c^再', 'c^再见', 'c再', 'c再见', 'c再见$', 'c见', 'c见$', 's^ zai', ...]
    """
    said = tokens.plain(turn.text)
    own = {*[f"c{character}" for character in f"^{said}$"], *tokens.short_grams(said)}
    before = tokens.plain(turn.before)[-_BEFORE_LAST:]
    return own | {f"b{a}{b}" for a, b in pairwise(f"{before}$")} if before else own


@cache
def _model() -> _Model:
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        names = stored["vocabulary"].tobytes().decode().split("\n")
        weights = np.zeros((len(names) + 1, len(ACTS)), np.float32)
        weights[1:] = stored["weights"]
        return _Model(
            rows={name: row for row, name in enumerate(names, start=1)},
            weights=weights,
            scales=stored["scales"].astype(np.float64),
            offsets=stored["offsets"].astype(np.float64),
        )
