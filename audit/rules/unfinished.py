"""Unfinished sentences: where the customer is cut off in the middle of one."""

from __future__ import annotations

from collections.abc import Sequence

from audit.language.repeats import runs
from audit.language.text import sounds, spoken_characters
from audit.ports import EndingClassifier
from audit.rules.floor import InterruptionThresholds, Overlap, OverlapKind
from audit.types import Span, Turn

_SENTENCE_CHARACTERS = 5
"""Below which nobody can tell whether a sentence is finished."""

_LAST_SYLLABLES, _FIRST_SYLLABLES = 12, 8
"""A sentence is taken up again where a run of its last syllables is among the first of a turn."""


def broken_off(
    turn: Turn,
    mine: Span,
    floors: Sequence[Turn],
    thresholds: InterruptionThresholds,
    endings: EndingClassifier,
) -> Overlap | None:
    """The customer's unfinished sentence at whose last sound, or right after it, a turn begins.

    Where both sound audibly together, the agent has cut in; where hardly, it may be that the
    customer paused by themselves: then only what is said again afterwards shows anything.
    """
    ended = [
        (abs(mine.start_s - floor.end_s), number, floor)
        for number, floor in enumerate(floors)
        if floor.start_s is not None
        and floor.end_s is not None
        and floor.start_s < mine.start_s
        and mine.start_s - floor.end_s <= thresholds.takeover_s
        and floor.end_s < mine.end_s
    ]
    if not ended or turn.is_backchannel:
        return None
    _, number, floor = min(ended, key=lambda one: one[0])
    if floor.unintelligible or spoken_characters(floor.text) < _SENTENCE_CHARACTERS:
        return None
    likely = endings.unfinished([floor.text])[0]
    both_s = round(sum(a.overlap_s(b) for a in turn.speech for b in floor.speech), 3)
    if both_s >= thresholds.audible_s and likely >= thresholds.unfinished_doubt_from:
        certain = likely >= thresholds.unfinished_from
        kind = OverlapKind.UNFINISHED if certain else OverlapKind.MAYBE_UNFINISHED
        return Overlap(kind, turn, floor, both_s)
    nexts = floors[number + 1 : number + 2]
    if not nexts or likely < thresholds.taken_up_from:
        return None
    again = _takes_up(nexts[0].text, floor.text, answer=turn.text)
    return Overlap(OverlapKind.TAKEN_UP, turn, floor, both_s) if again else None


def _takes_up(text: str, before: str, *, answer: str) -> bool:
    """Whether a text begins with the last words of another, by sound, and not with the answer's."""
    again = {code for at, code in runs(text) if at < _FIRST_SYLLABLES}
    last = {code for at, code in runs(before) if at >= len(sounds(before)) - _LAST_SYLLABLES}
    return bool(again & last - {code for _, code in runs(answer)})
