"""The rows of a table as spreadsheets and people save it: CSV in its many forms, or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from audit.errors import UsageError
from audit.language.encoding import text_of

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_FILE_ENDING = re.compile(r"\.\w{2,5}$")
_AS_CSV = "save it as CSV UTF-8"


class Row(NamedTuple):
    """One row: its number from 1, its cells by column, and what is wrong with its shape."""

    number: int
    cells: dict[str, str]
    problem: str | None = None


def read(
    blob: bytes, *, known: Collection[str], required: Collection[str]
) -> tuple[list[str], list[Row]]:
    """Columns and rows, every cell as text; rows without any text are left out.

    Args:
        blob: the file's bytes: Parquet, or CSV in UTF-8, UTF-16 or GB 18030 with commas,
            semicolons, tabs or bars.
        known: columns that are found in any letter case, with spaces or without underscores.
        required: columns of which a row that ends early must still have a cell.

    Raises:
        UsageError: it cannot be read without losing something.
    """
    if blob[:4] == b"PAR1":
        columns, rows = _parquet_rows(blob, known)
    else:
        columns, rows = _csv_rows(blob, known, required)
    counts = Counter(name.lower() for name in columns)  # DuckDB takes Queue and queue for one
    twice = [name for name in columns if counts[name.lower()] > 1]
    if twice:
        raise UsageError(
            f"the manifest has more than one column {twice[0]!r}, in this or another letter case; "
            "rename all but one of them"
        )
    return columns, rows


def _parquet_rows(blob: bytes, known: Collection[str]) -> tuple[list[str], list[Row]]:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(blob))
    columns = _names(table.schema.names, known)
    values = [column.to_pylist() for column in table.columns]
    rows = ([_as_text(value) for value in cells] for cells in zip(*values, strict=True))
    return columns, [
        Row(number, dict(zip(columns, cells, strict=True)))
        for number, cells in enumerate(rows, start=1)
        if any(cells)
    ]


def _as_text(value: object) -> str:
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()


def _csv_rows(
    blob: bytes, known: Collection[str], required: Collection[str]
) -> tuple[list[str], list[Row]]:
    if blob[:4] in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}:
        raise UsageError(f"the manifest is an Excel workbook or another archive; {_AS_CSV}")
    try:
        text = text_of(blob)
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "the manifest is neither Parquet nor CSV in UTF-8, UTF-16 or GB 18030 (line "
            f"{line} cannot be read); {_AS_CSV}"
        ) from error
    text, delimiter = _delimited(text, known)
    lines = _lines(text, delimiter)
    header = next((cells for _, cells in lines if any(cells)), None)
    if header is None:
        raise UsageError("the manifest is empty; it needs a header with file and agent_id")
    while not header[-1]:  # commas at the end
        header.pop()
    if any(delimiter in rest for name in header for rest in name.splitlines()[1:]):
        raise _unclosed(1)
    columns = _names(header, known)
    rows = []
    for number, (line, cells) in enumerate(lines, start=1):
        if not any(cells):
            continue
        if any(_holds_a_row(cell, columns, delimiter) for cell in cells if "\n" in cell):
            raise _unclosed(line)
        rows.append(_row(number, cells, columns, required, _DELIMITERS[delimiter]))
    return columns, rows


def _delimited(text: str, known: Collection[str]) -> tuple[str, str]:
    """The table's text, and what separates the cells of its header."""
    text = text.lstrip("\r\n")
    stated = re.match(r"sep=([,;\t|])\r?\n", text)  # a line for Excel
    if stated:
        return text[stated.end() :], stated[1]
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    names = {_normalized(name) for name in known}
    return text, max(
        _DELIMITERS, key=lambda mark: sum(_normalized(c) in names for c in first.split(mark))
    )


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of the line where each row begins, and its cells."""
    source = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline="")
    reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:  # the end, or text, where a closing mark should be
            raise _unclosed(line) from error
        if cells is None:
            return
        if cells:
            yield line, [cell.strip() for cell in cells]


def _unclosed(line: int) -> UsageError:
    return UsageError(
        "the manifest has a cell with an unclosed or misplaced quotation mark in the row that "
        f"begins in line {line}; remove the mark, or write it twice and put the whole cell in "
        "quotation marks"
    )


def _holds_a_row(cell: str, columns: Sequence[str], delimiter: str) -> bool:
    """Whether a line within a cell looks like a row that an unclosed quotation mark swallowed."""
    place = columns.index("file") if "file" in columns else 0
    for line in cell.splitlines()[1:]:
        parts = line.split(delimiter)
        if len(parts) >= max(len(columns), 2):
            return True
        if place < len(parts) - 1 and _FILE_ENDING.search(parts[place].strip(' "')):
            return True
    return False


def _row(
    number: int,
    cells: list[str],
    columns: Sequence[str],
    required: Collection[str],
    delimiter: str,
) -> Row:
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    count, problem = len(cells), None
    if count > len(columns):
        problem = (
            f"the row has {count} cells, but the header names {len(columns)} columns; put cells "
            f"that hold a {delimiter} in quotation marks"
        )
    elif count < len(columns):
        missing = [name for name in columns[count:] if name in required]
        if missing:
            problem = (
                f"the row ends after {count} of {len(columns)} cells, before {missing[0]}; write a "
                f"{delimiter} for each cell that is empty"
            )
        cells += [""] * (len(columns) - count)
    return Row(number, dict(zip(columns, cells, strict=False)), problem)


def _names(header: Sequence[str], known: Collection[str]) -> list[str]:
    """Column names, replaced by known ones that differ only in letter case or spaces."""
    names = [" ".join(name.strip("\ufeff \t\r\n").split()) for name in header]
    meant = {_normalized(name): name for name in known if name not in names}
    return [
        meant.get(_normalized(name), name) or f"unnamed_{place}"
        for place, name in enumerate(names, start=1)
    ]


def _normalized(name: str) -> str:
    return re.sub(r"[\s\"_\ufeff-]", "", name).lower()
