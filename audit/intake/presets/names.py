"""What the modules of the systems share: rows, and names of files."""

from __future__ import annotations

import posixpath

Cells = dict[str, str]
"""A row: its cells by the system's names of columns, or by ours."""


def stem(name: str) -> str:
    """A file's name without its folder and its ending.

    >>> stem("2026/11/16/a.b.wav")
    'a.b'
    """
    return posixpath.splitext(posixpath.basename(name))[0]
