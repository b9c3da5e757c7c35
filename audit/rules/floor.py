"""Who holds the floor: what counts as an interruption, and how exact the edges of turns are."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

from audit.reasons import Reason, because
from audit.rules.fields import Strict
from audit.types import Call, Channels, Role, Turn


class InterruptionThresholds(Strict):
    """What counts as an interruption; see ``docs/rules/interruptions.md``."""

    min_overlap_s: float = Field(gt=0)
    min_floor_s: float = Field(gt=0)
    max_pause_s: float = Field(ge=0)
    min_advance_s: float = Field(0, ge=0)
    min_characters: int = Field(0, ge=0)
    yield_s: float = Field(gt=0)
    long_overlap_s: float = Field(gt=0)
    grave_overlap_s: float = Field(gt=0)
    contest_s: float = Field(ge=0)
    listening_s: float = Field(2.5, ge=0)
    brief_s: float = Field(1.1, ge=0)
    ready_edge_s: float = Field(0.5, ge=0)
    projected_pause_s: float = Field(0.7, ge=0)
    min_projected_s: float = Field(0.45, ge=0)
    sustained_s: float = Field(1.5, gt=0)
    audible_s: float = Field(0.2, ge=0)
    max_alone_s: float = Field(0.4, ge=0)
    unfinished_from: float = Field(0.85, gt=0, le=1)
    takeover_s: float = Field(0.4, ge=0)


class OverlapKind(StrEnum):
    """How the agent's speech overlaps the customer's; the first four are violations.

    ``UNDECIDED`` would be one if the edges of a ready transcript were as exact as measured ones.
    ``UNFINISHED`` is a sentence that the customer says again afterwards; where they do not, it
    is ``MAYBE_UNFINISHED``, for words alone do not show that a sentence was cut off. At
    ``TAKEN_UP`` it is said again, but hardly anything overlapped: they may have paused.
    """

    CUT_IN = "cut_in"
    UNFINISHED = "unfinished"
    TALK_OVER = "talk_over"
    SUSTAINED = "sustained"
    UNDECIDED = "undecided"
    MAYBE_UNFINISHED = "maybe_unfinished"
    TAKEN_UP = "taken_up"
    BACKCHANNEL = "backchannel"
    TERMINAL_OVERLAP = "terminal_overlap"
    PAUSE = "pause"
    CUSTOMER_CUTS_IN = "customer_cuts_in"
    SIMULTANEOUS_START = "simultaneous_start"


DESCRIPTIONS: dict[OverlapKind, Reason] = {
    OverlapKind.CUT_IN: because("overlap.cut_in"),
    OverlapKind.UNFINISHED: because("overlap.unfinished"),
    OverlapKind.TALK_OVER: because("overlap.talk_over"),
    OverlapKind.SUSTAINED: because("overlap.sustained"),
    OverlapKind.UNDECIDED: because("overlap.unsure"),
    OverlapKind.MAYBE_UNFINISHED: because("overlap.maybe_unfinished"),
    OverlapKind.TAKEN_UP: because("overlap.taken_up"),
    OverlapKind.BACKCHANNEL: because("overlap.backchannel"),
    OverlapKind.TERMINAL_OVERLAP: because("overlap.terminal"),
    OverlapKind.PAUSE: because("overlap.pause"),
    OverlapKind.CUSTOMER_CUTS_IN: because("overlap.customer_cuts_in"),
    OverlapKind.SIMULTANEOUS_START: because("overlap.together"),
}

VIOLATIONS = (
    OverlapKind.CUT_IN,
    OverlapKind.UNFINISHED,
    OverlapKind.TALK_OVER,
    OverlapKind.SUSTAINED,
)
UNCERTAIN = (OverlapKind.UNDECIDED, OverlapKind.MAYBE_UNFINISHED, OverlapKind.TAKEN_UP)
"""What may be a violation."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """An agent's turn that overlaps a turn of the customer.

    Attributes:
        kind: what it is.
        turn: the agent's.
        floor: the customer's, who holds the floor.
        overlap_s: seconds in which both speak, without those that are due to padding.
    """

    kind: OverlapKind
    turn: Turn
    floor: Turn
    overlap_s: float


@dataclass(frozen=True, slots=True)
class EdgeTolerance:
    """How far the edges of turns may be off (seconds).

    Attributes:
        padding_s: by which neighbours overlap all through the call, though nobody talks over.
        end_s: by which one end of a turn may be off besides.
        overlap_s: by which neighbours may overlap though nobody talks over.
    """

    padding_s: float = 0.0
    end_s: float = 0.0
    overlap_s: float = 0.0


EXACT_EDGES = EdgeTolerance()
"""Tolerance for edges measured in the audio: what the thresholds allow is enough for them."""

_SPEAKER_CHANGES_MIN = 2
"""Changes of speaker each way from which a call shows how its turns were padded."""


def edge_tolerance(call: Call, thresholds: InterruptionThresholds) -> EdgeTolerance:
    """How far the edges of a call's turns may be off, where a ready transcript gives them.

    Voice activity detectors pad speech on both sides. A call whose changes of speaker overlap in
    both directions was padded: somebody who interrupts causes overlap in one direction only.
    """
    end_s = thresholds.ready_edge_s
    if call.transcript.channels is not Channels.TEXT or not end_s:
        return EXACT_EDGES
    padding_s = _padding_s(call.turns)
    return EdgeTolerance(padding_s, end_s, max(2 * end_s, padding_s + end_s))


def _padding_s(turns: Sequence[Turn]) -> float:
    """Median overlap (seconds) at changes of speaker, in the direction where it is smaller."""
    by_next: dict[Role, list[float]] = {Role.AGENT: [], Role.CUSTOMER: []}
    for before, after in itertools.pairwise(turns):
        if before.role is after.role or before.span is None or after.span is None:
            continue
        if after.role in by_next and after.span.end_s > before.span.end_s:
            by_next[after.role].append(before.span.end_s - after.span.start_s)
    if min(map(len, by_next.values())) < _SPEAKER_CHANGES_MIN:
        return 0.0
    return max(0.0, min(map(statistics.median, by_next.values())))
