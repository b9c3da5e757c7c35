"""Finding a norm's phrases in recognised speech, by sound and with tolerance.

A phrase is written as people write it, with three signs: ``(a|b)`` for alternatives (an empty
one makes a part optional) and ``…`` for up to eight syllables of anything. ``你(去|)找…去吧``
finds 你去找别的部门去吧.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from audit.text import Sounds, sounds

MAX_GAP = 8
"""Syllables that ``…`` may stand for."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found in a text.

    Attributes:
        first: index in the text of the first character matched.
        last: index after the last one.
        quality: share of the phrase's sounds that were heard, 0 to 1.
        meant: the phrase as written, alternatives chosen.
    """

    first: int
    last: int
    quality: float
    meant: str


@lru_cache(maxsize=8192)
def expand(phrase: str) -> tuple[str, ...]:
    """All wordings a phrase stands for.

    >>> expand("你(去|)找")
    ('你去找', '你找')
    """
    pieces = re.split(r"\(([^()]*)\)", phrase)
    options = [
        piece.split("|") if number % 2 else [piece] for number, piece in enumerate(pieces)
    ]
    return tuple("".join(choice) for choice in itertools.product(*options))


def find(phrase: str, text: str) -> Match | None:
    """The best match of a phrase in a text, or None."""
    heard = sounds(text)
    best: Match | None = None
    for wording in expand(phrase):
        match = _find_wording(wording, heard)
        if match is not None and (best is None or match.quality > best.quality):
            best = match
    return best


def find_any(phrases: Sequence[str], text: str) -> Match | None:
    """The best match of any of the phrases, or None; the longer one where two are as good."""
    matches = [match for phrase in phrases if (match := find(phrase, text)) is not None]
    return max(matches, key=lambda m: (m.quality, m.last - m.first), default=None)


def _find_wording(wording: str, heard: Sounds) -> Match | None:
    parts = [sounds(part) for part in wording.split("…")]
    total = sum(len(part) for part in parts)
    if not total or total > len(heard):
        return None
    start, first, quality = 0, None, 0.0
    for part in parts:
        if not len(part):
            continue
        reach = len(heard) if first is None else min(len(heard), start + MAX_GAP + len(part))
        found = _align(part, heard, start, reach)
        if found is None:
            return None
        begin, start, similarity = found
        first = begin if first is None else first
        quality += similarity * len(part) / total
    assert first is not None
    return Match(heard.positions[first], heard.positions[start - 1] + 1, quality, wording)


def _tolerance(syllables: int) -> float:
    """Least similarity at which a part of so many syllables counts as heard.

    Half a syllable wrong costs ``1 / (2 * syllables)``. A short part must be heard whole, or
    innocent words would match; from five syllables on one sound in ten may be wrong, from
    seven on one in seven.
    """
    if syllables <= 4:
        return 1.0
    if syllables <= 6:
        return 0.9
    return 0.86


def _align(part: Sounds, heard: Sounds, start: int, end: int) -> tuple[int, int, float] | None:
    """Best place of a part among the syllables ``start`` to ``end``: begin, end, similarity."""
    from rapidfuzz import fuzz

    window = heard.code[2 * start : 2 * end]
    tolerance = _tolerance(len(part))
    if tolerance == 1.0:
        at = window.find(part.code)
        while at % 2 and at != -1:
            at = window.find(part.code, at + 1)
        return None if at < 0 else (start + at // 2, start + at // 2 + len(part), 1.0)
    if len(window) < len(part.code):
        return None
    found = fuzz.partial_ratio_alignment(part.code, window, score_cutoff=100 * tolerance)
    if found is None:
        return None
    begin = start + found.dest_start // 2
    return begin, start + (found.dest_end + 1) // 2, found.score / 100
