"""Finding a norm's phrases in recognised speech, by sound and with tolerance.

A phrase is written as people write it, with three signs: ``(a|b)`` for alternatives (an empty
one makes a part optional; they may stand inside one another) and ``…`` for up to eight
syllables of anything. ``你(去|)找…去吧`` finds 你去找别的部门去吧.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import count, pairwise
from operator import add, itemgetter, or_
from threading import Lock

from rapidfuzz import fuzz

from audit.language.text import Sounds, simplify, sounds

_PLAIN = 2
"""Syllables up to which blurred sounds do not count as one: 你好 is not 理好."""

_SLACK_FROM = 3
"""Syllables from which slack is given: with less, 我叫 would be found in 我就."""

MAX_GAP = 8
"""Syllables that ``…`` may stand for."""

_SIGNS = re.compile("[(|)…]")

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


def variety(phrase: str) -> int:
    """How many wordings a phrase stands for.

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
    """The best match of one phrase in a text, or None; see :func:`find_any`."""
    heard = sounds(text)
    matches = (_find_wording(_wording(wording, slack), heard) for wording in expand(phrase))
    return max(filter(None, matches), key=_rank, default=None)


def find_words(words: str, text: str) -> Match | None:
    """The best match of words that come from a call, in which no sign makes a phrase."""
    return find(_SIGNS.sub("", words), text)


def find_literal(phrases: tuple[str, ...], text: str) -> Match | None:
    """The longest wording whose characters stand in the text, marks between them passed over.

    Letters may be large or small.
    """
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
    """A text in simplified characters without marks, and where each of them stands in it."""
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
    """The best match of any of the phrases, or None; the longer one where two are as good.

    Args:
        phrases: see the module's docstring.
        text: as recognised.
        slack: half syllables that may be wrong beyond the usual tolerance in parts of three
            syllables and more, for names that a recogniser does not know; below 0 for fewer.
    """
    lexicon = _lexicons.get((phrases, slack)) or _register(phrases, slack)
    return _best(lexicon, text) if lexicon.bit & _touched(text, len(_lexicons)) else None


def find_each(lists: Iterable[tuple[str, ...]], text: str) -> Iterator[Match | None]:
    """For each list of phrases what :func:`find_any` finds, faster: most texts hold none."""
    lexicons = [_lexicons.get((phrases, 0)) or _register(phrases, 0) for phrases in lists]
    touched = _touched(text, len(_lexicons))
    return (_best(one, text) if one.bit & touched else None for one in lexicons)


def forget() -> None:
    """Drop what was kept of texts seen before, as for a measurement of speed."""
    for kept in (sounds, _plain, _best, _touched, _pieces, _bits):
        kept.cache_clear()


@lru_cache(maxsize=65_536)
def _best(lexicon: _Lexicon, text: str) -> Match | None:
    return lexicon.best(sounds(text))


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

    ``syllables`` and ``tolerated`` are those of all its parts together, ``sounds`` the bits of
    its different syllables, and ``whole`` the parts that must be heard without an error.
    """

    text: str
    parts: tuple[_Part, ...]
    syllables: int
    tolerated: int
    sounds: int
    whole: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Lexicon:
    """Wordings by a piece of sound that a text must hold if it holds the wording.

    Of ``k + 1`` pieces of a part, ``k`` errors leave one whole. Only wordings one of whose
    pieces is in the text, and all but ``k`` of their syllables, are aligned with it. ``bit`` is
    the lexicon's own, by which :func:`_touched` names it.
    """

    by_piece: dict[str, tuple[_Wording, ...]]
    bit: int

    def best(self, heard: Sounds) -> Match | None:
        """The best match in a text; wordings that cannot be better are not aligned with it."""
        touched = self.by_piece.keys() & _pieces(heard.code)
        wordings = {wording for piece in touched for wording in self.by_piece[piece]}
        absent = ~_bits(heard.code)
        likely = []
        for wording in wordings:
            missing = (wording.sounds & absent).bit_count()
            if missing <= wording.tolerated:
                likely.append((missing / (4 * wording.syllables), wording))
        best = None
        for lost, wording in sorted(likely, key=itemgetter(0)):
            if best and 1 - lost < best.quality:
                break
            match = _find_wording(wording, heard)
            if match and (best is None or _rank(match) > _rank(best)):
                best = match
        return best


_lexicons: dict[tuple[tuple[str, ...], int], _Lexicon] = {}
"""The lexicon of every list of phrases, with its slack, that was looked for so far."""

_registering = Lock()

_bit_of: dict[str, int] = {}
"""The bits of syllables, each with its own number."""

_numbers = count()

_by_piece: dict[str, int] = {}
"""The bits of the lexicons that have a piece."""


def _register(phrases: tuple[str, ...], slack: int) -> _Lexicon:
    """Make a lexicon; it is known when all of it is indexed, for threads beside this one."""
    with _registering:
        if known := _lexicons.get((phrases, slack)):  # by another thread meanwhile
            return known
        lexicon = _lexicon(phrases, slack, bit=1 << len(_lexicons))
        for piece in lexicon.by_piece:
            _by_piece[piece] = _by_piece.get(piece, 0) | lexicon.bit
        _lexicons[phrases, slack] = lexicon
    return lexicon


@lru_cache(maxsize=4096)
def _touched(text: str, _known: int) -> int:
    """The bits of the lexicons of which a text has a piece, of those that are known.

    Most texts have none of most lists, and are done with once they have been looked up here.
    """
    bits_of = _by_piece.get
    return reduce(or_, [bits_of(piece, 0) for piece in _pieces(sounds(text).code)], 0)


@lru_cache(maxsize=1024)
def _pieces(code: str) -> frozenset[str]:
    """Every stretch of a text's sounds that may be the piece of a wording: whole syllables."""
    syllables = list(map(add, code[::2], code[1::2]))
    pairs = list(map(add, syllables, syllables[1:]))
    return frozenset([*syllables, *pairs, *map(add, pairs, syllables[2:])])


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
        sounds=reduce(or_, (_bits(part.code) for part in parts), 0),
        whole=tuple(part.code for part in parts if not part.tolerated),
    )


@lru_cache(maxsize=8192)
def _bits(code: str) -> int:
    """The bits of the different syllables of a code."""
    return reduce(or_, map(_bit, map(add, code[::2], code[1::2])), 0)


def _bit(syllable: str) -> int:
    return _bit_of.get(syllable) or _bit_of.setdefault(syllable, 1 << next(_numbers))


def _part(said: Sounds, slack: int) -> _Part:
    tolerated = _tolerated(len(said), slack)
    least_score = 100 * (1 - tolerated / len(said.code)) - 1e-6
    return _Part(said.code, said.exact, len(said), tolerated, least_score)


def _find_wording(wording: _Wording, heard: Sounds) -> Match | None:
    if not wording.parts or wording.syllables > len(heard):
        return None
    for code in wording.whole:
        if code not in heard.code:
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
    found_at = _index(window, code)
    if found_at is not None:
        return start + found_at, start + found_at + part.syllables, 1.0
    if not part.tolerated or len(window) < len(code):
        return None
    found = fuzz.partial_ratio_alignment(code, window, score_cutoff=part.least_score)
    if found is None:
        return None
    begin = start + found.dest_start // 2
    return begin, start + (found.dest_end + 1) // 2, found.score / 100
