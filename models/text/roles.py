"""How likely the agent says something, and not the customer.

A linear model over characters, merged syllables and words, written by
:mod:`models.training.roles` and read as plain arrays, without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.text import linear, tokens

ARTIFACT = Path(__file__).parent / "roles.npz"
"""Vocabulary, coefficients and calibration."""


def agent_log_odds(texts: Sequence[str]) -> NDArray[np.float64]:
    """The log-odds that the agent says each text; positive for the agent.

    Args:
        texts: turns, or parts of turns, as transcribed; punctuation is ignored.

    Returns:
        Calibrated log-odds, shape ``(len(texts),)``; 0 for a text without any words.
    """
    model = linear.load(ARTIFACT)
    found = [features(text) for text in texts]
    return np.array([model.log_odds(names) if names else 0.0 for names in found])


def familiarity(texts: Sequence[str]) -> float:
    """Share of the texts' pairs of characters that the model has weights for, 0 to 1."""
    weights = linear.load(ARTIFACT).weights
    pairs = [f"c{a}{b}" for text in texts for a, b in pairwise(f"^{tokens.plain(text)}$")]
    return sum(pair in weights for pair in pairs) / max(1, len(pairs))


def features(text: str) -> set[str]:
    """The n-grams of a text."""
    said = tokens.plain(text)
    return set(tokens.grams(said, tokens.telephone().cut(said))) if said else set()
