"""Where a recognised text would have commas, full stops and question marks.

Three linear models, written by :mod:`models.training.punctuation` and read as plain arrays: whether
a mark belongs between two words, whether it ends a sentence, and whether that sentence asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from audit.language.text import simplify
from audit.types import Marks
from models.text import linear, tokens

_FOLDER = Path(__file__).parent
PLACES = _FOLDER / "punctuation_places.npz"
STOPS = _FOLDER / "punctuation_stops.npz"
QUESTIONS = _FOLDER / "punctuation_questions.npz"
"""Vocabulary, coefficients and calibration of each model."""

PLACE_FROM = 1.0
STOP_FROM = 1.0
QUESTION_FROM = 1.0
"""Log-odds from which each model says yes, set on writers whom it had not seen."""

_SPOKEN = re.compile(r"[\u3400-\u9fffa-z0-9]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_ENDS = re.compile("[。？！…?!.;；]")
_COMMAS = {"，", ","}
_LONG = 8
"""Characters from which a turn shows whether its transcript has full stops."""
_THROUGHOUT = 0.8
"""Share of these turns that end with one, from which it has."""


def marks(texts: Sequence[str]) -> list[Marks]:
    """The marks that the turns of a call lack.

    What a transcript has stays, but for a comma where a sentence ends. One that has full stops and
    question marks throughout gets them at the ends of turns only.

    Args:
        texts: of all turns of the call, as transcribed.

    Returns:
        For each text the positions and marks, in order: a mark stands before the character at its
        position, in place of it if that is a comma. None for a text without Chinese.
    """
    inside = not _is_punctuated(texts)
    return [tuple(_marks(text, inside=inside)) for text in texts]


def place_features(words: Sequence[str], at: int) -> list[str]:
    """What lies around the gap before word ``at``: up to three words and characters a side."""
    far, before, left = ["^", "^", *words[max(0, at - 3) : at]][-3:]
    right, after, next_ = [*words[at : at + 3], "$", "$"][:3]
    last, first = (before + left)[-2:], (right + after)[:2]
    return [
        f"l{left}",
        f"ll{before} {left}",
        f"lll{far} {before} {left}",
        f"r{right}",
        f"rr{right} {after}",
        f"rrr{right} {after} {next_}",
        f"lr{left} {right}",
        f"llr{before} {left} {right}",
        f"lrr{left} {right} {after}",
        f"b{before}",
        f"a{after}",
        f"c{last[-1]}",
        f"cc{last}",
        f"d{first[0]}",
        f"dd{first}",
        f"cd{last[-1]}{first[0]}",
        f"ccd{last}{first[0]}",
        f"cdd{last[-1]}{first}",
    ]


def clause_features(words: Sequence[str], sentence: int, first: int, end: int) -> list[str]:
    """The clause of the words from ``first`` up to ``end``, and the two words after it.

    Its sentence begins with the word ``sentence``.
    """
    clause = words[first:end]
    before, left = ["^", *clause][-2:]
    right, after = [*words[end : end + 2], "$", "$"][:2]
    return [
        *sorted({f"w{word}" for word in clause}),
        f"f{clause[0]}",
        f"n{min(len(clause), 8)}",
        f"o{min((end - sentence) // 2, 12)}",
        f"l{left}",
        f"c{left[-1]}",
        f"ll{before} {left}",
        f"cc{(before + left)[-2:]}",
        f"r{right}",
        f"rr{right} {after}",
        f"lr{left} {right}",
        f"cd{left[-1]}{right[0]}",
    ]


def _marks(text: str, *, inside: bool) -> Iterator[tuple[int, str]]:
    """Positions and marks of one text; without ``inside`` only the last one."""
    same = simplify(text).lower()
    spoken = [found.start() for found in _SPOKEN.finditer(same)]
    if len(same) != len(text) or not _HAN.search(same):
        return
    words = tokens.telephone().cut("".join(same[at] for at in spoken))
    spoken.append(len(text))
    sentence = first = 0
    for number, count in enumerate(accumulate(map(len, words)), start=1):
        position, is_last = spoken[count - 1] + 1, number == len(words)
        given = text[position : spoken[count]]
        if _ENDS.search(given):
            sentence = first = number
        elif is_last:
            clause = clause_features(words, sentence, first, number)
            # a syllable alone (嗯, 对) asks by its melody, which no text has
            mark = _stop(clause) if count > 1 else "。"
            yield position if given in _COMMAS else len(text), mark
        elif given in _COMMAS or (inside and not given and _has_place(words, number)):
            clause = clause_features(words, sentence, first, number)
            first = number
            if inside and _ends_sentence(clause):
                yield position, _stop(clause)
                sentence = number
            elif not given:
                yield position, "，"


def _is_punctuated(texts: Sequence[str]) -> bool:
    """Whether nearly all of the longer turns end as sentences do."""
    long = [text.rstrip() for text in texts if len(text) >= _LONG]
    ended = sum(text.endswith(("。", "？", "！", "…", "?", "!")) for text in long)
    return bool(long) and ended >= _THROUGHOUT * len(long)


def _has_place(words: Sequence[str], at: int) -> bool:
    return linear.load(PLACES).log_odds(place_features(words, at)) >= PLACE_FROM


def _ends_sentence(clause: Sequence[str]) -> bool:
    return linear.load(STOPS).log_odds(clause) >= STOP_FROM


def _stop(clause: Sequence[str]) -> str:
    return "？" if linear.load(QUESTIONS).log_odds(clause) >= QUESTION_FROM else "。"
