"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from audit.errors import OutputFailed


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it into it, so that no reader sees half of it.

    Raises:
        OutputFailed: it cannot be written; what was there before stays.
    """
    try:
        _write(path, data)
    except OSError as error:
        raise OutputFailed.at(path.parent, error) from error


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o640)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
