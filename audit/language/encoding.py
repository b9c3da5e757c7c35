"""Text files, in whatever encoding they were saved."""

from __future__ import annotations

import codecs

_HEAD_BYTES = 4096


def text_of(blob: bytes) -> str:
    """The text of a file as people's editors save it: UTF-8, UTF-16 or GB 18030, marks left out.

    Raises:
        UnicodeDecodeError: it is none of these; ``start`` is the place of the first bad byte.
    """
    return decoded(blob)[0]


def decoded(blob: bytes) -> tuple[str, str]:
    """The text as in :func:`text_of`, and the name of its encoding.

    Bytes that are UTF-8 for the most part are damaged UTF-8, not GB 18030, which nearly any bytes
    can be read as.

    Raises:
        UnicodeDecodeError: as :func:`text_of`.
    """
    if blob.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return blob.decode("utf-16"), "UTF-16"
    head = blob[:_HEAD_BYTES]
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) > max(
        len(head) // 20, 3 * min(first, second)
    ):  # of Latin letters, commas
        return blob.decode("utf-16-be" if first > second else "utf-16-le"), "UTF-16"
    try:
        return blob.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        read = [char for char in blob.decode("utf-8", "replace") if char > "\x7f"]
        if read.count("\ufffd") * 2 < len(read):
            raise
        return blob.decode("gb18030"), "GB 18030"
