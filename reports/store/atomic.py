"""Files that are there whole or not at all, and the text of files that people have saved."""

from __future__ import annotations

import codecs
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


def text_of(blob: bytes) -> str:
    """The text of a file as people's editors save it: UTF-8, UTF-16 or GB 18030, marks left out.

    Bytes that are UTF-8 for the most part are damaged UTF-8, not GB 18030, which nearly any bytes
    can be read as.

    Raises:
        UnicodeDecodeError: it is none of these; ``start`` is the place of the first bad byte.
    """
    if blob.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return blob.decode("utf-16")
    if blob[:2].count(0) == 1:  # the first letter of a table or of JSON, without a mark
        return blob.decode("utf-16-be" if blob[0] == 0 else "utf-16-le")
    try:
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError:
        read = [char for char in blob.decode("utf-8", "replace") if char > "\x7f"]
        if read.count("\ufffd") * 2 < len(read):
            raise
        return blob.decode("gb18030")


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
