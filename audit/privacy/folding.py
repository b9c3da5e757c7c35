"""Variants of characters folded to one form, position by position."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from audit.types import Turn

_DOTS = dict.fromkeys("•・‧∙⋅●˙･᛫", "·")
_DASHES = dict.fromkeys("‐‑‒–—―−﹣－─", "-")
_SIGNS = dict.fromkeys("＠﹫", "@") | {"．": ".", "＿": "_", "＋": "+", "／": "/"}
_SIGNS |= {"（": "(", "）": ")", "＃": "#"}
_FOLDED = _DOTS | _DASHES | _SIGNS


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that is filled as characters occur."""

    def __missing__(self, code: int) -> str:
        self[code] = _folded(chr(code))
        return self[code]


def _folded(character: str) -> str:
    if character in _FOLDED:
        return _FOLDED[character]
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Zs"):  # zero width, bidi, combining: nothing is said
        return " "
    if category == "Nd":
        return str(unicodedata.digit(character))
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and plain.isalnum() else character


_table = _Folding()


def folded(text: str) -> str:
    """The text, of the same length, with ASCII for full width, one middle dot, one hyphen.

    >>> folded("１３８—Ａ＠ 阿依古丽•买买提")
    '138-A@ 阿依古丽·买买提'
    """
    return text if text.isascii() else text.translate(_table)


def folded_turns(turns: Sequence[Turn]) -> list[Turn]:
    """The turns with folded texts; every character keeps its position."""
    texts = [folded(turn.text) for turn in turns]
    return [
        turn if turn.text == text else replace(turn, text=text)
        for turn, text in zip(turns, texts, strict=True)
    ]
