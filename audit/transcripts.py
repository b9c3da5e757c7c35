"""Ready transcripts: JSONL, one call a line, judged without audio."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.errors import RejectReason, UsageError
from audit.manifests import ID_WANTED, is_id, is_year, time_zone
from audit.recordings import Reject
from audit.text import simplify
from audit.turns import with_backchannels
from audit.types import Call, Channels, Direction, Origin, Recording, Role, Span, Transcript, Turn

_COLUMN = re.compile(r"[\w-]{1,64}")
_LONGEST_S = 86_400.0  # a day: what is later is no time within a call but a time stamp


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["agent", "customer", "unknown"]
    text: str
    start_s: float | None = Field(None, ge=0, le=_LONGEST_S, allow_inf_nan=False)
    end_s: float | None = Field(None, ge=0, le=_LONGEST_S, allow_inf_nan=False)

    @model_validator(mode="after")
    def _both_times(self) -> _Turn:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s come together or not at all")
        if self.start_s is not None and self.end_s is not None and self.end_s < self.start_s:
            raise ValueError("end_s is before start_s")
        return self


class _Line(BaseModel):
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_strip_whitespace=True)

    call_id: str
    agent_id: str
    agent_name: str | None = None
    started_at: datetime | None = None
    direction: Direction | None = None
    rulebook: str | None = None
    answer_wait_s: float | None = Field(None, ge=0, allow_inf_nan=False)
    customer_vip: bool | None = None
    duration_s: float | None = Field(None, ge=0, le=_LONGEST_S, allow_inf_nan=False)
    turns: list[_Turn] = Field(min_length=1)

    @field_validator("answer_wait_s", "customer_vip", mode="before")
    @classmethod
    def _is_told(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("call_id", "agent_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not is_id(value):
            raise ValueError(f"it must be {ID_WANTED}")
        return value

    @field_validator("started_at")
    @classmethod
    def _is_recent(cls, value: datetime | None) -> datetime | None:
        if value is not None and not is_year(value.year):
            raise ValueError("it must be a time such as 2026-11-09T09:02:00+08:00")
        return value


def read(path: Path, *, timezone: str, rulebooks: frozenset[str]) -> Iterator[Call | Reject]:
    """Read a file of transcripts.

    Args:
        path: JSONL.
        timezone: of ``started_at`` values that name none; a call without any has the date
            of the file.
        rulebooks: ids that calls may name.

    Yields:
        A call for each line that is one, else a reject named ``FILE:LINE``.

    Raises:
        UsageError: the file cannot be read, or there is no such time zone.
    """
    zone = time_zone(timezone)
    seen: set[str] = set()
    try:
        file = path.open("rb")
        written = datetime.fromtimestamp(path.stat().st_mtime, zone)
    except OSError as error:
        raise UsageError(f"transcripts {path} cannot be read: {error.strerror}") from error
    with file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            source = f"{_written(path.name)}:{number}"
            try:
                result = _read_line(raw, source, written, rulebooks)
            except Exception as error:  # no message: it may quote
                detail = f"reading the line failed with {type(error).__name__}; mend it or leave it"
                result = Reject(source, RejectReason.CRASHED, detail, written.date())
            if isinstance(result, Call) and result.recording.call_id in seen:
                yield Reject(
                    source,
                    RejectReason.DUPLICATE_CALL_ID,
                    f"call_id {result.recording.call_id!r} stands in the file twice",
                    result.recording.audit_date,
                )
                continue
            if isinstance(result, Call):
                seen.add(result.recording.call_id)
            yield result


def _read_line(
    raw: bytes, source: str, written: datetime, rulebooks: frozenset[str]
) -> Call | Reject:
    day = written.date()
    try:
        line = _Line.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the line"
        unnamed = place == "agent_id" and not str(first["input"] or "").strip()
        absent = place == "agent_id" and first["type"] == "missing"
        reason = RejectReason.NO_AGENT if unnamed or absent else RejectReason.BAD_METADATA
        said = (
            "it must be a call: {...}"
            if first["type"] == "model_type" and not first["loc"]
            else first["msg"]
        )
        return Reject(source, reason, f"{place}: {said}", day)
    except (ValueError, RecursionError) as error:
        return Reject(source, RejectReason.BAD_METADATA, f"the line is no JSON ({error})", day)
    if line.rulebook and line.rulebook not in rulebooks:
        return Reject(
            source, RejectReason.UNKNOWN_RULEBOOK, f"there is no rulebook {line.rulebook!r}", day
        )
    started = line.started_at or datetime.combine(day, time(), written.tzinfo)
    return Call(
        recording=Recording(
            source_file=source,
            call_id=line.call_id,
            agent_id=line.agent_id,
            started_at=started if started.tzinfo else started.replace(tzinfo=written.tzinfo),
            agent_name=line.agent_name,
            direction=line.direction,
            rulebook_id=line.rulebook or None,
            answer_wait_s=line.answer_wait_s,
            customer_vip=line.customer_vip,
            meta={
                f"meta_{name}": _cell(value)
                for name, value in (line.model_extra or {}).items()
                if isinstance(value, str | int | float | bool) and _COLUMN.fullmatch(name)
            },
        ),
        transcript=_transcript(line, raw),
    )


def _cell(value: str | float) -> str:
    """A column of one's own as a manifest would have it; what is no number is empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return _written(str(value))


def _written(text: str) -> str:
    """Text that files can hold: what is no character becomes ``?``."""
    return text.encode("utf-8", "replace").decode()


def _transcript(line: _Line, raw: bytes) -> Transcript:
    turns = with_backchannels(
        [
            Turn(
                index=index,
                role=Role(turn.role),
                text=simplify(turn.text),
                start_s=turn.start_s,
                end_s=turn.end_s,
                speech=(Span(turn.start_s, turn.end_s),)
                if turn.start_s is not None and turn.end_s is not None
                else (),
            )
            for index, turn in enumerate(_in_order(line.turns))
        ]
    )
    ends = [turn.end_s for turn in turns if turn.end_s is not None]
    spoken_s = max(ends) if len(ends) == len(turns) else None
    return Transcript(
        turns=turns,
        channels=Channels.TEXT,
        origin=Origin(hashlib.sha256(raw.strip()).hexdigest(), None, None, None),
        duration_s=spoken_s if line.duration_s is None else max(line.duration_s, *ends, 0.0),
    )


def _in_order(turns: list[_Turn]) -> list[_Turn]:
    """Turns by their start where all tell it, else as written."""
    starts = [turn.start_s for turn in turns if turn.start_s is not None]
    if len(starts) < len(turns):
        return turns
    return [turns[i] for i in sorted(range(len(turns)), key=starts.__getitem__)]
