"""Linear models over named features, as plain arrays: what several text classifiers learn.

Written by :mod:`models.training.linear`, read without scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights of features, and the calibration of their sum."""

    weights: dict[str, float]
    scale: float
    offset: float

    def log_odds(self, features: Collection[str]) -> float:
        """Calibrated log-odds of something with these features, of which it has at least one."""
        # sorted: a sum depends on its order, and that of a set on the process
        total = sum(self.weights.get(name, 0.0) for name in sorted(features))
        return self.scale * total / math.sqrt(len(features)) + self.offset


@cache
def load(artifact: Path) -> LinearModel:
    """Read a model, once."""
    with np.load(artifact, allow_pickle=False) as stored:
        names = stored["vocabulary"].tobytes().decode().split("\n")
        weights = stored["weights"].astype(np.float64).tolist()
        return LinearModel(
            dict(zip(names, weights, strict=True)), float(stored["scale"]), float(stored["offset"])
        )
