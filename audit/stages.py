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
from audit.types import Role, Segment, Turn

_ORDER = tuple(Segment)
_CUE = 3.0
_OPENING = 2.0


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
    text = turn.text
    agent = turn.role is not Role.CUSTOMER
    greeting = _CUE if agent and find_any(cues.greeting, text) else -1.0
    closing = _CUE if find_any(cues.closing, text) else -1.0
    handling = 1.0 + (2.0 if find_any(cues.handling, text) else 0.0)
    if agent and not any(t.role is not Role.CUSTOMER for t in turns[:number]):
        greeting += _OPENING
    if len(turns) - number <= 3:
        closing += 0.5
    if number > 6:
        greeting -= 0.5 * (number - 6)
    return greeting, handling, closing


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
