"""What a manifest, or a file's name, says of a recording."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.types import Direction, Recording

_NAME = re.compile(r"(?P<call>.+)_(?P<agent>[^_]+)_(?P<time>\d{8}T\d{6})")
_KNOWN = {
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
_MAX_ID_BYTES = 200
ID_WANTED = f"printable and at most {_MAX_ID_BYTES} bytes long when escaped for a folder's name"
"""What :func:`is_id` asks for, in words."""


def time_zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"there is no time zone {name!r}; use a name like Asia/Shanghai"
        ) from error


def read(location: str) -> list[dict[str, str]]:
    """Rows of a CSV or Parquet manifest, every cell as text.

    Raises:
        UsageError: it cannot be read or lacks a required column.
    """
    import fsspec

    try:
        with fsspec.open(location, "rb") as file:
            blob = file.read()
        columns, rows = _parquet_rows(blob) if blob[:4] == b"PAR1" else _csv_rows(blob)
    except UsageError:
        raise
    except Exception as error:  # file systems, pyarrow and csv each raise their own
        raise UsageError(f"manifest {location} cannot be read: {error}") from error
    missing = [name for name in ("file", "agent_id") if name not in columns]
    if missing:
        raise UsageError(
            f"manifest {location} has no column {' and no column '.join(missing)}; "
            "its first line must name at least file and agent_id, with commas between"
        )
    return rows


def _parquet_rows(blob: bytes) -> tuple[list[str], list[dict[str, str]]]:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(blob))
    rows = [{key: _as_text(value) for key, value in row.items()} for row in table.to_pylist()]
    return table.schema.names, rows


def _as_text(value: object) -> str:
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _csv_rows(blob: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV file in UTF-8 or, as Chinese spreadsheets write it, GB 18030."""
    try:
        text = blob.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = blob.decode("gb18030")
        except UnicodeDecodeError as error:
            raise UsageError(
                "the manifest is neither Parquet nor CSV in UTF-8 or GB 18030; save it as CSV UTF-8"
            ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not reader.fieldnames:
        raise UsageError("the manifest is empty; it needs a header with file and agent_id")
    reader.fieldnames = columns = [name.strip() for name in reader.fieldnames]
    return columns, [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]


def from_name(row: Mapping[str, str], zone: ZoneInfo) -> Recording:
    """A recording by its file's name, ``CALLID_AGENTID_YYYYMMDDTHHMMSS``.

    Raises:
        RejectedRecording: it is not named so.
    """
    name = row["file"]
    match = _NAME.fullmatch(posixpath.splitext(posixpath.basename(name))[0])
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
        started_at=read_time(match["time"], zone),
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
    channel = row.get("agent_channel", "")
    if channel not in {"", "0", "1", "mono"}:
        raise bad_value("agent_channel", channel, "0, 1, mono or nothing")
    direction = row.get("direction", "")
    if direction not in {"", "in", "out"}:
        raise bad_value("direction", direction, "in, out or nothing")
    when = started(row)
    return Recording(
        source_file=file,
        call_id=row.get("call_id") or stem,
        agent_id=row["agent_id"],
        started_at=read_time(when, zone) if when else datetime.now(zone),
        agent_name=row.get("agent_name") or None,
        direction=Direction(direction) if direction else None,
        rulebook_id=row.get("rulebook") or None,
        agent_channel=channel or None,
        answer_wait_s=_number("answer_wait_s", row.get("answer_wait_s", "")),
        customer_vip=_truth("customer_vip", row.get("customer_vip", "")),
        meta={f"meta_{key}": value for key, value in row.items() if key not in _KNOWN},
    )


def started(row: Mapping[str, str]) -> str:
    """When a row or its file's name says the call began; empty if neither does."""
    named = _NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    return row.get("started_at") or (named["time"] if named else "")


def bad_value(column: str, value: str, wanted: str) -> RejectedRecording:
    """The reject for a cell that does not hold what its column asks for."""
    return RejectedRecording(
        RejectReason.BAD_METADATA, f"{column} is {value!r} in the manifest; it must be {wanted}"
    )


def read_time(text: str, zone: ZoneInfo) -> datetime:
    """A moment in ISO 8601, by the clock of ``zone``; one without an offset is in it."""
    try:
        moment = datetime.fromisoformat(text)
        if not is_year(moment.year):
            raise ValueError("year")
    except ValueError as error:
        raise bad_value("started_at", text, "a time such as 2026-11-09T09:02:00+08:00") from error
    return in_zone(moment, zone)


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """The same moment by the clock of ``zone``: its date is the night that a call belongs to.

    A moment without an offset is read off that clock: an hour that comes twice is its first, and
    one that is left out counts on from before it, as in RFC 5545.

    >>> moment = datetime.fromisoformat("2026-11-16T17:05:00Z")
    >>> in_zone(moment, ZoneInfo("Asia/Shanghai")).isoformat()
    '2026-11-17T01:05:00+08:00'
    """
    told = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return told.astimezone(UTC).astimezone(zone)  # by way of UTC: no clock shows an hour left out


def is_year(year: int) -> bool:
    """Whether a call can have been recorded then."""
    return 1990 <= year <= 2200


def date_of(row: Mapping[str, str], zone: ZoneInfo) -> date | None:
    """The night a rejected row belongs to, if it says so in any readable way."""
    named = _NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    for text in (row.get("started_at", ""), named["time"] if named else ""):
        try:
            return read_time(text, zone).date()
        except RejectedRecording:
            continue
    return None


def _number(column: str, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise bad_value(column, text, "a number of seconds") from error
    if not 0 <= number < 86_400:
        raise bad_value(column, text, "a number of seconds from 0 to 86400")
    return number


def _truth(column: str, text: str) -> bool | None:
    if not text:
        return None
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "y", "是"}:
        return True
    if lowered in {"0", "false", "no", "n", "否"}:
        return False
    raise bad_value(column, text, "true or false")


def is_id(value: str) -> bool:
    """Whether a call or an agent may be named so: printable, and a folder's name once escaped."""
    escaped = quote(value, safe="", errors="replace").replace(".", "%2E")
    named = bool(value.strip()) and value != "__HIVE_DEFAULT_PARTITION__"  # readers' word for null
    return named and value.isprintable() and len(escaped) <= _MAX_ID_BYTES


def call_id_of(row: Mapping[str, str]) -> str:
    """The call's id as far as a row that is rejected tells it; the file's stem at the least."""
    stem = posixpath.splitext(posixpath.basename(row.get("file", "")))[0]
    named = _NAME.fullmatch(stem) if "agent_id" not in row else None
    return row.get("call_id") or (named["call"] if named else stem)
