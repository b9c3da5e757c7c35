"""Greeting, handling, closing: the stage of every turn.

Each turn is scored for each stage by the rulebook's cue phrases, its speaker and its place; the
best sequence in which stages only move forward is then found for the whole call (a Viterbi
path), so that one stray cue does not open a closing in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit.phrases import find_any
from audit.rulebook import StageCues
from audit.text import spoken_characters
from audit.types import Role, Segment, Turn

_ORDER = tuple(Segment)
_CUE = 3.0
_OPENING = 3.0
_ENDING = (2.5, 0.5)
"""What being the last turn, or the last but one, says for the closing."""
_SHORT = 8
"""Characters up to which a customer's words can be an answer to the greeting."""


def assign(turns: Sequence[Turn], *, cues: StageCues) -> tuple[Turn, ...]:
    """Give every turn its stage.

    Args:
        turns: in the order in which they start.
        cues: phrases that speak for each stage.

    Returns:
        The same turns with ``segment`` set; stages come in order, each may be absent.
    """
    if not turns:
        return ()
    scores = [_scores(turn, number, turns, cues) for number, turn in enumerate(turns)]
    path = _best_path(scores)
    return tuple(
        replace(turn, segment=_ORDER[stage]) for turn, stage in zip(turns, path, strict=True)
    )


def _scores(
    turn: Turn, number: int, turns: Sequence[Turn], cues: StageCues
) -> tuple[float, float, float]:
    """How much speaks for each stage; handling is the one that needs no reason."""
    greeting = _greeting(turn, number, turns, cues)
    handling = 1.0 + (2.0 if find_any(cues.handling, turn.text) else 0.0)
    closing = _CUE if find_any(cues.closing, turn.text) else -1.0
    left = len(turns) - 1 - number
    if left <= 1:
        closing += _ENDING[left]
    return greeting, handling, closing


def _greeting(turn: Turn, number: int, turns: Sequence[Turn], cues: StageCues) -> float:
    lateness = 0.5 * max(0, number - 4)
    if turn.role is Role.CUSTOMER:
        short = spoken_characters(turn.text) <= _SHORT
        return (_CUE if short and find_any(cues.answer, turn.text) else -1.0) - lateness
    first = not any(other.role is not Role.CUSTOMER for other in turns[:number])
    cue = _CUE if find_any(cues.greeting, turn.text) else -1.0
    return cue + (_OPENING if first else 0.0) - lateness


def _best_path(scores: Sequence[tuple[float, float, float]]) -> list[int]:
    best = list(scores[0])
    back: list[list[int]] = []
    for row in scores[1:]:
        previous = [max(range(stage + 1), key=lambda s: best[s]) for stage in range(len(_ORDER))]
        back.append(previous)
        best = [best[previous[stage]] + row[stage] for stage in range(len(_ORDER))]
    stage = max(range(len(_ORDER)), key=lambda s: best[s])
    path = [stage]
    for previous in reversed(back):
        stage = previous[stage]
        path.append(stage)
    return path[::-1]
