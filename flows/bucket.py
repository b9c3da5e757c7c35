"""Output in a bucket: a working copy on this machine, brought up to date before and sent after.

What is at the URL is listed in an index, ``callaudit-index.json``: names and sha256 of files. A
file is exchanged whole, tables before pages, so that a reader of the bucket sees what a reader of
a folder sees. Names are entered before files are sent and confirmed after, so that whatever is
cut short is sent again. The private store is sent where it is encrypted.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audit.errors import CallauditError, OutputFailed, UsageError
from audit.intake import remotes
from models.asr.weights import cache_dir
from models.hashing import file_sha256
from reports.store import Store, layout, private
from reports.store.atomic import write_whole
from reports.store.layout import Layout

_INDEX = "callaudit-index.json"
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "oss", "memory"})
"""File systems in which files appear whole; elsewhere they are renamed into place."""
_UNSURE = ""

Index = dict[str, str]


def is_url(out: str) -> bool:
    """Whether OUT is elsewhere than in a folder of this machine."""
    return "://" in out and not out.startswith("file://")


def folder(out: str) -> Path:
    """OUT as a folder of this machine: itself, or the working copy of a URL.

    Raises:
        UsageError: the URL holds credentials, or is one that nothing can be kept at.
    """
    if not is_url(out):
        return Path(out.removeprefix("file://"))
    remotes.refuse_credentials(out)
    if remotes.is_quoted(out):
        raise UsageError(
            f"--out {out} cannot be written to safely; name a folder, a bucket or an sftp:// URL"
        )
    name = hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:16]
    return cache_dir() / "outputs" / name


@contextmanager
def working(out: str) -> Iterator[Path]:
    """OUT as a folder to work in; what is at a URL is fetched before and sent after.

    However the work ends, what it has written is sent: tables are whole at any moment.

    Raises:
        OutputFailed: the URL cannot be reached or written.
    """
    local = folder(out)
    if not is_url(out):
        yield local
        return
    with _transfer_errors(out):
        filesystem, root = _open(out)
        _fetch(filesystem, root, local)
    try:
        yield local
    finally:
        with _transfer_errors(out):
            _send(filesystem, root, local)


@contextmanager
def _transfer_errors(out: str) -> Iterator[None]:
    try:
        yield
    except CallauditError:
        raise
    except Exception as error:  # each file system raises its own; messages may hold credentials
        cause = type(error).__name__
        raise OutputFailed(
            f"{out} cannot be reached or written ({cause}); fix that and run the batch again: "
            "finished transcripts are kept on this machine and not made again"
        ) from error


def _open(out: str) -> tuple[Any, str]:
    filesystem, root = remotes.connect(out)
    return filesystem, root.rstrip("/")


def _fetch(filesystem: Any, root: str, local: Path) -> None:
    """Bring the working copy to what the index says; what was never sent stays."""
    store, index, last = Store(local), _read(filesystem, root), _read_local(local)
    for name in last.keys() - index.keys():  # erased from elsewhere
        (local / name).unlink(missing_ok=True)
    for name, digest in index.items():
        path = _inside(local, name)
        if path.is_file() and digest and file_sha256(path) == digest:
            continue
        try:
            data = filesystem.cat_file(posixpath.join(root, name))
            if store.layout.private in path.parents:
                store.private.place_file(path, data)
            else:
                write_whole(path, data)
        except FileNotFoundError:  # entered, and never sent
            continue
    _write(filesystem, root, local, index)  # which shows now, not after a night, that it can be


def _send(filesystem: Any, root: str, local: Path) -> None:
    known = _read(filesystem, root)
    files = {p.relative_to(local).as_posix(): p for p in _files(local)}
    digests = {name: file_sha256(path) for name, path in files.items()}
    changed = [name for name in files if known.get(name) != digests[name]]
    gone = known.keys() - files.keys()
    if not changed and not gone:
        return
    _write(filesystem, root, local, {**known, **dict.fromkeys(changed, _UNSURE)})
    for name in _in_order(changed):
        _put(filesystem, posixpath.join(root, name), files[name])
    for name in sorted(gone, key=_rank, reverse=True):
        if filesystem.exists(target := posixpath.join(root, name)):
            filesystem.rm_file(target)
    _write(filesystem, root, local, digests)


def _files(local: Path) -> Iterator[Path]:
    owners = Store(local).layout.private
    for path in sorted(local.rglob("*")):
        parts = path.relative_to(local).parts
        if owners in path.parents and not private.may_leave(path.name):
            continue  # PII leaves this machine encrypted or not at all
        if path.is_file() and not any(part.startswith(".") for part in parts):
            yield path


def _in_order(names: list[str]) -> list[str]:
    """Names as they are sent: of a table the first file last, see ``reports.store.widening``."""
    tables = sorted((name for name in names if _is_table(name)), reverse=True)
    others = sorted(name for name in names if not _is_table(name))
    return sorted([*tables, *others], key=lambda name: _rank(name)[0])


def _is_table(name: str) -> bool:
    return name.startswith(f"{Layout(Path()).parquet}/")


def _rank(name: str) -> tuple[int, str]:
    fitting = [n for n, place in enumerate(layout.SENDING_ORDER) if name.startswith(f"{place}/")]
    return (fitting[0] if fitting else len(layout.SENDING_ORDER), name)


def _put(filesystem: Any, target: str, source: Path) -> None:
    protocol = filesystem.protocol
    if _WHOLE.intersection((protocol,) if isinstance(protocol, str) else protocol):
        filesystem.pipe_file(target, source.read_bytes())
        return
    folder, name = posixpath.split(target)
    filesystem.makedirs(folder, exist_ok=True)
    temporary = posixpath.join(folder, f".{name}.tmp")
    filesystem.pipe_file(temporary, source.read_bytes())
    filesystem.mv(temporary, target)


def _read(filesystem: Any, root: str) -> Index:
    try:
        return _parsed(filesystem.cat_file(posixpath.join(root, _INDEX)))
    except FileNotFoundError:
        return {}


def _read_local(local: Path) -> Index:
    try:
        return _parsed(Layout(local).index_of_copy(_INDEX).read_bytes())
    except FileNotFoundError:
        return {}


def _parsed(data: bytes) -> Index:
    index = json.loads(data)
    return {str(name): str(digest) for name, digest in index.items()}


def _write(filesystem: Any, root: str, local: Path, index: Index) -> None:
    data = json.dumps(index, indent=0, sort_keys=True).encode()
    filesystem.pipe_file(posixpath.join(root, _INDEX), data)
    write_whole(Layout(local).index_of_copy(_INDEX), data)


def _inside(local: Path, name: str) -> Path:
    """The place of a file, which an index from elsewhere may not put outside."""
    if posixpath.isabs(name) or ".." in name.split("/"):
        raise OutputFailed(
            f"the index of OUT names {name!r}, which points outside the output folder; "
            f"remove that line from {_INDEX}"
        )
    return local / name
