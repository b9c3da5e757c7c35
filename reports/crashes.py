"""One call's failures are that call's: it is set apart, and the night goes on without it.

What belongs to all of them stays the night's: output that cannot be written, wrong usage.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from audit.errors import RejectReason
from audit.intake.recordings import Reject
from audit.types import Recording
from reports.isolation import NIGHTS
from reports.pages.html import RenderedPages

_log = logging.getLogger(__name__)


class Step(StrEnum):
    """What is done with a call that has been transcribed."""

    JUDGING = "judging"
    MASKING = "masking"
    TABLES = "tables"
    PAGE = "page"


@dataclass(slots=True)
class Crashes:
    """Calls that one of the steps has failed for: by id, a sentence that says which."""

    sentences: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def apart(self, call_id: str, step: Step) -> Iterator[None]:
        """Leave the block where it fails, with the call noted."""
        try:
            yield
        except NIGHTS:
            raise
        except Exception as error:
            self.note(call_id, step, error)

    def note(self, call_id: str, step: Step, error: Exception) -> None:
        """Note that a step has failed for a call; nothing of what the error says: it may quote."""
        kind = type(error).__name__
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.info("call %s: %s: %s\n%s", call_id, step, kind, where)
        self.sentences[call_id] = f"{step} of call {call_id!r} failed with {kind}"

    def reject(self, recording: Recording) -> Reject:
        """The reject of a call that has crashed."""
        return Reject(
            recording.source_file,
            RejectReason.CRASHED,
            f"{self.sentences[recording.call_id]}; run it again with --verbose to see where",
            recording.audit_date,
            recording.call_id,
        )


def unrendered(pages: RenderedPages) -> list[str]:
    """Sentences on calls whose pages could not be rendered."""
    crashes = Crashes()
    for call_id, error in pages.failed.items():
        crashes.note(call_id, Step.PAGE, error)
    return list(crashes.sentences.values())
