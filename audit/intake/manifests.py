"""Reads a recording's metadata from a manifest, or from the name of its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypedDict, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake import cells, columns, file_names, remotes, sheets, time_formats, translation
from audit.intake.file_names import NamePattern
from audit.intake.legs import SIDE_FILES, SIDE_STARTS
from audit.intake.manifest_options import ManifestOptions
from audit.intake.sheets import Row, Table
from audit.privacy import customers
from audit.privacy.customers import CustomerHash
from audit.types import Recording

_PATTERN = file_names.compiled(file_names.DEFAULT)
_DEFAULTS = ManifestOptions()
_KNOWN_COLUMNS = {
    "file",
    "agent_id",
    "call_id",
    "agent_name",
    "started_at",
    "direction",
    "rulebook",
    "agent_channel",
    "answer_wait_s",
    "customer_vip",
    "customer_key",
    "leg",
    *SIDE_FILES,
    *SIDE_STARTS,
}
_READABLE = frozenset({"leg"})
"""Known columns that rules and tables have as ``meta_NAME`` too."""
_BELONGS = ("team", "queue", "business_line")
_GROUP = "agent_group"
"""Another name of ``team``. These four are kept as ``meta_*`` too, which rules and queries name."""
_NAMED_COLUMNS = {*_KNOWN_COLUMNS, *_BELONGS, _GROUP}
_REQUIRED_COLUMNS = frozenset({"file", "agent_id", "started_at"})
"""Columns that every row must reach; Excel omits empty cells after the last one."""
_T = TypeVar("_T")
_MAX_ID_BYTES = 200
ID_WANTED = f"printable and at most {_MAX_ID_BYTES} bytes long when escaped for a folder's name"
"""What :func:`is_id` requires, as the end of a sentence."""


def time_zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        UsageError: it does not exist.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"there is no time zone {name!r}; use a name like Asia/Shanghai"
        ) from error


def read(
    location: str,
    options: ManifestOptions = _DEFAULTS,
    *,
    customer: CustomerHash = customers.unknown,
) -> list[Row]:
    """Rows of a CSV, Excel or Parquet manifest, every cell as text, in our terms.

    Args:
        location: path or URL.
        options: how it is read.
        customer: what replaces ``customer_key``, of which nothing readable leaves this function.

    Raises:
        UsageError: it cannot be read without losing something, or lacks a column that is required
            or that the options name.
    """
    table = opened(location, options)
    missing = without(table, options)
    if missing:
        raise UsageError(f"manifest {location} ({table.form}) {'; and '.join(missing)}")
    return without_numbers(translation.translated(table.rows, options), customer)


def opened(location: str, options: ManifestOptions = _DEFAULTS) -> Table:
    """A manifest as :func:`read` reads it, but as it is written, and whatever it lacks.

    Raises:
        UsageError: it cannot be read without losing something.
    """
    try:
        filesystem, path = remotes.connect(location)
        blob = filesystem.cat_file(path)
        return sheets.read(blob, known=_NAMED_COLUMNS, required=_REQUIRED_COLUMNS, options=options)
    except UsageError:
        raise
    except FileNotFoundError as error:
        raise UsageError(f"manifest {location} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"manifest {location} is a folder; name a file in it") from error
    except Exception as error:  # file systems and pyarrow each raise their own
        why = error if remotes.is_local(location) else remotes.cause(error, location)
        raise UsageError(f"manifest {location} cannot be read: {why}") from error


def without(table: Table, options: ManifestOptions) -> list[str]:
    """What a manifest lacks, as ends of sentences that begin with the manifest."""
    named = columns_of_names(options)
    has = table.choice.places.keys()
    said = [
        f"has no column {theirs!r}, from which manifest.columns reads {ours}"
        for ours, theirs in table.choice.missing.items()
    ]
    wanted = ("agent_id",) if set(SIDE_FILES) <= {*has} else ("file", "agent_id")
    missing = [name for name in wanted if name not in (*has, *named, *table.choice.missing)]
    if missing:
        said.append(
            f"has no column {' and no column '.join(missing)}; its header must name at least file "
            "and agent_id, or manifest.columns say how they are called"
        )
    if said:
        said[-1] += f"; it names {_listed(table.choice.names)}"
    return said


def columns_of_names(options: ManifestOptions) -> frozenset[str]:
    """The columns that file names fill where the manifest does not."""
    named = options.file_name
    return frozenset() if named is None else file_names.compiled(named).columns


def without_numbers(rows: list[Row], customer: CustomerHash) -> list[Row]:
    """The rows, in whose ``customer_key`` now is the hash that stands for the customer.

    Each number is hashed once. A row whose number a spreadsheet has cut gets a problem.
    """
    stands: dict[str, str] = {}
    for at, row in enumerate(rows):
        given = row.cells.get("customer_key")
        if not given:
            continue
        if given not in stands:
            if cells.is_shortened(given):
                row.cells["customer_key"] = ""
                cut = f"customer_key must be {cells.IN_FULL}"
                rows[at] = row._replace(problem=row.problem or cut)
                continue
            stands[given] = customer(given) or ""
        row.cells["customer_key"] = stands[given]
    return rows


class Belonging(TypedDict):
    """What a call belongs to; fields of :class:`audit.types.Recording`."""

    team: str | None
    queue: str | None
    business_line: str | None


def belonging(row: Mapping[str, str]) -> Belonging:
    """Team, queue and line of business by their names, from the columns of a call.

    >>> belonging({"agent_group": " 一组 ", "queue": ""})
    {'team': '一组', 'queue': None, 'business_line': None}
    """
    told = {name: " ".join(row.get(name, "").split()) or None for name in (*_BELONGS, _GROUP)}
    return {
        "team": told["team"] or told[_GROUP],
        "queue": told["queue"],
        "business_line": told["business_line"],
    }


def is_header(line: str) -> bool:
    """Whether a line names columns of a manifest, and is not JSON.

    >>> is_header("file,agent_id,started_at"), is_header('{"agent_id": 1}')
    (True, False)
    """
    names = set(map(columns.normalized, re.split(r"[,;\t|]", line)))
    known = set(map(columns.normalized, _NAMED_COLUMNS))
    return not line.startswith(("{", "[")) and len(names & known) > 1


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in columns[:12])
    return shown + (", …" if len(columns) > 12 else "")


def from_name(row: Mapping[str, str], zone: ZoneInfo, pattern: NamePattern = _PATTERN) -> Recording:
    """A recording by its file's name.

    Args:
        row: the file; and what its name says, if it has been read.
        zone: whose clock decides a call's night; and of times that name none.
        pattern: how files are named.

    Raises:
        RejectedRecording: it is not named so.
    """
    name = row["file"]
    if len(row) == 1:
        row = {**row, **(pattern.read(name) or {})}
    if len(row) == 1:
        raise RejectedRecording(
            RejectReason.NO_AGENT,
            f"{name} is not named {pattern.spoken}; rename it or list it in a manifest",
        )
    try:
        return from_row(row, zone)
    except RejectedRecording:
        when = row.get("started_at", "")
        if when and not _is_time(when, zone):
            raise RejectedRecording(
                RejectReason.BAD_METADATA,
                f"the name of {name} gives {when} as the time, which does not exist; rename the "
                "recording, or list it in a manifest with started_at",
            ) from None
        raise


def _is_time(text: str, zone: ZoneInfo) -> bool:
    try:
        read_time(text, zone)
    except RejectedRecording:
        return False
    return True


def from_row(row: Mapping[str, str], zone: ZoneInfo) -> Recording:
    """A recording by its manifest's row.

    Raises:
        RejectedRecording: ``no_agent`` or ``bad_metadata``, with the column.
    """
    file = row.get("file", "")
    if not file:
        raise bad_value("file", "", "the path of the recording")
    if not row.get("agent_id"):
        raise RejectedRecording(
            RejectReason.NO_AGENT, f"the manifest names no agent_id for {file}; fill it in"
        )
    stem = file_names.stem(file)
    for column in ("agent_id", "call_id"):
        if cells.is_shortened(row.get(column, "")):
            raise bad_value(column, row[column], cells.IN_FULL)
    return Recording(
        source_file=file,
        call_id=row.get("call_id") or stem,
        agent_id=row["agent_id"],
        started_at=_moment(row, zone),
        agent_name=row.get("agent_name") or None,
        direction=_parsed_cell(row, "direction", cells.direction),
        rulebook_id=row.get("rulebook") or None,
        agent_channel=_parsed_cell(row, "agent_channel", cells.channel),
        answer_wait_s=_parsed_cell(row, "answer_wait_s", wait_s),
        customer_vip=_parsed_cell(row, "customer_vip", cells.truth),
        customer_key=row.get("customer_key") or None,
        **belonging(row),
        meta={
            f"meta_{key}": value
            for key, value in row.items()
            if key in _READABLE or key not in _KNOWN_COLUMNS
        },
    )


def started(row: Mapping[str, str]) -> str:
    """The start of the call as text, from the row or from the file's name; else empty."""
    if row.get("started_at"):
        return row["started_at"]
    return _named(row).get("started_at", "")


def _named(row: Mapping[str, str]) -> Mapping[str, str]:
    """What the name of a row's file says."""
    return _PATTERN.read(row.get("file", "")) or {}


def _moment(row: Mapping[str, str], zone: ZoneInfo) -> datetime:
    """The start of the call, from the row or from the file's name; else now."""
    when = started(row)
    if not when:
        return datetime.now(zone)
    try:
        return read_time(when, zone)
    except RejectedRecording as error:
        if row.get("started_at"):
            raise
        raise RejectedRecording(
            RejectReason.BAD_METADATA,
            f"the name of {row['file']} gives {when} as the time, which does not exist; rename "
            "the recording, or list it in a manifest with started_at",
        ) from error


def bad_value(column: str, value: str, wanted: str) -> RejectedRecording:
    """The reject for a value that is not what its column asks for."""
    return RejectedRecording(
        RejectReason.BAD_METADATA, f"{column} is {value!r}; it must be {wanted}"
    )


def read_time(text: str, zone: ZoneInfo) -> datetime:
    """A moment as :func:`audit.intake.cells.moment` reads it, by the clock of ``zone``."""
    try:
        moment = cells.moment(text, zone)
    except ValueError as error:
        raise bad_value("started_at", text, str(error)) from error
    if not is_year(moment.year):
        raise bad_value("started_at", text, "a time from 1990 to 2200")
    return time_formats.in_zone(moment, zone)


def is_year(year: int) -> bool:
    """Whether a call can have been recorded then."""
    return 1990 <= year <= 2200


def date_of(row: Mapping[str, str], zone: ZoneInfo) -> date | None:
    """The batch date of a rejected row, if it has a readable one."""
    for text in (row.get("started_at", ""), _named(row).get("started_at", "")):
        try:
            return read_time(text, zone).date()
        except RejectedRecording:
            continue
    return None


def _parsed_cell(row: Mapping[str, str], column: str, reader: Callable[[str], _T]) -> _T | None:
    """What a cell means; None where it is empty."""
    text = row.get(column, "")
    if not text:
        return None
    try:
        return reader(text)
    except ValueError as error:
        raise bad_value(column, text, str(error)) from error


def wait_s(text: str) -> float:
    """Seconds in the queue.

    Raises:
        ValueError: it is not such a number, or may be minutes as well.
    """
    waited = cells.seconds(text)
    if not 0 <= waited < 86_400 or text.count(":") == 1:
        raise ValueError("a number of seconds from 0 to 86400")
    return waited


def is_id(value: str) -> bool:
    """Whether a call or an agent may have this id: printable, and valid as a folder's name."""
    if value.isascii() and value.isalnum():  # as nearly all are
        return len(value) <= _MAX_ID_BYTES
    escaped = quote(value, safe="", errors="replace").replace(".", "%2E")
    named = bool(value.strip()) and value != "__HIVE_DEFAULT_PARTITION__"  # readers' word for null
    return named and value.isprintable() and len(escaped) <= _MAX_ID_BYTES


def call_id_of(row: Mapping[str, str]) -> str:
    """The call's id as far as a rejected row has it, else the file's stem."""
    stem = file_names.stem(row.get("file", ""))
    named = _named(row) if "agent_id" not in row else {}
    return row.get("call_id") or named.get("call_id", stem)


def known_columns() -> frozenset[str]:
    """The columns that mean something to us; others are only kept."""
    return frozenset(_NAMED_COLUMNS)
