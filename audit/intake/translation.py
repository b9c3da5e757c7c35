"""Turns the cells of another system's manifest into what our manifests say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from zoneinfo import ZoneInfo

from audit.intake import cells as readers
from audit.intake import file_names, time_formats
from audit.intake.manifest_options import ManifestOptions
from audit.intake.sheets import Row

_Step = Callable[[dict[str, str]], None]
"""Changes the cells of a row; raises ``ValueError`` with a sentence about one it cannot read."""


def translated(rows: Iterable[Row], options: ManifestOptions) -> list[Row]:
    """Rows whose values, times and file names have been read as the options say.

    A row that cannot be read so keeps what is written in it, and has a ``problem``.
    """
    steps = [*_name_steps(options), *_value_steps(options), *_time_steps(options)]
    rows = rows if isinstance(rows, list) else list(rows)
    return [_changed(row, steps) for row in rows] if steps else rows


def _changed(row: Row, steps: Iterable[_Step]) -> Row:
    if row.problem is not None:
        return row
    for step in steps:
        try:
            step(row.cells)
        except ValueError as error:
            return row._replace(problem=str(error))
    return row


def _value_steps(options: ManifestOptions) -> Iterable[_Step]:
    return [_value_step(column, meanings) for column, meanings in options.values.items()]


def _value_step(column: str, meanings: Mapping[str, str]) -> _Step:
    folded = {word.casefold(): ours for word, ours in meanings.items()}

    def step(cells: dict[str, str]) -> None:
        text = cells.get(column)
        if text:
            try:
                cells[column] = folded[text.casefold()]
            except KeyError:
                raise ValueError(
                    f"{column} is {text[:40]!r}, which manifest.values does not have; it has "
                    f"{', '.join(meanings)}"
                ) from None

    return step


def _time_steps(options: ManifestOptions) -> Iterable[_Step]:
    form = options.time_format
    if form is not None:
        yield lambda cells: _read_time(cells, form)
    if options.timezone is not None:
        zone = ZoneInfo(options.timezone)
        yield lambda cells: _place_time(cells, zone)


def _read_time(cells: dict[str, str], form: str) -> None:
    text = cells.get("started_at")
    if text:
        try:
            cells["started_at"] = time_formats.normalized(text, form)
        except ValueError as error:
            raise ValueError(f"started_at is {text[:40]!r}; it must be {error}") from None


def _place_time(cells: dict[str, str], zone: ZoneInfo) -> None:
    """Give a time without an offset that of its zone; what is no time is left as it is."""
    with suppress(ValueError):
        moment = readers.moment(cells.get("started_at", ""), zone)
        cells["started_at"] = time_formats.in_zone(moment, zone).isoformat()


def _name_steps(options: ManifestOptions) -> Iterable[_Step]:
    if options.file_name is not None:
        pattern = file_names.compiled(options.file_name)
        yield lambda cells: _fill_from_name(cells, pattern)


def _fill_from_name(cells: dict[str, str], pattern: file_names.NamePattern) -> None:
    for column, text in (pattern.read(cells.get("file", "")) or {}).items():
        if not cells.get(column):
            cells[column] = text
