"""Where recordings are: a folder or any fsspec URL, its files, and local copies of them."""

from __future__ import annotations

import hashlib
import html
import os
import posixpath
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from audit.errors import CallauditError, RejectedRecording, RejectReason, UsageError
from audit.intake import remotes
from audit.types import Recording

_TRIES = 3
_GIVEN_UP_AFTER = 3
"""Recordings in a row that could not be fetched; after them each is tried once only."""


@dataclass(slots=True)
class Root:
    """The folder, bucket or server that holds the recordings; connected to when first used."""

    location: str
    local: bool
    failures: int = 0
    """Recordings in a row that could not be fetched."""
    _opened: tuple[Any, str] | None = None

    def _open(self) -> tuple[Any, str]:
        if self._opened is None:
            filesystem, path = remotes.connect(self.location)
            whole = str(Path(path).resolve()) if self.local else path
            self._opened = filesystem, whole if whole == "/" else whole.rstrip("/")
        return self._opened

    @property
    def filesystem(self) -> Any:
        """The file system that holds it."""
        return self._open()[0]

    @property
    def path(self) -> str:
        """Its path on its file system."""
        return self._open()[1]

    @property
    def prefix(self) -> str:
        """How the paths of files below it begin."""
        return f"{self.path.rstrip('/')}/" if self.path else ""

    def reconnect(self) -> None:
        """Use a new connection from now on."""
        if self._opened is not None:
            self._opened = remotes.reconnected(self._opened[0]), self._opened[1]

    def join(self, relative: str) -> str:
        """Full path of a file, on the root's own file system."""
        quoted = remotes.scheme(self.location) in ("http", "https")
        return posixpath.join(self.path, quote(relative) if quoted else relative)

    def relative(self, full: str) -> str:
        """A file that is named by its full path or URL, relative to the root if it is below it.

        Of a URL elsewhere, credentials are left out.
        """
        if "://" not in full and not self.local:
            return full
        path = full
        if "://" in full:
            full = remotes.without_credentials(full)
            if remotes.has_server(self.location) and remotes.has_server(full):
                return remotes.below(self.location, full) or full
            if full.partition("://")[0] not in _protocols(self.filesystem):
                return full
            path = str(self.filesystem._strip_protocol(full))
        if self.local and "\0" not in path:
            folder, name = posixpath.split(path)
            path = posixpath.join(os.path.realpath(folder), name)
        return path.removeprefix(self.prefix) if path.startswith(self.prefix) else full

    def uri(self, relative: str) -> str:
        """The path or URL by which a person or a page can open the file."""
        if self.local:
            return self.join(relative)
        quoted = quote(relative) if remotes.is_quoted(self.location) else relative
        return f"{self.location.rstrip('/')}/{quoted}"


def locate(location: str) -> Root:
    """The root at a folder or an fsspec URL, which is not looked at before it is used.

    Raises:
        UsageError: the URL holds credentials.
    """
    remotes.refuse_credentials(location)
    return Root(location, remotes.is_local(location))


def open_root(location: str) -> Root:
    """Open a folder or an fsspec URL.

    Raises:
        UsageError: it does not exist, is not a folder, or cannot be reached.
    """
    root = locate(location)
    try:
        found = _is_folder(root)
        is_file = not found and root.filesystem.exists(root.path)
    except UsageError:
        raise
    except Exception as error:  # each file system raises its own
        why = error if root.local else remotes.cause(error, location)
        raise UsageError(f"recordings {location} cannot be reached: {why}") from error
    if is_file:
        raise UsageError(
            f"recordings {location} is a file; give the folder that holds the recordings"
        )
    if not found:
        raise UsageError(f"recordings folder {location} does not exist; check the path")
    if root.local and not os.access(root.path, os.R_OK | os.X_OK):
        raise UsageError(
            f"recordings folder {location} may not be read; give this user read access to it"
        )
    return root


def is_folder(location: str) -> bool:
    """Whether a folder is there; no where it cannot be reached, which opening it will say.

    Of web pages, which may be both, those are folders whose URL ends with a slash.

    Raises:
        UsageError: the URL holds credentials.
    """
    root = locate(location)
    if remotes.scheme(location) in ("http", "https"):
        return location.endswith("/")
    try:
        return _is_folder(root)
    except Exception:  # each file system raises its own
        return False


def _is_folder(root: Root) -> bool:
    """Whether the root is there and a folder, without listing all of it where that is possible."""
    if remotes.scheme(root.location) in ("http", "https"):  # whose files and folders are all pages
        return bool(root.filesystem.isdir(root.path))
    try:
        return str(root.filesystem.info(root.path)["type"]) == "directory"
    except FileNotFoundError:
        return False


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file system says of a file: its bytes, and when it was last written."""

    size: int | None
    """None where it is not said: on an index page."""
    written: object

    def modified(self, zone: ZoneInfo) -> datetime | None:
        """When the file was last written, to the second, or None if unknown."""
        if isinstance(self.written, int | float):
            return datetime.fromtimestamp(int(self.written), zone)
        if isinstance(self.written, datetime):
            return self.written.astimezone(zone).replace(microsecond=0)
        return None


def listing(root: Root) -> dict[str, FileState]:
    """Every file below the root; folders are listed, and no file is asked for by itself.

    Raises:
        UsageError: the server cannot be reached.
    """
    try:
        found = root.filesystem.find(root.path, detail=True)
    except Exception as error:  # each file system raises its own
        if root.local:
            raise
        why = remotes.cause(error, root.location)
        raise UsageError(f"recordings {root.location} cannot be listed: {why}") from error
    if remotes.scheme(root.location) in ("http", "https"):
        return dict.fromkeys(_linked(root, found), FileState(None, None))
    return {str(name).removeprefix(root.prefix): _state(info) for name, info in found.items()}


def _state(info: Mapping[str, Any]) -> FileState:
    """What a file system's description of a file says."""
    written = info.get("mtime") or info.get("LastModified") or info.get("modified")
    return FileState(int(info.get("size") or 0), written)


def file_state(root: Root, name: str) -> FileState | None:
    """The state of one file as it is now; None if it does not exist or nobody says."""
    if root.local:
        return local_file(root, name)
    try:
        return _state(root.filesystem.info(root.join(name), refresh=True))
    except Exception:  # each file system raises its own; some know nothing to refresh
        return None


def _linked(root: Root, urls: Iterable[str]) -> Iterator[str]:
    """The files that index pages link, by their names; links that sort a page are left out."""
    for url in map(html.unescape, urls):
        if "?" not in url and "#" not in url:
            name = posixpath.normpath(unquote(url.removeprefix(root.prefix)))
            if not name.startswith(("../", "/")):
                yield name


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
def fetched(
    root: Root, recording: Recording, *, max_bytes: int | None = None
) -> Iterator[tuple[tuple[Path, ...], str]]:
    """Local copies of a recording's files (or themselves, if they are local) and their sha256.

    That of several files is the hash of their hashes, in order.

    Raises:
        RejectedRecording: one of them has gone, cannot be read, is empty or has more than
            ``max_bytes``.
    """
    with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
        copies = [
            _fetched(root, name, Path(folder) / f"recording-{number}", max_bytes)
            for number, name in enumerate(recording.source_files, start=1)
        ]
        digests = [digest for _, digest in copies]
        together = digests[0]
        if len(digests) > 1:
            together = hashlib.sha256("".join(digests).encode()).hexdigest()
        yield tuple(path for path, _ in copies), together


def _fetched(root: Root, name: str, stem: Path, max_bytes: int | None) -> tuple[Path, str]:
    """A local copy of one file, and the sha256 of its bytes."""
    try:
        if root.local:
            path = Path(root.join(name))
        else:
            path = stem.with_suffix(posixpath.splitext(name)[1])
            _download(root, name, path)
            check_size(name, path.stat().st_size, max_bytes)
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


def check_size(name: str, size: int, max_bytes: int | None) -> None:
    """Reject a file without bytes, or with too many."""
    if size == 0:
        raise RejectedRecording(RejectReason.EMPTY, f"{name} has no bytes; copy it again")
    if max_bytes is not None and size > max_bytes:
        raise RejectedRecording(
            RejectReason.TOO_LARGE,
            f"{name} has {size:,} bytes; raise limits.max_bytes if that is right",
        )


def _download(root: Root, name: str, target: Path) -> None:
    """Copy a file from another machine; what is cut short is begun again, on a new connection."""
    tries = 1 if root.failures >= _GIVEN_UP_AFTER else _TRIES
    for number in range(1, tries + 1):
        try:
            root.filesystem.get_file(root.join(name), str(target))
        except (FileNotFoundError, PermissionError, CallauditError):
            raise
        except Exception as error:  # each file system raises its own
            if number == tries:
                root.failures += 1
                raise RejectedRecording(
                    RejectReason.MISSING_FILE,
                    f"{name} could not be fetched ({number} tries): "
                    f"{remotes.cause(error, root.location)}, and run the batch again",
                ) from error
            time.sleep(number)
            with suppress(Exception):  # if it cannot be connected to, the next try says so
                root.reconnect()
        else:
            root.failures = 0
            return
