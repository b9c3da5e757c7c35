"""What stands in a cell: text that spreadsheets can hold and will not run."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from reports.wording import Language, by_key

Value = str | int | float | date | None
"""What stands in a cell; None leaves it empty."""

LONGEST = 32_767
"""UTF-16 units in a cell of Excel."""

_FIRST_DAY = date(1900, 3, 1)
"""Excel believes in a 29 February 1900."""

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold, and DEL."""
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""How a formula may begin, by OWASP's page on CSV injection; the wide ones where Excel is Chinese
or Japanese."""


def text(value: str, *, language: Language = "zh") -> str:
    r"""Text without what XML cannot hold, cut with a mark where it is too long for a cell.

    Lines end as Excel ends them, with a line feed.

    >>> text("a\x00b")
    'ab'
    """
    clean = _ILLEGAL.sub("", value).replace("\r\n", "\n").replace("\r", "\n")
    if len(clean) <= LONGEST // 2 or _units(clean) <= LONGEST:
        return clean
    mark = by_key(language)["export.cut"].format(n=len(clean))
    room = 2 * (LONGEST - _units(mark))
    return clean.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + mark


def number(value: float) -> float | None:
    """A number as it is; None for what is none (NaN, infinity), which no spreadsheet knows."""
    return value if math.isfinite(value) else None


def moment(value: date) -> date | str:
    """A date or time as it is; as text where Excel's calendar is wrong or has not begun.

    >>> moment(date(1899, 12, 31))
    '1899-12-31'
    """
    day = value.date() if isinstance(value, datetime) else value
    return value if day >= _FIRST_DAY else str(value)


def is_formula(value: str) -> bool:
    """Whether a spreadsheet would take a text for a formula, if it were typed.

    >>> is_formula("=1+1"), is_formula("1+1")
    (True, False)
    """
    return value.startswith(_FORMULA)


def _units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2
