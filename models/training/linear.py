"""Trains linear models over named features: one for each text classifier that has two answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from models.text import forbidden
from models.training.noise import Noise

_FOLDS = 5
_FEATURE_TEXTS_MIN = 3
"""Texts that a feature must occur in."""
_SEED = 0


_GARBLED = 0.5
"""Share of the examples that come a second time, with errors of a recogniser."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, the answer for it, and who wrote it."""

    text: str
    label: bool
    group: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How much weights are held back, which ones the artifact leaves out, how close the fit is."""

    inverse_regularization: float
    weight_min: float
    tolerance: float = 1e-4


def with_errors(examples: Sequence[Example], chance: random.Random) -> list[Example]:
    """The examples, and some of them once more, with errors of a recogniser."""
    heard = Noise.learned().garbled([one.text for one in examples])
    return [*examples] + [
        replace(one, text=text)
        for one, text in zip(examples, heard, strict=True)
        if chance.random() < _GARBLED and len(text) > 1
    ]


def train(
    examples: Sequence[Example],
    features: Callable[[str], set[str]],
    settings: Settings,
    *,
    out: Path,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Write a model, and tell how it does on writers whom it has not seen.

    Args:
        examples: all of a writer's lie on one side of a split.
        features: those of a text.
        settings: how weights are fitted.
        out: the artifact.

    Returns:
        Calibrated log-odds of each example by a model of other writers, and the answers; both of
        shape ``(len(examples),)``.
    """
    found = [features(one.text) for one in examples]
    labels = np.array([one.label for one in examples])
    groups = [one.group for one in examples]
    return fit(found, labels, groups, settings, out=out), labels


def fit(
    found: Sequence[set[str]],
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    settings: Settings,
    *,
    out: Path,
) -> NDArray[np.float64]:
    """Write a model of features that are found already.

    Args:
        found: the features of each example.
        labels: the answers, shape ``(len(found),)``.
        groups: who wrote each.
        settings: how weights are fitted.
        out: the artifact.

    Returns:
        Calibrated log-odds of each example by a model of other writers, shape ``(len(found),)``.
    """
    counts = Counter(name for names in found for name in names)
    names = sorted(name for name, times in counts.items() if times >= _FEATURE_TEXTS_MIN)
    rows = forbidden.matrix(found, {name: at for at, name in enumerate(names)})
    scores = np.zeros(len(found))
    for seen, unseen in GroupKFold(_FOLDS).split(rows, groups=groups):
        scores[unseen] = rows[unseen] @ _fitted(rows[seen], labels[seen], settings)
    calibration = LogisticRegression(C=1e3, class_weight="balanced").fit(scores[:, None], labels)
    weights = _fitted(rows, labels, settings)
    kept = np.flatnonzero(np.abs(weights) >= settings.weight_min)
    np.savez_compressed(
        out,
        vocabulary=np.frombuffer("\n".join(names[at] for at in kept).encode(), dtype=np.uint8),
        weights=weights[kept].astype(np.float16),
        scale=calibration.coef_[0][0],
        offset=calibration.intercept_[0],
    )
    print(f"{len(found)} texts; {out}: {len(kept)} features, {out.stat().st_size / 1e6:.1f} MB")
    odds: NDArray[np.float64] = calibration.decision_function(scores[:, None])
    return odds


def _fitted(rows: Any, labels: NDArray[np.bool_], settings: Settings) -> NDArray[np.float64]:
    model = LogisticRegression(
        C=settings.inverse_regularization,
        class_weight="balanced",
        solver="liblinear",
        fit_intercept=False,
        random_state=_SEED,
        tol=settings.tolerance,
    ).fit(rows, labels)
    weights: NDArray[np.float64] = model.coef_[0]
    return weights
