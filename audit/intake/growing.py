"""Files that are still being written: a recorder at work, or a copy under way.

Nothing in a file says so. But whoever writes one writes again within a few seconds, so what was
written just now is looked at once more before it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from audit.errors import RejectedRecording
from audit.intake.roots import FileState, Root, file_state
from audit.types import Recording

_QUIET_S = 4.0
"""Seconds after which whoever still writes has written again: recorders keep up to 64 KiB back."""


def is_fresh(written: datetime) -> bool:
    """Whether a file was written to so lately that it may not be complete.

    Args:
        written: when, to the second.
    """
    return written > datetime.now(UTC) - timedelta(seconds=_QUIET_S + 1)


def still_written(root: Root, fresh: Iterable[Recording]) -> set[str]:
    """The ids of the calls with a file that grows, or changes, within a few seconds.

    Args:
        root: where the recordings are.
        fresh: those that were written to just now; all are waited for together.
    """
    before = {
        (recording.call_id, name): _state(root, name)
        for recording in fresh
        for name in recording.source_files
    }
    if not before:
        return set()
    time.sleep(_QUIET_S)
    return {call_id for (call_id, name), state in before.items() if _state(root, name) != state}


def _state(root: Root, name: str) -> FileState | None:
    """The state of a file now; None if it cannot be had."""
    try:
        return file_state(root, name)
    except RejectedRecording:
        return None
