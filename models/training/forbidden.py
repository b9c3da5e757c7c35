"""Trains the classifier of forbidden wording: ``python -m models.training.forbidden``.

Sentences come from the phrase families of ``data_samples/sentences/train``, with ASR noise.
Probabilities are calibrated on unseen families (five folds) and operating points chosen on
``validation.jsonl``; ``test.jsonl`` is only reported. Families that resemble a sentence of either
are left out.
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
from rapidfuzz import fuzz, process
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from audit.language.phrases import expand
from audit.language.text import sounds
from audit.rates import wilson
from models.text import forbidden, tokens
from models.text.forbidden import INNOCENT, KINDS

SENTENCES = Path("data_samples/sentences")
PRECISION_MIN = 0.97
"""Minimum precision of a suspicion, where half of the sentences are innocent and hard."""
_PRECISION_MIN_UNSEEN = 0.91
"""The same on unseen training families, whose innocent sentences are much harder."""
_FALSE_ALARM_RATE_MAX = 1 / 2000
"""Maximum share of ordinary sentences that are accused: one in 100 calls of twenty sentences."""
_FALSE_DOUBT_RATE_MAX = 1 / 200
_ORDINARY = "ordinary"
"""Families of everyday sentences; the other innocent families are near violations."""
SIMILARITY_MIN = 80
"""Similarity of sounds, in per cent, from which two sentences resemble each other."""
_FORBIDDEN_PER_FAMILY = 16
_INNOCENT_PER_FAMILY = 50
_FEATURE_SENTENCES_MIN = 3  # sentences that a feature must occur in
_INVERSE_REGULARIZATION = 30.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the data and the phrase family it belongs to."""

    text: str
    kind: str
    family: str


def main() -> None:
    """Write the artifact and print what was measured."""
    validation, test = held_out("validation"), held_out("test")
    clean = dissimilar(training_sentences(), [*validation, *test])
    sentences = augmented_with_asr_noise(clean)
    texts = [sentence.text for sentence in sentences]
    labels = np.array([sentence.kind != INNOCENT for sentence in sentences])
    kinds = np.array([KINDS.index(s.kind) if s.kind != INNOCENT else -1 for s in sentences])
    groups = [sentence.family for sentence in sentences]
    print(f"{len(clean)} sentences, {len(set(groups))} families, {dict(_count(clean))}")

    vocabulary = _vocabulary(texts)
    rows = forbidden.matrix(texts, vocabulary)
    unseen, kinds_right = _cross_validate(rows, labels, kinds, groups)
    calibration = LogisticRegression(C=1e6).fit(unseen[:, None], labels)
    slope, offset = float(calibration.coef_[0, 0]), float(calibration.intercept_[0])
    probabilities = 1 / (1 + np.exp(-(slope * unseen + offset)))
    print(f"kind right on unseen forbidden: {kinds_right:.3f}")

    binary_weights, kind_weights, intercepts = _fit(rows, labels, kinds)
    np.savez_compressed(
        forbidden.ARTIFACT,
        vocabulary=np.frombuffer("\n".join(vocabulary).encode(), dtype=np.uint8),
        whether=binary_weights.astype(np.float16),
        which=kind_weights.astype(np.float16),
        intercepts=intercepts,
        calibration=np.array([slope, offset]),
    )
    print(f"{forbidden.ARTIFACT}: {len(vocabulary)} features")

    ordinary = probabilities[[group.startswith(_ORDINARY) for group in groups]]
    scores, labels_validation = _scored(validation)
    suspect_from = max(
        operating_point(scores, labels_validation, PRECISION_MIN),
        operating_point(probabilities, labels, _PRECISION_MIN_UNSEEN),
    )
    doubt_from = max(suspect_from, float(np.quantile(ordinary, 1 - _FALSE_DOUBT_RATE_MAX)))
    accuse_from = max(doubt_from, float(np.quantile(ordinary, 1 - _FALSE_ALARM_RATE_MAX)))
    for name, threshold in (
        ("suspect_from", suspect_from),
        ("doubt_from", doubt_from),
        ("accuse_from", accuse_from),
    ):
        print(f"{name} {threshold:.3f}")
        print(f"  validation {_rates(scores >= threshold, labels_validation)}")
        print(f"  unseen families of training {_rates(probabilities >= threshold, labels)}")
        print(f"  unseen ordinary talk {float((ordinary >= threshold).mean()):.5f}")
        test_scores, test_labels = _scored(test)
        print(f"  test {_rates(test_scores >= threshold, test_labels)}")


def _scored(rows: Sequence[dict[str, str]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities = forbidden.probabilities([row["text"] for row in rows])
    return probabilities, np.array([row["kind"] != INNOCENT for row in rows])


def training_sentences() -> list[Sentence]:
    """Sentences of all families, the same ones each time."""
    sentences: list[Sentence] = []
    for kind, family, wordings in _families():
        chance = random.Random(family)
        sentence_count = _INNOCENT_PER_FAMILY if kind == INNOCENT else _FORBIDDEN_PER_FAMILY
        share = -(-sentence_count // len(wordings))
        for wording in wordings:
            texts = list(dict.fromkeys(expand(wording)))
            chosen = texts if len(texts) <= share else chance.sample(texts, share)
            sentences += [Sentence(text, kind, family) for text in chosen]
    return sentences


def held_out(name: str) -> list[dict[str, str]]:
    """The sentences of ``validation`` or ``test``: ``text``, ``kind``, ``family``."""
    lines = (SENTENCES / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def dissimilar(sentences: Sequence[Sentence], held: Sequence[dict[str, str]]) -> list[Sentence]:
    """The sentences of families without any sentence that resembles a held-out one."""
    codes = sorted({sounds(sentence.text).code for sentence in sentences})
    similarity = process.cdist(
        [sounds(row["text"]).code for row in held],
        codes,
        scorer=fuzz.ratio,
        score_cutoff=SIMILARITY_MIN,
    )
    resembling = {code for code, ratios in zip(codes, similarity.T, strict=True) if ratios.any()}
    left_out = {s.family for s in sentences if sounds(s.text).code in resembling}
    return [sentence for sentence in sentences if sentence.family not in left_out]


def augmented_with_asr_noise(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, and a copy of each with ASR noise."""
    chance = random.Random(0)
    homophones = _homophones(sentences)
    polite = [sentence.text for sentence in sentences if sentence.kind == INNOCENT]
    more = []
    for sentence in sentences:
        text = _misrecognized(sentence.text.replace("，", ""), homophones, chance)
        if chance.random() < 0.25:
            pair = [text, chance.choice(polite)]
            chance.shuffle(pair)
            text = "".join(pair)
        more.append(Sentence(text, sentence.kind, sentence.family))
    return [*sentences, *more]


def operating_point(
    probabilities: NDArray[np.float64], labels: NDArray[np.bool_], precision: float
) -> float:
    """The lowest probability from which precision is sufficient with confidence.

    That is, the lower end of its 95 % interval (Wilson) is at least ``precision``; 1.0 if there
    is no such probability.
    """
    order = np.argsort(-probabilities)
    correct = np.cumsum(labels[order]).tolist()
    lowest = [wilson(hits, count)[0] for count, hits in enumerate(correct, start=1)]
    enough = np.flatnonzero(np.array(lowest) >= precision)
    return float(probabilities[order[enough[-1]]]) if len(enough) else 1.0


def _families() -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and wordings of every family: a line of ``train/KIND.txt``."""
    for file in sorted((SENTENCES / "train").glob("*.txt")):
        kind = INNOCENT if file.stem == _ORDINARY else file.stem
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            if line and not line.startswith("#"):
                yield kind, f"{file.stem}-{number:04}", line.split(" / ")


def _homophones(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    by_sound: defaultdict[str, list[str]] = defaultdict(list)
    for character in sorted({c for s in sentences for c in s.text if "\u3400" <= c <= "\u9fff"}):
        by_sound[tokens.syllable(character)].append(character)
    return {c: characters for characters in by_sound.values() for c in characters}


def _misrecognized(text: str, homophones: dict[str, list[str]], chance: random.Random) -> str:
    at = chance.randrange(len(text))
    match chance.randrange(5):
        case 0:
            return text[:at] + text[at + 1 :] if len(text) > 4 else text
        case 1:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case _:
            return "".join(
                chance.choice(homophones[c]) if c in homophones and chance.random() < 0.2 else c
                for c in text
            )


def _count(sentences: Sequence[Sentence]) -> Counter[str]:
    return Counter(sentence.kind for sentence in sentences)


def _vocabulary(texts: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(forbidden.features(text))
    kept = sorted(feature for feature, count in counts.items() if count >= _FEATURE_SENTENCES_MIN)
    return {feature: i for i, feature in enumerate(kept)}


def _fit(
    rows: Any, labels: NDArray[np.bool_], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights for forbidden or not ``(features,)`` and for kinds ``(features, 9)``, intercepts."""
    binary = LogisticRegression(
        C=_INVERSE_REGULARIZATION, class_weight="balanced", solver="liblinear", fit_intercept=False
    ).fit(rows, labels)
    by_kind = LinearSVC().fit(rows[labels], kinds[labels])
    return binary.coef_[0], by_kind.coef_.T, by_kind.intercept_


def _cross_validate(
    rows: Any, labels: NDArray[np.bool_], kinds: NDArray[np.int64], groups: Sequence[str]
) -> tuple[NDArray[np.float64], float]:
    """Scores of all sentences by models not trained on their family; accuracy of the kinds."""
    scores = np.zeros(len(labels))
    is_correct = np.zeros(len(labels), dtype=bool)
    for seen, unseen in GroupKFold(5, shuffle=True, random_state=0).split(rows, groups=groups):
        known = np.asarray((rows[seen] > 0).sum(axis=0)).ravel() >= _FEATURE_SENTENCES_MIN
        visible = rows[:, known]
        binary_weights, kind_weights, intercepts = _fit(visible[seen], labels[seen], kinds[seen])
        scores[unseen] = visible[unseen] @ binary_weights
        kind_scores = visible[unseen] @ kind_weights + intercepts
        is_correct[unseen] = kind_scores.argmax(axis=1) == kinds[unseen]
    return scores, float(is_correct[labels].mean())


def _rates(accused: NDArray[np.bool_], labels: NDArray[np.bool_]) -> str:
    correct = int((accused & labels).sum())
    precision, recall = correct / max(1, int(accused.sum())), correct / int(labels.sum())
    return f"precision {precision:.3f}, recall {recall:.3f}"


if __name__ == "__main__":
    main()
