"""What is to be audited: manifests, listings, and recordings fetched to the local disk.

Locations are folders or any fsspec URL. Every row of a manifest, or every recording that is
listed, becomes exactly one :class:`audit.types.Recording` or one :class:`Reject`.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake import manifests
from audit.intake.sheets import Row
from audit.transcription import media
from audit.types import RawForm, Recording

SUFFIXES = frozenset(
    {".wav", ".wave", ".w64", ".aif", ".aiff", ".au", ".snd", ".caf", ".flac", ".mp3", ".ac3"}
    | {".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".asf", ".amr", ".awb", ".gsm"}
    | {".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".mka", ".avi", ".mpg", ".mpeg", ".ts"}
    | {".flv"}
    | media.RAW_FORMS.keys()
    | media.UNTOLD
)
"""Endings of files that a listing takes for recordings."""

_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How a path on Windows begins that is no relative one."""
_RENAME = "rename it, a whole folder with `convmv -f gbk -t utf-8 --notest -r FOLDER`"


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
    waiting: tuple[Recording, ...] = ()
    """Recordings that are still being written to."""
    unlisted: int = 0
    """Recordings in the folder that no row of the manifest names."""


@dataclass(frozen=True, slots=True)
class Root:
    """The folder or bucket that holds the recordings."""

    filesystem: Any
    path: str
    local: bool

    def join(self, relative: str) -> str:
        """Full path of a file, on the root's own file system."""
        return posixpath.join(self.path, relative)

    def relative(self, full: str) -> str:
        """A file that is named by its full path or URL, relative to the root if it is below it."""
        path = full
        if "://" in full:
            if full.partition("://")[0] not in _protocols(self.filesystem):
                return full
            path = str(self.filesystem._strip_protocol(full))
        elif not self.local:
            return full
        if self.local and "\0" not in path:
            folder, name = posixpath.split(path)
            path = posixpath.join(os.path.realpath(folder), name)
        return path.removeprefix(f"{self.path}/") if path.startswith(f"{self.path}/") else full

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
    if not found and filesystem.exists(path):
        raise UsageError(
            f"recordings {location} is a file; give the folder that holds the recordings"
        )
    if not found:
        raise UsageError(f"recordings folder {location} does not exist; check the path")
    if local and not os.access(path, os.R_OK | os.X_OK):
        raise UsageError(
            f"recordings folder {location} may not be read; give this user read access to it"
        )
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
    settle_s: float = 0.0,
    raw_forms: Mapping[str, RawForm] = media.RAW_FORMS,
) -> Plan:
    """Plan a batch from a manifest, or from file names where there is none.

    Args:
        root: where the recordings lie.
        manifest: path or URL of a CSV or Parquet file; None to list the folder.
        timezone: whose clock tells a call's night; and of times that name none.
        rulebooks: ids that calls may name.
        max_bytes: larger files are rejected.
        today: the date of rejects that have no date of their own.
        settle_s: recordings written to within so many seconds are set apart.
        raw_forms: how files without a header are read, by the ending of their name.

    Raises:
        UsageError: the manifest cannot be read or lacks a required column.
    """
    zone = manifests.time_zone(timezone)
    listed = _listing(root)
    if manifest is None:
        shown = [name for name in listed if not _is_hidden(name)]
        names = sorted(name for name in shown if is_recording(name) or _ending(name) in raw_forms)
        rows: Iterable[Row] = (Row(n, {"file": name}) for n, name in enumerate(names, start=1))
        ignored = len(shown) - len(names)
        read_row = manifests.from_name
    else:
        rows = manifests.read(manifest)
        ignored = 0
        read_row = manifests.from_row
    found = _Found(root, listed)
    known = frozenset(rulebooks)
    midnight = manifests.in_zone(datetime.combine(today, time()), zone)
    recordings: dict[str, Recording] = {}
    rejects: list[Reject] = []
    waiting: list[Recording] = []
    settled = datetime.now(UTC) - timedelta(seconds=settle_s)  # no clock that is put back
    named = set()
    for number, row, problem in rows:
        if _is_full(row.get("file", "")):
            row["file"] = root.relative(row["file"])
        named.add(posixpath.normpath(row.get("file", "")))
        source = _showable(row.get("file", ""))
        try:
            if problem is not None:
                raise RejectedRecording(RejectReason.BAD_METADATA, problem)
            _check_name(row)
            recording = read_row(row, zone)
            raw_form = raw_forms.get(_ending(recording.source_file))
            if raw_form is not None:
                recording = replace(recording, raw_form=raw_form)
            file = _check(recording, found, known, max_bytes)
            written = file.modified(zone) or midnight
            if not manifests.started(row):
                recording = replace(recording, started_at=written)
            if settle_s and written > settled:
                waiting.append(recording)
                continue
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
                    audit_date=manifests.date_of(row, zone) or today,
                    call_id=_showable(manifests.call_id_of(row)) or None,
                )
            )
        else:
            recordings[recording.call_id] = recording
    others = (name for name in listed if name not in named and not _is_hidden(name))
    unlisted = sum(map(is_recording, others))
    return Plan(tuple(recordings.values()), tuple(rejects), ignored, tuple(waiting), unlisted)


def told_apart(rejects: Iterable[Reject], *, audited: Iterable[str]) -> list[Reject]:
    """Rejects with distinct ``source_file``.

    A file that is listed twice, or that is audited under another row, is named ``FILE (#2)``;
    :func:`file_of` gives the file's own name back.
    """
    taken = set(audited)
    distinct = []
    for reject in rejects:
        name, count = reject.source_file, 2
        while name in taken:
            name = f"{reject.source_file} (#{count})"
            count += 1
        taken.add(name)
        distinct.append(replace(reject, source_file=name))
    return distinct


def file_of(source_file: str) -> str:
    """The file that a reject's ``source_file`` names.

    >>> file_of("a.wav (#2)")
    'a.wav'
    """
    return re.sub(r" \(#\d+\)$", "", source_file)


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


@dataclass(frozen=True)
class _Found:
    """What lies below the root."""

    root: Root
    files: Mapping[str, _File]

    @cached_property
    def _by_stem(self) -> dict[str, str]:
        return {_stem(name): name for name in sorted(self.files, reverse=True)}

    def instead_of(self, name: str) -> str:
        """What to do about a file that is not there: the one that may be meant, if there is one."""
        if posixpath.normpath(name) in self.files:
            return f"{name} is a link to something that is not there; mend the link"
        like = self._by_stem.get(_stem(name))
        if like is None:
            return (
                f"{name} is not below the recordings' folder; copy it there, or take its row out "
                "of the manifest"
            )
        if like != _showable(like):
            return f"{name} is there under a name that is not in UTF-8; {_RENAME}"
        return (
            f"{name} is not below the recordings' folder, but {like} is; if that is meant, write "
            "it so in the manifest, with its folder, letter case and ending"
        )


def _stem(name: str) -> str:
    """A file's name as people remember it: without folder, letter case, ending and encoding."""
    base = posixpath.basename(name.replace("\\", "/"))
    if base != _showable(base):
        base = os.fsencode(base).decode("gb18030", "replace")
    return unicodedata.normalize("NFKC", posixpath.splitext(base)[0]).casefold()


def _is_full(name: str) -> bool:
    return "://" in name or posixpath.isabs(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _showable(text: str) -> str:
    """Text that can be written down: bytes of file names that are no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_recording(name: str) -> bool:
    """Whether a file is one, by the ending of its name."""
    return _ending(name) in SUFFIXES


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _check_name(row: Mapping[str, str]) -> None:
    """Refuse a file whose name is in another encoding than UTF-8, which no table can hold."""
    name = row.get("file", "")
    if name != _showable(name):
        raise RejectedRecording(
            RejectReason.BAD_METADATA, f"the name of {_showable(name)} is not in UTF-8; {_RENAME}"
        )


def _check(
    recording: Recording,
    found: _Found,
    rulebooks: frozenset[str],
    max_bytes: int,
) -> _File:
    """Refuse what is outside the root, missing, too large or not for any rulebook."""
    for column, value in (("call_id", recording.call_id), ("agent_id", recording.agent_id)):
        if not manifests.is_id(value):
            raise manifests.bad_value(column, value[:40], manifests.ID_WANTED)
    name = recording.source_file
    parts = name.replace("\\", "/").split("/")
    if _is_full(name) or _DRIVE.match(name) or ".." in parts or "\0" in name:
        raise _outside(name)
    root, slashed = found.root, posixpath.normpath(name)
    file = _local_file(root, name) if root.local else found.files.get(slashed)
    if file is None:
        raise RejectedRecording(RejectReason.MISSING_FILE, found.instead_of(name))
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
        resolved = os.path.realpath(root.join(name))
        if resolved != root.path and not resolved.startswith(f"{root.path}/"):
            raise _outside(name)
        found = os.stat(resolved)
    except PermissionError as error:
        raise _unreadable(name) from error
    except OSError:  # gone, a name too long, a loop of links
        return None
    if not stat.S_ISREG(found.st_mode):
        raise RejectedRecording(RejectReason.UNDECODABLE, f"{name} is a folder or a device")
    return _File(found.st_size, found.st_mtime)


def _unreadable(name: str) -> RejectedRecording:
    return RejectedRecording(
        RejectReason.UNDECODABLE, f"{name} may not be read; give the service's user read access"
    )


def _outside(name: str) -> RejectedRecording:
    return RejectedRecording(
        RejectReason.OUTSIDE_ROOT,
        f"{name} leads out of the recordings' folder; put the recording inside it, and name it "
        "relative to it",
    )


@contextmanager
def fetched(root: Root, recording: Recording) -> Iterator[tuple[Path, str]]:
    """A local copy of a recording (or itself, if it is local) and the sha256 of its bytes.

    Raises:
        RejectedRecording: it has gone or cannot be read.
    """
    full = root.join(recording.source_file)
    with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
        path = Path(full)
        try:
            if not root.local:
                path = Path(folder) / ("recording" + posixpath.splitext(full)[1])
                with root.filesystem.open(full, "rb") as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise RejectedRecording(
                RejectReason.MISSING_FILE, f"{recording.source_file} has gone since it was listed"
            ) from error
        except PermissionError as error:
            raise _unreadable(recording.source_file) from error
        except OSError as error:
            cause = error.strerror or type(error).__name__
            raise RejectedRecording(
                RejectReason.MISSING_FILE,
                f"{recording.source_file} cannot be read ({cause}); see to its disk or share and "
                "run the batch again",
            ) from error
        yield path, digest
