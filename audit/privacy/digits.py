"""Digits as they are spoken and misheard, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import pairwise

from audit.language.text import sounds
from audit.privacy.entities import Kind

_VALUES = dict(zip("零〇洞一幺二两三四五六拐七八九勾", "0001122345677899", strict=True))
_VALUES |= dict(zip("壹贰叁肆伍陆柒捌玖钩俩仨", "123456789923", strict=True))
_SIGN = "0-9" + "".join(_VALUES)
_START = re.compile(f"[{_SIGN}双]")
_PAUSE = re.compile(
    r"(?:[\s,，、。.．…\-—_·~()（）/]|嗯+|呃+|额|啊+|哦|唔|诶|哎|呢|那个|这个|就是|然后是?|后面是?|"
    r"接着是?|再|横杠|杠|空格?|等一下|等等|稍等|我看看|我看一下|我想想|我想一下|怎么说){1,6}"
)
_REPEATED = re.compile(
    r"(?:([二两三四五六俩仨2-6])(?:个|连)|(双))([0-9零〇洞一二三四五六拐七八九勾幺])(?![十百千万亿])"
)
_PLAIN = re.compile(
    rf"(?:(?!{_REPEATED.pattern})(?:[0-9]|(?<=[0-9])[Oo](?=[0-9])|[{''.join(_VALUES)}](?![十百千万亿])))+"
)  # 二十 counts; the letter O between digits is written for 0
_TO_DIGITS = str.maketrans(_VALUES | {"O": "0", "o": "0"})
_TENS = re.compile(r"([二三四五六七八九]?)十([一二三四五六七八九]?)(?![十百千万亿])")
_HUNDREDS = re.compile(
    rf"一百(?:([三四五六七八九])十([一二三四五六七八九]?))(?=(?:[\s，,、。]|嗯|呃){{0,3}}(?:[{_SIGN}][\s，,、。]{{0,2}}){{8}})"
)
"""How the first group of a mobile number is read as one number: 一百三十八."""
_NO_RUN = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])|"
    r"(?<![\w:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:])|"
    r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])"
)
"""Addresses of machines and amounts with their thousands apart."""
_LEAST = 2
"""So many digits before one that only sounds like a digit is taken for one; 是 needs one more."""
_RADIO = "洞拐勾"
_MOST_GROUPS = 24
_TWICE = re.compile(r"([0-9]{3,8})\1")
_WEAK = re.compile(r"[\s\-._·]*")
_AFTER_COUNT = re.compile(r"[点块元号天个件张位条台年月日岁分秒度兆层楼栋次]")


@dataclass(frozen=True, slots=True)
class Run:
    """Digits said one after the other: characters ``start`` to before ``end`` of a text."""

    start: int
    end: int
    digits: str
    groups: tuple[Run, ...] = ()
    """What is said without a pause, each."""


@cache
def _heard() -> dict[str, str]:
    """Syllables that sound like digits, and which."""
    return {sounds(sign).code: _VALUES[sign] for sign in "零一幺二三四五六七八九"}


@cache
def _heard_on_radio() -> dict[str, str]:
    """Syllables that sound like 洞, 拐 and 勾: too common where nobody counts in that way."""
    return {sounds(sign).code: _VALUES[sign] for sign in _RADIO}


def _on_radio(said: str) -> bool:
    return any(sign in said for sign in _RADIO)


@cache
def value(sign: str) -> str | None:
    """The digit that a character is, or None."""
    if sign in "0123456789":
        return sign
    return _VALUES.get(sign)


@cache
def sounding(sign: str, *, radio: bool = False) -> str | None:
    """The digit that a Chinese character sounds like, or None: 林 may have been 零."""
    if not "\u4e00" <= sign <= "\u9fff":
        return None
    code = sounds(sign).code
    return _heard().get(code) or (_heard_on_radio().get(code) if radio else None)


def begins(text: str) -> bool:
    """Whether a text has what digits may begin with."""
    return bool(_START.search(text))


def runs(text: str, *, least: int = 3) -> Iterator[Run]:
    """Digits of a text that belong together, hesitations and misheard ones among them.

    >>> [run.digits for run in runs("是一三八，嗯，林零幺三 二二 八千")]
    ['138001322']

    Args:
        text: in simplified characters.
        least: with fewer digits it is none.
    """
    position = 0
    while first := _START.search(text, position):
        position = first.start()
        if other := _NO_RUN.match(text, position):
            position = other.end()
            continue
        found = _token(text, position)
        if found is None:
            position += 1
            continue
        groups = [Run(position, *found)]
        count = len(found[1])
        radio = _on_radio(text[position : found[0]])
        denied = text.endswith("不是", 0, position)
        while (more := _next(text, groups[-1].end, count, radio=radio)) is not None:
            if denied and text[more.start] == "是":  # 不是六二二五，是六二二八
                break
            last = groups[-1]
            if more.start == last.end and "十" not in text[more.start : more.end]:
                groups[-1] = Run(last.start, more.end, last.digits + more.digits)
            else:
                groups.append(more)
            count += len(more.digits)
            radio = radio or _on_radio(text[more.start : more.end])
        groups = _without_count(text, groups)
        position = groups[-1].end
        run = joined(groups)
        if len(run.digits) >= least:
            yield _completed(text, run)


def joined(groups: Sequence[Run]) -> Run:
    """Groups as one run."""
    digits = "".join([group.digits for group in groups])
    return Run(groups[0].start, groups[-1].end, digits, tuple(groups))


def _token(text: str, at: int) -> tuple[int, str] | None:
    """Digits said at once, or as many as 三个八 stands for: where they end and their values."""
    if plain := _PLAIN.match(text, at):
        return plain.end(), plain[0].translate(_TO_DIGITS)
    if hundreds := _HUNDREDS.match(text, at):
        return hundreds.end(), f"1{value(hundreds[1])}{value(hundreds[2] or '零')}"
    if repeated := _REPEATED.match(text, at):
        digit = value(repeated[3]) or ""
        return repeated.end(), digit * int(value(repeated[1] or "二") or 1)
    return None


def _next(text: str, at: int, count: int, *, radio: bool) -> Run | None:
    if told := _token(text, at):
        return Run(at, *told)
    paused = _PAUSE.match(text, at)
    places = (at,) if paused is None else (paused.end(), at)
    for begin in places:
        if told := _token(text, begin):
            return Run(begin, *told)
        tens = _TENS.match(text, begin) if count > _LEAST else None
        if tens:
            one = value(tens[1]) or "1" if tens[1] else "1"
            return Run(begin, tens.end(), one + (value(tens[2]) or "0" if tens[2] else "0"))
    for begin in places:
        sign = text[begin] if begin < len(text) else ""
        least = _LEAST + (sign == "是")
        heard = sounding(sign, radio=radio) if sign and count >= least else None
        if heard is None:
            continue
        after = _PAUSE.match(text, begin + 1)
        following = after.end() if after else begin + 1
        if _token(text, following) or (
            following + 1 < len(text)
            and sounding(text[following], radio=radio)
            and _token(text, following + 1)
        ):
            return Run(begin, begin + 1, heard)
    return None


def _without_count(text: str, groups: list[Run]) -> list[Run]:
    """The groups less 五十, or 六 of 六月, at the end, unless the number needs it."""
    kept = groups
    while len(kept) > 1 and _is_count(text, kept[-2], kept[-1]):
        if shape(joined(kept).digits):
            return kept
        kept = kept[:-1]
    last = kept[-1]
    glued = len(last.digits) > 3 and last.end - last.start == len(last.digits)
    if glued and text[last.end : last.end + 1] == "月":  # 八八幺九六月十号
        kept = [*kept[:-1], Run(last.start, last.end - 1, last.digits[:-1])]
    return kept


def _completed(text: str, run: Run) -> Run:
    """A mobile number that lacks its first or last digit, with what sounds like it."""
    if len(run.digits) != 10:
        return run
    for at, (one, other) in enumerate(pairwise(run.groups), start=1):
        empty = text.find("空", one.end, other.start)
        if empty >= 0:  # 空 is said for a pause, and for 零
            zero = Run(empty, empty + 1, "0")
            filled = joined([*run.groups[:at], zero, *run.groups[at:]])
            if is_mobile(filled.digits):
                return filled
    if re.match("1[3-9]", run.digits) and run.end < len(text):
        radio = _on_radio(text[run.start : run.end])
        last = sounding(text[run.end], radio=radio)
        if last and (run.end + 1 == len(text) or text[run.end + 1] in "，。？！,.?! "):
            return joined([*run.groups, Run(run.end, run.end + 1, last)])
    elif run.digits[0] in "3456789" and run.start and sounding(text[run.start - 1]) == "1":
        return joined([Run(run.start - 1, run.start, "1"), *run.groups])
    return run


def parts(text: str, run: Run) -> Iterator[Run]:
    """The numbers in a run that have a shape, and what is left between them.

    Two numbers may be said in one breath, an amount after a number, and a group twice.

    >>> text = "13800138000，200"
    >>> [part.digits for run in runs(text) for part in parts(text, run)]
    ['13800138000', '200']
    """
    if shape(run.digits):
        yield run
        return
    groups = [half for group in run.groups for half in _halves(text, group)]
    left: list[Run] = []
    at = 0
    while at < len(groups):
        found = _longest(text, groups, at)
        if found is None:
            left.append(groups[at])
            at += 1
            continue
        if left:
            yield joined(left)
            left = []
        part, at = found
        yield part
    if left:
        yield joined(left)


def _longest(text: str, groups: Sequence[Run], at: int) -> tuple[Run, int] | None:
    """The longest number that begins at a group, and before which group it ends."""
    best, upto, count = None, at, 0
    while upto < min(len(groups), at + _MOST_GROUPS) and count <= 40:
        count += len(groups[upto].digits)
        upto += 1
        if count < 10:
            continue
        part = _shaped(groups[at:upto])
        if part and _stands(text, groups, at, upto):
            best = part, upto
    return best


def _shaped(groups: Sequence[Run]) -> Run | None:
    """The groups as one number, said without those that only repeat the one before."""
    digits = "".join([group.digits for group in groups])
    if shape(digits):
        return joined(groups)
    if len(digits) < 13 or len(set(digits)) < 3 or not _TWICE.search(digits):
        return None
    once = [g for g, before in zip(groups, (None, *groups), strict=False) if _is_new(g, before)]
    for fewer in ("".join([g.digits for g in once]), _TWICE.sub(r"\1", digits)):
        if shape(fewer):
            return replace(joined(groups), digits=fewer)
    return None


def _is_new(group: Run, before: Run | None) -> bool:
    return before is None or len(group.digits) < 3 or group.digits != before.digits


def _stands(text: str, groups: Sequence[Run], at: int, upto: int) -> bool:
    """Whether groups that make a number stand for themselves in a longer run."""
    sizes = [len(group.digits) for group in groups[at:upto]]
    if len(sizes) == 1 or sizes == [3, 4, 4]:
        return True
    edges = ([(at - 1, at)] if at else []) + ([(upto - 1, upto)] if upto < len(groups) else [])
    return not any(_WEAK.fullmatch(text, groups[a].end, groups[b].start) for a, b in edges)


def _halves(text: str, group: Run) -> list[Run]:
    """Two numbers said without a pause, or a number and what counts something else."""
    size = len(group.digits)
    if size < 12 or size != group.end - group.start or shape(group.digits):
        return [group]
    for cut in (19, 18, 17, 16, 13, 12, 11):
        first, second = group.digits[:cut], group.digits[cut:]
        counts = len(second) < 3 and _AFTER_COUNT.match(text, group.end)
        if second and shape(first) and (counts or shape(second)):
            middle = group.start + cut
            return [Run(group.start, middle, first), Run(middle, group.end, second)]
    return [group]


def _is_count(text: str, before: Run, last: Run) -> bool:
    """Whether the last group counts something."""
    if "十" in text[last.start : last.end]:
        return True
    apart = before.end < last.start and len(last.digits) <= 4
    return apart and bool(_AFTER_COUNT.match(text, last.end))


@cache
def shape(digits: str) -> Kind | None:
    """What the digits are by their form or check digit alone, whatever is talked of."""
    if not 10 <= len(digits) <= 19:
        return None
    if is_identity(digits) or looks_like_identity(digits):
        return Kind.ID_NUMBER
    if is_card(digits) or looks_like_card(digits):
        return Kind.BANK_CARD
    if is_mobile(digits):
        return Kind.MOBILE
    return Kind.LANDLINE if is_landline(digits) else None


def is_mobile(digits: str) -> bool:
    """Whether the digits are a mobile number of mainland China, Hong Kong, Macau or Taiwan."""
    return bool(
        re.fullmatch(
            "(?:0?086|86|0)?1[3-9][0-9]{9}|(?:00)?852[4-9][0-9]{7}|(?:00)?8536[0-9]{7}|"
            "09[0-9]{8}|(?:00)?8869[0-9]{8}",
            digits,
        )
    )


def is_landline(digits: str) -> bool:
    """Whether the digits are a landline with its area code."""
    return bool(re.fullmatch("(?:0?086|86)?0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}", digits))


def _born(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def is_identity(digits: str) -> bool:
    """Whether 18 signs are an identity number: a date of birth and the checksum of GB 11643."""
    if not re.fullmatch("[1-9][0-9]{16}[0-9X]", digits):
        return False
    if _born(digits[6:10], digits[10:12], digits[12:14]) is None:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(digits[:17], weights, strict=True))
    return "10X98765432"[total % 11] == digits[17]


_PROVINCE = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"


def looks_like_identity(digits: str) -> bool:
    """Whether 18 signs have a province and a grown person's birth where an identity number has.

    One misheard digit breaks the checksum; of numbers drawn by chance one in 8,000 has both.
    """
    if not re.fullmatch(_PROVINCE + "[0-9]{4}(?:19[2-9]|20[01])[0-9]{8}[0-9X]", digits):
        return False
    return _born(digits[6:10], digits[10:12], digits[12:14]) is not None


_ISSUER = re.compile(
    "(?:62|60|81|9558)[0-9]{12,17}|4[0-9]{15}|5[1-5][0-9]{14}|"
    "2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]{13}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
)
"""Prefixes and lengths of UnionPay, BOC, ICBC, Visa, Mastercard, JCB."""


def is_card(digits: str) -> bool:
    """Whether the digits are a payment card's number: an issuer's prefix, its length, Luhn's check.

    Of random numbers a tenth holds Luhn's check; with a prefix one in 40 of 16 digits, of longer
    ones one in 300.
    """
    if not 16 <= len(digits) <= 19 or not _ISSUER.fullmatch(digits):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def looks_like_card(digits: str) -> bool:
    """Whether the digits are a UnionPay number but for Luhn's check, which a slip breaks."""
    return bool(re.fullmatch("62[0-9]{14,17}", digits))
