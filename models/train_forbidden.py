"""Learns the classifier of forbidden wording: ``python -m models.train_forbidden``.

Sentences come from the phrase families of ``data_samples/sentences/train.txt``, spoilt as a
recogniser spoils them. Probabilities are calibrated, and operating points chosen, on families that
the model did not see (five folds); ``test.jsonl`` only reports.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from audit.phrases import expand
from models import forbidden
from models.forbidden import INNOCENT, KINDS

SENTENCES = Path("data_samples/sentences")
PRECISION = 0.97
"""Least precision of an accusation, on unseen families."""
_FALSE_ALARMS = 0.002
"""Most innocent sentences of unseen families that are accused: one call in 100 of ten each."""
_DOUBT_PRECISION = 0.95
_FORBIDDEN_PER_FAMILY = 16
_INNOCENT_PER_FAMILY = 50
_LEAST_SENTENCES = 3  # that a feature must be in
_C = 30.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the data and the phrase family it belongs to."""

    text: str
    kind: str
    family: str


def main() -> None:
    """Write the artifact and print what was measured."""
    sentences = spoilt(training_sentences())
    texts = [sentence.text for sentence in sentences]
    labels = np.array([sentence.kind != INNOCENT for sentence in sentences])
    kinds = np.array([KINDS.index(s.kind) if s.kind != INNOCENT else -1 for s in sentences])
    groups = [sentence.family for sentence in sentences]
    print(f"{len(sentences)} sentences, {len(set(groups))} families, {dict(_count(sentences))}")

    vocabulary = _vocabulary(texts)
    rows = forbidden.matrix(texts, vocabulary)
    unseen, kinds_right = _cross_validate(rows, labels, kinds, groups)
    calibration = LogisticRegression(C=1e6).fit(unseen[:, None], labels)
    slope, offset = float(calibration.coef_[0, 0]), float(calibration.intercept_[0])
    probabilities = 1 / (1 + np.exp(-(slope * unseen + offset)))
    accuse_from = max(
        operating_point(probabilities, labels, PRECISION),
        float(np.quantile(probabilities[~labels], 1 - _FALSE_ALARMS)),
    )
    doubt_from = operating_point(probabilities, labels, _DOUBT_PRECISION)
    for name, threshold in (("accuse_from", accuse_from), ("doubt_from", doubt_from)):
        print(f"{name} {threshold:.3f}: {_rates(probabilities >= threshold, labels)} (unseen)")
    print(f"kind right on unseen forbidden: {kinds_right:.3f}")

    weights, intercepts = _fit(rows, labels, kinds)
    np.savez_compressed(
        forbidden.ARTIFACT,
        vocabulary=np.frombuffer("\n".join(vocabulary).encode(), dtype=np.uint8),
        weights=weights.astype(np.float16),
        intercepts=intercepts,
        calibration=np.array([slope, offset]),
    )
    print(f"{forbidden.ARTIFACT}: {len(vocabulary)} features")


def training_sentences() -> list[Sentence]:
    """Sentences of all families, the same ones each time."""
    sentences: list[Sentence] = []
    for kind, family, wordings in _families():
        chance = random.Random(family)
        most = _INNOCENT_PER_FAMILY if kind == INNOCENT else _FORBIDDEN_PER_FAMILY
        share = -(-most // len(wordings))
        for wording in wordings:
            texts = list(dict.fromkeys(expand(wording)))
            chosen = texts if len(texts) <= share else chance.sample(texts, share)
            sentences += [Sentence(text, kind, family) for text in chosen]
    return sentences


def held_out() -> list[dict[str, str]]:
    """The test set: ``text``, ``kind``, ``family`` and, for some, ``before``."""
    lines = (SENTENCES / "test.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def spoilt(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, and each once more as it may come out of a recogniser."""
    chance = random.Random(0)
    alike = _homophones(sentences)
    polite = [sentence.text for sentence in sentences if sentence.kind == INNOCENT]
    more = []
    for sentence in sentences:
        text = _misheard(sentence.text.replace("，", ""), alike, chance)
        if chance.random() < 0.25:
            pair = [text, chance.choice(polite)]
            chance.shuffle(pair)
            text = "".join(pair)
        more.append(Sentence(text, sentence.kind, sentence.family))
    return [*sentences, *more]


def operating_point(
    probabilities: NDArray[np.float64], labels: NDArray[np.bool_], precision: float
) -> float:
    """The least probability from which on the share of forbidden sentences is ``precision``."""
    order = np.argsort(-probabilities)
    shares = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= precision)
    return float(probabilities[order[enough[-1]]]) if len(enough) else 1.0


def _families() -> Iterator[tuple[str, str, list[str]]]:
    kind = ""
    numbers: Counter[str] = Counter()
    for line in (SENTENCES / "train.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        elif line and not line.startswith("#"):
            numbers[kind] += 1
            yield kind, f"train-{kind}-{numbers[kind]:03}", line.split(" / ")


def _homophones(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    by_sound: defaultdict[str, list[str]] = defaultdict(list)
    for character in sorted({c for s in sentences for c in s.text if "\u3400" <= c <= "\u9fff"}):
        by_sound[forbidden.syllable(character)].append(character)
    return {c: characters for characters in by_sound.values() for c in characters}


def _misheard(text: str, alike: dict[str, list[str]], chance: random.Random) -> str:
    at = chance.randrange(len(text))
    match chance.randrange(5):
        case 0:
            return text[:at] + text[at + 1 :] if len(text) > 4 else text
        case 1:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case _:
            return "".join(
                chance.choice(alike[c]) if c in alike and chance.random() < 0.2 else c for c in text
            )


def _count(sentences: Sequence[Sentence]) -> Counter[str]:
    return Counter(sentence.kind for sentence in sentences)


def _vocabulary(texts: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(forbidden.features(text))
    kept = sorted(feature for feature, count in counts.items() if count >= _LEAST_SENTENCES)
    return {feature: i for i, feature in enumerate(kept)}


def _fit(
    rows: Any, labels: NDArray[np.bool_], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights ``(features, 10)`` and intercepts: forbidden or not, then the kinds."""
    whether = LogisticRegression(
        C=_C, class_weight="balanced", solver="liblinear", fit_intercept=False
    ).fit(rows, labels)
    which = LogisticRegression(C=_C, max_iter=100, tol=1e-2).fit(rows[labels], kinds[labels])
    weights = np.vstack([whether.coef_, which.coef_]).T
    return weights, np.concatenate([[0.0], which.intercept_])


def _cross_validate(
    rows: Any, labels: NDArray[np.bool_], kinds: NDArray[np.int64], groups: Sequence[str]
) -> tuple[NDArray[np.float64], float]:
    """Scores of all sentences by models that saw none of their family; share of right kinds."""
    scores = np.zeros(len(labels))
    right = np.zeros(len(labels), dtype=bool)
    for seen, unseen in GroupKFold(5, shuffle=True, random_state=0).split(rows, groups=groups):
        known = np.asarray((rows[seen] > 0).sum(axis=0)).ravel() >= _LEAST_SENTENCES
        visible = rows[:, known]
        weights, intercepts = _fit(visible[seen], labels[seen], kinds[seen])
        told = visible[unseen] @ weights + intercepts
        scores[unseen] = told[:, 0]
        right[unseen] = told[:, 1:].argmax(axis=1) == kinds[unseen]
    return scores, float(right[labels].mean())


def _rates(accused: NDArray[np.bool_], labels: NDArray[np.bool_]) -> str:
    right = int((accused & labels).sum())
    precision, recall = right / max(1, int(accused.sum())), right / int(labels.sum())
    return f"precision {precision:.3f}, recall {recall:.3f}"


if __name__ == "__main__":
    main()
