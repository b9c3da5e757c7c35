"""Finding a norm's phrases in recognised speech, by sound and with tolerance.

A phrase is written as people write it, with three signs: ``(a|b)`` for alternatives (an empty
one makes a part optional; they may stand inside one another) and ``…`` for up to eight
syllables of anything. ``你(去|)找…去吧`` finds 你去找别的部门去吧.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from threading import Lock

from rapidfuzz import fuzz

from audit.text import Sounds, simplify, sounds

_PLAIN = 2
"""Syllables up to which blurred sounds do not count as one: 你好 is not 理好."""

_SLACK_FROM = 3
"""Syllables from which slack is given: with less, 我叫 would be found in 我就."""

MAX_GAP = 8
"""Syllables that ``…`` may stand for."""

_LONGEST_PIECE = 3
"""Syllables of the longest piece by which wordings are looked up."""


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
    """The best match of a phrase in a text, or None; see :func:`find_any`.

    For a phrase that comes from a call: lists of rulebooks are indexed for good.
    """
    return _best((_wording(wording, slack) for wording in expand(phrase)), sounds(text))


def find_literal(phrases: tuple[str, ...], text: str) -> Match | None:
    """The longest wording whose characters stand in the text, marks between them passed over."""
    plain, positions = _plain(text)
    wording = max((w for w in _wordings(phrases) if w in plain), key=len, default="")
    if not wording:
        return None
    at = plain.index(wording)
    return Match(positions[at], positions[at + len(wording) - 1] + 1, 1.0, wording)


@lru_cache(maxsize=4096)
def _plain(text: str) -> tuple[str, list[int]]:
    """A text in simplified characters without marks, and where each of them stands in it."""
    text = simplify(text)
    positions = [i for i, character in enumerate(text) if character.isalnum()]
    return "".join(text[i] for i in positions), positions


@lru_cache(maxsize=1024)
def _wordings(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wording for phrase in phrases for wording in expand(phrase)))


@lru_cache(maxsize=65_536)
def find_any(phrases: tuple[str, ...], text: str, *, slack: int = 0) -> Match | None:
    """The best match of any of the phrases, or None; the longer one where two are as good.

    Args:
        phrases: see the module's docstring.
        text: as recognised.
        slack: half syllables that may be wrong beyond the usual tolerance in parts of three
            syllables and more, for names that a recogniser does not know; below 0 for fewer.
    """
    lexicon = _lexicons.get((phrases, slack)) or _register(phrases, slack)
    heard = sounds(text)
    if not lexicon.bit & _touched(heard.code, len(_lexicons)):
        return None
    return _best(lexicon.candidates(_pieces(heard.code)), heard)


def _best(wordings: Iterable[_Wording], heard: Sounds) -> Match | None:
    matches = (_find_wording(wording, heard) for wording in wordings)
    return max(filter(None, matches), key=_rank, default=None)


def _rank(match: Match) -> tuple[float, int, str]:
    return match.quality, match.last - match.first, match.meant


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between two gaps of a wording: its sounds, and how many may be wrong.

    ``least_score`` is that of an alignment with as many wrong as are tolerated, in per cent.
    """

    code: str
    exact: str
    syllables: int
    tolerated: int
    least_score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Wording:
    """One wording of a phrase.

    ``syllables``, ``tolerated`` and (different) ``sounds`` are those of all its parts together.
    """

    text: str
    parts: tuple[_Part, ...]
    syllables: int
    tolerated: int
    sounds: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Lexicon:
    """Wordings by a piece of sound that a text must hold if it holds the wording.

    Of ``k + 1`` pieces of a part, ``k`` errors leave one whole. Only wordings one of whose
    pieces is in the text, and all but ``k`` of their syllables, are aligned with it. ``bit`` is
    the lexicon's own, by which :func:`_touched` names it.
    """

    by_piece: dict[str, tuple[_Wording, ...]]
    bit: int

    def candidates(self, heard: frozenset[str]) -> list[_Wording]:
        """Wordings that a text may hold whose pieces are given."""
        found = {w for piece in self.by_piece.keys() & heard for w in self.by_piece[piece]}
        return [w for w in found if len(w.sounds - heard) <= w.tolerated]


_lexicons: dict[tuple[tuple[str, ...], int], _Lexicon] = {}
"""The lexicon of every list of phrases, with its slack, that was looked for so far."""

_registering = Lock()

_by_piece: dict[str, int] = {}
"""The bits of the lexicons that have a piece."""


def _register(phrases: tuple[str, ...], slack: int) -> _Lexicon:
    """Make a lexicon; it is known when all of it is indexed, for threads beside this one."""
    with _registering:
        lexicon = _lexicon(phrases, slack, bit=1 << len(_lexicons))
        for piece in lexicon.by_piece:
            _by_piece[piece] = _by_piece.get(piece, 0) | lexicon.bit
        _lexicons[phrases, slack] = lexicon
    return lexicon


@lru_cache(maxsize=1024)
def _touched(code: str, _known: int) -> int:
    """The bits of the lexicons of which a text has a piece, of those that are known.

    Most texts have none of most lists, and are done with once they have been looked up here.
    """
    bits = 0
    for piece in _pieces(code):
        bits |= _by_piece.get(piece, 0)
    return bits


@lru_cache(maxsize=1024)
def _pieces(code: str) -> frozenset[str]:
    """Every stretch of a text's sounds that may be the piece of a wording: whole syllables."""
    return frozenset(
        code[start : start + length]
        for length in range(2, 2 * _LONGEST_PIECE + 1, 2)
        for start in range(0, len(code) - length + 1, 2)
    )


def _lexicon(phrases: tuple[str, ...], slack: int, *, bit: int) -> _Lexicon:
    by_piece: dict[str, list[_Wording]] = {}
    for text in _wordings(phrases):
        wording = _wording(text, slack)
        if not wording.parts:
            continue
        longest = max(wording.parts, key=lambda part: part.syllables)
        count = longest.tolerated + 1
        edges = [number * longest.syllables // count for number in range(count + 1)]
        for first, last in pairwise(edges):
            piece = longest.code[2 * first : 2 * min(last, first + _LONGEST_PIECE)]
            by_piece.setdefault(piece, []).append(wording)
    return _Lexicon({piece: tuple(wordings) for piece, wordings in by_piece.items()}, bit)


@lru_cache(maxsize=8192)
def _wording(text: str, slack: int) -> _Wording:
    parts = tuple(_part(sounds(part), slack) for part in text.split("…") if len(sounds(part)))
    return _Wording(
        text,
        parts,
        syllables=sum(part.syllables for part in parts),
        tolerated=sum(part.tolerated for part in parts),
        sounds=frozenset(p.code[at : at + 2] for p in parts for at in range(0, len(p.code), 2)),
    )


def _part(said: Sounds, slack: int) -> _Part:
    tolerated = _tolerated(len(said), slack)
    least_score = 100 * (1 - tolerated / len(said.code)) - 1e-6
    return _Part(said.code, said.exact, len(said), tolerated, least_score)


def _find_wording(wording: _Wording, heard: Sounds) -> Match | None:
    if wording.syllables > len(heard):
        return None
    start, first, quality = 0, None, 0.0
    for part in wording.parts:
        reach = len(heard) if first is None else min(len(heard), start + MAX_GAP + part.syllables)
        found = _align(part, heard, start, reach)
        if found is None:
            return None
        begin, start, similarity = found
        first = begin if first is None else first
        quality += similarity * part.syllables / wording.syllables
    assert first is not None
    return Match(heard.positions[first], heard.positions[start - 1] + 1, quality, wording.text)


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


def _align(part: _Part, heard: Sounds, start: int, end: int) -> tuple[int, int, float] | None:
    """Best place of a part among the syllables ``start`` to ``end``: begin, end, similarity."""
    whole = part.syllables <= _PLAIN and not part.tolerated
    code, codes = (part.exact, heard.exact) if whole else (part.code, heard.code)
    window = codes[2 * start : 2 * end]
    found = None
    if part.tolerated and len(window) >= len(code):
        found = fuzz.partial_ratio_alignment(code, window, score_cutoff=part.least_score)
        if found is None:
            return None
    found_at = _index(window, code)
    if found_at is not None:
        return start + found_at, start + found_at + part.syllables, 1.0
    if found is None:
        return None
    begin = start + found.dest_start // 2
    return begin, start + (found.dest_end + 1) // 2, found.score / 100
