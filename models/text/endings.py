"""How likely a speaker who stops at the end of a text was not finished.

A linear model over the last characters, merged syllables and words, written by
:mod:`models.training.endings` and read as plain arrays, without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.text import linear, tokens

ARTIFACT = Path(__file__).parent / "endings.npz"
"""Vocabulary, coefficients and calibration."""

_LAST = 24
"""Characters at the end of a text that are looked at."""


def unfinished(texts: Sequence[str]) -> NDArray[np.float64]:
    """The probability that more would have followed each text.

    Args:
        texts: what a speaker said before they stopped, as transcribed; punctuation is ignored.

    Returns:
        Probabilities, shape ``(len(texts),)``, as if half of all texts were unfinished; 0 for a
        text without any words.
    """
    found = [features(text) for text in texts]
    model = linear.load(ARTIFACT)
    odds = np.array([model.log_odds(names) if names else -np.inf for names in found])
    likely: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return likely


def features(text: str) -> set[str]:
    """What the end of a text has: its last characters, syllables and words, from one to four.

    >>> sorted(features("我家"))
    ['c家', 'c我家', 's jia', ...]
    """
    said = tokens.plain(text)[-_LAST:]
    if not said:
        return set()
    syllables = [tokens.syllable(character) for character in said]
    words = tokens.telephone().cut(said)
    return {
        *[f"c{said[-count:]}" for count in range(1, 5)],
        *[f"s{' '.join(syllables[-count:])}" for count in range(1, 4)],
        *[f"w{' '.join(words[-count:])}" for count in range(1, 4)],
        *[f"b{word}" for word in words[-4:-1]],
    }
