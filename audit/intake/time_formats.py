"""Times in a stated format: one of ``strptime``, or a number since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

UNIX = {"unix": 1, "unix_ms": 1_000}
"""Formats that are numbers since 1970, and how many of them are a second."""

_PROBE = datetime(2026, 11, 16, 13, 5, 10, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*")


def check_format(form: str) -> None:
    """Check that a format can be read, and tells a date.

    Raises:
        ValueError: it cannot, or does not.
    """
    if form in UNIX:
        return
    problem = (
        f"{form!r} is not the format of a time; write one such as %Y/%m/%d %H:%M:%S, with year, "
        "month and day, or unix or unix_ms"
    )
    try:
        read = datetime.strptime(_PROBE.strftime(form), form)
    except (ValueError, re.error) as error:
        raise ValueError(problem) from error
    if read.date() != _PROBE.date():
        raise ValueError(problem)


def normalized(text: str, form: str) -> str:
    """A time in a format that :func:`check_format` accepts, in ISO 8601; naive without an offset.

    Dates of Excel and Parquet, which come in ISO 8601, stay as they are.

    >>> normalized("16.11.2026 09.05", "%d.%m.%Y %H.%M"), normalized("1794790920", "unix")
    ('2026-11-16T09:05:00', '2026-11-16T01:02:00+00:00')

    Raises:
        ValueError: it is not in that format.
    """
    try:
        if form in UNIX:
            return datetime.fromtimestamp(float(text) / UNIX[form], UTC).isoformat()
        return datetime.strptime(text, form).isoformat()
    except (OverflowError, OSError, ValueError) as error:
        if _ISO.fullmatch(text):
            return text
        raise ValueError(f"a time in the form {form}") from error


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """The same moment by the clock of ``zone``, whose date is the batch date of the call.

    A moment without an offset is local to ``zone``: of an hour that occurs twice it is the first,
    and in an hour that is skipped it is shifted forward, as in RFC 5545.

    >>> moment = datetime.fromisoformat("2026-11-16T17:05:00Z")
    >>> in_zone(moment, ZoneInfo("Asia/Shanghai")).isoformat()
    '2026-11-17T01:05:00+08:00'
    """
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)  # by way of UTC, which skips no hour
