"""A call in several files: which file is which part or side of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.raw_forms import RawForm

Side = Literal["agent", "customer"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the files of a call."""

    file: str
    """As the manifest names it, relative to the root of the recordings."""
    part: int = 1
    """Parts follow one another; the files of one part are its two sides."""
    side: Side | None = None
    """Whose voice it holds; None for both."""
    begins_s: float | None = None
    """Seconds after the first file of the call, as the manifest says."""
    agent_id: str | None = None
    """Where it is another agent's than the call's."""
    agent_channel: str | None = None
    """As in :class:`audit.types.Recording`."""
    raw_form: RawForm | None = None
    """How it is read where it has no header."""
