"""Labelled calls from files: the truth form of ``callaudit evaluate``, or transcripts.

A call is a JSON object with ``turns``, each with ``role`` (A, C, agent, customer or unknown),
``text``, ``segment`` (G, H, C or greeting, handling, closing) and, if known, its times (``start``
and ``end``, or ``start_s`` and ``end_s``, in seconds).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.types import Role, Span, Stage, Turn

OWN = "own"
"""Domain of calls that a user has labelled."""

_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER, **{str(role): role for role in Role}}
_STAGES = {stage[0].upper(): stage for stage in Stage} | {str(stage): stage for stage in Stage}


def read(place: Path) -> list[tuple[Turn, ...]]:
    """Read labelled calls: a JSONL file with one a line, or a folder of JSON files.

    Raises:
        UsageError: there are none, or one is not as it should be; the message names it.
    """
    calls = [
        _call(text, where) for where, text in (_files(place) if place.is_dir() else _lines(place))
    ]
    if not calls:
        raise UsageError(f"{place} holds no labelled calls; a folder's are files that end in .json")
    return calls


def _files(folder: Path) -> list[tuple[str, str]]:
    return [(str(path), _text(path)) for path in sorted(folder.glob("*.json"))]


def _lines(file: Path) -> list[tuple[str, str]]:
    lines = enumerate(_text(file).splitlines(), start=1)
    return [(f"{file}, line {number}", line) for number, line in lines if line.strip()]


def _text(file: Path) -> str:
    try:
        return text_of(file.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"labelled calls {file} do not exist; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"labelled calls {file} cannot be read: {error}") from error


def _call(text: str, where: str) -> tuple[Turn, ...]:
    try:
        call = json.loads(text)
        turns = tuple(_turn(number, turn) for number, turn in enumerate(call["turns"]))
        if not turns:
            raise ValueError("it has no turns")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = f"{error.args[0]} is missing or unknown" if isinstance(error, KeyError) else error
        raise UsageError(
            f"{where} is no labelled call ({problem}); it needs turns with role, text and segment "
            "(G, H or C), see docs/configuration.md"
        ) from error
    return _in_order(turns)


def _in_order(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """All from the first turn of handling to the last is handling: a closing may be reopened."""
    handled = [turn.index for turn in turns if turn.stage is Stage.HANDLING]
    inside = range(handled[0], handled[-1] + 1) if handled else ()
    return tuple(
        replace(turn, stage=Stage.HANDLING) if turn.index in inside else turn for turn in turns
    )


def _turn(number: int, turn: Mapping[str, Any]) -> Turn:
    times = _times(turn)
    if not isinstance(turn["text"], str):
        raise ValueError(f"the text of turn {number} is no text")
    return Turn(
        number,
        _ROLES[turn["role"]],
        turn["text"],
        start_s=times.start_s if times else None,
        end_s=times.end_s if times else None,
        speech=(times,) if times else (),
        stage=_STAGES[turn["segment"]],
    )


def _times(turn: Mapping[str, Any]) -> Span | None:
    start, end = (turn.get(f"{name}_s", turn.get(name)) for name in ("start", "end"))
    if start is None or end is None:
        return None
    span = Span(float(start), float(end))
    if not (math.isfinite(span.end_s) and 0 <= span.start_s <= span.end_s):
        raise ValueError(f"a turn lasts from {start} to {end}")
    return span
