"""Everything under the output folder: tables, private transcripts, figures, pages."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.store import Store


def open(out: str | PathLike[str]) -> Store:
    """The store of an audit, for notebooks: ``reports.open("OUT").calls.pandas()``.

    Nothing is read before it is asked for.

    Args:
        out: the folder given to ``callaudit run --out``.

    Raises:
        UsageError: there are no tables in it.
    """
    from reports.store import Store  # nothing is imported before it is asked for

    return Store.open(out)
