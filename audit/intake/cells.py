"""What a cell means, in the forms in which spreadsheets, databases and people write it.

Each reader raises ``ValueError`` with what the cell must be, as the end of a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit.types import Direction

_TIME = "a time such as 2026-11-09T09:02:00+08:00"
_AMBIGUOUS = (
    "written with the year first, such as 2026-11-09, because it is ambiguous which of its first "
    "two numbers is the month"
)
IN_FULL = "written in full: a spreadsheet has shortened it; format the column as text"
"""What a number must be that :func:`is_shortened`."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED_MONTH = re.compile(r"(\d{1,2})[- ]([a-z]{3})[a-z]*\.?[- ,]+(\d{4})", re.IGNORECASE)
_WEEKDAY = re.compile(r"(星期|周|週)[一二三四五六日天]")
_HALF_OF_DAY = r"上午|下午|[ap]\.?m\.?"
_DATE_TIME = re.compile(
    rf"""
    (?P<first>\d{{1,4}}) \s*[-/.年]\s* (?P<second>\d{{1,2}}) \s*[-/.月]\s* (?P<third>\d{{1,4}})
    (?: \s*(?:[日号號]|[T,\s]|$)\s*
      (?:
        (?P<before>{_HALF_OF_DAY})? \s*
        (?P<hour>\d{{1,2}}) \s*(?:[:时時点點])\s* (?P<minute>\d{{1,2}})
        (?: \s*[:分]\s* (?: (?P<second_s>\d{{1,2}}) (?:[.,](?P<fraction>\d+))? )? \s*秒? )?
        \s* (?P<after>{_HALF_OF_DAY})?
        \s* (?: Z | (?:UTC|GMT)?(?P<offset>[-+]\d{{1,2}}(?::?\d{{2}})?) | (?P<utc>UTC|GMT) )?
      )?
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCH_MIN_S, _EPOCH_MAX_S = 631_152_000, 7_258_118_400  # 1990 and 2200, since 1970
_EXCEL_DAY_0 = datetime(1899, 12, 30)
_EXCEL_DAYS = range(32_874, 109_576)  # the same years, in days

_INBOUND = frozenset({"in", "inbound", "incoming", "inward", "呼入", "来电", "來電", "入"})
_OUTBOUND = frozenset(
    {"out", "outbound", "outgoing", "outward", "呼出", "外呼", "去电", "去電", "出"}
)
_CHANNELS = {
    **dict.fromkeys(("0", "0.0", "left", "l", "左", "左声道", "左聲道", "left channel"), "0"),
    **dict.fromkeys(("1", "1.0", "right", "r", "右", "右声道", "右聲道", "right channel"), "1"),
    **dict.fromkeys(("mono", "单声道", "單聲道"), "mono"),
}
_TRUE = frozenset({"1", "1.0", "true", "t", "yes", "y", "是", "真"})
_FALSE = frozenset({"0", "0.0", "false", "f", "no", "n", "否", "假"})
_SHORTENED = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")


def moment(text: str, zone: ZoneInfo) -> datetime:
    """A moment in ISO 8601, as Excel and databases write it, or as a number.

    Numbers are distinguished by their range: ``20261116090510``, Excel's days since 1900, and
    seconds, milliseconds, micro- and nanoseconds since 1970. What names no offset is naive.

    >>> moment("2026年11月16日 下午2时5分", ZoneInfo("Asia/Shanghai"))
    datetime.datetime(2026, 11, 16, 14, 5)

    Raises:
        ValueError: it is not such a moment, or day and month are ambiguous.
    """
    if text[4:5] == "-" and text[13:14] not in {".", ","}:  # 09.05 is not a fraction of an hour
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    text = _WEEKDAY.sub(" ", unicodedata.normalize("NFKC", text)).strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return _from_number(text, zone)
        found = _DATE_TIME.fullmatch(_NAMED_MONTH.sub(_with_month_number, text))
        if found is None:
            return datetime.fromisoformat("" if "." in text else text)
        year, month, day = _date(found["first"], found["second"], found["third"])
        return _with_clock(datetime(year, month, day), found)
    except ValueError as error:
        if is_shortened(text):
            raise ValueError(IN_FULL) from error
        raise ValueError(_AMBIGUOUS if error.args == (_AMBIGUOUS,) else _TIME) from error


def _from_number(text: str, zone: ZoneInfo) -> datetime:
    if len(text) in _COMPACT and text.isdecimal() and text[:2] in {"19", "20", "21"}:
        return datetime.strptime(text, _COMPACT[len(text)])
    number = float(text)
    if int(number) in _EXCEL_DAYS:
        return _EXCEL_DAY_0 + timedelta(seconds=round(number * 86_400))
    for in_a_second in (1, 1_000, 1_000_000, 1_000_000_000):
        if _EPOCH_MIN_S <= number / in_a_second < _EPOCH_MAX_S:
            return datetime.fromtimestamp(number / in_a_second, zone)
    raise ValueError(_TIME)


def _with_month_number(match: re.Match[str]) -> str:
    day, name, year = match.groups()
    if name.lower() not in _MONTHS:
        return match[0]
    return f"{year}-{_MONTHS.index(name.lower()) + 1}-{day}"


def _date(first: str, second: str, third: str) -> tuple[int, int, int]:
    """Year, month and day, where only one reading is possible."""
    if len(first) == 4:
        return int(first), int(second), int(third)
    if len(third) != 4 or len(first) > 2:
        raise ValueError(_TIME)
    a, b = int(first), int(second)
    if a <= 12 and b <= 12 and a != b:
        raise ValueError(_AMBIGUOUS)
    return (int(third), b, a) if a > 12 else (int(third), a, b)


def _with_clock(midnight: datetime, found: re.Match[str]) -> datetime:
    if found["hour"] is None:
        return midnight
    hour = int(found["hour"])
    half = (found["before"] or found["after"] or "").lower()
    if half.startswith(("p", "下")):
        hour += 12 if hour < 12 else 0
    elif half:
        hour = {12: 0}.get(hour, hour if hour < 12 else 24)
    local = midnight.replace(
        hour=hour,
        minute=int(found["minute"]),
        second=int(found["second_s"] or 0),
        microsecond=int((found["fraction"] or "0").ljust(6, "0")[:6]),
    )
    if found["offset"]:
        sign, digits = found["offset"][0], found["offset"][1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "00")
        return datetime.fromisoformat(f"{local.isoformat()}{sign}{hours:0>2}:{minutes}")
    utc = found["utc"] or found[0].upper().endswith("Z")
    return datetime.fromisoformat(f"{local.isoformat()}+00:00") if utc else local


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet has cut the digits of a long number.

    >>> is_shortened("2.02611E+13")
    True
    """
    return "+" in text and _SHORTENED.fullmatch(text) is not None


def direction(text: str) -> Direction:
    """The direction of a call.

    >>> direction("呼出")
    <Direction.OUT: 'out'>

    Raises:
        ValueError: it is not a direction.
    """
    plain = re.sub(r"call|电话|電話|[\s_-]", "", text.lower())
    if plain in _INBOUND:
        return Direction.IN
    if plain in _OUTBOUND:
        return Direction.OUT
    raise ValueError("in, out or nothing")


def channel(text: str) -> str:
    """Which channel is meant: ``"0"`` (left), ``"1"`` (right) or ``"mono"``.

    Raises:
        ValueError: it does not name one.
    """
    try:
        return _CHANNELS[" ".join(text.lower().split())]
    except KeyError as error:
        raise ValueError("0 (left), 1 (right), mono or nothing") from error


def truth(text: str) -> bool:
    """A truth value.

    Raises:
        ValueError: it is not one.
    """
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("true or false")


def seconds(text: str) -> float:
    """Seconds, as a number or on a clock; of any size, or NaN.

    >>> seconds("00:01:02.500"), seconds("12.5s"), seconds("1:02,5")
    (62.5, 12.5, 62.5)

    Raises:
        ValueError: it is neither.
    """
    clock = _CLOCK.fullmatch(text.strip())
    try:
        if clock is None:
            return float(text.strip().removesuffix("秒").removesuffix("s"))
        hours, minutes, rest = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))
    except ValueError as error:
        raise ValueError("a number of seconds") from error
