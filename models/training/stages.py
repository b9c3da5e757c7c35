"""Trains the stage classifier: ``python -m models.training.stages``, ``callaudit train stages``.

``python -m models.training.stages test`` measures the shipped model on the test calls, which were
not used during development.

A scikit-learn classifier scores turns; the chain through a call is fitted to scores of calls whose
domain the classifier did not see (five folds), so that its probabilities hold for new domains.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.ports import StagePath
from audit.types import ROLE_CONFIDENCE_MIN, Role, Turn
from models.text import stages
from models.text.stages import STAGES, Array, Chain, StageModel
from models.training.dialogues import compose, labelled, spoken, whole_calls
from models.training.dialogues.compose import Composed

CALLS = 6000
"""Calls composed for each training sample."""

SAMPLES = 9
"""Training samples; the model is the mean of one model for each."""

_INVERSE_REGULARIZATION = 4.0
_FEATURE_TURNS_MIN = 5  # turns that a feature must occur in
_FOLDS = 5
_WHOLE_CALL_VARIANTS = 3
"""How often a sample has each of the calls written turn by turn, with other noise."""
_USER_CALL_WEIGHT = 5
_WHOLE_CALL_WEIGHT = 2
"""Weights of a turn in a user's call and in one written turn by turn; others have weight 1."""
_CUELESS_EVERY = 3
"""One call in this many is trained without cue phrases, because other rulebooks have others."""

_NEW_WORD = "子丑寅卯，"
"""What no labelled turn begins with."""

CuesByTurn = Sequence[frozenset[str]]
CuedCall = tuple[Sequence[Turn], CuesByTurn]


@dataclass(frozen=True, slots=True)
class Figures:
    """Accuracy of a model on labelled calls.

    Attributes:
        calls: number of calls.
        turns: share of turns with the correct stage.
        greetings: share of calls in which presence or absence of a greeting is correct.
        closings: share of calls with a closing in which its start is found within two turns.
        no_closings: share of calls without one in which none, or only the last turn, is found.
        uncertain: share of turns whose stage is not certain.
        certain_correct: share of correct stages among the others.
    """

    calls: int
    turns: float | None
    greetings: float | None
    closings: float | None
    no_closings: float | None
    uncertain: float | None
    certain_correct: float | None


def main(arguments: Sequence[str]) -> None:
    """Write the artifact that ships, and print what was measured; only measure on ``test``."""
    if list(arguments) == ["test"]:
        _test(stages.load())
        return
    fit(sample_calls(), out=stages.ARTIFACT)
    model = stages.load(stages.ARTIFACT)
    print(f"{stages.ARTIFACT}: {len(model.vocabulary)} features")
    validation = labelled.read(spoken.VALIDATION)
    print(f"validation: {evaluate(model, validation)}")
    print(f"{turns_a_second(model, validation):.0f} turns a second")


def _test(model: StageModel) -> None:
    calls = labelled.read(spoken.TEST)
    unknown = [tuple(replace(turn, role=Role.UNKNOWN) for turn in call) for call in calls]
    untimed = [
        tuple(replace(turn, start_s=None, end_s=None, speech=()) for turn in call) for call in calls
    ]
    for name, variant in (("test", calls), ("no times", untimed), ("no roles", unknown)):
        print(f"{name}: {evaluate(model, variant)}")
    blind = [call for script in spoken.BLIND for call in spoken.as_written(script)]
    print(f"blind: {evaluate(model, blind)}")
    print(f"{turns_a_second(model, calls):.0f} turns a second")


def evaluate(model: StageModel, calls: Sequence[Sequence[Turn]]) -> Figures:
    """Compare a model's stages with the labelled ones."""
    return compared(predictions(model, calls))


def predictions(
    model: StageModel, calls: Sequence[Sequence[Turn]]
) -> list[tuple[list[int], StagePath]]:
    """For each call its labelled stages and the model's."""
    return [
        (compose.stages(turns), model.stages(turns, cues=cues)) for turns, cues in _with_cues(calls)
    ]


def compared(pairs: Sequence[tuple[list[int], StagePath]]) -> Figures:
    """Figures of labelled stages against predicted ones."""
    right, certain_correct, greetings, closings, none = [], [], [], [], []
    for truth, staged in pairs:
        path = staged.path.tolist()
        hits = [t == s for t, s in zip(truth, path, strict=True)]
        right += hits
        certain = staged.probabilities[np.arange(len(path)), staged.path] >= ROLE_CONFIDENCE_MIN
        certain_correct += [hit for hit, is_sure in zip(hits, certain, strict=True) if is_sure]
        greetings.append((0 in truth) == (0 in path))
        if 2 in truth:
            found = path.index(2) if 2 in path else None
            closings.append(found is not None and abs(found - truth.index(2)) <= 2)
        else:
            none.append(2 not in path[:-1])
    uncertain = 1 - len(certain_correct) / len(right) if right else None
    return Figures(
        len(pairs),
        _share_of(right),
        _share_of(greetings),
        _share_of(closings),
        _share_of(none),
        uncertain,
        _share_of(certain_correct),
    )


def _share_of(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def turns_a_second(model: StageModel, calls: Sequence[Sequence[Turn]]) -> float:
    """Turns classified per second on one core, cue phrases included.

    A word before each turn makes its text one that no cache holds.
    """
    from audit import rulebooks
    from audit import stages as assigning

    cues = rulebooks.load("hotline").stages
    assigning.assign(calls[0], cues=cues, model=model)  # loads the dictionary
    unseen = [[replace(turn, text=f"{_NEW_WORD}{turn.text}") for turn in call] for call in calls]
    began = time.process_time()
    for turns in unseen:
        assigning.assign(turns, cues=cues, model=model)
    return sum(map(len, calls)) / (time.process_time() - began)


def sample_calls(own: Sequence[Composed] = (), *, count: int = SAMPLES) -> Iterator[list[Composed]]:
    """Samples of calls for training, with composed calls that differ between samples.

    Args:
        own: a user's calls, of domain :data:`labelled.OWN`; they are in every sample.
        count: number of samples.
    """
    return ([*compose.calls(CALLS, seed=seed), *_whole_calls(seed), *own] for seed in range(count))


def _whole_calls(seed: int) -> Iterator[Composed]:
    """For every other sample: with them in all, formal calls are classified less well."""
    if seed % 2 == 0:
        return
    for variant in range(_WHOLE_CALL_VARIANTS):
        yield from whole_calls.calls(seed=_WHOLE_CALL_VARIANTS * seed + variant)


def fit(samples: Iterable[Sequence[Composed]], *, out: Path) -> None:
    """Train on samples of labelled calls and write the mean of their models.

    Models of single samples differ by a few points; their mean is as good as the best of them.

    Args:
        samples: calls of domain :data:`labelled.OWN` are a user's and have more weight.
        out: the artifact.
    """
    fitted = [_fitted(calls) for calls in samples]
    names = sorted(set().union(*(one.names for one in fitted)))
    row_of = {name: row for row, name in enumerate(names)}
    weights = np.zeros((len(names), len(STAGES)))
    for one in fitted:
        weights[[row_of[name] for name in one.names]] += one.weights / len(fitted)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(stages.FORMAT),
            vocabulary=np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
            weights=weights.astype(np.float16),
            intercepts=np.mean([one.intercepts for one in fitted], axis=0),
            scale=np.mean([one.chain.scale for one in fitted]),
            start=np.mean([one.chain.start for one in fitted], axis=0),
            step=np.mean([one.chain.step for one in fitted], axis=0),
            end=np.mean([one.chain.end for one in fitted], axis=0),
        )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The model of one sample: weights of shape ``(len(names), 3)``."""

    names: list[str]
    weights: Array
    intercepts: Array
    chain: Chain


def _fitted(calls: Sequence[Composed]) -> _Fitted:
    cued_calls = _without_some_cues(_with_cues([call.turns for call in calls]))
    truth = [compose.stages(call.turns) for call in calls]
    names = _vocabulary(cued_calls)
    rows = _matrix(cued_calls, names)
    labels = np.array([stage for call in truth for stage in call])
    weights = np.concatenate([_weights(call) for call in calls])
    owner = np.repeat(np.arange(len(calls)), [len(call.turns) for call in calls])
    chain = _chain(
        _cross_validated_scores(rows, labels, weights, owner, _groups(calls)), truth, owner
    )
    coefficients, intercepts = _classifier(rows, labels, weights)
    return _Fitted(names, coefficients, intercepts, chain)


def _with_cues(calls: Sequence[Sequence[Turn]]) -> list[CuedCall]:
    """Calls with the cue phrases of the default rulebook."""
    from audit import rulebooks
    from audit.stages import cues_in

    cues = rulebooks.load("hotline").stages
    return [(turns, cues_in(turns, cues)) for turns in calls]


def _without_some_cues(calls: Sequence[CuedCall]) -> list[CuedCall]:
    nothing: frozenset[str] = frozenset()
    return [
        (turns, [nothing] * len(turns) if number % _CUELESS_EVERY == 0 else found)
        for number, (turns, found) in enumerate(calls)
    ]


def _weights(call: Composed) -> NDArray[np.float64]:
    weight = 1.0
    if call.domain == labelled.OWN:
        weight = _USER_CALL_WEIGHT
    elif call.domain.startswith(whole_calls.DOMAIN):
        weight = _WHOLE_CALL_WEIGHT
    return np.full(len(call.turns), weight)


def _groups(calls: Sequence[Composed]) -> list[str]:
    """Groups that folds do not split: domains, and each of a user's calls."""
    return [
        f"{call.domain} {number}" if call.domain == labelled.OWN else call.domain
        for number, call in enumerate(calls)
    ]


def _features(calls: Sequence[CuedCall]) -> Iterator[list[tuple[str, float]]]:
    """For each turn its features and their values."""
    for turns, found in calls:
        for number, place in enumerate(stages.position_features(turns, found)):
            values = [(name, stages.POSITION_VALUE) for name in place]
            for names, value in stages.blocks(turns, number):
                values += [(name, value) for name in names]
            yield values


def _vocabulary(calls: Sequence[CuedCall]) -> list[str]:
    counts = Counter(name for values in _features(calls) for name, _ in values)
    return sorted(name for name, count in counts.items() if count >= _FEATURE_TURNS_MIN)


def _matrix(calls: Sequence[CuedCall], names: Sequence[str]) -> Any:
    from scipy.sparse import csr_matrix

    rows = {name: row for row, name in enumerate(names)}
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for found in _features(calls):
        known = [(rows[name], value) for name, value in found if name in rows]
        columns += [column for column, _ in known]
        values += [value for _, value in known]
        ends.append(len(columns))
    shape = (len(ends) - 1, len(names))
    return csr_matrix((np.array(values), np.array(columns, dtype=np.int32), ends), shape=shape)


def _classifier(
    rows: Any, labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Array]:
    """Weights of shape ``(features, 3)`` and intercepts."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_INVERSE_REGULARIZATION, max_iter=200, tol=1e-3)
    model.fit(rows, labels, sample_weight=weights)
    coefficients = np.zeros((rows.shape[1], len(STAGES)))
    intercepts = np.full(len(STAGES), -10.0)
    coefficients[:, model.classes_] = model.coef_.T
    intercepts[model.classes_] = model.intercept_
    return coefficients, intercepts


def _cross_validated_scores(
    rows: Any,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    owner: NDArray[np.int64],
    groups: Sequence[str],
) -> Array:
    """Scores of all turns by classifiers not trained on their domain, shape ``(n, 3)``."""
    from sklearn.model_selection import GroupKFold

    scores = np.zeros((len(labels), len(STAGES)))
    by_turn = np.array(groups, dtype=object)[owner]
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(rows, groups=by_turn):
        coefficients, intercepts = _classifier(rows[seen], labels[seen], weights[seen])
        scores[unseen] = rows[unseen] @ coefficients + intercepts
    return scores


def _chain(scores: Array, truth: Sequence[list[int]], owner: NDArray[np.int64]) -> Chain:
    """The chain under which the labelled stages of whole calls are likeliest."""
    from scipy.optimize import minimize

    by_length: dict[int, list[tuple[Array, list[int]]]] = {}
    ends = np.cumsum(np.bincount(owner, minlength=len(truth)))
    for labels, end in zip(truth, ends, strict=True):
        by_length.setdefault(len(labels), []).append((scores[end - len(labels) : end], labels))
    batches = [
        (np.stack([own for own, _ in calls]), np.array([labels for _, labels in calls]))
        for calls in by_length.values()
    ]

    def loss(parameters: Array) -> float:
        chain = _as_chain(parameters)
        likelihood = sum(float(_likelihood(s, labels, chain).sum()) for s, labels in batches)
        return -likelihood / len(truth) + 1e-3 * float((parameters**2).sum())

    begin = np.concatenate([[1.0], np.zeros(len(_CHAIN_PARAMETERS) - 1)])
    return _as_chain(minimize(loss, begin, method="L-BFGS-B").x)


_FORWARD_STEPS = [(a, b) for a in range(len(STAGES)) for b in range(a, len(STAGES))]
_CHAIN_PARAMETERS = range(1 + len(STAGES) + len(_FORWARD_STEPS) + len(STAGES))


def _as_chain(parameters: Array) -> Chain:
    count = len(STAGES)
    step = np.full((count, count), -np.inf)
    for (before, after), value in zip(_FORWARD_STEPS, parameters[1 + count :], strict=False):
        step[before, after] = value
    return Chain(float(parameters[0]), parameters[1 : 1 + count], step, parameters[-count:])


def _likelihood(scores: Array, labels: NDArray[np.int64], chain: Chain) -> Array:
    """Log likelihood of the labelled paths of calls of one length, shape ``(calls,)``."""
    emitted = chain.scale * scores
    emitted[:, 0] += chain.start
    emitted[:, -1] += chain.end
    forward = emitted[:, 0]
    for at in range(1, emitted.shape[1]):
        ways = forward[:, :, None] + chain.step
        forward = np.logaddexp.reduce(ways, axis=1) + emitted[:, at]
    own = np.take_along_axis(emitted, labels[:, :, None], axis=2).sum(axis=(1, 2))
    own = own + chain.step[labels[:, :-1], labels[:, 1:]].sum(axis=1)
    log_likelihood: Array = own - np.logaddexp.reduce(forward, axis=1)
    return log_likelihood


if __name__ == "__main__":
    main(sys.argv[1:])
