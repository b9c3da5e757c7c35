"""Files that are there whole or not at all."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.errors import OutputFailed


@contextmanager
def replacing(
    path: Path, *, mode: int = 0o640, durable: bool = False, if_changed: bool = False
) -> Iterator[Path]:
    """A file to write to that takes the place of ``path`` when the block ends without an error.

    It is in the same folder, so that no reader sees half of it.

    Args:
        path: the file to replace; its folder is made.
        mode: who may read it: owner and group unless said otherwise.
        durable: have it on the disk before it is renamed.
        if_changed: leave a file alone that holds the same bytes already.

    Yields:
        The path of the temporary file, which exists and is empty.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if if_changed and path.is_file() and filecmp.cmp(temporary, path, shallow=False):
            temporary.unlink()
            return
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.chmod(mode)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes, *, mode: int = 0o640, durable: bool = False) -> None:
    """Write a file all or nothing, see :func:`replacing`.

    Raises:
        OutputFailed: it cannot be written; what was there before stays.
    """
    try:
        with replacing(path, mode=mode, durable=durable) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OutputFailed.at(path.parent, error) from error


def write_changed(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece in the same way; one that says the same already is left alone.

    Raises:
        OutputFailed: it cannot be written; what was there before stays.
    """
    try:
        with replacing(path, if_changed=True) as temporary, temporary.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise OutputFailed.at(path.parent, error) from error
