"""Labelled calls for training and testing the stage classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit.intake import labelled
from audit.types import Stage, Turn

OWN = "own"
"""Domain of calls that a user has labelled."""


def read(place: Path) -> list[tuple[Turn, ...]]:
    """Read labelled calls: a JSONL file with one per line, or a folder of JSON files.

    Raises:
        UsageError: there are none, or one is not valid; the message names it.
    """
    return [
        _in_order(tuple(_turn(number, turn) for number, turn in enumerate(call.turns)))
        for call in labelled.read_for_training(place)
    ]


def _turn(number: int, turn: labelled.LabelledTurn) -> Turn:
    return Turn(
        number,
        turn.role,
        turn.text,
        start_s=turn.span.start_s if turn.span else None,
        end_s=turn.span.end_s if turn.span else None,
        speech=(turn.span,) if turn.span else (),
        stage=turn.stage,
    )


def _in_order(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Turns from the first to the last one of handling are handling: a closing may be reopened."""
    handled = [turn.index for turn in turns if turn.stage is Stage.HANDLING]
    inside = range(handled[0], handled[-1] + 1) if handled else ()
    return tuple(
        replace(turn, stage=Stage.HANDLING) if turn.index in inside else turn for turn in turns
    )
