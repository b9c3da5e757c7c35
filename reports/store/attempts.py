"""How often transcribing a recording was begun and not finished, to set a poisonous one aside.

A try is noted before the recording is decoded, under the name of its transcript, and removed
when transcribing ends well. A process that dies in between leaves the note behind.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from audit.errors import RejectReason
from reports.store.atomic import write_whole
from reports.store.layout import Layout


@dataclass(frozen=True, slots=True)
class Tried:
    """Tries that did not end well, and how the last of them ended."""

    tries: int = 0
    reason: RejectReason = RejectReason.CRASHED
    detail: str = "the batch was stopped while transcribing it"


_ADAPTER = TypeAdapter(Tried)


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is noted of recordings, each by the name of its transcript."""

    layout: Layout

    def load(self, name: str) -> Tried:
        """The tries so far; none where nothing readable is noted."""
        try:
            return _ADAPTER.validate_json(self.layout.attempts(name).read_bytes())
        except (OSError, ValidationError):
            return Tried()

    def begin(self, name: str) -> None:
        """Note one more try."""
        self._save(name, Tried(self.load(name).tries + 1))

    def explain(self, name: str, *, reason: RejectReason, detail: str) -> Tried:
        """Say how the try that was begun last has ended."""
        noted = self.load(name)
        noted = replace(noted, tries=max(1, noted.tries), reason=reason, detail=detail)
        self._save(name, noted)
        return noted

    def clear(self, name: str) -> None:
        """Forget the tries of a recording that ended well."""
        with contextlib.suppress(OSError):
            self.layout.attempts(name).unlink()

    def _save(self, name: str, tried: Tried) -> None:
        write_whole(self.layout.attempts(name), _ADAPTER.dump_json(tried))
