"""The sheets as CSV files: UTF-8 with a byte order mark, by which Excel knows the encoding."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.export import cells
from reports.export.cells import Value
from reports.export.sheets import PageLink, Sheet
from reports.store.atomic import replacing
from reports.wording import Language


@contextmanager
def files(folder: Path, *, sheets: Sequence[Sheet], language: Language) -> Iterator[Files]:
    """Files ``SHEET.csv`` that take their places when the block ends without an error.

    Args:
        folder: where they go.
        sheets: one for each file.
        language: of the headings.

    Raises:
        OSError: one cannot be written; what was there before stays.
    """
    with ExitStack() as places, ExitStack() as opened:
        writers = {}
        for sheet in sheets:
            temporary = places.enter_context(replacing(folder / f"{sheet.name}.csv"))
            file = opened.enter_context(temporary.open("w", encoding="utf-8-sig", newline=""))
            writers[sheet.name] = csv.writer(file)
            writers[sheet.name].writerow([_said(c.heading(language)) for c in sheet.columns])
        yield Files(writers)


class Files:
    """CSV files in the making; :func:`files` opens and closes them."""

    def __init__(self, writers: dict[str, Any]) -> None:
        self._writers = writers

    def add(self, sheet: Sheet, values: Sequence[Value], _: PageLink | None) -> None:
        """Write the next row of a sheet; CSV has no links."""
        self._writers[sheet.name].writerow(map(_said, values))


def _said(value: Value) -> Value:
    """A value as the file has it: an apostrophe makes text of what would be a formula."""
    if isinstance(value, str):
        return f"'{value}" if cells.is_formula(value) else value
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else value
