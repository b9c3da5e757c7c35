"""What is to be audited: manifests, listings, and recordings fetched to the local disk.

Locations are folders or any fsspec URL. Every row of a manifest, or every recording that is
listed, becomes exactly one :class:`audit.types.Recording` or one :class:`Reject`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.types import Direction, Recording

SUFFIXES = frozenset(
    {".wav", ".w64", ".aif", ".aiff", ".au", ".snd", ".caf", ".flac", ".mp3", ".ac3"}
    | {".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".asf", ".amr", ".awb", ".gsm"}
    | {".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".mka", ".avi", ".mpg", ".mpeg", ".ts"}
    | {".flv"}
)
"""Endings of files that a listing takes for recordings."""

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


@dataclass(frozen=True, slots=True)
class Reject:
    """A planned recording that cannot be audited, and why."""

    source_file: str
    reason: RejectReason
    detail: str
    audit_date: date
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A night's work: ``len(recordings) + len(rejects)`` recordings are planned."""

    recordings: tuple[Recording, ...]
    rejects: tuple[Reject, ...]
    ignored: int
    """Files in the folder that are no recordings by their name."""


@dataclass(frozen=True, slots=True)
class Root:
    """The folder or bucket that holds the recordings."""

    filesystem: Any
    path: str
    local: bool

    def join(self, relative: str) -> str:
        """Full path of a file, on the root's own file system."""
        return posixpath.join(self.path, relative)

    def uri(self, relative: str) -> str:
        """What a person or a page can open the file by."""
        full = self.join(relative)
        return full if self.local else str(self.filesystem.unstrip_protocol(full))


def open_root(location: str) -> Root:
    """Open a folder or an fsspec URL.

    Raises:
        UsageError: it does not exist, is no folder, or cannot be reached.
    """
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(location)
        local = "file" in _protocols(filesystem)
        if local:
            path = str(Path(path).resolve())
        found = filesystem.isdir(path)
    except Exception as error:  # each file system raises its own
        raise UsageError(f"recordings {location} cannot be reached: {error}") from error
    if not found:
        raise UsageError(f"recordings {location} is no folder that exists; check the path")
    return Root(filesystem, path.rstrip("/"), local)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def plan(
    root: Root,
    *,
    manifest: str | None,
    timezone: str,
    rulebooks: Iterable[str],
    max_bytes: int,
    today: date,
) -> Plan:
    """Plan a batch from a manifest, or from file names where there is none.

    Args:
        root: where the recordings lie.
        manifest: path or URL of a CSV or Parquet file; None to list the folder.
        timezone: of times that name none.
        rulebooks: ids that calls may name.
        max_bytes: larger files are rejected.
        today: the date of rejects that have no date of their own.

    Raises:
        UsageError: the manifest cannot be read or lacks a required column.
    """
    zone = _zone(timezone)
    listed = _listing(root)
    if manifest is None:
        shown = [name for name in listed if not _is_hidden(name)]
        names = sorted(name for name in shown if _is_recording(name))
        rows: Iterable[Mapping[str, str]] = ({"file": name} for name in names)
        ignored = len(shown) - len(names)
        read_row = _from_name
    else:
        rows = _read_manifest(manifest)
        ignored = 0
        read_row = _from_row
    known = frozenset(rulebooks)
    midnight = datetime.combine(today, time(), zone)
    recordings: dict[str, Recording] = {}
    rejects: list[Reject] = []
    for number, row in enumerate(rows, start=1):
        source = _showable(row.get("file", "").strip())
        try:
            recording = read_row(row, zone)
            file = _check(recording, root, listed, known, max_bytes)
            if not _when(row):
                recording = replace(recording, started_at=file.modified(zone) or midnight)
            if recording.call_id in recordings:
                raise RejectedRecording(
                    RejectReason.DUPLICATE_CALL_ID,
                    f"call_id {recording.call_id!r} is also that of "
                    f"{recordings[recording.call_id].source_file}; give each call its own",
                )
        except RejectedRecording as rejected:
            rejects.append(
                Reject(
                    source_file=source or f"{manifest} row {number}",
                    reason=rejected.reason,
                    detail=_showable(rejected.detail),
                    audit_date=_date_of(row, zone) or today,
                    call_id=_showable(row.get("call_id", "")) or None,
                )
            )
        else:
            recordings[recording.call_id] = recording
    return Plan(tuple(recordings.values()), _one_each(rejects, recordings.values()), ignored)


def _one_each(rejects: list[Reject], recordings: Iterable[Recording]) -> tuple[Reject, ...]:
    """Rejects with distinct ``source_file``: a file that is listed twice gets its row named."""
    taken = {recording.source_file for recording in recordings}
    distinct = []
    for reject in rejects:
        name, count = reject.source_file, 2
        while name in taken:
            name = f"{reject.source_file} (#{count})"
            count += 1
        taken.add(name)
        distinct.append(
            Reject(name, reject.reason, reject.detail, reject.audit_date, reject.call_id)
        )
    return tuple(distinct)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"there is no time zone {name!r}; use a name like Asia/Shanghai"
        ) from error


@dataclass(frozen=True, slots=True)
class _File:
    """What a file system says of a file: its bytes, and when it was last written."""

    size: int
    written: object

    def modified(self, zone: ZoneInfo) -> datetime | None:
        """When the file was last written, to the second, or None if nothing tells."""
        if isinstance(self.written, int | float):
            return datetime.fromtimestamp(int(self.written), zone)
        if isinstance(self.written, datetime):
            return self.written.astimezone(zone).replace(microsecond=0)
        return None


def _listing(root: Root) -> dict[str, _File]:
    """Every file below the root."""
    found = root.filesystem.find(root.path, detail=True)
    prefix = root.path + "/"
    return {
        str(name).removeprefix(prefix): _File(
            int(info.get("size") or 0), info.get("mtime") or info.get("LastModified")
        )
        for name, info in found.items()
    }


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _showable(text: str) -> str:
    """Text that can be written down: bytes of file names that are no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_recording(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in SUFFIXES


def _read_manifest(location: str) -> list[dict[str, str]]:
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
                "the manifest is neither Parquet nor CSV in UTF-8 or GB 18030; "
                "save it as CSV UTF-8"
            ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not reader.fieldnames:
        raise UsageError("the manifest is empty; it needs a header with file and agent_id")
    reader.fieldnames = columns = [name.strip() for name in reader.fieldnames]
    return columns, [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]


def _from_name(row: Mapping[str, str], zone: ZoneInfo) -> Recording:
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
        started_at=_time(match["time"], zone),
    )


def _from_row(row: Mapping[str, str], zone: ZoneInfo) -> Recording:
    file = row.get("file", "")
    if not file:
        raise _bad("file", "", "the path of the recording")
    if not row.get("agent_id"):
        raise RejectedRecording(
            RejectReason.NO_AGENT, f"the manifest names no agent_id for {file}; fill it in"
        )
    stem = posixpath.splitext(posixpath.basename(file))[0]
    channel = row.get("agent_channel", "")
    if channel not in {"", "0", "1", "mono"}:
        raise _bad("agent_channel", channel, "0, 1, mono or nothing")
    direction = row.get("direction", "")
    if direction not in {"", "in", "out"}:
        raise _bad("direction", direction, "in, out or nothing")
    when = _when(row)
    return Recording(
        source_file=file,
        call_id=row.get("call_id") or stem,
        agent_id=row["agent_id"],
        started_at=_time(when, zone) if when else datetime.now(zone),
        agent_name=row.get("agent_name") or None,
        direction=Direction(direction) if direction else None,
        rulebook_id=row.get("rulebook") or None,
        agent_channel=channel or None,
        answer_wait_s=_number("answer_wait_s", row.get("answer_wait_s", "")),
        customer_vip=_truth("customer_vip", row.get("customer_vip", "")),
        meta={f"meta_{key}": value for key, value in row.items() if key not in _KNOWN},
    )


def _when(row: Mapping[str, str]) -> str:
    """When a row or its file's name says the call began; empty if neither does."""
    named = _NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    return row.get("started_at") or (named["time"] if named else "")


def _bad(column: str, value: str, wanted: str) -> RejectedRecording:
    return RejectedRecording(
        RejectReason.BAD_METADATA, f"{column} is {value!r} in the manifest; it must be {wanted}"
    )


def _time(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if not 1990 <= moment.year <= 2200:
            raise ValueError("year")
    except ValueError as error:
        raise _bad("started_at", text, "a time such as 2026-11-09T09:02:00+08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _date_of(row: Mapping[str, str], zone: ZoneInfo) -> date | None:
    """The night a rejected row belongs to, if it says so in any readable way."""
    named = _NAME.fullmatch(posixpath.splitext(posixpath.basename(row.get("file", "")))[0])
    for text in (row.get("started_at", ""), named["time"] if named else ""):
        try:
            return _time(text, zone).date()
        except RejectedRecording:
            continue
    return None


def _number(column: str, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise _bad(column, text, "a number of seconds") from error
    if not 0 <= number < 86_400:
        raise _bad(column, text, "a number of seconds from 0 to 86400")
    return number


def _truth(column: str, text: str) -> bool | None:
    if not text:
        return None
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "y", "是"}:
        return True
    if lowered in {"0", "false", "no", "n", "否"}:
        return False
    raise _bad(column, text, "true or false")


def is_id(value: str) -> bool:
    """Whether a call or an agent may be named so: printable, and a folder's name once escaped."""
    escaped = quote(value, safe="", errors="replace").replace(".", "%2E")
    return value.isprintable() and bool(value.strip()) and len(escaped) <= _MAX_ID_BYTES


def _check(
    recording: Recording,
    root: Root,
    listed: Mapping[str, _File],
    rulebooks: frozenset[str],
    max_bytes: int,
) -> _File:
    """Refuse what is outside the root, missing, too large or not for any rulebook."""
    for column, value in (("call_id", recording.call_id), ("agent_id", recording.agent_id)):
        if not is_id(value):
            raise _bad(column, value[:40], ID_WANTED)
    name = recording.source_file
    parts = name.replace("\\", "/").split("/")
    if posixpath.isabs(name) or ".." in parts or "://" in name or "\0" in name:
        raise _outside(name)
    if not name.isprintable():
        raise _bad("file", name, "printable UTF-8; rename the recording")
    file = _local_file(root, name) if root.local else listed.get(posixpath.normpath(name))
    if file is None:
        raise RejectedRecording(
            RejectReason.MISSING_FILE, f"{name} is not below the recordings; check the manifest"
        )
    if file.size == 0:
        raise RejectedRecording(RejectReason.EMPTY, f"{name} has no bytes; copy it again")
    if file.size > max_bytes:
        raise RejectedRecording(
            RejectReason.TOO_LARGE,
            f"{name} has {file.size:,} bytes; raise limits.max_bytes if that is right",
        )
    if recording.rulebook_id is not None and recording.rulebook_id not in rulebooks:
        raise RejectedRecording(
            RejectReason.UNKNOWN_RULEBOOK,
            f"there is no rulebook {recording.rulebook_id!r}; choose one of "
            f"{', '.join(sorted(rulebooks))}",
        )
    return file


def _local_file(root: Root, name: str) -> _File | None:
    """A file on this machine, links followed as far as the root reaches; None if there is none.

    (A listing tells nothing of what links point at.)
    """
    try:
        resolved = Path(root.join(name)).resolve()
        if not resolved.is_relative_to(root.path):
            raise _outside(name)
        found = resolved.stat()
    except PermissionError as error:
        raise _unreadable(name) from error
    except (OSError, RuntimeError):  # gone, a name too long, a loop of links
        return None
    if not stat.S_ISREG(found.st_mode):
        raise RejectedRecording(RejectReason.UNDECODABLE, f"{name} is a folder, no recording")
    return _File(found.st_size, found.st_mtime)


def _unreadable(name: str) -> RejectedRecording:
    return RejectedRecording(
        RejectReason.UNDECODABLE, f"{name} may not be read; give the service's user read access"
    )


def _outside(name: str) -> RejectedRecording:
    return RejectedRecording(
        RejectReason.OUTSIDE_ROOT, f"{name} leads out of the recordings' folder; move it inside"
    )


@contextmanager
def fetched(root: Root, recording: Recording) -> Iterator[tuple[Path, str]]:
    """A local copy of a recording (or itself, if it is local) and the sha256 of its bytes.

    Raises:
        RejectedRecording: it has gone or cannot be read.
    """
    full = root.join(recording.source_file)
    try:
        if root.local:
            path = Path(full)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield path, digest
            return
        with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
            path = Path(folder) / ("recording" + posixpath.splitext(full)[1])
            with root.filesystem.open(full, "rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield path, digest
    except FileNotFoundError as error:
        raise RejectedRecording(
            RejectReason.MISSING_FILE, f"{recording.source_file} has gone since it was listed"
        ) from error
    except PermissionError as error:
        raise _unreadable(recording.source_file) from error
