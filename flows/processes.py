"""Processes of our own: each does one part of a night, and its memory goes with it."""

from __future__ import annotations

import os
import signal
import sys


def command(module: str, *arguments: str) -> list[str]:
    """What starts a module of ours in a process of its own."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's environment, so that the other one finds the same modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def ending(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, out of memory or killed" if name == "SIGKILL" else name
