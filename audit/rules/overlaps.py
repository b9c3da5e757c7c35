"""Overlapped speech: where the agent's turns overlap the customer's, and what each overlap is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from audit.language.text import spoken_characters
from audit.ports import EndingClassifier
from audit.rules.floor import (
    EXACT_EDGES,
    VIOLATIONS,
    EdgeTolerance,
    InterruptionThresholds,
    Overlap,
    OverlapKind,
)
from audit.rules.unfinished import broken_off
from audit.transcription.backchannels import hushes, is_backchannel, tells_to_stop
from audit.types import Span, Turn

_GOES_ON_S = 0.2
"""Seconds after a brief word at which a speaker who still sounds was not stopped by it."""

_NOT_SUSTAINED_YET = (OverlapKind.SIMULTANEOUS_START, OverlapKind.PAUSE)
"""Kinds in which the customer's floor may be held over a short pause."""


def overlaps(
    agent: Sequence[Turn],
    customer: Sequence[Turn],
    thresholds: InterruptionThresholds,
    *,
    tolerance: EdgeTolerance = EXACT_EDGES,
    endings: EndingClassifier | None = None,
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
        endings: tells unfinished sentences; without it, and where edges are not exact, only
            seconds count.

    Returns:
        The gravest of each of the agent's turns that has any, in the order of the turns.
    """
    floors = [floor for floor in customer if not floor.is_backchannel]
    voice = sorted(span for floor in floors for span in floor.speech)
    own = sorted(span for turn in agent for span in turn.speech)
    if tolerance != EXACT_EDGES:
        endings = None
    found: list[Overlap] = []
    contested_until = float("-inf")
    for turn in agent:
        span = turn.span
        if span is None:
            continue
        met = [m for floor in floors if (m := _overlap(turn, floor, thresholds, tolerance))]
        gravest = min(met, key=lambda m: list(OverlapKind).index(m.kind), default=None)
        if gravest and gravest.kind in _NOT_SUSTAINED_YET:
            gravest = _sustained(gravest, span, voice, own, thresholds, tolerance)
        if endings and (gravest is None or gravest.kind is OverlapKind.TERMINAL_OVERLAP):
            gravest = broken_off(turn, span, floors, thresholds, endings) or gravest
        if gravest is None:
            continue
        if _is_only_backchannel(gravest, span, voice, thresholds, tolerance):
            gravest = replace(gravest, kind=OverlapKind.BACKCHANNEL)
        if gravest.kind in VIOLATIONS:
            if span.start_s > contested_until:
                if found and _continues(gravest, found[-1], thresholds):
                    gravest = replace(gravest, turn=found.pop().turn)
                found.append(gravest)
            contested_until = span.end_s + thresholds.contest_s
            continue
        found.append(gravest)
        if gravest.kind is OverlapKind.CUSTOMER_CUTS_IN:
            contested_until = span.end_s + thresholds.contest_s
    return found


def _continues(overlap: Overlap, before: Overlap, thresholds: InterruptionThresholds) -> bool:
    """Whether sustained overlap goes on from what seemed to be the end of the customer's turn."""
    begun, goes_on = before.turn.end_s, overlap.turn.start_s
    return (
        overlap.kind is OverlapKind.SUSTAINED
        and before.kind is OverlapKind.TERMINAL_OVERLAP
        and before.overlap_s >= thresholds.audible_s
        and begun is not None
        and goes_on is not None
        and goes_on - begun <= thresholds.contest_s
    )


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


def _sustained(
    overlap: Overlap,
    mine: Span,
    voice: Sequence[Span],
    own: Sequence[Span],
    thresholds: InterruptionThresholds,
    tolerance: EdgeTolerance,
) -> Overlap:
    """The same, or sustained overlap: the customer held the floor and both talk on and on.

    Whoever pauses for no longer than ``projected_pause_s`` still holds the floor, unless the other
    has spoken alone for more than ``max_alone_s``. It is not the agent's fault where the agent held
    it before the customer did.
    """
    onset_s = mine.start_s
    theirs_s = _held_since(voice, onset_s, thresholds.projected_pause_s)
    mine_s = _held_since(own, onset_s, thresholds.projected_pause_s)
    if theirs_s is None or (mine_s is not None and mine_s < theirs_s):
        return overlap
    if onset_s - theirs_s < thresholds.min_projected_s + tolerance.end_s:
        return overlap
    going_on = _going_on(voice, onset_s, thresholds.projected_pause_s)
    if going_on[0].start_s - onset_s > thresholds.max_alone_s:
        return overlap
    both_s = sum(a.overlap_s(b) for a in overlap.turn.speech for b in going_on)
    advance_s = going_on[-1].end_s - onset_s
    if (
        both_s < thresholds.sustained_s + tolerance.overlap_s + tolerance.padding_s
        or advance_s < thresholds.min_advance_s
        or spoken_characters(overlap.turn.text) < thresholds.min_characters
    ):
        return overlap
    both_s = round(both_s - tolerance.padding_s, 3)
    return replace(overlap, kind=OverlapKind.SUSTAINED, overlap_s=both_s)


def _going_on(voice: Sequence[Span], at_s: float, pause_s: float) -> list[Span]:
    """How a voice that holds the floor at an instant goes on, up to its first longer pause."""
    found: list[Span] = []
    for span in voice:
        if span.end_s > at_s:
            if found and span.start_s - found[-1].end_s > pause_s:
                break
            found.append(span)
    return found


def _held_since(voice: Sequence[Span], at_s: float, pause_s: float) -> float | None:
    """Since when a voice holds the floor at an instant, over pauses up to ``pause_s``.

    None where it does not: it fell silent too long before, or goes on too long after.
    """
    since_s, until_s = None, float("-inf")
    for span in voice:
        if span.start_s > at_s:
            return since_s if span.start_s - until_s <= pause_s else None
        if since_s is None or span.start_s - until_s > pause_s:
            since_s = span.start_s
        until_s = max(until_s, span.end_s)
    return since_s if until_s > at_s else None


def _is_only_backchannel(
    overlap: Overlap,
    mine: Span,
    voice: Sequence[Span],
    thresholds: InterruptionThresholds,
    tolerance: EdgeTolerance,
) -> bool:
    """Whether what seems to cut in is a backchannel, wherever the other's turn ends.

    What is as short as a backchannel is one, whatever speech recognition writes for it
    (中文字幕 for 好好好), unless it tells the other to stop. Neither that nor 好了好了 is one where
    the other speaker falls silent at it.
    """
    turn = overlap.turn
    accused = overlap.kind in (*VIOLATIONS, OverlapKind.UNDECIDED)
    if not (accused or turn.is_backchannel):
        return False
    stops = _stops(voice, mine.start_s, thresholds)
    if accused and mine.duration_s <= thresholds.brief_s and not tells_to_stop(turn.text):
        goes_on = any(s.start_s < mine.end_s + _GOES_ON_S < s.end_s for s in voice)
        if goes_on or not stops:
            return True
    if not turn.is_backchannel:
        brief = mine.duration_s <= thresholds.listening_s + 2 * tolerance.end_s
        if not (brief and is_backchannel(turn.text)):
            return False
    return not (stops and hushes(turn.text))


def _stops(voice: Sequence[Span], onset_s: float, thresholds: InterruptionThresholds) -> bool:
    """Whether a voice falls silent soon after an instant, for longer than a pause in a turn."""
    within_s = onset_s + thresholds.yield_s
    silence = Span(float("inf"), float("inf"))
    return any(
        onset_s < span.end_s < within_s and after.start_s - span.end_s > thresholds.max_pause_s
        for span, after in itertools.pairwise([*voice, silence])
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
