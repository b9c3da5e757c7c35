"""An Excel workbook, written row by row: what has been written is no longer in memory.

It holds no formula: every text is written as text, and the links are Excel's own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError, FileSizeError
from xlsxwriter.url import Url, UrlTypes

from audit.errors import CallauditError
from reports.export import cells
from reports.export.cells import Value
from reports.export.sheets import Kind, PageLink, Sheet
from reports.store.atomic import replacing
from reports.store.layout import Layout
from reports.wording import Language, by_key

MOST_ROWS = 1_048_576
"""Rows of a sheet, with its headings; what is more goes to another sheet."""
MOST_LINKS = 65_530
"""Links of a sheet; Excel removes all of them from a workbook that has more."""

_FORMATS = {
    Kind.COUNT: "#,##0",
    Kind.TENTHS: "0.0",
    Kind.HUNDREDTHS: "0.00",
    Kind.SHARE: "0.0%",
    Kind.DATE: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm:ss",
}
_LINKED = {"font_color": "#0563C1", "underline": 1}
_COLOURS = {
    "verdict.fail": {"font_color": "#9C0006", "bg_color": "#FFC7CE"},
    "verdict.cannot_tell": {"font_color": "#6B5900", "bg_color": "#FFF2CC"},
    "export.yes": {"font_color": "#9C0006", "bold": True},
}
"""Of the verdicts that somebody has to look at, and of auto-fails."""
_COLOURED = {"verdict": ("verdict.fail", "verdict.cannot_tell"), "auto_fail": ("export.yes",)}
"""What is coloured: values by the words of a column, or by its name."""
_ESCAPES = str.maketrans({mark: f"%{ord(mark):02X}" for mark in ' "#%<>?[\\]^`{|}'})
"""Excel escapes these in links, and leaves Chinese as it is."""


@contextmanager
def workbook(
    path: Path, *, layout: Layout, sheets: Sequence[Sheet], language: Language
) -> Iterator[Workbook]:
    """A workbook that takes the place of ``path`` when the block ends without an error.

    Args:
        path: the file.
        layout: of the audit, to whose pages it links.
        sheets: all of them, in their order.
        language: of the headings.

    Raises:
        OSError: it cannot be written; what was there before stays.
        CallauditError: it would be too large.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".", suffix=".tmp")
    with folder as beside, replacing(path) as temporary:
        options = {"constant_memory": True, "tmpdir": beside}
        with temporary.open("wb") as file:
            book = xlsxwriter.Workbook(file, options)
            made = Workbook(book, root=links_root(path, layout), layout=layout, language=language)
            for sheet in sheets:
                made.begin(sheet)
            yield made
            made.finish()
            try:
                book.close()
            except FileCreateError as error:
                raise error.args[0] from error
            except FileSizeError as error:
                raise CallauditError(
                    f"{path} would be larger than 4 GB; export fewer nights, or CSV"
                ) from error


def links_root(path: Path, layout: Layout) -> str:
    """How links begin in a workbook: ``html``, ``audit/html``, or ``file:///…``.

    They are relative where the workbook is under OUT or under OUT's parent folder, so that these
    can be moved together.
    """
    html, folder = layout.html.resolve(), path.parent.resolve()
    around = layout.root.resolve().parent
    if not folder.is_relative_to(around):
        return "file:///" + html.as_posix().lstrip("/").translate(_ESCAPES)
    return Path(os.path.relpath(html, folder)).as_posix().translate(_ESCAPES)


@dataclass
class _Part:
    """A sheet of the workbook: one of ours, or as much of it as fits."""

    sheet: Sheet
    made: Any
    number: int
    rows: int = 1
    links: int = 0


class Workbook:
    """A workbook in the making; :func:`workbook` opens and closes it.

    Attributes:
        unlinked: rows without their link, for which Excel has no room.
    """

    def __init__(self, book: Any, *, root: str, layout: Layout, language: Language) -> None:
        self.unlinked = 0
        self._book, self._root, self._layout, self._language = book, root, layout, language
        self._parts: dict[str, _Part] = {}
        self._formats: dict[tuple[Kind, bool, bool], Any] = {}
        self._heading = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E7ECF2"})
        self._colours = {key: book.add_format(look) for key, look in _COLOURS.items()}

    def begin(self, sheet: Sheet, *, number: int = 1) -> None:
        """Add a sheet, or another part of one that is full."""
        title = sheet.title(self._language)
        made = self._book.add_worksheet(title if number == 1 else f"{title} {number}")
        for at, column in enumerate(sheet.columns):
            made.set_column(at, at, column.width)
            made.write_string(0, at, column.heading(self._language), self._heading)
        made.freeze_panes(1, sheet.position(sheet.linked) + 1)
        self._parts[sheet.name] = _Part(sheet, made, number)

    def add(self, sheet: Sheet, values: Sequence[Value], link: PageLink | None) -> None:
        """Write the next row of a sheet."""
        part = self._parts[sheet.name]
        if part.rows >= MOST_ROWS:
            self._dress(part)
            self.begin(sheet, number=part.number + 1)
            part = self._parts[sheet.name]
        if link is not None and part.links == MOST_LINKS:
            self.unlinked += 1
            link = None
        if link is not None:
            page = link.page.relative_to(self._layout.html).as_posix()
            link_to = _Link(f"{self._root}/{page}#{link.place}")
            part.made.write_url(part.rows, sheet.position(sheet.linked), link_to)
            part.links += 1
        for column, (at, value) in zip(sheet.columns, enumerate(values), strict=True):
            if value is not None:
                linked = link is not None and column.name == sheet.linked
                self._write(part, at, value, column.kind, linked=linked)
        part.rows += 1

    def finish(self) -> None:
        """Give every sheet its filter and colours."""
        for part in self._parts.values():
            self._dress(part)

    def _write(self, part: _Part, at: int, value: Value, kind: Kind, *, linked: bool) -> None:
        if isinstance(value, str):
            look = self._look(Kind.TEXT, quoted=cells.is_formula(value), linked=linked)
            part.made.write_string(part.rows, at, value, look)
        elif isinstance(value, date):
            part.made.write_datetime(part.rows, at, value, self._look(kind, linked=linked))
        else:
            part.made.write_number(part.rows, at, value, self._look(kind, linked=linked))

    def _look(self, kind: Kind, *, linked: bool, quoted: bool = False) -> Any:
        """Format of a cell; a ``quoted`` text stays one when somebody edits the cell."""
        key = (kind, linked, quoted)
        if key not in self._formats:
            look: dict[str, Any] = {"quote_prefix": True} if quoted else {}
            look |= {"num_format": _FORMATS[kind]} if kind in _FORMATS else {}
            look |= _LINKED if linked else {}
            self._formats[key] = self._book.add_format(look)
        return self._formats[key]

    def _dress(self, part: _Part) -> None:
        last = max(part.rows - 1, 1)
        part.made.autofilter(0, 0, part.rows - 1, len(part.sheet.columns) - 1)
        part.made.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for at, column in enumerate(part.sheet.columns):
            for key in _COLOURED.get(column.words or column.name, ()):
                value = f'"{by_key(self._language)[key]}"'
                rule = {"type": "cell", "criteria": "==", "value": value}
                rule["format"] = self._colours[key]
                part.made.conditional_format(1, at, last, at, rule)


class _Link(Url):  # type: ignore[misc]
    """A link as it stands: xlsxwriter's own has backslashes, which only Windows understands."""

    def _parse_url(self) -> None:
        self._link_type = UrlTypes.EXTERNAL
        self._link, _, self._anchor = self._original_url.partition("#")
        self._relationship_link = self._link

    def _escape_strings(self) -> None:
        """It is escaped already."""
