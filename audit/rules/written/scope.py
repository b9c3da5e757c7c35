"""Where a condition looks: stretches of turns, and what is not known of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audit.reasons import Reason, because
from audit.rules.base import NO_AGENT, NO_ROLES, NO_TIMES
from audit.rules.written.arguments import SecondsRange, TurnRange
from audit.rules.written.conditions import (
    Anchor,
    ScopedCondition,
)
from audit.rules.written.evidence import Hit, Result
from audit.types import Call, Role, Stage, Turn

NO_STAGE = because("written.no_stage")


@dataclass(frozen=True, slots=True)
class TurnWindow:
    """A stretch of a turn's text; ``uncertainty`` is why it may not be in scope."""

    turn: Turn
    first: int
    last: int
    uncertainty: Reason | None = None

    @property
    def text(self) -> str:
        """The words in it."""
        return self.turn.text[self.first : self.last]

    def with_uncertainty(self, uncertainty: Reason | None) -> TurnWindow:
        """The same window, uncertain if there is a reason; the first reason stays."""
        return (
            self if self.uncertainty or not uncertainty else replace(self, uncertainty=uncertainty)
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Windows in the order of the call; ``incomplete`` is why there may be others."""

    windows: tuple[TurnWindow, ...]
    incomplete: Reason | None = None


Anchored = Callable[[Anchor], Result]
"""The hits of an anchor."""


@dataclass(frozen=True, slots=True)
class SpeakerTurns:
    """A speaker's turns, or everybody's.

    Attributes:
        windows: whole turns, uncertain where they may be another speaker's.
        counted: indices of the turns that are not backchannels.
        incomplete: why there may be others.
    """

    windows: tuple[TurnWindow, ...]
    counted: tuple[int, ...]
    incomplete: Reason | None


def spoken(call: Call, speaker: Role | None) -> SpeakerTurns:
    """The turns that are or may be a speaker's; everybody's for None."""
    windows = tuple(_spoken_by(call.turns, speaker))
    counted = tuple(w.turn.index for w in windows if not w.turn.is_backchannel)
    return SpeakerTurns(windows, counted, _incomplete(call, speaker))


def scope(
    condition: ScopedCondition, said: SpeakerTurns, end_s: float | None, anchored: Anchored
) -> Scope:
    """Where a condition looks.

    Args:
        condition: with its keys for stage, turns, seconds and anchors.
        said: the turns of its speaker.
        end_s: the recording's length.
        anchored: finds the hits of an anchor.
    """
    windows = list(said.windows)
    if condition.turns is not None:
        windows = _ranged(windows, condition.turns)
    if condition.stage is not None:
        windows = _staged(windows, condition.stage)
    if condition.seconds is not None:
        windows = _timed(windows, condition.seconds, end_s)
    for kind in ("after", "before", "around", "within"):
        anchor: Anchor | None = getattr(condition, kind)
        if anchor is not None:
            windows = _anchored(windows, kind, anchor, anchored(anchor), said.counted)
    return Scope(tuple(windows), said.incomplete)


def length_s(call: Call) -> float | None:
    """Seconds of the recording, or up to its last words; None without times."""
    if call.transcript.duration_s is not None:
        return call.transcript.duration_s
    return max((turn.end_s for turn in call.turns if turn.end_s is not None), default=None)


def is_by(turn: Turn, role: Role) -> bool | None:
    """Whether a turn is somebody's; None where that is undecidable."""
    other = Role.CUSTOMER if role is Role.AGENT else Role.AGENT
    return True if turn.surely_by(role) else False if turn.surely_by(other) else None


def _incomplete(call: Call, speaker: Role | None) -> Reason | None:
    if speaker is not Role.AGENT or any(turn.surely_by(speaker) for turn in call.turns):
        return None
    return NO_ROLES if any(is_by(turn, speaker) is None for turn in call.turns) else NO_AGENT


def _spoken_by(turns: Sequence[Turn], speaker: Role | None) -> list[TurnWindow]:
    windows = [TurnWindow(turn, 0, len(turn.text)) for turn in turns]
    if speaker is None:
        return windows
    return [
        window.with_uncertainty(None if by else NO_ROLES)
        for window in windows
        if (by := is_by(window.turn, speaker)) is not False
    ]


def _ranged(windows: list[TurnWindow], turns: TurnRange) -> list[TurnWindow]:
    """The turns from one to another; backchannels are not counted."""
    counted = [window for window in windows if not window.turn.is_backchannel]
    if any(window.uncertainty for window in counted):
        return [window.with_uncertainty(NO_ROLES) for window in windows]
    start = turns.from_ - 1 if turns.from_ > 0 else len(counted) + turns.from_
    end = turns.to if turns.to > 0 else len(counted) + turns.to + 1
    chosen = counted[max(0, start) : max(0, end)]
    if not chosen:
        return []
    first = 0 if turns.from_ == 1 else chosen[0].turn.index
    last = windows[-1].turn.index if turns.to == -1 else chosen[-1].turn.index
    return [window for window in windows if first <= window.turn.index <= last]


def _staged(windows: list[TurnWindow], stage: Stage) -> list[TurnWindow]:
    return [
        window.with_uncertainty(NO_STAGE if inside is None else None)
        for window in windows
        if (inside := window.turn.in_stage(stage)) is not False
    ]


def _timed(
    windows: list[TurnWindow], seconds: SecondsRange, end_s: float | None
) -> list[TurnWindow]:
    kept = []
    for window in windows:
        span = window.turn.span
        if span is None or end_s is None:
            kept.append(window.with_uncertainty(NO_TIMES))
        elif (seconds.first is not None and span.start_s < seconds.first) or (
            seconds.last is not None and span.end_s > end_s - seconds.last
        ):
            kept.append(window)
    return kept


def _anchored(
    windows: list[TurnWindow], kind: str, anchor: Anchor, result: Result, own: Sequence[int]
) -> list[TurnWindow]:
    """What is where an anchor says; uncertain where its hits are."""
    hits, incomplete = [hit for hit in result.hits if hit.turn is not None], result.incomplete
    if anchor.nth is not None:
        if incomplete or any(hit.uncertainty for hit in hits):
            hits = [hit.with_uncertainty(incomplete or result.uncertainty) for hit in hits]
        else:
            at = anchor.nth - 1 if anchor.nth > 0 else anchor.nth
            hits = hits[at:][:1] if -len(hits) <= at < len(hits) else []
    hits = _widest(hits, kind, anchor)
    kept = []
    for window in windows:
        pieces = [p for hit in hits if (p := _piece(window, kind, anchor, hit, own)) is not None]
        if incomplete:
            pieces.append(window.with_uncertainty(incomplete))
        if pieces:
            kept.append(max(pieces, key=lambda p: (p.uncertainty is None, p.last - p.first)))
    return kept


def _widest(hits: list[Hit], kind: str, anchor: Anchor) -> list[Hit]:
    """Those of an anchor's hits that admit all that any of them admits."""
    if kind not in ("after", "before") or anchor.turns or anchor.seconds is not None:
        return hits
    edge = slice(0, 1) if kind == "after" else slice(-1, None)
    return [*[hit for hit in hits if hit.uncertainty is None][edge], *hits[edge]]


def _piece(
    window: TurnWindow, kind: str, anchor: Anchor, hit: Hit, own: Sequence[int]
) -> TurnWindow | None:
    """The part of a window that an anchor's hit admits."""
    assert hit.turn is not None
    steps = window.turn.index - hit.turn.index
    if steps == 0:
        return _same_turn(window, kind, hit)
    if kind == "within" or (kind == "after" and steps < 0) or (kind == "before" and steps > 0):
        return None
    reach = 1 if kind == "around" and anchor.seconds is None else None
    if _turns_between(window.turn, hit.turn, own) > (anchor.turns or reach or len(own)):
        return None
    uncertainty = hit.uncertainty
    if anchor.seconds is not None:
        mine, theirs = window.turn.span, hit.seconds
        if mine is None or theirs is None:
            uncertainty = uncertainty or NO_TIMES
        elif max(mine.start_s - theirs.end_s, theirs.start_s - mine.end_s) > anchor.seconds:
            return None
    return window.with_uncertainty(uncertainty)


def _same_turn(window: TurnWindow, kind: str, hit: Hit) -> TurnWindow | None:
    first = max(window.first, hit.last) if kind == "after" else window.first
    last = min(window.last, hit.first) if kind == "before" else window.last
    return (
        replace(window, first=first, last=last).with_uncertainty(hit.uncertainty)
        if first < last
        else None
    )


def _turns_between(turn: Turn, hit: Turn, own: Sequence[int]) -> int:
    """How many of the speaker's turns it takes from the hit to the turn, itself included."""
    low, high = sorted((turn.index, hit.index))
    return bisect_left(own, high) - bisect_right(own, low) + 1
