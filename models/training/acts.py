"""Trains the classifier of dialogue acts: ``python -m models.training.acts``.

Turns are those of ``data_samples/acts``; its folder ``forbidden`` has those for acts of which norms
give an example that nobody may say. Each turn comes a second time with errors of a recogniser.
Whoever writes turns lies on one side of a split: calibration is set, and precision and recall are
printed, on turns of writers that a model has not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from audit import rulebooks
from audit.ports import ACTS, AnsweringTurn, ReproachableAct
from audit.rules.acts import parts_of
from audit.types import Role
from models.text import acts, forbidden
from models.training.noise import Noise
from models.training.turns import service_turns

FOLDER = Path("data_samples/acts")
_FORBIDDEN = "forbidden"
_REPROACHABLE = frozenset(get_args(ReproachableAct))
_NONE = "none"
_FOLDS = 6
_FEATURE_TURNS_MIN = 2  # turns that a feature must occur in
_INVERSE_REGULARIZATION = 20.0
_NOISE = 0.5
"""How much a garbled turn counts."""
_WEIGHT_MIN = 0.3
"""Features without a weight of this size for any act are left out."""
_RARE = _REPROACHABLE | {
    "promises",
    "attacks_competitor",
    "flat_no",
    "insider_talk",
    "private_talk",
    "asks_favour",
}
"""Acts of which an ordinary turn of an agent performs none."""
_SEED = 0
_NEVER = -20.0
"""What makes an act improbable of which there is no example."""


@dataclass(frozen=True, slots=True)
class ActTurn:
    """A turn and what it does.

    Attributes:
        turn: its words and those before it.
        role: who says it.
        acts: what it does; empty for nothing of :data:`ACTS`.
        group: who wrote it.
        known: the acts of which it is known whether it performs them.
    """

    turn: AnsweringTurn
    role: Role
    acts: frozenset[str]
    group: str
    known: frozenset[str]


def read() -> Iterator[ActTurn]:
    """The turns of all writers: acts, speaker, what was said before, the turn.

    Raises:
        ValueError: a line names no speaker or an act that there is not.
    """
    for file in sorted(FOLDER.rglob("*.tsv")):
        known = frozenset(ACTS) - _REPROACHABLE
        if file.parent.name == _FORBIDDEN:
            known = _REPROACHABLE
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            named, speaker, before, text = line.split("\t")
            done = frozenset(named.split(",")) - {_NONE}
            if unknown := done - set(ACTS):
                raise ValueError(f"{file}, line {number}: there is no act {min(unknown)!r}")
            yield ActTurn(AnsweringTurn(text, before), Role(speaker), done, file.stem, known)


def ordinary() -> Iterator[ActTurn]:
    """Agents' turns that nobody objects to: they perform no :data:`_RARE` act."""
    for labelled in service_turns():
        if not labelled.is_forbidden:
            turn = AnsweringTurn(labelled.turn.text)
            yield ActTurn(turn, Role.AGENT, frozenset(), labelled.group, _RARE)


@dataclass(frozen=True, slots=True)
class Rows:
    """Turns as rows of features; ``weights`` is how much each counts (0: judged only).

    ``part_of`` is, by row, the row of the whole turn.
    """

    turns: list[ActTurn]
    weights: NDArray[np.float64]
    names: list[str]
    features: Any
    part_of: NDArray[np.int64]

    def labels(self, act: str) -> NDArray[np.bool_]:
        """Which turns perform an act."""
        return np.array([act in turn.acts for turn in self.turns])


def gathered() -> Rows:
    """Everything that is learned from, and parts of turns, which are only judged."""
    turns = [*read(), *ordinary()]
    noise, count = Noise.learned(), len(turns)
    texts = noise.garbled([turn.turn.text for turn in turns])
    befores = noise.garbled([turn.turn.before for turn in turns], seed=1)
    turns += [
        replace(turn, turn=AnsweringTurn(text, before))
        for turn, text, before in zip(turns, texts, befores, strict=True)
    ]
    weights = [1.0] * count + [_NOISE] * count
    part_of = list(range(len(turns)))
    for at in range(count):
        for part in parts_of(turns[at].turn.text):
            if part != turns[at].turn.text:
                turns.append(replace(turns[at], turn=replace(turns[at].turn, text=part)))
                weights.append(0.0)
                part_of.append(at)
    found = [acts.features(turn.turn) for turn in turns]
    counts = Counter(name for names in found[: 2 * count] for name in names)
    names = sorted(name for name, times in counts.items() if times >= _FEATURE_TURNS_MIN)
    matrix = forbidden.matrix(found, {name: at for at, name in enumerate(names)})
    return Rows(turns, np.array(weights), names, matrix, np.array(part_of))


def fit(rows: Rows, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of the features for every act, shape ``(features, acts)``.

    An act is told apart from all other turns of the side whose act it is.
    """
    chosen = chosen[rows.weights[chosen] > 0]
    weights = np.zeros((len(rows.names), len(ACTS)))
    sides = np.array([turn.role for turn in rows.turns])[chosen]
    for at, act in enumerate(ACTS):
        labels = rows.labels(act)[chosen]
        if not labels.any():
            continue
        known = np.array([act in turn.known for turn in rows.turns])[chosen]
        own = np.isin(sides, list(set(sides[labels]))) & known
        regression = LogisticRegression(
            C=_INVERSE_REGULARIZATION,
            class_weight="balanced",
            solver="liblinear",
            fit_intercept=False,
            random_state=_SEED,
        ).fit(rows.features[chosen[own]], labels[own], sample_weight=rows.weights[chosen[own]])
        weights[:, at] = regression.coef_[0]
    return weights


def cross_validated(rows: Rows) -> NDArray[np.float64]:
    """Scores of every turn and part by models of other writers, shape ``(rows, acts)``."""
    groups = [turn.group for turn in rows.turns]
    scores = np.zeros((len(groups), len(ACTS)))
    folds = list(GroupKFold(_FOLDS).split(groups, groups=groups))
    fitted = Parallel(n_jobs=-1)(delayed(fit)(rows, seen) for seen, _ in folds)
    for (_, unseen), weights in zip(folds, fitted, strict=True):
        scores[unseen] = rows.features[unseen] @ weights
    return scores


def best_parts(rows: Rows, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """By whole turn, the highest score that it or a part of it has, shape ``(rows, acts)``."""
    best = scores.copy()
    np.maximum.at(best, rows.part_of, scores)
    return best


def main() -> None:
    """Write the artifact and print precision and recall of every act."""
    rows = gathered()
    written = np.flatnonzero(rows.weights == 1)
    print(f"{len(written)} turns of {len({turn.group for turn in rows.turns})} writers")
    best = best_parts(rows, cross_validated(rows))
    scales, offsets = np.zeros(len(ACTS)), np.zeros(len(ACTS))
    for at, act in enumerate(ACTS):
        if not rows.labels(act).any():
            offsets[at] = _NEVER
            continue
        own = written[_of_side(rows, act)[written]]
        calibration = LogisticRegression(C=1e3).fit(best[own, at : at + 1], rows.labels(act)[own])
        scales[at], offsets[at] = calibration.coef_[0][0], calibration.intercept_[0]
    _write(rows, fit(rows, np.arange(len(rows.turns))), scales, offsets)
    _report(rows, written, 1 / (1 + np.exp(-(best * scales + offsets))))


def _of_side(rows: Rows, act: str) -> NDArray[np.bool_]:
    """Which turns are of the side whose act it is, and known to perform it or not."""
    side = next(turn.role for turn in rows.turns if act in turn.acts)
    known = (act in turn.known for turn in rows.turns)
    return np.array([k and turn.role is side for k, turn in zip(known, rows.turns, strict=True)])


def _write(
    rows: Rows,
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
    offsets: NDArray[np.float64],
) -> None:
    kept = np.flatnonzero(np.abs(weights).max(axis=1) >= _WEIGHT_MIN)
    np.savez_compressed(
        acts.ARTIFACT,
        vocabulary=np.frombuffer("\n".join(rows.names[i] for i in kept).encode(), dtype=np.uint8),
        weights=np.where(np.abs(weights[kept]) < _WEIGHT_MIN / 3, 0, weights[kept]).astype(
            np.float16
        ),
        scales=scales,
        offsets=offsets,
    )
    print(f"{acts.ARTIFACT}: {len(kept)} features, {acts.ARTIFACT.stat().st_size / 1e6:.1f} MB")


def _report(rows: Rows, written: NDArray[np.int64], probabilities: NDArray[np.float64]) -> None:
    """Print, for the acts of the rulebook, what its phrases and the classifier find."""
    named = {act.meaning: act for act in rulebooks.load("hotline").acts.values() if act.meaning}
    print("act | turns | precision, recall | recall with doubts, doubts among the others")
    for at, act in enumerate(ACTS):
        if not rows.labels(act).any():
            continue
        own = written[_of_side(rows, act)[written]]
        labels = rows.labels(act)[own]
        found = probabilities[own, at]
        certain_from, doubt_from = 0.8, 0.4
        said = np.zeros(len(own), dtype=bool)
        if settings := named.get(act):
            certain_from, doubt_from = settings.certain_from, settings.doubt_from
            said = np.array([settings.said(rows.turns[i].turn.text) is not None for i in own])
            never = np.array([settings.is_excused(rows.turns[i].turn.text) for i in own])
            found = np.where(never, 0, found)
            said &= found >= settings.agree_from
        certain = said | (found >= certain_from)
        maybe = certain | (found >= doubt_from)
        right = (certain & labels).sum()
        print(
            f"{act} | {labels.sum()} | {right / max(1, certain.sum()):.2f}, "
            f"{right / labels.sum():.2f} (said {(said & labels).sum() / labels.sum():.2f}, "
            f"{(said & labels).sum() / max(1, said.sum()):.2f}) | "
            f"{(maybe & labels).sum() / labels.sum():.2f}, {(maybe & ~labels).mean():.3f}"
        )


if __name__ == "__main__":
    main()
