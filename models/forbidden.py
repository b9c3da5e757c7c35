"""How likely a sentence is wording that the norms forbid, and of which kind.

A linear model over characters, blurred syllables and words, written by
:mod:`models.train_forbidden` and read as plain arrays: nothing here needs scikit-learn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.text import simplify

ARTIFACT = Path(__file__).parent / "artifacts" / "forbidden.npz"
"""Vocabulary, coefficients and calibration."""

INNOCENT = "innocent"

KINDS = (
    "abuse",
    "scolding",
    "mockery",
    "shirking",
    "refusal",
    "blaming",
    "ordering",
    "rushing",
    "provoking",
)
"""Kinds of forbidden wording, in the order of the columns of :class:`Prediction`."""

_SPOKEN = re.compile(r"[\u3400-\u9fffa-z0-9]")
_CHARACTERS = (1, 2, 3, 4)
_SYLLABLES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of sentences.

    Attributes:
        forbidden: calibrated probability that the wording is forbidden, shape ``(n,)``.
        kinds: probability of each of :data:`KINDS`, shape ``(n, 9)``; rows sum to ``forbidden``.
    """

    forbidden: NDArray[np.float64]
    kinds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Model:
    vocabulary: dict[str, int]
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float64]
    slope: float
    offset: float


def predict(texts: Sequence[str]) -> Prediction:
    """Judge sentences, each by itself.

    Args:
        texts: sentences as recognised; marks are passed over.
    """
    model = _model()
    scores = np.array([_scores(text, model) for text in texts]).reshape(-1, 1 + len(KINDS))
    forbidden = 1 / (1 + np.exp(-(model.slope * scores[:, 0] + model.offset)))
    likely = np.exp(scores[:, 1:] - scores[:, 1:].max(axis=1, initial=0, keepdims=True))
    kinds = forbidden[:, None] * likely / likely.sum(axis=1, keepdims=True)
    return Prediction(forbidden, kinds)


def _scores(text: str, model: _Model) -> NDArray[np.float64]:
    found = features(text)
    known = [model.vocabulary[f] for f in found if f in model.vocabulary]
    total = model.weights[known].sum(axis=0, dtype=np.float64)
    scores: NDArray[np.float64] = total * len(found) ** -0.5 + model.intercepts
    return scores


def features(text: str) -> set[str]:
    """The n-grams of a text: ``c`` characters, ``s`` blurred syllables, ``w`` words.

    >>> sorted(f for f in features("有意见") if f[0] == "w")
    ['w^ 有', 'w意见', 'w意见 $', 'w有', 'w有 意见']
    """
    plain = "".join(_SPOKEN.findall(simplify(text).lower()))
    syllables = ["^", *map(syllable, plain), "$"]
    words = ["^", *_tokenizer().cut(plain, HMM=False), "$"]
    return {
        *(f"c{gram}" for n in _CHARACTERS for gram in _grams(f"^{plain}$", n)),
        *("s" + " ".join(gram) for n in _SYLLABLES for gram in _grams(syllables, n)),
        *(f"w{word}" for word in words[1:-1]),
        *("w" + " ".join(gram) for gram in _grams(words, 2)),
    }


def matrix(texts: Sequence[str], vocabulary: dict[str, int]) -> Any:
    """Sparse rows, of unit length if all is known, shape ``(len(texts), len(vocabulary))``."""
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for text in texts:
        found = features(text)
        known = sorted(vocabulary[f] for f in found if f in vocabulary)
        columns += known
        values += [len(found) ** -0.5] * len(known)
        ends.append(len(columns))
    shape = (len(texts), len(vocabulary))
    return csr_matrix((np.array(values), np.array(columns, dtype=np.int32), ends), shape=shape)


def _grams(sequence: Sequence[str], n: int) -> Iterator[Sequence[str]]:
    return (sequence[i : i + n] for i in range(len(sequence) - n + 1))


@lru_cache(maxsize=65_536)
def syllable(character: str) -> str:
    """A character's reading without tone, sounds that lines and accents blur made one."""
    from pypinyin import Style, lazy_pinyin

    reading = lazy_pinyin(character, style=Style.NORMAL)[0]
    return re.sub("ng$", "n", re.sub("^n", "l", re.sub("^([zcs])h", r"\1", reading)))


@cache
def _tokenizer() -> Any:
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.dt


@cache
def _model() -> _Model:
    with np.load(ARTIFACT, allow_pickle=False) as stored:
        names = stored["vocabulary"].tobytes().decode().split("\n")
        slope, offset = stored["calibration"].tolist()
        return _Model(
            vocabulary={name: i for i, name in enumerate(names)},
            weights=stored["weights"].astype(np.float32),
            intercepts=stored["intercepts"].astype(np.float64),
            slope=slope,
            offset=offset,
        )
