"""Which turns are loud, and which louder than their speaker's others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from audit.reasons import because
from audit.rules.written.arguments import LoudnessBounds
from audit.rules.written.matching import between
from audit.types import Role, Turn

NO_LEVELS = because("written.no_levels")


def levels(turns: Sequence[Turn]) -> list[tuple[Turn, float]] | None:
    """The turns but for back-channels, with their levels in dB below full scale.

    None where a turn has none, as in a transcript without audio.
    """
    known = [(turn, turn.level_db) for turn in turns if not turn.is_backchannel]
    measured = [(turn, level_db) for turn, level_db in known if level_db is not None]
    return measured if len(measured) == len(known) else None


def fitting(known: Sequence[tuple[Turn, float]], wanted: LoudnessBounds) -> set[int]:
    """Indices of the turns whose loudness is as wanted; all bounds given must hold."""
    by_speaker: dict[Role, list[tuple[Turn, float]]] = {}
    for turn, level_db in known:
        by_speaker.setdefault(turn.role, []).append((turn, level_db))
    return {
        turn.index
        for own in by_speaker.values()
        for (turn, level_db), rise_db in zip(own, _rises(own), strict=True)
        if between(level_db, wanted.over_db, wanted.under_db)
        and _differs(level_db - median(level for _, level in own), wanted)
        and (wanted.rise_db is None or rise_db > wanted.rise_db)
    }


def _rises(own: Sequence[tuple[Turn, float]]) -> list[float]:
    """By how many dB each turn is louder than the speaker's one before."""
    return [float("-inf"), *(after - before for (_, before), (_, after) in pairwise(own))]


def _differs(difference_db: float, wanted: LoudnessBounds) -> bool:
    above, below = wanted.above_usual_db, wanted.below_usual_db
    return (above is None or difference_db > above) and (below is None or -difference_db > below)
