"""How much of a machine this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores for this process: as ``OMP_NUM_THREADS`` says, else all that it may run on."""
    configured = os.environ.get("OMP_NUM_THREADS", "")
    return (
        int(configured)
        if configured.isdecimal() and int(configured)
        else len(os.sched_getaffinity(0))
    )
