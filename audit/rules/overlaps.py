"""Overlapped speech: where the agent's turns overlap the customer's, and what each overlap is."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import Field

from audit.language.text import spoken_characters
from audit.reasons import Reason, because
from audit.rules.fields import Strict
from audit.transcription.backchannels import hushes, is_backchannel
from audit.types import Call, Channels, Role, Span, Turn


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
    ready_edge_s: float = Field(0.5, ge=0)


class OverlapKind(StrEnum):
    """How the agent's speech overlaps the customer's; the first two are violations.

    ``UNDECIDED`` would be one if the edges of a ready transcript were as exact as measured ones.
    """

    CUT_IN = "cut_in"
    TALK_OVER = "talk_over"
    UNDECIDED = "undecided"
    BACKCHANNEL = "backchannel"
    TERMINAL_OVERLAP = "terminal_overlap"
    PAUSE = "pause"
    CUSTOMER_CUTS_IN = "customer_cuts_in"
    SIMULTANEOUS_START = "simultaneous_start"


DESCRIPTIONS: dict[OverlapKind, Reason] = {
    OverlapKind.CUT_IN: because("overlap.cut_in"),
    OverlapKind.TALK_OVER: because("overlap.talk_over"),
    OverlapKind.UNDECIDED: because("overlap.unsure"),
    OverlapKind.BACKCHANNEL: because("overlap.backchannel"),
    OverlapKind.TERMINAL_OVERLAP: because("overlap.terminal"),
    OverlapKind.PAUSE: because("overlap.pause"),
    OverlapKind.CUSTOMER_CUTS_IN: because("overlap.customer_cuts_in"),
    OverlapKind.SIMULTANEOUS_START: because("overlap.together"),
}

VIOLATIONS = (OverlapKind.CUT_IN, OverlapKind.TALK_OVER)


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


def overlaps(
    agent: Sequence[Turn],
    customer: Sequence[Turn],
    thresholds: InterruptionThresholds,
    *,
    tolerance: EdgeTolerance = EXACT_EDGES,
) -> list[Overlap]:
    """Where the agent's turns overlap the customer's, and what kind of overlap each is.

    A turn that overlaps several of the customer's counts as the gravest kind. Both may go on to
    compete for the floor: what the agent says within ``contest_s`` after a violation, or after
    the customer has cut in, belongs to that overlap and is left out.

    Args:
        agent: turns of the speaker who may interrupt.
        customer: turns of the other one.
        thresholds: what counts as an interruption.
        tolerance: how far the edges of turns may be off.

    Returns:
        One overlap for each of the agent's turns that has any, in the order of the turns.
    """
    floors = [floor for floor in customer if not floor.is_backchannel]
    voice = sorted(span for floor in floors for span in floor.speech)
    found: list[Overlap] = []
    contested_until = float("-inf")
    for turn in agent:
        span = turn.span
        if span is None:
            continue
        met = [m for floor in floors if (m := _overlap(turn, floor, thresholds, tolerance))]
        gravest = min(met, key=lambda m: list(OverlapKind).index(m.kind), default=None)
        if gravest is None:
            continue
        if _is_only_backchannel(gravest, span, voice, thresholds, tolerance):
            gravest = replace(gravest, kind=OverlapKind.BACKCHANNEL)
        if gravest.kind not in VIOLATIONS:
            found.append(gravest)
            if gravest.kind is OverlapKind.CUSTOMER_CUTS_IN:
                contested_until = span.end_s + thresholds.contest_s
            continue
        if span.start_s > contested_until:
            found.append(gravest)
        contested_until = span.end_s + thresholds.contest_s
    return found


def _overlap(
    turn: Turn, floor: Turn, thresholds: InterruptionThresholds, tolerance: EdgeTolerance
) -> Overlap | None:
    mine, theirs = turn.span, floor.span
    if mine is None or theirs is None or mine.overlap_s(theirs) == 0:
        return None
    both_s = sum(a.overlap_s(b) for a in turn.speech for b in floor.speech)
    kind = _kind(turn, mine, floor, theirs, both_s, thresholds, tolerance)
    return Overlap(kind, turn, floor, round(max(0.0, both_s - tolerance.padding_s), 3))


def _kind(
    turn: Turn,
    mine: Span,
    floor: Turn,
    theirs: Span,
    both_s: float,
    thresholds: InterruptionThresholds,
    tolerance: EdgeTolerance,
) -> OverlapKind:
    onset_s = mine.start_s
    left_s = theirs.end_s - onset_s
    held_s = onset_s - _taken_up_at(floor.speech or (theirs,), onset_s, thresholds)
    if abs(held_s) < thresholds.min_floor_s + tolerance.end_s:
        return OverlapKind.SIMULTANEOUS_START
    if held_s < 0:
        return OverlapKind.CUSTOMER_CUTS_IN
    paused_at = max((s.end_s for s in floor.speech if s.start_s <= onset_s), default=onset_s)
    resumed_at = min((s.start_s for s in floor.speech if s.end_s > onset_s), default=onset_s)
    if resumed_at - paused_at > thresholds.max_pause_s:
        return OverlapKind.PAUSE
    padded_s = thresholds.min_overlap_s + tolerance.padding_s + tolerance.end_s
    if both_s < padded_s or left_s < thresholds.min_advance_s:
        return (
            OverlapKind.TERMINAL_OVERLAP if mine.end_s > theirs.end_s else OverlapKind.BACKCHANNEL
        )
    if spoken_characters(turn.text) < thresholds.min_characters:
        return OverlapKind.BACKCHANNEL
    if both_s < thresholds.min_overlap_s + tolerance.overlap_s:
        return OverlapKind.UNDECIDED
    stops = left_s < thresholds.yield_s and mine.end_s > theirs.end_s
    return OverlapKind.CUT_IN if stops else OverlapKind.TALK_OVER


def _is_only_backchannel(
    overlap: Overlap,
    mine: Span,
    voice: Sequence[Span],
    thresholds: InterruptionThresholds,
    tolerance: EdgeTolerance,
) -> bool:
    """Whether what seems to cut in is a backchannel, wherever the other's turn ends.

    好了好了 is not one where the other speaker falls silent at it.
    """
    turn = overlap.turn
    if not turn.is_backchannel:
        accused = overlap.kind in (*VIOLATIONS, OverlapKind.UNDECIDED)
        brief = mine.duration_s <= thresholds.listening_s + 2 * tolerance.end_s
        if not (accused and brief and is_backchannel(turn.text)):
            return False
    return not (hushes(turn.text) and _stops(voice, mine.start_s, thresholds))


def _stops(voice: Sequence[Span], onset_s: float, thresholds: InterruptionThresholds) -> bool:
    """Whether a voice falls silent soon after an instant, for longer than a pause in a turn."""
    within_s = onset_s + thresholds.yield_s
    nexts = itertools.chain((span.start_s for span in voice[1:]), [float("inf")])
    return any(
        onset_s < span.end_s < within_s and next_s - span.end_s > thresholds.max_pause_s
        for span, next_s in zip(voice, nexts, strict=True)
    )


def _taken_up_at(
    speech: Sequence[Span], onset_s: float, thresholds: InterruptionThresholds
) -> float:
    """When the speech at ``onset_s`` began, or began again after a pause that gave the floor."""
    taken_up_s = speech[0].start_s
    for before, after in itertools.pairwise(speech):
        if after.start_s > onset_s:
            break
        if after.start_s - before.end_s > thresholds.max_pause_s:
            taken_up_s = after.start_s
    return taken_up_s
