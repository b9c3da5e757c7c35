"""Where recordings are: a folder or any fsspec URL, its files, and local copies of them."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.types import Recording


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
        """The path or URL by which a person or a page can open the file."""
        full = self.join(relative)
        return full if self.local else str(self.filesystem.unstrip_protocol(full))


def open_root(location: str) -> Root:
    """Open a folder or an fsspec URL.

    Raises:
        UsageError: it does not exist, is not a folder, or cannot be reached.
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


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file system says of a file: its bytes, and when it was last written."""

    size: int
    written: object

    def modified(self, zone: ZoneInfo) -> datetime | None:
        """When the file was last written, to the second, or None if unknown."""
        if isinstance(self.written, int | float):
            return datetime.fromtimestamp(int(self.written), zone)
        if isinstance(self.written, datetime):
            return self.written.astimezone(zone).replace(microsecond=0)
        return None


def listing(root: Root) -> dict[str, FileState]:
    """Every file below the root."""
    found = root.filesystem.find(root.path, detail=True)
    prefix = root.path + "/"
    return {
        str(name).removeprefix(prefix): FileState(
            int(info.get("size") or 0), info.get("mtime") or info.get("LastModified")
        )
        for name, info in found.items()
    }


def local_file(root: Root, name: str) -> FileState | None:
    """The state of a local file, links inside the root followed; None if it does not exist.

    (A listing does not say where links point.)
    """
    try:
        resolved = os.path.realpath(root.join(name))
        if resolved != root.path and not resolved.startswith(f"{root.path}/"):
            raise outside(name)
        found = os.stat(resolved)
    except PermissionError as error:
        raise unreadable(name) from error
    except OSError:  # gone, a name too long, a loop of links
        return None
    if not stat.S_ISREG(found.st_mode):
        raise RejectedRecording(RejectReason.UNDECODABLE, f"{name} is a folder or a device")
    return FileState(found.st_size, found.st_mtime)


def unreadable(name: str) -> RejectedRecording:
    """The reject of a file without read access."""
    return RejectedRecording(
        RejectReason.UNDECODABLE, f"{name} may not be read; give the service's user read access"
    )


def outside(name: str) -> RejectedRecording:
    """The reject of a file that is not below the root."""
    return RejectedRecording(
        RejectReason.OUTSIDE_ROOT,
        f"{name} points outside the recordings folder; put the recording inside it, and write its "
        "path relative to it",
    )


@contextmanager
def fetched(root: Root, recording: Recording) -> Iterator[tuple[tuple[Path, ...], str]]:
    """Local copies of a recording's files (or themselves, if they are local) and their sha256.

    That of several files is the hash of their hashes, in order.

    Raises:
        RejectedRecording: one of them has gone or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
        copies = [
            _fetched(root, name, Path(folder) / f"recording-{number}")
            for number, name in enumerate(recording.source_files, start=1)
        ]
        digests = [digest for _, digest in copies]
        together = digests[0]
        if len(digests) > 1:
            together = hashlib.sha256("".join(digests).encode()).hexdigest()
        yield tuple(path for path, _ in copies), together


def _fetched(root: Root, name: str, stem: Path) -> tuple[Path, str]:
    """A local copy of one file, and the sha256 of its bytes."""
    full = root.join(name)
    path = Path(full)
    try:
        if not root.local:
            path = stem.with_suffix(posixpath.splitext(full)[1])
            with root.filesystem.open(full, "rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        with path.open("rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise RejectedRecording(
            RejectReason.MISSING_FILE, f"{name} was removed after it was listed; copy it again"
        ) from error
    except PermissionError as error:
        raise unreadable(name) from error
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise RejectedRecording(
            RejectReason.MISSING_FILE,
            f"{name} cannot be read ({cause}); check its disk or share and run the batch again",
        ) from error
