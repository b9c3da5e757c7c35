"""The tables for people who work in Excel: a workbook, or CSV files.

``content`` says what is exported, night by night; ``sheets`` what the columns are; ``excel`` and
``delimited`` write it down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from audit.errors import CallauditError
from reports.export import delimited, excel
from reports.export.content import Content, chosen_nights
from reports.store.store import Store
from reports.wording import Language

__all__ = ["Exported", "chosen_nights", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows of each sheet, and rows without their link for lack of room."""

    rows: Mapping[str, int]
    unlinked: int


def export(
    store: Store,
    *,
    nights: Sequence[str],
    language: Language,
    xlsx: Path | None = None,
    csv: Path | None = None,
) -> Exported:
    """Write nights of an audit, whole or not at all.

    Args:
        store: of the audit.
        nights: ISO dates, in the order in which rows are written.
        language: of headings, ids and reasons.
        xlsx: the workbook to write.
        csv: the folder to write CSV files to.

    Raises:
        CallauditError: a file cannot be written or would be too large, or a table cannot be read.
    """
    content = Content(store, language)
    written: Counter[str] = Counter()
    book = None
    try:
        with ExitStack() as opened:
            targets: list[excel.Workbook | delimited.Files] = []
            if xlsx is not None:
                book = opened.enter_context(
                    excel.workbook(
                        xlsx, layout=store.layout, sheets=content.sheets, language=language
                    )
                )
                targets.append(book)
            if csv is not None:
                targets.append(
                    opened.enter_context(
                        delimited.files(csv, sheets=content.sheets, language=language)
                    )
                )
            for night in nights:
                for sheet, row, link in content.rows(night):
                    values = sheet.values(row, language)
                    written[sheet.name] += 1
                    for target in targets:
                        target.add(sheet, values, link)
    except OSError as error:
        files = " and ".join(str(path) for path in (xlsx, csv) if path is not None)
        cause = error.strerror or type(error).__name__
        cause += f": {error.filename}" if error.filename else ""
        raise CallauditError(
            f"{files} was not written ({cause}); see that there is space, that this user may write "
            "there, and that the file is not open in Excel, and export again"
        ) from error
    return Exported(written, book.unlinked if book else 0)
