"""Digits as they are spoken and misheard, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from audit.text import sounds

_VALUES = dict(zip("零〇洞一幺二两三四五六七八九", "00011223456789", strict=True))
_VALUES |= dict(zip("０１２３４５６７８９", "0123456789", strict=True))
_PAUSE = re.compile(
    r"(?:[\s,，、。.．…\-—_·]|嗯+|呃|额|啊|哦|唔|那个|这个|然后是?|后面是?|接着|再|横杠|杠){1,6}"
)
_REPEATED = re.compile(r"([二两三四五六2-6])个([0-9零〇一二三四五六七八九幺])")
_LEAST = 2
"""So many digits before one that only sounds like a digit is taken for one; 是 needs one more."""


@dataclass(frozen=True, slots=True)
class Run:
    """Digits said one after the other: characters ``start`` to before ``end`` of a text."""

    start: int
    end: int
    digits: str


@cache
def _heard() -> dict[str, str]:
    """Syllables that sound like digits, and which."""
    return {
        sounds(sign).code: value
        for sign, value in _VALUES.items()
        if sign in "零一幺二三四五六七八九"
    }


@cache
def value(sign: str) -> str | None:
    """The digit that a character is, or None."""
    if sign in "0123456789":
        return sign
    return _VALUES.get(sign)


@cache
def sounding(sign: str) -> str | None:
    """The digit that a Chinese character sounds like, or None: 林 may have been 零."""
    return _heard().get(sounds(sign).code) if "\u4e00" <= sign <= "\u9fff" else None


def runs(text: str, *, least: int = 3) -> Iterator[Run]:
    """Digits of a text that belong together, hesitations and misheard ones among them.

    >>> [run.digits for run in runs("是一三八，嗯，林零幺三 八千")]
    ['13800138']

    Args:
        text: in simplified characters.
        least: with fewer digits it is none.
    """
    position = 0
    while position < len(text):
        found = _token(text, position)
        if found is None:
            position += 1
            continue
        start, (end, digits) = position, found
        while (more := _next(text, end, len(digits))) is not None:
            end, digits = more[0], digits + more[1]
        position = end
        if len(digits) >= least:
            yield _completed(text, Run(start, end, digits))


def _token(text: str, at: int) -> tuple[int, str] | None:
    """A digit, or as many as 三个八 stands for: where it ends and its value."""
    if repeated := _REPEATED.match(text, at):
        digit = value(repeated[2]) or ""
        return repeated.end(), digit * int(value(repeated[1]) or 1)
    single = value(text[at]) if at < len(text) else None
    return None if single is None else (at + 1, single)


def _next(text: str, at: int, count: int) -> tuple[int, str] | None:
    paused = _PAUSE.match(text, at)
    if paused and (told := _token(text, paused.end())):
        return told
    if told := _token(text, at):
        return told
    for begin in {at, paused.end() if paused else at}:
        sign = text[begin] if begin < len(text) else ""
        heard = sounding(sign) if count >= _LEAST + (sign == "是") else None
        if heard is None:
            continue
        after = _PAUSE.match(text, begin + 1)
        following = after.end() if after else begin + 1
        if _token(text, following) or (
            following + 1 < len(text) and sounding(text[following]) and _token(text, following + 1)
        ):
            return begin + 1, heard
    return None


def _completed(text: str, run: Run) -> Run:
    """A mobile number that lacks its first or last digit, with what sounds like it."""
    if len(run.digits) != 10:
        return run
    if re.match("1[3-9]", run.digits) and run.end < len(text):
        last = sounding(text[run.end])
        if last and (run.end + 1 == len(text) or text[run.end + 1] in "，。？！,.?! "):
            return Run(run.start, run.end + 1, run.digits + last)
    elif run.digits[0] in "3456789" and run.start and sounding(text[run.start - 1]) == "1":
        return Run(run.start - 1, run.end, "1" + run.digits)
    return run


def is_mobile(digits: str) -> bool:
    """Whether the digits are a mobile number of mainland China."""
    return bool(re.fullmatch("(?:0?086)?1[3-9][0-9]{9}", digits))


def is_landline(digits: str) -> bool:
    """Whether the digits are a landline with its area code."""
    return bool(re.fullmatch("0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}", digits))


def is_identity(digits: str) -> bool:
    """Whether 18 signs are an identity number: a date of birth and the checksum of GB 11643."""
    if not re.fullmatch("[1-8][0-9]{16}[0-9X]", digits):
        return False
    try:
        date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(digits[:17], weights, strict=True))
    return "10X98765432"[total % 11] == digits[17]


def is_card(digits: str) -> bool:
    """Whether the digits are a payment card's number: 16 to 19 of them, and Luhn's check holds."""
    if not re.fullmatch("[2-9][0-9]{15,18}", digits):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
