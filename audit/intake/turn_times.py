"""Start and end times of turns in ready transcripts, under the names that ASR systems use."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[\u4e00-\u9fff]+")
_START = frozenset({"start", "begin", "onset", "bg", "starttime", "begintime"})
_END = frozenset({"end", "stop", "ed", "endtime", "stoptime"})
_OTHER_TIME = frozenset({"time", "times", "timestamp", "timestamps", "offset", "duration", "ts"})
_START_HAN, _END_HAN, _OTHER_TIME_HAN = (
    re.compile("开始|起始|起点"),
    re.compile("结束|终点"),
    "时间",
)
_IN_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 0.001),
}
_UNIT_HAN = re.compile("毫秒|秒")
_CLOCK = re.compile(r"\s*\d+:[\d:]+([.,]\d+)?\s*")
_NAMES_IN_SECONDS = frozenset({"start", "end"})
"""Names that mean seconds without saying so: Whisper's, and those of ``train stages``."""


def renamed(turn: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """A turn with ``start_s`` and ``end_s``, where its times have other names and a plain unit.

    Plain are ``start`` and ``end``, names that say a unit (``start_ms``), and times on a clock.

    Returns:
        The turn, and the names of times that are ignored because their unit is unknown.

    >>> renamed({"text": "喂", "beginMs": 500, "endMs": 900})
    ({'text': '喂', 'beginMs': 500, 'endMs': 900, 'start_s': 0.5, 'end_s': 0.9}, ())
    >>> renamed({"text": "喂", "BeginTime": 500, "EndTime": 900})[1]
    ('BeginTime', 'EndTime')
    """
    if turn.get("start_s") is not None or turn.get("end_s") is not None:
        return dict(turn), ()
    read: dict[str, object] = {}
    unread = []
    for name, value in turn.items():
        tokens = [token.lower() for token in _TOKEN.findall(name)]
        side = _side(name, tokens)
        if side is None or value is None or value == "" or isinstance(value, bool):
            continue
        unread.append(name)
        seconds = _seconds(name, tokens, value)
        if side and seconds is not None:
            read.setdefault(side, seconds)
    return ({**turn, **read}, ()) if len(read) == 2 else (dict(turn), tuple(unread))


def _side(name: str, tokens: list[str]) -> str | None:
    """``start_s`` or ``end_s``; empty for another time, None if it is not a time."""
    if _START.intersection(tokens) or _START_HAN.search(name):
        return "start_s"
    if _END.intersection(tokens) or _END_HAN.search(name):
        return "end_s"
    return "" if _OTHER_TIME.intersection(tokens) or _OTHER_TIME_HAN in name else None


def _seconds(name: str, tokens: list[str], value: object) -> object:
    """The value in seconds; None where its unit is unknown."""
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        return value
    unit = next((_IN_SECONDS[token] for token in tokens if token in _IN_SECONDS), None)
    if unit_name := _UNIT_HAN.search(name):
        unit = 0.001 if unit_name[0] == "毫秒" else 1.0
    if unit == 1.0 or (unit is None and len(tokens) == 1 and tokens[0] in _NAMES_IN_SECONDS):
        return value
    if unit is None:
        return None
    try:
        return round(float(value) * unit, 6) if isinstance(value, int | float | str) else value
    except (ValueError, OverflowError):
        return value
