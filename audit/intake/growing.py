"""Files that are still being written: a recorder at work, or a copy under way.

Nothing in a file says so. But whoever writes one writes again within a few seconds, so what was
written just now is looked at once more before it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from audit.errors import RejectedRecording, RejectReason
from audit.intake.roots import FileState, Root, file_state
from audit.types import Recording

QUIET_S = 4.0
"""Seconds after which whoever still writes has written again: recorders keep up to 64 KiB back."""


def is_fresh(written: datetime, *, quiet_s: float) -> bool:
    """Whether a file was written to so lately that it may not be complete.

    Args:
        written: when, to the second.
        quiet_s: seconds without a change after which it is taken to be; 0 for always.
    """
    return quiet_s > 0 and written > datetime.now(UTC) - timedelta(seconds=quiet_s + 1)


def still_written(root: Root, fresh: Iterable[Recording], *, quiet_s: float) -> set[str]:
    """The ids of the calls with a file that changes within some seconds.

    Args:
        root: where the recordings are.
        fresh: those that were written to just now; all are waited for together.
        quiet_s: how long.
    """
    before = {recording.call_id: (recording, states(root, recording)) for recording in fresh}
    if not before:
        return set()
    time.sleep(quiet_s)
    return {
        call_id
        for call_id, (recording, earlier) in before.items()
        if states(root, recording) != earlier
    }


def states(root: Root, recording: Recording) -> dict[str, FileState | None]:
    """What is said of each file of a recording now; None for one of which nothing is."""
    return {name: _state(root, name) for name in recording.source_files}


def refuse_changed(root: Root, before: Mapping[str, FileState | None]) -> None:
    """Make sure that what was heard of a recording is all of it.

    Args:
        root: where it is.
        before: the states of its files before it was read; empty where nobody looked.

    Raises:
        RejectedRecording: a file was written to since.
    """
    for name, state in before.items():
        if state is not None and _state(root, name) != state:
            raise RejectedRecording(
                RejectReason.UNDECODABLE,
                f"{name} was written to while it was read; it is audited by the next run after it "
                "is complete",
            )


def _state(root: Root, name: str) -> FileState | None:
    try:
        return file_state(root, name)
    except RejectedRecording:
        return None
