"""Words of a vendor put where they stand in its text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def cut(text: str, words: Sequence[str]) -> list[str] | None:
    """The text, cut into its words, each with the punctuation that follows it.

    Words line up with a text where both have the same letters, digits and characters in the same
    order, whatever their case and punctuation.

    Args:
        text: of a sentence.
        words: in order, each with at least one letter, digit or character.

    Returns:
        A part for each word, which together are the text; None where they do not line up.

    >>> cut("您好，请讲。", ["您好", "请", "讲"])
    ['您好，', '请', '讲。']
    >>> cut("工号2001", ["工号", "二零零一"]) is None
    True
    """
    edges = [0]
    at = 0
    for word in words:
        for sign in filter(str.isalnum, word):
            at = _next(text, at)
            if at == len(text) or text[at].lower() != sign.lower():
                return None
            at += 1
        edges.append(at)
    if not words or _next(text, at) < len(text):
        return None
    edges = [0, *(_next(text, edge) for edge in edges[1:-1]), len(text)]
    return [text[first:last] for first, last in pairwise(edges)]


def _next(text: str, at: int) -> int:
    """Where the next letter, digit or character stands."""
    while at < len(text) and not text[at].isalnum():
        at += 1
    return at
