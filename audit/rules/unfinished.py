"""Unfinished sentences: where the customer is cut off in the middle of one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.language.repeats import runs
from audit.language.text import sounds, spoken_characters
from audit.ports import EndingClassifier
from audit.rules.floor import InterruptionThresholds, Overlap, OverlapKind
from audit.types import Span, Turn

_SENTENCE_CHARACTERS = 5
"""Below which nobody can tell whether a sentence is finished."""

_ASKS_AGAIN = re.compile("再(说|讲|报|念)|没听|听不|重复")

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

    Words alone do not show that a sentence was cut off. Where the customer says it again and both
    sound audibly together, the agent has cut in; where only one of the two is so, that is
    uncertain.
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
    few = spoken_characters(turn.text) < thresholds.min_characters
    if not ended or turn.is_backchannel or few or thresholds.min_advance_s > 0:
        return None
    _, number, floor = min(ended, key=lambda one: one[0])
    if floor.unintelligible or spoken_characters(floor.text) < _SENTENCE_CHARACTERS:
        return None
    if endings.unfinished([floor.text])[0] < thresholds.unfinished_from:
        return None
    both_s = round(sum(a.overlap_s(b) for a in turn.speech for b in floor.speech), 3)
    audible = both_s >= thresholds.audible_s
    again = any(_takes_up(n.text, floor.text, answer=turn.text) for n in floors[number + 1 :][:1])
    kinds = {
        (True, True): OverlapKind.UNFINISHED,
        (True, False): OverlapKind.MAYBE_UNFINISHED,
        (False, True): OverlapKind.TAKEN_UP,
    }
    kind = kinds.get((audible, again))
    return Overlap(kind, turn, floor, both_s) if kind else None


def _takes_up(text: str, before: str, *, answer: str) -> bool:
    """Whether a text begins with the last words of another, by sound, of its own accord.

    It does not where the answer asks for it, or has the same words.
    """
    if _ASKS_AGAIN.search(answer):
        return False
    again = {code for at, code in runs(text) if at < _FIRST_SYLLABLES}
    last = {code for at, code in runs(before) if at >= len(sounds(before)) - _LAST_SYLLABLES}
    return bool(again & last - {code for _, code in runs(answer)})
