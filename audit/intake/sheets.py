"""The rows of a table as spreadsheets and people save it: CSV in its many forms, Excel, Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from audit.errors import UsageError
from audit.intake import columns, workbooks
from audit.intake.columns import Choice
from audit.intake.manifest_options import DELIMITERS, ManifestOptions
from audit.language.encoding import decoded

_FILE_ENDING = re.compile(r"\.\w{2,5}$")
_AS_CSV = "save it as CSV UTF-8"
_HEADER_WITHIN = 30
"""A title and notes may stand above the header, which is one of so many first rows."""

_NO_TABLES = {
    b"\x1f\x8b": "compressed; unpack it",
    b"RIFF": "a recording; name the table that lists the recordings",
    b"ID3": "a recording; name the table that lists the recordings",
    b"%PDF": f"a PDF; export the table itself, and {_AS_CSV}",
    b"SQLite format 3": f"a database; export the table, and {_AS_CSV}",
    b"<": f"a web page or XML, whatever its name says; open it in a spreadsheet and {_AS_CSV}",
    b"{": f"JSON; {_AS_CSV}",
    b"[": f"JSON; {_AS_CSV}",
}
"""What files that are no tables begin with, and what they are."""


class Row(NamedTuple):
    """One row: its number from 1, its cells by column, and what is wrong with its shape."""

    number: int
    cells: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What was read: the rows, of which columns, and what the file is, for a person."""

    rows: list[Row]
    choice: Choice
    form: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a table is expected to have; see :func:`read`."""

    options: ManifestOptions
    known: Collection[str]
    required: Collection[str]
    expected: frozenset[str]

    def score(self, cells: Iterable[str]) -> int:
        """How many names of columns are among the cells."""
        return sum(columns.normalized(cell) in self.expected for cell in cells)

    def choose(self, header: Sequence[str]) -> Choice:
        return columns.choose(header, self.options, self.known)


def read(
    blob: bytes, *, known: Collection[str], required: Collection[str], options: ManifestOptions
) -> Table:
    """Read a table, every cell as text; rows without any text are left out.

    Args:
        blob: the file's bytes: Parquet, an Excel workbook, or CSV in UTF-8, UTF-16 or GB 18030
            with commas, semicolons, tabs or bars, or as the options say.
        known: columns that are found in any letter case, with spaces or without underscores.
        required: columns of which a row that ends early must still have a cell.
        options: which columns are read, and as what.

    Raises:
        UsageError: it cannot be read without losing something.
    """
    reading = _Reading(options, known, required, columns.expected(options, known))
    if blob[:4] == b"PAR1":
        return _parquet(blob, reading)
    if blob[:2] == b"PK" or blob[:4] == workbooks.LEGACY:
        return _workbook(blob, reading)
    for beginning, meaning in _NO_TABLES.items():
        if blob.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(beginning):
            raise UsageError(f"the manifest is {meaning}")
    return _csv(blob, reading)


def _parquet(blob: bytes, reading: _Reading) -> Table:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(blob))
    names = file.schema_arrow.names
    choice = reading.choose(names)
    wanted = [names[place] for place in choice.places.values()]
    table = file.read(columns=wanted if choice.left_out else None)
    values = [column.to_pylist() for column in table.columns]
    rows = ([_as_text(value) for value in cells] for cells in zip(*values, strict=True))
    read = [
        Row(number, dict(zip(choice.places, cells, strict=True)))
        for number, cells in enumerate(rows, start=1)
        if any(cells)
    ]
    return Table(read, choice, "Parquet")


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


def _workbook(blob: bytes, reading: _Reading) -> Table:
    sheet = workbooks.read(blob, score=reading.score, look_at=_HEADER_WITHIN)
    lines = enumerate(sheet.rows, start=1)
    above, header, rest = _header(iter(lines), reading)
    width = max(map(len, sheet.rows))
    choice = reading.choose([*header, *[""] * (width - len(header))])
    rows = [
        _row(number, [*cells, *[""] * (width - len(cells))], choice, reading, None)
        for number, (_, cells) in enumerate(rest, start=1)
        if any(cells)
    ]
    others = f"; not read: {', '.join(sheet.others)}" if sheet.others else ""
    return Table(rows, choice, f"Excel, sheet {sheet.name}{_below(above)}{others}")


def _below(above: int) -> str:
    return f", header in row {above + 1}" if above else ""


def _header(
    lines: Iterator[tuple[int, list[str]]], reading: _Reading
) -> tuple[int, list[str], Iterator[tuple[int, list[str]]]]:
    """How many rows stand above the header, its cells, and the rows below it.

    The header is the first row that names the most columns, or the last of several such rows in
    succession, which a header of merged cells makes. If none names any, it is the first row with
    the most cells.
    """
    first = list(islice(lines, _HEADER_WITHIN))
    if not any(any(cells) for _, cells in first):
        raise UsageError("the manifest is empty; it needs a header with file and agent_id")
    scores = [reading.score(cells) for _, cells in first]
    best = max(scores)
    if best == 0:
        scores = [len(list(filter(None, cells))) for _, cells in first]
    at = scores.index(max(scores))
    while best > 1 and scores[at + 1 : at + 2] == [best]:
        at += 1
    header = list(first[at][1])
    while not header[-1]:  # commas at the end
        header.pop()
    return at, header, chain(first[at + 1 :], lines)


def _csv(blob: bytes, reading: _Reading) -> Table:
    text, encoding = _text(blob, reading.options.encoding)
    text, delimiter = _delimited(text, reading)
    lines, above = _lines(text, delimiter), 0
    if reading.options.header is None:
        above, header, lines = _header(lines, reading)
        if any(delimiter in rest for name in header for rest in name.splitlines()[1:]):
            raise _unclosed(1)
    else:
        header = list(reading.options.header)
    choice = reading.choose(header)
    rows = []
    for number, (line, cells) in enumerate(lines, start=1):
        if not any(cells) or (number == 1 and cells == list(reading.options.header or ())):
            continue
        if any(_holds_a_row(cell, choice, delimiter) for cell in cells if "\n" in cell):
            raise _unclosed(line)
        rows.append(_row(number, cells, choice, reading, delimiter))
    mark = DELIMITERS.get(delimiter, repr(delimiter))
    return Table(rows, choice, f"CSV in {encoding}, delimiter {mark}{_below(above)}")


def _text(blob: bytes, encoding: str | None) -> tuple[str, str]:
    try:
        if encoding is not None:
            return blob.decode(encoding).removeprefix("\ufeff"), encoding
        return decoded(blob)
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
        what = (
            "neither Parquet, an Excel workbook nor CSV in UTF-8, UTF-16 or GB 18030"
            if encoding is None
            else f"not in the encoding {encoding}, which manifest.encoding names"
        )
        raise UsageError(
            f"the manifest is {what} (line {line} cannot be read); {_AS_CSV}"
        ) from error


def _delimited(text: str, reading: _Reading) -> tuple[str, str]:
    """The table's text, and what separates the cells of its header."""
    text = text.lstrip("\r\n")
    stated = re.match(r"sep=([,;\t|])\r?\n", text)  # a line for Excel
    if stated:
        text = text[stated.end() :]
    given = reading.options.delimiter or (stated[1] if stated else None)
    if given:
        return text, given
    first = list(islice(io.StringIO(text, newline=None), _HEADER_WITHIN))
    names = reading.options.header or ()

    def fit(mark: str) -> tuple[int, int]:
        parts = [line.split(mark) for line in first] or [[]]
        if names:
            return -abs(len(parts[0]) - len(names)), 0
        return max(map(reading.score, parts)), sum(map(len, parts))

    return text, max(DELIMITERS, key=fit)


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


def _holds_a_row(cell: str, choice: Choice, delimiter: str) -> bool:
    """Whether a line within a cell looks like a row that an unclosed quotation mark swallowed."""
    place = choice.places.get("file", 0)
    for line in cell.splitlines()[1:]:
        parts = line.split(delimiter)
        if len(parts) >= max(len(choice.names), 2):
            return True
        if place < len(parts) - 1 and _FILE_ENDING.search(parts[place].strip(' "')):
            return True
    return False


def _row(
    number: int, cells: list[str], choice: Choice, reading: _Reading, delimiter: str | None
) -> Row:
    """A row of CSV; or of a workbook, whose rows are all as long as its header."""
    width = len(choice.names)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    count, problem = len(cells), None
    mark = DELIMITERS.get(delimiter or "", repr(delimiter))
    if count > width:
        problem = (
            f"the row has {count} cells, but the header names {width} columns; put cells "
            f"that hold a {mark} in quotation marks"
        )
    elif count < width:
        ended = [name for name, place in choice.places.items() if place >= count]
        missing = [name for name in ended if name in reading.required]
        if missing:
            problem = (
                f"the row ends after {count} of {width} cells, before {missing[0]}; write a "
                f"{mark} for each cell that is empty"
            )
        cells += [""] * (width - count)
    elif cells == choice.names:
        problem = "the row repeats the header; remove it"
    return Row(number, choice.of(cells), problem)
