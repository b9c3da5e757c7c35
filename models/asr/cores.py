"""How much of a machine this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores for this process: as ``OMP_NUM_THREADS`` says, else all that it may run on."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else len(os.sched_getaffinity(0))
