"""Labelled calls: what was said and what should be found, for evaluation and for training.

The format is described in ``docs/inputs.md``. This is its only reader.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.types import Role, Span, Stage

_T = TypeVar("_T")
_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER, **{str(role): role for role in Role}}
_STAGES = {stage[0].upper(): stage for stage in Stage} | {str(stage): stage for stage in Stage}


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A turn as a person labelled it.

    Attributes:
        role: who speaks.
        text: what is said.
        stage: the stage of the call that it belongs to.
        span: when, in seconds on the recording's clock; None where the times are not known.
        greeting: the greeting elements said (``hello``, ``org``, ``id``, ``offer``).
        interrupts: whether it interrupts the other speaker.
        forbidden: the clause that its wording violates.
        is_backchannel: whether it is a backchannel, such as 嗯.
    """

    role: Role
    text: str
    stage: Stage
    span: Span | None = None
    greeting: tuple[str, ...] = ()
    interrupts: bool = False
    forbidden: str | None = None
    is_backchannel: bool = False


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A call with its labels: its turns, or ``fails``, the checks that must fail on it.

    ``call_id`` is None where none is given, which training does not need. ``turns`` is empty where
    ``fails`` is given.
    """

    call_id: str | None
    turns: tuple[LabelledTurn, ...] = ()
    fails: frozenset[str] | None = None


def read_for_training(place: Path) -> list[LabelledCall]:
    """Read labelled calls, each with its turns.

    Args:
        place: a JSONL file with one call per line, or a folder of JSON files.

    Raises:
        UsageError: there are none, or one is not valid; the message names it.
    """
    return _read(place, parse)


def read_for_evaluation(place: Path) -> list[LabelledCall]:
    """Read the calls that an audit is to be compared with.

    Either all of them have ``fails``, or all have turns with times and with known speakers.

    Args:
        place: a JSONL file with one call per line, or a folder of JSON files.

    Raises:
        UsageError: there are none, or one is not valid; the message names it.
    """
    calls = _read(place, _parse_truth)
    by_check = sum(call.fails is not None for call in calls)
    if by_check not in (0, len(calls)):
        raise UsageError(
            f"{by_check} of the {len(calls)} calls in {place} are labelled with fails, the others "
            "with turns; put them in two places and evaluate each"
        )
    return calls


def parse(data: object) -> LabelledCall:
    """Read one labelled call with its turns from JSON data.

    Raises:
        ValueError: it is not valid; the message says why.
    """
    call = _object(data, "the call")
    turns = call.get("turns")
    if not isinstance(turns, list):
        raise ValueError("turns is missing or not a list")
    if not turns:
        raise ValueError("it has no turns")
    call_id = call.get("call_id")
    return LabelledCall(
        call_id=None if call_id is None else str(call_id),
        turns=tuple(_turn(turn, f"turn {number}") for number, turn in enumerate(turns)),
    )


def _parse_truth(data: object) -> LabelledCall:
    call = _object(data, "the call")
    if call.get("call_id") is None:
        raise ValueError("call_id is missing")
    if "fails" in call:
        return LabelledCall(str(call["call_id"]), fails=frozenset(_strings(call["fails"], "fails")))
    labelled = parse(call)
    for number, turn in enumerate(labelled.turns):
        if turn.span is None:
            raise ValueError(f"turn {number} has no start and end")
        if turn.role is Role.UNKNOWN:
            raise ValueError(f"the role of turn {number} is unknown; it must be A or C")
    return labelled


def _read(place: Path, parser: Callable[[object], LabelledCall]) -> list[LabelledCall]:
    if not place.exists():
        raise UsageError(f"labelled calls {place} do not exist; check the path")
    calls = []
    for where, text in _files(place) if place.is_dir() else _lines(place):
        try:
            calls.append(parser(json.loads(text)))
        except (ValueError, RecursionError) as error:
            problem = f"not JSON, {error}" if isinstance(error, json.JSONDecodeError) else error
            raise UsageError(
                f"{where} is not a valid labelled call ({problem}); see labelled calls in "
                "docs/inputs.md"
            ) from error
    if not calls:
        raise UsageError(
            f"{place} holds no labelled calls; they are lines of a JSONL file, or files of a "
            "folder that end in .json"
        )
    return calls


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    return ((str(path), _text(path)) for path in sorted(folder.glob("*.json")))


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    lines = enumerate(_text(file).split("\n"), start=1)
    return ((f"{file}, line {number}", line) for number, line in lines if line.strip())


def _text(file: Path) -> str:
    try:
        return text_of(file.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"labelled calls {file} cannot be read: {error}") from error


def _turn(data: object, name: str) -> LabelledTurn:
    turn = _object(data, name)
    text, forbidden = turn.get("text"), turn.get("forbidden")
    if not isinstance(text, str):
        raise ValueError(f"the text of {name} is missing or not a string")
    if not isinstance(forbidden, str | None):
        raise ValueError(f"forbidden of {name} is {forbidden!r}; it must be the id of a clause")
    return LabelledTurn(
        role=_one_of(_ROLES, turn, "role", name),
        text=text,
        stage=_one_of(_STAGES, turn, "segment", name),
        span=_span(turn, name),
        greeting=_strings(turn.get("greeting", []), f"greeting of {name}"),
        interrupts=bool(turn.get("interrupts")),
        forbidden=forbidden,
        is_backchannel=bool(turn.get("backchannel")),
    )


def _object(data: object, name: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{name} is not a JSON object")
    return data


def _one_of(known: Mapping[str, _T], turn: Mapping[str, Any], key: str, name: str) -> _T:
    value = turn.get(key)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{key} of {name} is {value!r}; it must be one of {', '.join(known)}")
    return known[value]


def _strings(data: object, name: str) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
        raise ValueError(f"{name} is not a list of strings")
    return tuple(data)


def _span(turn: Mapping[str, Any], name: str) -> Span | None:
    start, end = (turn.get(f"{key}_s", turn.get(key)) for key in ("start", "end"))
    if start is None or end is None:
        return None
    try:
        span = Span(float(start), float(end))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} lasts from {start!r} to {end!r}, not numbers") from error
    if not (math.isfinite(span.end_s) and 0 <= span.start_s <= span.end_s):
        raise ValueError(f"{name} lasts from {start} to {end}")
    return span
