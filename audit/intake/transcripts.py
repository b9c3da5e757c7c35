"""Ready transcripts: JSONL with one call per line, or other JSON, audited without audio."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from audit.errors import RejectReason, UsageError
from audit.intake.manifests import in_zone, is_id, time_zone
from audit.intake.recordings import Reject
from audit.intake.transcript_files import HEAD_BYTES, GivenCall, check_kind, given_calls
from audit.intake.transcript_schema import TIME_TOLERANCE_S, GivenLine, GivenTurn, problem_of
from audit.language.intelligibility import is_loop, is_too_fast
from audit.language.text import simplify
from audit.reasons import Reason, because, verbatim
from audit.transcription.turns import with_backchannels
from audit.types import Call, Channels, Origin, Recording, Span, Transcript, Turn

_COLUMN = re.compile(r"[\w-]{1,64}")
_TOO_FAST_MAX_SHARE = 0.3
"""Maximum share of turns that are too short for their text; above it, the times are wrong."""


def read(path: Path, *, timezone: str, rulebooks: frozenset[str]) -> Iterator[Call | Reject]:
    """Read a file of transcripts, a line at a time.

    JSON that is not JSON Lines is read as a whole: a call, a list of calls, or ``{"calls": […]}``.
    Several calls on a line are read one after another.

    Args:
        path: JSONL in UTF-8, UTF-16 or GB 18030.
        timezone: whose clock decides a call's night; and of ``started_at`` values that name none;
            a call without any has the date of the file.
        rulebooks: ids that calls may name.

    Yields:
        A call for each line that is one, else a reject named ``FILE:LINE`` (``FILE:NUMBER`` of
        the call in JSON that is not JSON Lines, ``FILE:LINE.NUMBER`` of several on a line).

    Raises:
        UsageError: the file cannot be read, is empty, not text or a table, or there is no such time
            zone.
    """
    zone = time_zone(timezone)
    seen: set[str] = set()
    try:
        file = path.open("rb")
        written = datetime.fromtimestamp(path.stat().st_mtime, zone)
    except FileNotFoundError as error:
        raise UsageError(f"transcripts {path} do not exist; check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"transcripts {path} is a folder; name a file in it") from error
    except OSError as error:
        raise UsageError(f"transcripts {path} cannot be read: {error.strerror}") from error
    with file:
        check_kind(path, file.read(HEAD_BYTES))
        file.seek(0)
        for given in given_calls(file):
            source = f"{_encodable(path.name)}:{given.place}"
            try:
                result = _read_call(given, source, written, zone, rulebooks)
            except Exception as error:  # no message: it may quote
                detail = f"reading the line failed with {type(error).__name__}; fix it or remove it"
                call_id = _id_of(given.value)
                result = Reject(source, RejectReason.CRASHED, detail, written.date(), call_id)
            if isinstance(result, Call) and result.recording.call_id in seen:
                yield Reject(
                    source,
                    RejectReason.DUPLICATE_CALL_ID,
                    f"call_id {result.recording.call_id!r} occurs twice in the file and only the "
                    "first call is audited; give each call its own",
                    result.recording.audit_date,
                    result.recording.call_id,
                )
                continue
            if isinstance(result, Call):
                seen.add(result.recording.call_id)
            yield result


def _read_call(
    given: GivenCall, source: str, written: datetime, zone: ZoneInfo, rulebooks: frozenset[str]
) -> Call | Reject:
    day = written.date()
    if given.problem is not None:
        return Reject(source, RejectReason.BAD_METADATA, given.problem, day)
    call_id = _id_of(given.value)
    if (names := _nested_calls(given.value)) is not None:
        detail = (
            f"it has no turns itself, but calls under {names}; write the calls as a list "
            '[{...}, {...}], as {"calls": [...]}, or one on each line'
        )
        return Reject(source, RejectReason.BAD_METADATA, detail, day, call_id)
    try:
        line = GivenLine.model_validate(given.value, context={"zone": zone})
    except ValidationError as error:
        return _invalid(error.errors()[0], source, day, call_id)
    if line.rulebook and line.rulebook not in rulebooks:
        return Reject(
            source,
            RejectReason.UNKNOWN_RULEBOOK,
            f"there is no rulebook {line.rulebook!r}; choose one of {', '.join(sorted(rulebooks))}",
            day,
            call_id,
        )
    return Call(_recording(line, source, day, zone), _transcript(line, given.text))


def _invalid(problem: ErrorDetails, source: str, day: date, call_id: str | None) -> Reject:
    """The reject of a line in which a field is missing or wrong."""
    place = ".".join(str(part) for part in problem["loc"]) or "the line"
    unnamed = str(problem["input"] or "").strip() in {"", "nan"} or problem["type"] == "missing"
    if place == "agent_id" and unnamed:
        detail = f"{place}: it is missing or empty; name the agent of the call"
        return Reject(source, RejectReason.NO_AGENT, detail, day, call_id)
    detail = f"{place}: {problem_of(problem)}"
    return Reject(source, RejectReason.BAD_METADATA, detail, day, call_id)


def _recording(line: GivenLine, source: str, day: date, zone: ZoneInfo) -> Recording:
    """What a line says of its call; ``day`` is the date of calls without any."""
    return Recording(
        source_file=source,
        call_id=line.call_id,
        agent_id=line.agent_id,
        started_at=in_zone(line.started_at or datetime.combine(day, time()), zone),
        agent_name=line.agent_name or None,
        direction=line.direction,
        rulebook_id=line.rulebook or None,
        answer_wait_s=line.answer_wait_s,
        customer_vip=line.customer_vip,
        meta={
            f"meta_{name}": _cell(value)
            for name, value in (line.model_extra or {}).items()
            if isinstance(value, str | int | float | bool) and _COLUMN.fullmatch(name)
        },
    )


def _id_of(value: object) -> str | None:
    """The call's id as far as a rejected line has it."""
    given = value.get("call_id") if isinstance(value, dict) else None
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    text = ""
    if isinstance(given, str | int) and not isinstance(given, bool):
        text = str(given).strip()
    return text if is_id(text) else None


def _nested_calls(value: object) -> str | None:
    """The first keys under which an object that is not a call holds some; None if it holds none."""
    if not isinstance(value, dict) or "turns" in value:
        return None
    found = [
        str(name)
        for name, held in value.items()
        if any(
            isinstance(one, dict) and "turns" in one
            for one in (held if isinstance(held, list) else [held])
        )
    ]
    shown = ", ".join(repr(_encodable(name[:40])) for name in found[:3])
    return (shown + (", …" if len(found) > 3 else "")) if found else None


def _cell(value: str | float) -> str:
    """A custom column as a manifest would have it; NaN and infinity are empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return _encodable(str(value))


def _encodable(text: str) -> str:
    """Text that can be encoded: invalid characters become ``?``."""
    return text.encode("utf-8", "replace").decode()


def _transcript(line: GivenLine, text: str) -> Transcript:
    turns = with_backchannels(
        [
            Turn(
                index=index,
                role=turn.role,
                text=simplify(turn.text),
                start_s=span.start_s if span else None,
                end_s=span.end_s if span else None,
                speech=(span,) if span else (),
                unintelligible=is_loop(turn.text, seconds),
            )
            for index, (turn, span, seconds) in enumerate(_with_seconds(_in_order(line.turns)))
        ]
    )
    ends = [turn.end_s for turn in turns if turn.end_s is not None]
    spoken_s = max(ends) if len(ends) == len(turns) else None
    return Transcript(
        turns=turns,
        channels=Channels.TEXT,
        origin=Origin(hashlib.sha256(_bytes(text)).hexdigest(), None, None, None),
        duration_s=spoken_s if line.duration_s is None else max(line.duration_s, *ends, 0.0),
        doubts=tuple(_doubts(line, max(ends, default=0.0))),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _doubts(line: GivenLine, last_s: float) -> Iterator[Reason]:
    unread = list(dict.fromkeys(_encodable(name) for turn in line.turns for name in turn.unread))
    if unread:
        yield because("transcript.times_unread", fields=tuple(map(verbatim, unread[:4])))
    off = [turn.off_s for turn in line.turns if turn.off_s]
    if off:
        yield because("transcript.times_corrected", count=len(off), most_s=max(off))
    if line.duration_s is not None and last_s - line.duration_s > TIME_TOLERANCE_S:
        yield because("transcript.duration_short", duration_s=line.duration_s, last_s=last_s)


def _with_seconds(turns: list[GivenTurn]) -> Iterator[tuple[GivenTurn, Span | None, float | None]]:
    """Turns with their times and lengths; no lengths where many are too short for their words."""
    timed = [(turn, turn.span) for turn in turns]
    fast = sum(span is not None and is_too_fast(t.text, span.duration_s) for t, span in timed)
    plausible = fast <= _TOO_FAST_MAX_SHARE * len(turns)
    for turn, span in timed:
        yield turn, span, span.duration_s if plausible and span else None


def _in_order(turns: list[GivenTurn]) -> list[GivenTurn]:
    """Turns by their start where all have one, else as written."""
    starts = [span.start_s for turn in turns if (span := turn.span)]
    if len(starts) < len(turns):
        return turns
    return [turns[i] for i in sorted(range(len(turns)), key=starts.__getitem__)]
