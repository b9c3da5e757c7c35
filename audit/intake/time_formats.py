"""Times in a stated format: one of ``strptime``, or a number since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime

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
    if form in UNIX:
        try:
            return datetime.fromtimestamp(float(text) / UNIX[form], UTC).isoformat()
        except (OverflowError, OSError, ValueError) as error:
            raise ValueError(f"a number of the form {form}") from error
    try:
        return datetime.strptime(text, form).isoformat()
    except ValueError as error:
        if _ISO.fullmatch(text):
            return text
        raise ValueError(f"a time in the form {form}") from error
