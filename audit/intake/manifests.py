"""Reads a recording's metadata from a manifest, or from the name of its file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake import cells, remotes, sheets
from audit.intake.sheets import Row
from audit.types import Recording

_FILE_NAME = re.compile(r"(?P<call>.+)_(?P<agent>[^_]+)_(?P<time>\d{8}T\d{6})")
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
}
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


def read(location: str) -> list[Row]:
    """Rows of a CSV or Parquet manifest, every cell as text.

    Raises:
        UsageError: it cannot be read without losing something, or lacks a required column.
    """
    try:
        filesystem, path = remotes.connect(location)
        blob = filesystem.cat_file(path)
        columns, rows = sheets.read(blob, known=_KNOWN_COLUMNS, required=_REQUIRED_COLUMNS)
    except UsageError:
        raise
    except FileNotFoundError as error:
        raise UsageError(f"manifest {location} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"manifest {location} is a folder; name a file in it") from error
    except Exception as error:  # file systems and pyarrow each raise their own
        why = error if remotes.is_local(location) else remotes.cause(error, location)
        raise UsageError(f"manifest {location} cannot be read: {why}") from error
    missing = [name for name in ("file", "agent_id") if name not in columns]
    if missing:
        raise UsageError(
            f"manifest {location} has no column {' and no column '.join(missing)}; its first line "
            f"must name at least file and agent_id, and names {_listed(columns)}"
        )
    return rows


def is_header(line: str) -> bool:
    """Whether a line names columns of a manifest, and is not JSON.

    >>> is_header("file,agent_id,started_at"), is_header('{"agent_id": 1}')
    (True, False)
    """
    names = {re.sub(r"[\s\"_\ufeff-]", "", cell).lower() for cell in re.split(r"[,;\t|]", line)}
    known = {name.replace("_", "") for name in _KNOWN_COLUMNS}
    return not line.startswith(("{", "[")) and len(names & known) > 1


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in columns[:12])
    return shown + (", …" if len(columns) > 12 else "")


def from_name(row: Mapping[str, str], zone: ZoneInfo) -> Recording:
    """A recording by its file's name, ``CALLID_AGENTID_YYYYMMDDTHHMMSS``.

    Raises:
        RejectedRecording: it is not named so.
    """
    name = row["file"]
    match = _FILE_NAME.fullmatch(posixpath.splitext(posixpath.basename(name))[0])
    if match is None:
        raise RejectedRecording(
            RejectReason.NO_AGENT,
            f"{name} is not named CALLID_AGENTID_YYYYMMDDTHHMMSS; rename it or list it in a "
            "manifest",
        )
    return Recording(
        source_file=name,
        call_id=match["call"],
        agent_id=match["agent"],
        started_at=_moment(row, zone),
    )


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
    stem = posixpath.splitext(posixpath.basename(file))[0]
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
        meta={f"meta_{key}": value for key, value in row.items() if key not in _KNOWN_COLUMNS},
    )


def started(row: Mapping[str, str]) -> str:
    """The start of the call as text, from the row or from the file's name; else empty."""
    if row.get("started_at"):
        return row["started_at"]
    named = _FILE_NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    return named["time"] if named else ""


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
    return in_zone(moment, zone)


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """The same moment by the clock of ``zone``, whose date is the batch date of the call.

    A moment without an offset is local to ``zone``: of an hour that occurs twice it is the first,
    and in an hour that is skipped it is shifted forward, as in RFC 5545.

    >>> moment = datetime.fromisoformat("2026-11-16T17:05:00Z")
    >>> in_zone(moment, ZoneInfo("Asia/Shanghai")).isoformat()
    '2026-11-17T01:05:00+08:00'
    """
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)  # by way of UTC, which skips no hour


def is_year(year: int) -> bool:
    """Whether a call can have been recorded then."""
    return 1990 <= year <= 2200


def date_of(row: Mapping[str, str], zone: ZoneInfo) -> date | None:
    """The batch date of a rejected row, if it has a readable one."""
    named = _FILE_NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    for text in (row.get("started_at", ""), named["time"] if named else ""):
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
    escaped = quote(value, safe="", errors="replace").replace(".", "%2E")
    named = bool(value.strip()) and value != "__HIVE_DEFAULT_PARTITION__"  # readers' word for null
    return named and value.isprintable() and len(escaped) <= _MAX_ID_BYTES


def call_id_of(row: Mapping[str, str]) -> str:
    """The call's id as far as a rejected row has it, else the file's stem."""
    stem = posixpath.splitext(posixpath.basename(row.get("file", "")))[0]
    named = _FILE_NAME.fullmatch(stem) if "agent_id" not in row else None
    return row.get("call_id") or (named["call"] if named else stem)
