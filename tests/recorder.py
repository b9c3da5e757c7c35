"""A recorder at work, for tests of files that are still being written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BYTES = 1_000
"""Written at a time."""


@contextmanager
def recorder(path: Path, sound: bytes, *, begun: int, every_s: float) -> Iterator[None]:
    """Somebody who writes a file bit by bit, and the rest of it at the end.

    Args:
        path: of the file; there, with its first bytes, when this begins.
        sound: the whole of it.
        begun: bytes that are there at the beginning.
        every_s: seconds from one write to the next.
    """
    stop = threading.Event()

    def record() -> None:
        with path.open("wb", buffering=0) as file:
            file.write(sound[:begun])
            at = begun
            while not stop.wait(every_s):
                file.write(sound[at : at + _BYTES])
                at += _BYTES
            file.write(sound[at:])

    thread = threading.Thread(target=record)
    thread.start()
    try:
        while not path.exists() or path.stat().st_size < begun:
            time.sleep(0.01)
        yield
    finally:
        stop.set()
        thread.join()
