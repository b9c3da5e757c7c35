"""Finding a norm's phrases in recognised speech, by sound and with tolerance.

A phrase is written as people write it, with three signs: ``(a|b)`` for alternatives (an empty
one makes a part optional; they may stand inside one another) and ``…`` for up to eight
syllables of anything. ``你(去|)找…去吧`` finds 你去找别的部门去吧.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from audit.text import Sounds, simplify, sounds

_PLAIN = 2
"""Syllables up to which blurred sounds do not count as one: 你好 is not 理好."""

_SLACK_FROM = 3
"""Syllables from which slack is given: with less, 我叫 would be found in 我就."""

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
    >>> expand("别(急|发(火|脾气))")
    ('别急', '别发火', '别发脾气')
    """
    levels: list[list[list[str]]] = [[[""]]]  # of open brackets: alternatives: wordings so far
    for sign in phrase + ")" * (phrase.count("(") - phrase.count(")")):
        if sign == "(":
            levels.append([[""]])
        elif sign == "|" and len(levels) > 1:
            levels[-1].append([""])
        elif sign == ")" and len(levels) > 1:
            inside = [wording for choice in levels.pop() for wording in choice]
            levels[-1][-1] = [before + wording for before in levels[-1][-1] for wording in inside]
        else:
            levels[-1][-1] = [before + sign for before in levels[-1][-1]]
    return tuple(wording for choice in levels[0] for wording in choice)


def find(phrase: str, text: str, *, slack: int = 0) -> Match | None:
    """The best match of a phrase in a text, or None; see :func:`find_any`."""
    return find_any((phrase,), text, slack=slack)


def find_literal(phrases: tuple[str, ...], text: str) -> Match | None:
    """The longest wording whose characters stand in the text, marks between them passed over."""
    text = simplify(text)
    positions = [i for i, character in enumerate(text) if character.isalnum()]
    plain = "".join(text[i] for i in positions)
    found = [w for phrase in phrases for w in expand(phrase) if w in plain]
    if not found:
        return None
    wording = max(found, key=len)
    at = plain.index(wording)
    return Match(positions[at], positions[at + len(wording) - 1] + 1, 1.0, wording)


def find_any(phrases: tuple[str, ...], text: str, *, slack: int = 0) -> Match | None:
    """The best match of any of the phrases, or None; the longer one where two are as good.

    Args:
        phrases: see the module's docstring.
        text: as recognised.
        slack: half syllables that may be wrong beyond the usual tolerance in parts of three
            syllables and more, for names that a recogniser does not know; below 0 for fewer.
    """
    heard = sounds(text)
    best: Match | None = None
    for wording in _lexicon(phrases, slack).candidates(heard.code):
        match = _find_wording(wording, heard, slack)
        if match is not None and (best is None or _rank(match) > _rank(best)):
            best = match
    return best


def _rank(match: Match) -> tuple[float, int, str]:
    return match.quality, match.last - match.first, match.meant


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """Wordings by a piece of sound that a text must hold if it holds the wording.

    Of ``k + 1`` pieces of a part, ``k`` errors leave one whole. Only wordings one of whose
    pieces is in the text are aligned with it.
    """

    by_piece: dict[str, tuple[str, ...]]
    lengths: tuple[int, ...]

    def candidates(self, code: str) -> set[str]:
        """Wordings that the sounds of a text may hold."""
        found: set[str] = set()
        for length in self.lengths:
            for start in range(len(code) - length + 1):
                found.update(self.by_piece.get(code[start : start + length], ()))
        return found


@lru_cache(maxsize=1024)
def _lexicon(phrases: tuple[str, ...], slack: int) -> _Lexicon:
    by_piece: dict[str, list[str]] = {}
    for wording in (wording for phrase in phrases for wording in expand(phrase)):
        parts, _ = _parts(wording)
        if not parts:
            continue
        longest = max(parts, key=len)
        pieces = _tolerated(len(longest), slack) + 1
        size = len(longest.code) // pieces
        for piece in range(pieces):
            by_piece.setdefault(longest.code[piece * size : (piece + 1) * size], []).append(wording)
    by_piece.pop("", None)
    return _Lexicon(
        {piece: tuple(wordings) for piece, wordings in by_piece.items()},
        tuple(sorted({len(piece) for piece in by_piece})),
    )


@lru_cache(maxsize=65_536)
def _parts(wording: str) -> tuple[tuple[Sounds, ...], int]:
    """The sounds between the gaps of a wording, and how many syllables they have in all."""
    parts = tuple(sounds(part) for part in wording.split("…") if part)
    return parts, sum(len(part) for part in parts)


def _find_wording(wording: str, heard: Sounds, slack: int) -> Match | None:
    parts, total = _parts(wording)
    if not total or total > len(heard):
        return None
    start, first, quality = 0, None, 0.0
    for part in parts:
        reach = len(heard) if first is None else min(len(heard), start + MAX_GAP + len(part))
        found = _align(part, heard, start, reach, _tolerated(len(part), slack))
        if found is None:
            return None
        begin, start, similarity = found
        first = begin if first is None else first
        quality += similarity * len(part) / total
    assert first is not None
    return Match(heard.positions[first], heard.positions[start - 1] + 1, quality, wording)


def _tolerated(syllables: int, slack: int) -> int:
    """Half syllables that may be wrong in a part of that length.

    A short part must be heard whole, or innocent words would match.
    """
    usual = 0 if syllables <= 4 else 1 if syllables <= 6 else 2
    return max(0, usual + slack) if syllables >= _SLACK_FROM else usual


def _index(codes: str, code: str) -> int | None:
    """The syllable at which a code stands among codes."""
    at = codes.find(code)
    while at % 2 and at != -1:
        at = codes.find(code, at + 1)
    return None if at < 0 else at // 2


def _align(
    part: Sounds, heard: Sounds, start: int, end: int, tolerated: int
) -> tuple[int, int, float] | None:
    """Best place of a part among the syllables ``start`` to ``end``: begin, end, similarity."""
    if len(part) <= _PLAIN and not tolerated:
        found_at = _index(heard.exact[2 * start : 2 * end], part.exact)
        return None if found_at is None else (start + found_at, start + found_at + len(part), 1.0)
    window = heard.code[2 * start : 2 * end]
    found_at = _index(window, part.code)
    if found_at is not None:
        return start + found_at, start + found_at + len(part), 1.0
    if not tolerated or len(window) < len(part.code):
        return None
    cutoff = 100 * (1 - tolerated / len(part.code))
    found = fuzz.partial_ratio_alignment(part.code, window, score_cutoff=cutoff - 1e-6)
    if found is None:
        return None
    begin = start + found.dest_start // 2
    return begin, start + (found.dest_end + 1) // 2, found.score / 100
