"""Trains the classifier of forbidden wording: ``python -m models.training.forbidden TALK``.

``TALK`` is ``turns.jsonl``, as :mod:`models.training.ordinary_talk` writes it. Turns are those of
:mod:`models.training.turns`, the phrase families of ``data_samples/sentences/train`` and the
wordings that the norms themselves forbid; each comes a second time with errors of a recogniser.
Whoever writes turns lies on one side of a split: calibration and thresholds are set on turns of
writers that a model has not seen.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from audit.rules.meanings import parts
from models.text import forbidden
from models.text.forbidden import KINDS
from models.training.noise import Noise
from models.training.sentences import norm_wordings, training_sentences
from models.training.turns import (
    LabelledTurn,
    clause_of,
    exchange_turns,
    faulty_dialogues,
    forbidden_rule,
    heard_turns,
    ordinary_turns,
    service_turns,
)

_FEATURE_TURNS_MIN = 2  # turns that a feature must occur in
_INVERSE_REGULARIZATION = 30.0
_INVERSE_REGULARIZATION_ANSWER = 3.0
_FOLDS = 5
_TALK = 40_000
"""Turns of ordinary talk, of all corpora but Weibo chat, where one in a hundred is rude."""
_TALK_LEFT_OUT = "lccc"
_JUDGED = ("service", "exchanges")
"""Sources by which models are calibrated and thresholds set."""
_WEIGHTS = {"talk": 0.3, "families": 0.1, "norms": 1.0, "noise": 0.5}
"""How much a turn counts, beside one that was written for this."""
_PART = " part"
_WEIGHT_MIN = 0.2
"""Weights below it, for forbidden wording or not, are left out together with their feature."""
_SEED = 0
_PAIR = 3  # letters of the name of a pair of characters
_NUMBERS: dict[str, int] = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Rows:
    """Turns as rows of features.

    Attributes:
        turns: what was said, and what is wrong with it.
        weights: how much each counts.
        sources: where each is from.
        names: the features of turns, in the order of the columns of ``own``.
        own: sparse, shape ``(turns, names)``.
        answer_names: the features of customers' answers.
        answers: sparse, shape ``(turns, answer_names)``.
        part_of: by row, the row of the whole turn, itself for a whole one. Parts are judged, as the
            rule does, but not learned from: their weight is 0.
    """

    turns: list[LabelledTurn]
    weights: NDArray[np.float64]
    sources: list[str]
    names: list[str]
    own: Any
    answer_names: list[str]
    answers: Any
    part_of: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Which are forbidden."""
        return np.array([turn.is_forbidden for turn in self.turns])

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Kinds as positions among :data:`KINDS`; -1 for none."""
        return np.array([_NUMBERS.get(turn.kind, -1) for turn in self.turns])


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights of features: of turns and of answers, and of turns for every kind."""

    whether: NDArray[np.float64]
    answer: NDArray[np.float64]
    which: NDArray[np.float64]
    intercepts: NDArray[np.float64]


def main(talk: Path) -> None:
    """Write the artifact and print what was measured."""
    rows = gathered(talk)
    print(f"{len(rows.turns)} turns: {dict(Counter(rows.sources))}")
    unseen = cross_validated(rows)
    judged = np.isin(rows.sources, _JUDGED)
    stacked = LogisticRegression(C=1e3, max_iter=1000).fit(
        unseen.signals[judged], rows.labels[judged]
    )
    weights, offset = stacked.coef_[0], float(stacked.intercept_[0])
    print({name: round(float(w), 3) for name, w in zip(forbidden.SIGNALS, weights, strict=True)})
    by_itself = 1 / (1 + np.exp(-(unseen.signals @ weights + offset)))
    probabilities = np.zeros(len(rows.turns))
    np.maximum.at(probabilities, rows.part_of, by_itself)
    _write(rows, fit(rows, np.arange(len(rows.turns))), np.array([*weights, offset]))
    _report(rows, probabilities, unseen.kinds)


def gathered(talk: Path) -> Rows:
    """Everything that is learned from, in one order each time."""
    noise = Noise.learned()
    gathered: list[tuple[str, LabelledTurn, float]] = []

    def add(name: str, turns: Sequence[LabelledTurn], weight: float) -> None:
        gathered.extend((name, turn, weight) for turn in turns)
        garbled = noise.heard(turns)
        gathered.extend((f"{name} garbled", turn, weight * _WEIGHTS["noise"]) for turn in garbled)

    add("service", list(service_turns()), 1.0)
    add("exchanges", list(exchange_turns()), 1.0)
    gathered.extend(("service heard", turn, 1.0) for turn in heard_turns())
    ordinary = [t for t in ordinary_turns(talk) if t.group != _TALK_LEFT_OUT]
    chosen = np.random.default_rng(_SEED).permutation(len(ordinary))[:_TALK]
    add("talk", [ordinary[i] for i in sorted(chosen)], _WEIGHTS["talk"])
    families = [("families", turn, _WEIGHTS["families"]) for turn in training_sentences()]
    gathered += families
    add("norms", norm_wordings(), _WEIGHTS["norms"])
    part_of = list(range(len(gathered)))
    for at, (name, turn, _) in enumerate(gathered[:]):
        if name in _JUDGED:
            for part in parts(turn.turn.text):
                if part != turn.turn.text:
                    of_turn = replace(turn, turn=replace(turn.turn, text=part))
                    gathered.append((name + _PART, of_turn, 0.0))
                    part_of.append(at)
    turns = [turn for _, turn, _ in gathered]
    own = [forbidden.features(t.turn.text) for t in turns]
    answers = [forbidden.answer_features(t.turn.after) if t.turn.after else set() for t in turns]
    learned = sum(weight > 0 for _, _, weight in gathered)  # parts come last
    vocabulary, answer_vocabulary = _vocabulary(own[:learned]), _vocabulary(answers[:learned])
    return Rows(
        turns=turns,
        weights=np.array([weight for _, _, weight in gathered]),
        sources=[name for name, _, _ in gathered],
        names=list(vocabulary),
        own=forbidden.matrix(own, vocabulary),
        answer_names=list(answer_vocabulary),
        answers=forbidden.matrix(answers, answer_vocabulary),
        part_of=np.array(part_of),
    )


def fit(rows: Rows, chosen: NDArray[np.int64]) -> Fitted:
    """Learn from the chosen turns; features that they do not have get the weight 0."""
    chosen = chosen[rows.weights[chosen] > 0]
    labels, kinds, weights = rows.labels[chosen], rows.kinds[chosen], rows.weights[chosen]
    matrix = rows.own[chosen]
    by_kind = LinearSVC(random_state=_SEED).fit(
        matrix[labels], kinds[labels], sample_weight=weights[labels]
    )
    answered = np.flatnonzero([bool(rows.turns[i].turn.after) for i in chosen])
    return Fitted(
        whether=_separate(matrix, labels, weights, _INVERSE_REGULARIZATION),
        answer=_separate(
            rows.answers[chosen[answered]],
            labels[answered],
            weights[answered],
            _INVERSE_REGULARIZATION_ANSWER,
        ),
        which=by_kind.coef_.T,
        intercepts=by_kind.intercept_,
    )


@dataclass(frozen=True, slots=True)
class Unseen:
    """What models say of turns by writers that they have not seen.

    ``signals`` has the shape ``(turns, len(SIGNALS))``; ``kinds`` are positions among the kinds.
    """

    signals: NDArray[np.float64]
    kinds: NDArray[np.int64]


def cross_validated(rows: Rows) -> Unseen:
    """Judge every turn by a model of other writers, families and corpora."""
    groups = [turn.group for turn in rows.turns]
    signals = np.array([forbidden.circumstances(turn.turn) for turn in rows.turns])
    kinds = np.full(len(groups), -1)
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for seen, unseen in folds.split(groups, groups=groups):
        fitted = fit(rows, seen)
        signals[unseen, 0] = rows.own[unseen] @ fitted.whether
        signals[unseen, 1] = rows.answers[unseen] @ fitted.answer
        kinds[unseen] = (rows.own[unseen] @ fitted.which + fitted.intercepts).argmax(axis=1)
    return Unseen(signals, kinds)


def _separate(
    matrix: Any, labels: NDArray[np.bool_], weights: NDArray[np.float64], inverse: float
) -> NDArray[np.float64]:
    """Weights of features for forbidden wording, ``(features,)``."""
    regression = LogisticRegression(
        C=inverse,
        class_weight="balanced",
        solver="liblinear",
        fit_intercept=False,
        random_state=_SEED,
    ).fit(matrix, labels, sample_weight=weights)
    found: NDArray[np.float64] = regression.coef_[0]
    return found


def _vocabulary(found: Sequence[set[str]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for features in found:
        counts.update(features)
    kept = sorted(feature for feature, count in counts.items() if count >= _FEATURE_TURNS_MIN)
    return {feature: i for i, feature in enumerate(kept)}


def _write(rows: Rows, fitted: Fitted, calibration: NDArray[np.float64]) -> None:
    kept = np.flatnonzero(np.abs(fitted.whether) >= _WEIGHT_MIN)
    kept_answers = np.flatnonzero(np.abs(fitted.answer) >= _WEIGHT_MIN)
    pairs = [name[1:] for name in rows.names if name[0] == "c" and len(name) == _PAIR]
    np.savez_compressed(
        forbidden.ARTIFACT,
        vocabulary=_packed([rows.names[i] for i in kept]),
        whether=fitted.whether[kept].astype(np.float16),
        which=fitted.which[kept].astype(np.float16),
        intercepts=fitted.intercepts,
        answers=_packed([rows.answer_names[i] for i in kept_answers]),
        answer=fitted.answer[kept_answers].astype(np.float16),
        pairs=_packed(pairs),
        calibration=calibration,
    )
    print(f"{forbidden.ARTIFACT}: {len(kept)} and {len(kept_answers)} features")


def _packed(names: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _report(rows: Rows, probabilities: NDArray[np.float64], kinds: NDArray[np.int64]) -> None:
    """Print what the rulebook's thresholds find among turns of unseen writers.

    Half of the dialogues without fault have something that looks like one: they are the strictest
    of the ordinary sets.
    """
    meaning = forbidden_rule().meaning
    assert meaning is not None
    labels, sources = rows.labels, np.array(rows.sources)
    clauses = np.array([clause_of()[kind] for kind in KINDS])
    calls = _worst_of_clean_calls(rows, probabilities)
    for name in ("accuse_from", "doubt_from"):
        threshold = getattr(meaning, name)
        above = probabilities >= threshold
        print(f"{name} {threshold:.3f}")
        print(f"  {len(calls)} dialogues without fault: {np.mean(calls >= threshold):.4f}")
        for source in dict.fromkeys(one for one in rows.sources if not one.endswith(_PART)):
            of = sources == source
            guilty, innocent = of & labels, of & ~labels
            print(
                f"  {source}: recall {above[guilty].mean() if guilty.any() else 0:.3f},"
                f" innocents {above[innocent].mean() if innocent.any() else 0:.5f}"
            )
        of = np.isin(sources, _JUDGED) & labels & above
        print(
            f"  kind right: {np.mean(kinds[of] == rows.kinds[of]):.3f},"
            f" clause: {np.mean(clauses[kinds[of]] == clauses[rows.kinds[of]]):.3f}"
        )
        print(
            "  recall by kind:",
            {
                kind: round(
                    float(above[labels & (rows.kinds == i) & (sources == "service")].mean()), 2
                )
                for i, kind in enumerate(KINDS)
            },
        )


def _worst_of_clean_calls(rows: Rows, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest probability in each whole dialogue without any fault."""
    worst: dict[str, float] = {}
    faulty = faulty_dialogues()
    for turn, source, probability in zip(rows.turns, rows.sources, probabilities, strict=True):
        if source == "service" and turn.call not in faulty:
            worst[turn.call] = max(worst.get(turn.call, 0.0), float(probability))
    return np.array(list(worst.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
