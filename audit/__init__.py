"""callaudit's domain: how a recorded call becomes findings and a score.

Free of Prefect and of model libraries; importing it loads neither.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.store.query import Store

__version__ = "0.1.0"


def open(out: str | PathLike[str]) -> Store:
    """The tables of an audit, for notebooks: ``audit.open("OUT").calls.pandas()``.

    Nothing is read before it is asked for.

    Args:
        out: the folder given to ``callaudit run --out``.

    Raises:
        UsageError: there are no tables in it.
    """
    from pathlib import Path

    from reports.store.query import open_store  # tables are above the domain: only when asked for

    return open_store(Path(out))
