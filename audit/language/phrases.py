"""Finding a norm's phrases in transcribed speech, by sound and with tolerance.

A phrase is written as people write it, with ``(a|b)`` for alternatives (an empty one makes a part
optional; they may be nested) and ``…`` for up to eight syllables of anything.
``你(去|)找…去吧`` finds 你去找别的部门去吧.

A list of phrases is compiled when it is first looked for. It knows the pieces of sound of which a
text must have at least one to match it, and a :class:`PhraseIndex` knows them for several lists, so
that most texts are done with after a look-up. Nothing here changes once it is built: what is kept
between calls are results of pure functions, in caches of limited size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import add, itemgetter

from rapidfuzz import fuzz

from audit.language.text import Sounds, simplify, sounds

_PLAIN = 2
"""Syllables up to which blurred sounds do not count as one: 你好 is not 理好."""

_SLACK_FROM = 3
"""Syllables from which slack is given: with less, 我叫 would be found in 我就."""

STRICT = -2
"""Slack of a match that must be exact: what acquits (应该自己 is not 应该在), thanks for a wait."""

MAX_GAP = 8
"""Syllables that ``…`` may match."""

_SIGNS = re.compile("[(|)…]")

_LONGEST_PIECE = 3
"""Syllables of the longest piece by which wordings are looked up."""


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found in a text.

    Attributes:
        first: index in the text of the first character matched.
        last: index after the last one.
        quality: share of the phrase's sounds that match, 0 to 1.
        meant: the phrase as written, alternatives chosen.
    """

    first: int
    last: int
    quality: float
    meant: str


def variety(phrase: str) -> int:
    """How many wordings a phrase has.

    >>> variety("你(去|)找(他|她|他们)")
    6
    """
    levels = [[1]]  # of open brackets: alternatives: wordings so far
    for sign in phrase + ")" * (phrase.count("(") - phrase.count(")")):
        if sign == "(":
            levels.append([1])
        elif sign == "|" and len(levels) > 1:
            levels[-1].append(1)
        elif sign == ")" and len(levels) > 1:
            inside = sum(levels.pop())
            levels[-1][-1] *= inside
    return sum(levels[0])


@lru_cache(maxsize=8192)
def expand(phrase: str) -> tuple[str, ...]:
    """All wordings of a phrase.

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
    """The best match of one phrase in a text, or None; see :func:`find_any`."""
    spoken = sounds(text)
    matches = (_find_wording(_wording(wording, slack), spoken) for wording in expand(phrase))
    return max(filter(None, matches), key=_rank, default=None)


def find_words(words: str, text: str) -> Match | None:
    """The best match of words that come from a call, in which no sign makes a phrase."""
    return find(_SIGNS.sub("", words), text)


def find_literal(phrases: tuple[str, ...], text: str) -> Match | None:
    """The longest wording whose characters are in the text, punctuation and case aside."""
    plain, positions = _plain(text)
    held = (
        w for w, small in zip(_wordings(phrases), _small(phrases), strict=True) if small in plain
    )
    wording = max(held, key=len, default="")
    if not wording:
        return None
    at = plain.index(_lowered(wording))
    return Match(positions[at], positions[at + len(wording) - 1] + 1, 1.0, wording)


@lru_cache(maxsize=4096)
def _plain(text: str) -> tuple[str, list[int]]:
    """A text in simplified characters without punctuation, and the index of each of them in it."""
    text = simplify(text)
    positions = [i for i, character in enumerate(text) if character.isalnum()]
    return _lowered("".join(text[i] for i in positions)), positions


def _lowered(text: str) -> str:
    """Small letters, as many as before: there are large ones that become two."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


@lru_cache(maxsize=1024)
def _small(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_lowered, _wordings(phrases)))


@lru_cache(maxsize=1024)
def _wordings(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wording for phrase in phrases for wording in expand(phrase)))


def find_any(phrases: tuple[str, ...], text: str, *, slack: int = 0) -> Match | None:
    """The best match of any of the phrases, or None; the longer one of two equally good ones.

    Args:
        phrases: see the module's docstring.
        text: as transcribed.
        slack: half syllables that may be wrong beyond the usual tolerance in parts of three
            syllables and more, for names that speech recognition does not know; below 0 for fewer.
    """
    compiled = _compiled(phrases, slack)
    return _best(compiled, text) if not compiled.pieces.isdisjoint(_pieces(text)) else None


def find_each(lists: Iterable[tuple[str, ...]], text: str) -> Iterator[Match | None]:
    """For each list of phrases what :func:`find_any` finds, by one look-up for all of them."""
    return _index(tuple(lists)).find_each(text)


class PhraseIndex:
    """Several lists of phrases that are looked for in a text together; immutable."""

    __slots__ = ("_by_piece", "_lists", "_pieces")

    def __init__(self, lists: Iterable[tuple[str, ...]]) -> None:
        """Index lists of phrases, see the module's docstring."""
        self._lists = tuple(_compiled(phrases, 0) for phrases in lists)
        by_piece: dict[str, list[int]] = {}
        for number, compiled in enumerate(self._lists):
            for piece in compiled.pieces:
                by_piece.setdefault(piece, []).append(number)
        self._by_piece = {piece: tuple(numbers) for piece, numbers in by_piece.items()}
        self._pieces = frozenset(by_piece)

    def find_each(self, text: str) -> Iterator[Match | None]:
        """For each list its best match in a text, or None."""
        shared = self._pieces & _pieces(text)
        touched = {number for piece in shared for number in self._by_piece[piece]}
        return (
            _best(compiled, text) if number in touched else None
            for number, compiled in enumerate(self._lists)
        )


@lru_cache(maxsize=1024)
def _index(lists: tuple[tuple[str, ...], ...]) -> PhraseIndex:
    return PhraseIndex(lists)


@lru_cache(maxsize=65_536)
def _best(compiled: _CompiledList, text: str) -> Match | None:
    return compiled.best(sounds(text), _pieces(text))


def _rank(match: Match) -> tuple[float, int, str]:
    return match.quality, match.last - match.first, match.meant


@dataclass(frozen=True, slots=True)
class _Part:
    """What is between two gaps of a wording: its sounds, and how many may be wrong.

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

    ``syllables`` and ``tolerated`` are those of all its parts together, ``different`` are the
    codes of its different syllables, and ``whole`` the parts that must match without an error.
    """

    text: str
    parts: tuple[_Part, ...]
    syllables: int
    tolerated: int
    different: frozenset[str]
    whole: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _CompiledList:
    """The wordings of a list of phrases, by a piece of sound that a text must have to match them.

    Of ``k + 1`` pieces of a part, ``k`` errors leave one whole. Only wordings one of whose
    pieces is in the text, and all but ``k`` of their syllables, are aligned with it.
    """

    by_piece: dict[str, tuple[_Wording, ...]]
    pieces: frozenset[str]

    def best(self, spoken: Sounds, spoken_pieces: frozenset[str]) -> Match | None:
        """The best match in a text; wordings that cannot be better are not aligned with it."""
        shared = self.pieces & spoken_pieces
        wordings = {wording for piece in shared for wording in self.by_piece[piece]}
        likely = []
        for wording in wordings:
            missing = len(wording.different - spoken_pieces)
            if missing <= wording.tolerated:
                likely.append((missing / (4 * wording.syllables), wording))
        best = None
        for lost, wording in sorted(likely, key=itemgetter(0)):
            if best and 1 - lost < best.quality:
                break
            match = _find_wording(wording, spoken)
            if match and (best is None or _rank(match) > _rank(best)):
                best = match
        return best


@lru_cache(maxsize=4096)
def _pieces(text: str) -> frozenset[str]:
    """Every stretch of a text's sounds that may be the piece of a wording: whole syllables."""
    syllables = _syllables(sounds(text).code)
    pairs = list(map(add, syllables, syllables[1:]))
    return frozenset([*syllables, *pairs, *map(add, pairs, syllables[2:])])


def _syllables(code: str) -> list[str]:
    return list(map(add, code[::2], code[1::2]))


@lru_cache(maxsize=4096)
def _compiled(phrases: tuple[str, ...], slack: int) -> _CompiledList:
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
    return _CompiledList(
        {piece: tuple(wordings) for piece, wordings in by_piece.items()}, frozenset(by_piece)
    )


@lru_cache(maxsize=8192)
def _wording(text: str, slack: int) -> _Wording:
    parts = tuple(_part(sounds(part), slack) for part in text.split("…") if len(sounds(part)))
    return _Wording(
        text,
        parts,
        syllables=sum(part.syllables for part in parts),
        tolerated=sum(part.tolerated for part in parts),
        different=frozenset(code for part in parts for code in _syllables(part.code)),
        whole=tuple(part.code for part in parts if not part.tolerated),
    )


def _part(said: Sounds, slack: int) -> _Part:
    tolerated = _tolerated(len(said), slack)
    least_score = 100 * (1 - tolerated / len(said.code)) - 1e-6
    return _Part(said.code, said.exact, len(said), tolerated, least_score)


def _find_wording(wording: _Wording, spoken: Sounds) -> Match | None:
    if not wording.parts or wording.syllables > len(spoken):
        return None
    for code in wording.whole:
        if code not in spoken.code:
            return None
    start, first, quality = 0, None, 0.0
    for part in wording.parts:
        reach = len(spoken) if first is None else min(len(spoken), start + MAX_GAP + part.syllables)
        found = _align(part, spoken, start, reach)
        if found is None:
            return None
        begin, start, similarity = found
        first = begin if first is None else first
        quality += similarity * part.syllables / wording.syllables
    assert first is not None
    return Match(spoken.positions[first], spoken.positions[start - 1] + 1, quality, wording.text)


def _tolerated(syllables: int, slack: int) -> int:
    """Half syllables that may be wrong in a part of that length.

    A short part must match exactly, or innocent words would.
    """
    usual = 0 if syllables <= 4 else 1 if syllables <= 6 else 2
    return max(0, usual + slack) if syllables >= _SLACK_FROM else usual


def _syllable_at(codes: str, code: str) -> int | None:
    """The syllable at which a code is found among codes."""
    at = codes.find(code)
    while at % 2 and at != -1:
        at = codes.find(code, at + 1)
    return None if at < 0 else at // 2


def _align(part: _Part, spoken: Sounds, start: int, end: int) -> tuple[int, int, float] | None:
    """Best place of a part among the syllables ``start`` to ``end``: begin, end, similarity."""
    whole = part.syllables <= _PLAIN and not part.tolerated
    code, codes = (part.exact, spoken.exact) if whole else (part.code, spoken.code)
    window = codes[2 * start : 2 * end]
    found_at = _syllable_at(window, code)
    if found_at is not None:
        return start + found_at, start + found_at + part.syllables, 1.0
    if not part.tolerated or len(window) < len(code):
        return None
    found = fuzz.partial_ratio_alignment(code, window, score_cutoff=part.least_score)
    if found is None:
        return None
    begin = start + found.dest_start // 2
    return begin, start + (found.dest_end + 1) // 2, found.score / 100
