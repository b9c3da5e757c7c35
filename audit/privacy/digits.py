"""Runs of digits as they are spoken and transcribed, misrecognized ones included."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from audit.language.text import sounds
from audit.privacy.number_formats import is_mobile, type_by_format

_DIGIT_OF = dict(zip("零〇洞一幺二两三四五六拐七八九勾", "0001122345677899", strict=True))
_DIGIT_OF |= dict(zip("壹贰叁肆伍陆柒捌玖钩俩仨", "123456789923", strict=True))
_DIGIT_CHARACTERS = "0-9" + "".join(_DIGIT_OF)
_RUN_START = re.compile(f"[{_DIGIT_CHARACTERS}双]")
_PAUSE = re.compile(
    r"(?:[\s,，、。.．…\-—_·~()（）/]|嗯+|呃+|额|啊+|哦|唔|诶|哎|呢|那个|这个|就是|然后是?|后面是?|"
    r"接着是?|再|横杠|杠|空格?|等一下|等等|稍等|我看看|我看一下|我想想|我想一下|怎么说){1,6}"
)
_REPEATED_DIGIT = re.compile(
    r"(?:([二两三四五六俩仨2-6])(?:个|连)|(双))([0-9零〇洞一二三四五六拐七八九勾幺])(?![十百千万亿])"
)
_DIGIT_SEQUENCE = re.compile(
    rf"(?:(?!{_REPEATED_DIGIT.pattern})(?:[0-9]|(?<=[0-9])[Oo](?=[0-9])|[{''.join(_DIGIT_OF)}](?![十百千万亿])))+"
)  # 二十 counts; the letter O between digits is written for 0
_TO_DIGITS = str.maketrans(_DIGIT_OF | {"O": "0", "o": "0"})
_SPOKEN_TENS = re.compile(r"([二三四五六七八九]?)十([一二三四五六七八九]?)(?![十百千万亿])")
_SPOKEN_HUNDREDS = re.compile(
    rf"一百(?:([三四五六七八九])十([一二三四五六七八九]?))(?=(?:[\s，,、。]|嗯|呃){{0,3}}(?:[{_DIGIT_CHARACTERS}][\s，,、。]{{0,2}}){{8}})"
)
"""How the first group of a mobile number is read as one number: 一百三十八."""
_NOT_DICTATED = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])|"
    r"(?<![\w:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:])|"
    r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])"
)
"""IP and MAC addresses, and amounts with thousands separators."""
_DIGITS_BEFORE_HOMOPHONE_MIN = 2
"""Digits needed before a character that only sounds like a digit is one; 是 needs one more."""
_RADIO_DIGITS = "洞拐勾"
_GROUPS_MAX = 24
_REPEATED_GROUP = re.compile(r"([0-9]{3,8})\1")
_GROUP_SEPARATOR = re.compile(r"[\s\-._·]*")
_COUNTED_UNIT = re.compile(r"[点块元号天个件张位条台年月日岁分秒度兆层楼栋次]")


@dataclass(frozen=True, slots=True)
class Run:
    """Digits said one after the other: characters ``start`` to before ``end`` of a text."""

    start: int
    end: int
    digits: str
    groups: tuple[Run, ...] = ()
    """The parts said without a pause, in order."""


@cache
def _digits_by_syllable() -> dict[str, str]:
    """The digit that each syllable sounds like."""
    return {sounds(character).code: _DIGIT_OF[character] for character in "零一幺二三四五六七八九"}


@cache
def _radio_digits_by_syllable() -> dict[str, str]:
    """The same for 洞, 拐 and 勾; too common to use unless the speaker counts that way."""
    return {sounds(character).code: _DIGIT_OF[character] for character in _RADIO_DIGITS}


def _uses_radio_digits(said: str) -> bool:
    return any(character in said for character in _RADIO_DIGITS)


@cache
def digit_of(character: str) -> str | None:
    """The digit that a character is, or None."""
    if character in "0123456789":
        return character
    return _DIGIT_OF.get(character)


@cache
def digit_by_sound(character: str, *, radio: bool = False) -> str | None:
    """The digit that a Chinese character sounds like, or None: 林 may have been 零."""
    if not "\u4e00" <= character <= "\u9fff":
        return None
    code = sounds(character).code
    return _digits_by_syllable().get(code) or (
        _radio_digits_by_syllable().get(code) if radio else None
    )


def begins(text: str) -> bool:
    """Whether a text has a character that a run of digits may begin with."""
    return bool(_RUN_START.search(text))


def runs(text: str, *, minimum_digits: int = 3) -> Iterator[Run]:
    """Digits of a text that belong together, across hesitations and misrecognized digits.

    >>> [run.digits for run in runs("是一三八，嗯，林零幺三 二二 八千")]
    ['138001322']

    Args:
        text: in simplified characters.
        minimum_digits: shorter runs are not yielded.
    """
    position = 0
    while first := _RUN_START.search(text, position):
        position = first.start()
        if other := _NOT_DICTATED.match(text, position):
            position = other.end()
            continue
        found = _digit_token(text, position)
        if found is None:
            position += 1
            continue
        groups = [Run(position, *found)]
        count = len(found[1])
        radio = _uses_radio_digits(text[position : found[0]])
        denied = text.endswith("不是", 0, position)
        while (more := _next_group(text, groups[-1].end, count, radio=radio)) is not None:
            if denied and text[more.start] == "是":  # 不是六二二五，是六二二八
                break
            last = groups[-1]
            if more.start == last.end and "十" not in text[more.start : more.end]:
                groups[-1] = Run(last.start, more.end, last.digits + more.digits)
            else:
                groups.append(more)
            count += len(more.digits)
            radio = radio or _uses_radio_digits(text[more.start : more.end])
        groups = _without_count(text, groups)
        position = groups[-1].end
        run = joined(groups)
        if len(run.digits) >= minimum_digits:
            yield _completed(text, run)


def joined(groups: Sequence[Run]) -> Run:
    """Groups as one run."""
    digits = "".join([group.digits for group in groups])
    return Run(groups[0].start, groups[-1].end, digits, tuple(groups))


def _digit_token(text: str, at: int) -> tuple[int, str] | None:
    """Digits said without a pause, 三个八 expanded to 888: where they end and their values."""
    if plain := _DIGIT_SEQUENCE.match(text, at):
        return plain.end(), plain[0].translate(_TO_DIGITS)
    if hundreds := _SPOKEN_HUNDREDS.match(text, at):
        return hundreds.end(), f"1{digit_of(hundreds[1])}{digit_of(hundreds[2] or '零')}"
    if repeated := _REPEATED_DIGIT.match(text, at):
        digit = digit_of(repeated[3]) or ""
        return repeated.end(), digit * int(digit_of(repeated[1] or "二") or 1)
    return None


def _next_group(text: str, at: int, count: int, *, radio: bool) -> Run | None:
    if token := _digit_token(text, at):
        return Run(at, *token)
    paused = _PAUSE.match(text, at)
    places = (at,) if paused is None else (paused.end(), at)
    for begin in places:
        if token := _digit_token(text, begin):
            return Run(begin, *token)
        tens = _SPOKEN_TENS.match(text, begin) if count > _DIGITS_BEFORE_HOMOPHONE_MIN else None
        if tens:
            one = digit_of(tens[1]) or "1" if tens[1] else "1"
            return Run(begin, tens.end(), one + (digit_of(tens[2]) or "0" if tens[2] else "0"))
    for begin in places:
        character = text[begin] if begin < len(text) else ""
        minimum_digits = _DIGITS_BEFORE_HOMOPHONE_MIN + (character == "是")
        homophone = (
            digit_by_sound(character, radio=radio)
            if character and count >= minimum_digits
            else None
        )
        if homophone is None:
            continue
        after = _PAUSE.match(text, begin + 1)
        following = after.end() if after else begin + 1
        if _digit_token(text, following) or (
            following + 1 < len(text)
            and digit_by_sound(text[following], radio=radio)
            and _digit_token(text, following + 1)
        ):
            return Run(begin, begin + 1, homophone)
    return None


def _without_count(text: str, groups: list[Run]) -> list[Run]:
    """The groups without a final 五十, or the 六 of 六月, unless the number needs it."""
    kept = groups
    while len(kept) > 1 and _is_count(text, kept[-2], kept[-1]):
        if type_by_format(joined(kept).digits):
            return kept
        kept = kept[:-1]
    last = kept[-1]
    glued = len(last.digits) > 3 and last.end - last.start == len(last.digits)
    if glued and text[last.end : last.end + 1] == "月":  # 八八幺九六月十号
        kept = [*kept[:-1], Run(last.start, last.end - 1, last.digits[:-1])]
    return kept


def _completed(text: str, run: Run) -> Run:
    """A mobile number completed by a homophone of its missing first or last digit."""
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
        radio = _uses_radio_digits(text[run.start : run.end])
        last = digit_by_sound(text[run.end], radio=radio)
        if last and (run.end + 1 == len(text) or text[run.end + 1] in "，。？！,.?! "):
            return joined([*run.groups, Run(run.end, run.end + 1, last)])
    elif run.digits[0] in "3456789" and run.start and digit_by_sound(text[run.start - 1]) == "1":
        return joined([Run(run.start - 1, run.start, "1"), *run.groups])
    return run


def parts(text: str, run: Run) -> Iterator[Run]:
    """The numbers in a run that have a known format, and the digits between them.

    Two numbers may be said in one breath, an amount after a number, and a group twice.

    >>> text = "13800138000，200"
    >>> [part.digits for run in runs(text) for part in parts(text, run)]
    ['13800138000', '200']
    """
    if type_by_format(run.digits):
        yield run
        return
    groups = [half for group in run.groups for half in _split_numbers(text, group)]
    unmatched: list[Run] = []
    at = 0
    while at < len(groups):
        found = _longest(text, groups, at)
        if found is None:
            unmatched.append(groups[at])
            at += 1
            continue
        if unmatched:
            yield joined(unmatched)
            unmatched = []
        part, at = found
        yield part
    if unmatched:
        yield joined(unmatched)


def _longest(text: str, groups: Sequence[Run], at: int) -> tuple[Run, int] | None:
    """The longest number that begins at a group, and before which group it ends."""
    best, upto, count = None, at, 0
    while upto < min(len(groups), at + _GROUPS_MAX) and count <= 40:
        count += len(groups[upto].digits)
        upto += 1
        if count < 10:
            continue
        part = _number_of(groups[at:upto])
        if part and _is_standalone(text, groups, at, upto):
            best = part, upto
    return best


def _number_of(groups: Sequence[Run]) -> Run | None:
    """The groups as one number, without groups that only repeat the one before."""
    digits = "".join([group.digits for group in groups])
    if type_by_format(digits):
        return joined(groups)
    if len(digits) < 13 or len(set(digits)) < 3 or not _REPEATED_GROUP.search(digits):
        return None
    once = [
        g for g, before in zip(groups, (None, *groups), strict=False) if _adds_digits(g, before)
    ]
    for fewer in ("".join([g.digits for g in once]), _REPEATED_GROUP.sub(r"\1", digits)):
        if type_by_format(fewer):
            return replace(joined(groups), digits=fewer)
    return None


def _adds_digits(group: Run, before: Run | None) -> bool:
    return before is None or len(group.digits) < 3 or group.digits != before.digits


def _is_standalone(text: str, groups: Sequence[Run], at: int, upto: int) -> bool:
    """Whether groups that make a number are separate from the rest of a longer run."""
    sizes = [len(group.digits) for group in groups[at:upto]]
    if len(sizes) == 1 or sizes == [3, 4, 4]:
        return True
    edges = ([(at - 1, at)] if at else []) + ([(upto - 1, upto)] if upto < len(groups) else [])
    return not any(
        _GROUP_SEPARATOR.fullmatch(text, groups[a].end, groups[b].start) for a, b in edges
    )


def _split_numbers(text: str, group: Run) -> list[Run]:
    """Two numbers said without a pause, or a number and what counts something else."""
    size = len(group.digits)
    if size < 12 or size != group.end - group.start or type_by_format(group.digits):
        return [group]
    for cut in (19, 18, 17, 16, 13, 12, 11):
        first, second = group.digits[:cut], group.digits[cut:]
        is_counted = len(second) < 3 and _COUNTED_UNIT.match(text, group.end)
        if second and type_by_format(first) and (is_counted or type_by_format(second)):
            middle = group.start + cut
            return [Run(group.start, middle, first), Run(middle, group.end, second)]
    return [group]


def _is_count(text: str, before: Run, last: Run) -> bool:
    """Whether the last group counts something."""
    if "十" in text[last.start : last.end]:
        return True
    apart = before.end < last.start and len(last.digits) <= 4
    return apart and bool(_COUNTED_UNIT.match(text, last.end))
