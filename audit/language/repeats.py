"""Which words of a text repeat what somebody said before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from audit.language.text import sounds

SYLLABLES = 4
"""Syllables in a row that were said before, from which on a text repeats them."""


def runs(text: str) -> Iterator[tuple[int, str]]:
    """Every run of :data:`SYLLABLES` syllables: where it begins, and its sounds."""
    code = sounds(text).code
    for start in range(len(code) // 2 - SYLLABLES + 1):
        yield start, code[2 * start : 2 * (start + SYLLABLES)]


def repeated(text: str, said: Set[str]) -> frozenset[int]:
    """Indices of the characters of a text that repeat any of the runs ``said``."""
    positions = sounds(text).positions
    return frozenset(
        position
        for start, code in runs(text)
        if code in said
        for position in positions[start : start + SYLLABLES]
    )


def repeated_share(text: str, earlier: Iterable[str]) -> float:
    """Share of the syllables of a text that repeat earlier texts, 0 to 1.

    >>> repeated_share("他说爱找谁找谁", ["你们爱找谁找谁"])
    0.7142857142857143
    """
    said = {code for before in earlier for _, code in runs(before)}
    return len(repeated(text, said)) / max(1, len(sounds(text)))
