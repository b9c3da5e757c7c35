"""Files that are there whole or not at all."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from audit.errors import OutputFailed


def write_whole(path: Path, data: bytes, *, mode: int = 0o640) -> None:
    """Write a file beside its place and rename it into it, so that no reader sees half of it.

    Args:
        path: the file.
        data: all of it.
        mode: who may read it: owner and group unless said otherwise.

    Raises:
        OutputFailed: it cannot be written; what was there before stays.
    """
    try:
        _write(path, [data], renew=True, mode=mode)
    except OSError as error:
        raise OutputFailed.at(path.parent, error) from error


def write_changed(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece in the same way; one that says the same already is left alone.

    Raises:
        OutputFailed: it cannot be written; what was there before stays.
    """
    try:
        _write(path, pieces, renew=False)
    except OSError as error:
        raise OutputFailed.at(path.parent, error) from error


def _write(path: Path, pieces: Iterable[bytes], *, renew: bool, mode: int = 0o640) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        if not renew and path.is_file() and filecmp.cmp(temporary, path, shallow=False):
            os.unlink(temporary)
            return
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
