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
"""Kinds of forbidden wording."""

_SPOKEN = re.compile(r"[\u3400-\u9fffa-z0-9]")
_CHARACTERS = (1, 2, 3)
_SYLLABLES = (2, 3)


@dataclass(frozen=True, slots=True)
class _Model:
    """What is learned: of every feature, what it says for forbidden wording and for each kind."""

    vocabulary: dict[str, int]
    whether: NDArray[np.float32]
    which: NDArray[np.float32]
    intercepts: NDArray[np.float64]
    slope: float
    offset: float


def probabilities(texts: Sequence[str]) -> NDArray[np.float64]:
    """How likely the wording of sentences is forbidden, each by itself.

    Args:
        texts: sentences as recognised; marks are passed over.

    Returns:
        Calibrated probabilities, shape ``(len(texts),)``.
    """
    model = _model()
    scores = np.zeros(len(texts))
    for number, text in enumerate(texts):
        known, scale = _known(text, model)
        scores[number] = model.whether[known].sum() * scale
    told: NDArray[np.float64] = 1 / (1 + np.exp(-(model.slope * scores + model.offset)))
    return told


def kind(text: str) -> str:
    """Which of :data:`KINDS` a sentence is likeliest to be, if it is forbidden at all."""
    model = _model()
    known, scale = _known(text, model)
    return KINDS[int((model.which[known].sum(axis=0) * scale + model.intercepts).argmax())]


def _known(text: str, model: _Model) -> tuple[list[int], float]:
    """The features of a text that the model knows, and what each of them weighs."""
    found = features(text)
    return [model.vocabulary[f] for f in found if f in model.vocabulary], len(found) ** -0.5


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
            whether=stored["whether"].astype(np.float32),
            which=stored["which"].astype(np.float32),
            intercepts=stored["intercepts"].astype(np.float64),
            slope=slope,
            offset=offset,
        )
