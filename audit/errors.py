"""What can go wrong, as data: named, picklable exceptions and the reasons of rejects."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path


class RejectReason(StrEnum):
    """Why a planned recording was not audited (the values of ``rejects.reason``)."""

    MISSING_FILE = "missing_file"
    OUTSIDE_ROOT = "outside_root"
    EMPTY = "empty"
    UNDECODABLE = "undecodable"
    TOO_SHORT = "too_short"
    NO_AUDIO = "no_audio"
    NO_AGENT = "no_agent"
    BAD_METADATA = "bad_metadata"
    UNKNOWN_RULEBOOK = "unknown_rulebook"
    DUPLICATE_CALL_ID = "duplicate_call_id"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    DUPLICATE_AUDIO = "duplicate_audio"


class CallauditError(Exception):
    """Base of all errors whose message is a plain sentence for the user."""


class UsageError(CallauditError):
    """Wrong usage or configuration; nothing has been written (exit code 2)."""


class WeightsNotFound(UsageError):
    """No usable weights for the model asked for."""


class OutputFailed(CallauditError):
    """Output cannot be written: full, read-only or gone. The batch ends; the next one goes on."""

    @classmethod
    def at(cls, place: Path, error: OSError) -> OutputFailed:
        """The sentence for an error of the operating system at a place."""
        cause = os.strerror(error.errno) if error.errno else type(error).__name__
        return cls(
            f"{place} cannot be written ({cause}); free or mend it and run the batch again: "
            "what was heard is kept and is not heard twice"
        )


class RejectedRecording(CallauditError):
    """One recording cannot be audited; the batch goes on.

    Args:
        reason: the enumerated reason.
        detail: one sentence for the person who has to mend it.
    """

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
