"""Names of files and text on the terminal, in whatever locale callaudit is started."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from audit.errors import UsageError


def use_utf8() -> None:
    """Read names of files as UTF-8, whatever the locale says, and never fail at printing.

    Libraries that are not Python take names as UTF-8, so under any other locale they would look
    for another file than Python. Python's own UTF-8 mode cannot be entered later: where it is off,
    this process restarts itself, with its arguments as they were typed, byte for byte. A
    terminal still gets text in its own encoding; what that cannot show is escaped.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        if sys.stdout is not None and sys.stdout.encoding not in {"ascii", "ANSI_X3.4-1968"}:
            shown = f"{sys.stdout.encoding}:backslashreplace"
            os.environ.setdefault("PYTHONIOENCODING", shown)
        typed = Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
        os.execv(sys.executable, typed)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def check(arguments: Iterable[str]) -> None:
    """Refuse names that are not in UTF-8: tables and other libraries cannot have them.

    Raises:
        UsageError: there is one.
    """
    for typed in map(os.fsencode, arguments):
        try:
            typed.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = typed.decode("gb18030", "backslashreplace")  # what else it is in China
            raise UsageError(
                f"{shown} is not written in UTF-8, as names have to be; rename it (such as with "
                "convmv -f gbk -t utf-8), or name another"
            ) from error
