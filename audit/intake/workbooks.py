"""The cells of an Excel workbook (``.xlsx``) as text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

from audit.errors import UsageError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

LEGACY = b"\xd0\xcf\x11\xe0"
"""How ``.xls`` begins, and any workbook with a password."""

_AS_XLSX = "save it as .xlsx or as CSV UTF-8"
_EXACT_MAX = 10**15
"""Excel keeps 15 digits of a number and makes the others zeros."""

_PADDED = re.compile("0{2,}")
Score = Callable[[Sequence[str]], int]


class Sheet(NamedTuple):
    """A sheet: its name, the other visible ones', and rows of cells without empty ends."""

    name: str
    others: tuple[str, ...]
    rows: list[list[str]]


def read(blob: bytes, *, score: Score, look_at: int) -> Sheet:
    """The sheet that lists recordings: the one visible sheet with a known header, or with cells.

    Every cell of a merged area has the text of its first one. Whole numbers are written without a
    point, with the zeros in front that their format shows; those of which Excel has lost digits
    as ``1.23E+17``. Rows and columns that are hidden are read as well.

    Args:
        blob: the workbook.
        score: how many known column names a row has; a header has at least two.
        look_at: a header is one of so many first rows.

    Raises:
        UsageError: it is protected or no workbook, or several sheets list recordings.
    """
    if blob[:4] == LEGACY:
        if "EncryptedPackage".encode("utf-16-le") in blob:
            raise UsageError(f"the manifest is protected by a password; remove it and {_AS_XLSX}")
        raise UsageError(f"the manifest is a workbook of Excel 97 to 2003 (.xls); {_AS_XLSX}")
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(blob))
        places = [
            place
            for place, sheet in enumerate(book.sheets_metadata)
            if sheet.visible is SheetVisibleEnum.Visible and sheet.typ is SheetTypeEnum.WorkSheet
        ]
        return _read(blob, book, _chosen(book, places, score, look_at), places)
    except (CalamineError, zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise UsageError(
            f"the manifest is damaged, or an archive and not an Excel workbook; {_AS_XLSX}"
        ) from error


def _chosen(book: CalamineWorkbook, places: Sequence[int], score: Score, look_at: int) -> int:
    filled, listing = [], []
    for place in places:
        rows = list(islice(book.get_sheet_by_index(place).iter_rows(), look_at))
        if rows:
            filled.append(place)
        if max((score([_as_text(cell) for cell in row]) for row in rows), default=0) > 1:
            listing.append(place)
    if len(listing) > 1:
        names = " and ".join(book.sheet_names[place] for place in listing)
        raise UsageError(
            f"the sheets {names} of the manifest all list recordings; put them into one sheet, or "
            "hide the others"
        )
    if not filled:
        raise UsageError("the manifest is empty; it needs a header with file and agent_id")
    return (listing or filled)[0]


def _read(blob: bytes, book: CalamineWorkbook, place: int, places: Sequence[int]) -> Sheet:
    sheet = book.get_sheet_by_index(place)
    left = (sheet.start or (0, 0))[1]  # rows count from the top, columns from the first with cells
    rows = [[_as_text(cell) for cell in row] for row in sheet.iter_rows()]
    for row, column, width in _padded(blob, place):
        cells = rows[row] if row < len(rows) else []
        if 0 <= column - left < len(cells):
            cells[column - left] = cells[column - left].zfill(width)
    _fill_merged(sheet, rows, left)
    for cells in rows:
        while cells and not cells[-1]:
            cells.pop()
    names = book.sheet_names
    return Sheet(names[place], tuple(names[other] for other in places if other != place), rows)


def _fill_merged(sheet: CalamineSheet, rows: list[list[str]], left: int) -> None:
    for (top, first), (bottom, last) in sheet.merged_cell_ranges or ():
        if top < len(rows) and first - left < len(rows[top]):
            text = rows[top][first - left]
            for cells in rows[top : bottom + 1]:
                for column in range(first - left, min(last - left + 1, len(cells))):
                    cells[column] = text


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < _EXACT_MAX else f"{value:.14E}"
    if isinstance(value, timedelta):
        minutes, seconds = divmod(value.total_seconds(), 60)
        return f"{minutes // 60:.0f}:{minutes % 60:02.0f}:{seconds:06.3f}".removesuffix(".000")
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat else value)


def _padded(blob: bytes, place: int) -> Iterator[tuple[int, int, int]]:
    """Row, column and digits of numbers whose format shows zeros in front, such as ``000``."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        if "xl/styles.xml" not in archive.namelist():
            return
        styles = _padding_styles(ElementTree.fromstring(archive.read("xl/styles.xml")))
        if not styles:
            return
        with archive.open(_path_of(archive, place)) as file:
            for _, cell in ElementTree.iterparse(file):
                if not cell.tag.endswith("}c"):
                    continue
                found = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", ""))
                if found and cell.get("s") in styles and cell.get("t", "n") == "n":
                    column = 0
                    for letter in found[1]:
                        column = column * 26 + ord(letter) - ord("A") + 1
                    yield int(found[2]) - 1, column - 1, styles[cell.get("s", "")]
                cell.clear()


def _padding_styles(root: ElementTree.Element) -> dict[str, int]:
    """The number of digits by style."""
    digits = {
        form.get("numFmtId"): len(form.get("formatCode", ""))
        for form in root.iterfind(".//{*}numFmt")
        if _PADDED.fullmatch(form.get("formatCode", ""))
    }
    styles = enumerate(root.iterfind("{*}cellXfs/{*}xf"))
    return {
        str(place): digits[style.get("numFmtId")]
        for place, style in styles
        if style.get("numFmtId") in digits
    }


def _path_of(archive: zipfile.ZipFile, place: int) -> str:
    """Where the archive has a sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    sheet = book.findall("{*}sheets/{*}sheet")[place]
    named = next(value for key, value in sheet.items() if key.endswith("}id"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(link.get("Target", "") for link in links if link.get("Id") == named)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
