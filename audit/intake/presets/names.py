"""What the modules of the systems share: rows, and what the names of recordings hold."""

from __future__ import annotations

import re

from audit.intake.file_names import stem

Cells = dict[str, str]
"""A row: its cells by the system's names of columns, or by ours."""


def first_group(pattern: re.Pattern[str], name: str) -> str:
    """What the first group of a pattern takes of a file's stem; else the stem."""
    found = pattern.fullmatch(stem(name))
    return found[1] if found else stem(name)
