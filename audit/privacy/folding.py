"""One form for the many that a character is written in, each in its place."""

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
    """A table for ``str.translate`` that learns each character when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _folded(chr(code))
        return self[code]


def _folded(sign: str) -> str:
    if sign in _FOLDED:
        return _FOLDED[sign]
    category = unicodedata.category(sign)
    if category in ("Cf", "Mn", "Me", "Zs"):  # zero width, bidi, combining: nothing is said
        return " "
    if category == "Nd":
        return str(unicodedata.digit(sign))
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 and plain.isalnum() else sign


_table = _Folding()


def folded(text: str) -> str:
    """The text with as many characters: ASCII for full width, one middle dot, one hyphen.

    >>> folded("１３８—Ａ＠ 阿依古丽•买买提")
    '138-A@ 阿依古丽·买买提'
    """
    return text if text.isascii() else text.translate(_table)


def folded_turns(turns: Sequence[Turn]) -> list[Turn]:
    """The turns with texts in which every character stands where it stood."""
    texts = [folded(turn.text) for turn in turns]
    return [
        turn if turn.text == text else replace(turn, text=text)
        for turn, text in zip(turns, texts, strict=True)
    ]
