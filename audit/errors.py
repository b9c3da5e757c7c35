"""Named, picklable exceptions, and the reasons of rejects."""

from __future__ import annotations

import errno
import os
import re
from enum import StrEnum
from pathlib import Path

_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space there"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "let this user write there"),
    errno.EROFS: "mount it so that it can be written, or name another folder",
    errno.ENOTDIR: "name a folder that is not below a file",
    errno.ENOENT: "make sure that the disk or share is mounted",
    errno.ENAMETOOLONG: "name a folder with a shorter path",
}
"""What to do about an operating system error on writing."""


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
    SERVICE_FAILED = "service_failed"


class CallauditError(Exception):
    """Base of all errors whose message is a plain sentence for the user."""


class UsageError(CallauditError):
    """Wrong usage or configuration; nothing has been written (exit code 2)."""


class NoAudit(UsageError):
    """A folder does not contain an audit."""

    @classmethod
    def at(cls, out: Path) -> NoAudit:
        """The error for a place: a URL, a folder that does not exist, or one without an audit."""
        if re.match(r"[a-z][a-z0-9+.-]+:/", str(out)):  # a Path has one slash for two
            return cls(f"{out} is a URL; copy the audit to a folder of this machine, and name that")
        if not out.exists():
            return cls(f"the folder {out.absolute()} does not exist; check the path")
        return cls(
            f"{out.absolute()} holds no audit; name the folder that was given as --out, or run "
            f"`callaudit run RECORDINGS --out {out}` first"
        )


class WeightsNotFound(UsageError):
    """No usable weights for the model asked for."""


class ServiceUnavailable(CallauditError):
    """The transcription service is away, full or broken. The batch ends; the next one goes on."""


class OutputFailed(CallauditError):
    """Output cannot be written: full, read-only or gone. The batch ends; the next one goes on."""

    @classmethod
    def at(cls, place: Path, error: OSError) -> OutputFailed:
        """The error for an operating system error at a place."""
        cause = os.strerror(error.errno) if error.errno else type(error).__name__
        advice = _ADVICE.get(error.errno or 0, "fix that")
        return cls(
            f"{place} cannot be written ({cause}); {advice} and run the batch again: "
            "recordings that were transcribed are not transcribed again"
        )


class RejectedRecording(CallauditError):
    """One recording cannot be audited; the batch goes on.

    Args:
        reason: the enumerated reason.
        detail: one sentence for the person who has to fix it.
    """

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
