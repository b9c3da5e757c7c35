"""Chinese text for comparing what was said with what a norm says.

A recogniser writes 有一件 for 有意见 and 公号 for 工号: the sounds are right, the characters are
not. Text is therefore compared by its syllables without tones, and sounds that telephone lines
and accents blur (zh/z, n/l, -ng/-n) count as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count
from typing import Any

_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_HAN = re.compile(r"[\u3400-\u9fff]")
_SPOKEN = re.compile(r"[\u3400-\u9fff0-9]")
_SOUNDED = re.compile(r"[\u3400-\u9fff0-9A-Za-z]")

_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_BLURRED_INITIAL = {"zh": "z", "ch": "c", "sh": "s", "n": "l"}
_BLURRED_FINAL = {
    "ang": "an",
    "eng": "en",
    "ing": "in",
    "iang": "ian",
    "uang": "uan",
    "ueng": "uen",
}
# what spelling leaves out between an initial and the end: liu = liou, as in you
_FULL_FINAL = {"iu": "iou", "ui": "uei", "un": "uen"}
# y and w only spell a final that stands alone: yi = i, wu = u, yan = ian, wo = uo
_ALONE = {"y": "i", "w": "u"}


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def simplify(text: str) -> str:
    """Simplified characters for traditional ones; invalid characters become ``?``."""
    return str(_simplifier().convert(text.encode("utf-8", "replace").decode()))


def spoken_characters(text: str) -> int:
    """How many syllables a Chinese text has (digits count as one each)."""
    return len(_SPOKEN.findall(text))


@dataclass(frozen=True, slots=True)
class Sounds:
    """A text's syllables as codes of two letters each, initial and final.

    Attributes:
        code: ``2 * n`` characters for ``n`` syllables, blurred sounds counted as one.
        exact: the same without blurring.
        positions: for each syllable the index of its character in the text.
    """

    code: str
    exact: str
    positions: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.positions)


@cache
def _reading(character: str) -> str:
    """The commonest reading of a character, without tone.

    Always the same one, whatever is beside it: a character must match itself in every
    context more than a rare reading must be right.
    """
    from pypinyin import Style, lazy_pinyin

    return str(lazy_pinyin(character, style=Style.NORMAL)[0])


@lru_cache(maxsize=65_536)
def sounds(text: str) -> Sounds:
    """Syllables of the Chinese characters, digits and letters of a text; the rest is passed over.

    >>> sounds("有意见").code == sounds("有一件").code
    True
    """
    spelled = [_spelled(character) for character in _SOUNDED.findall(text)]
    return Sounds(
        code="".join([blurred for blurred, _ in spelled]),
        exact="".join([exact for _, exact in spelled]),
        positions=tuple([match.start() for match in _SOUNDED.finditer(text)]),
    )


@cache
def _spelled(character: str) -> tuple[str, str]:
    """The code of a character's syllable, blurred and exact."""
    if character.isascii() and character.isalpha():
        letter = _letter("i:" + character.lower()) + _letter("letter")
        return letter, letter
    reading = _reading(_DIGITS.get(character, character))
    return _code(reading, blurred=True), _code(reading, blurred=False)


@cache
def _code(syllable: str, *, blurred: bool) -> str:
    """Two letters of the private use area: one for the initial, one for the final."""
    initial = next((i for i in _INITIALS if syllable.startswith(i)), "")
    final = syllable[len(initial) :].replace("ü", "v")
    if initial in {"j", "q", "x", "y"} and final.startswith("u"):
        final = "v" + final[1:]
    if initial in _ALONE and not final.startswith((_ALONE[initial], "v")):
        final = _ALONE[initial] + final
    final = _FULL_FINAL.get(final, final)
    initial = "" if initial in _ALONE else initial
    if blurred:
        final = _BLURRED_FINAL.get(final, final)
        initial = _BLURRED_INITIAL.get(initial, initial)
    return _letter("i:" + initial) + _letter("f:" + final)


_letters: dict[str, str] = {}
_free = count(0xE000)


def _letter(sound: str) -> str:
    return _letters.get(sound) or _letters.setdefault(sound, chr(next(_free)))
