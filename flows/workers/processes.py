"""Processes of our own: each does one part of a night, and its memory goes with it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PINYIN = {"PYPINYIN_NO_PHRASES": "true", "PYPINYIN_NO_DICT_COPY": "true"}
"""Settings of pypinyin, which is asked for single characters only: it does not load phrases."""


def command(module: str, *arguments: str) -> list[str]:
    """Command that starts a module in a separate process."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's environment, so that the other one finds the same modules."""
    modules = os.pathsep.join(p for p in sys.path if p)
    return {**_PINYIN, **os.environ, "PYTHONPATH": modules}


def transcription_environment(cores: int) -> dict[str, str]:
    """The environment of a process that transcribes on ``cores`` cores."""
    variables = environment()
    variables.setdefault("OMP_NUM_THREADS", str(max(1, cores)))
    # Whisper's features differ with the threads that multiply them, and so would transcripts
    variables["OPENBLAS_NUM_THREADS"] = "1"
    # glibc keeps what threads have freed, hundreds of megabytes of it, unless configured not to
    variables.setdefault("MALLOC_ARENA_MAX", "2")
    variables.setdefault("MALLOC_MMAP_THRESHOLD_", str(32 << 20))
    variables.setdefault("MALLOC_TRIM_THRESHOLD_", str(64 << 20))
    return variables


def end_with_parent() -> None:
    """End this process when its standard input closes, as it does when its parent ends."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    while os.read(0, 1):  # unbuffered: a lock held here would not let the process end
        pass
    os._exit(1)


@contextmanager
def importing() -> Iterator[None]:
    """Import much without collecting garbage, of which imports make none: a fifth less time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what has been imported stays
        gc.enable()


def ending(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, out of memory or killed" if name == "SIGKILL" else name
