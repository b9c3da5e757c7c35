"""Ready transcripts: JSONL, one call a line, judged without audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from audit.errors import RejectReason, UsageError
from audit.recordings import Reject
from audit.text import simplify
from audit.types import Call, Channels, Direction, Origin, Recording, Role, Span, Transcript, Turn


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["agent", "customer"]
    text: str
    start_s: float | None = Field(None, ge=0)
    end_s: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _both_times(self) -> _Turn:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s come together or not at all")
        if self.start_s is not None and self.end_s is not None and self.end_s < self.start_s:
            raise ValueError("end_s is before start_s")
        return self


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    call_id: str = Field(min_length=1, max_length=60)
    agent_id: str = Field(min_length=1, max_length=60)
    agent_name: str | None = None
    started_at: datetime | None = None
    direction: Direction | None = None
    rulebook: str | None = None
    turns: list[_Turn]


def read(path: Path, *, timezone: str, rulebooks: frozenset[str]) -> Iterator[Call | Reject]:
    """Read a file of transcripts.

    Args:
        path: JSONL.
        timezone: of ``started_at`` values that name none.
        rulebooks: ids that calls may name.

    Yields:
        A call for each line that is one, else a reject named ``FILE:LINE``.

    Raises:
        UsageError: the file cannot be read.
    """
    zone = ZoneInfo(timezone)
    seen: set[str] = set()
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"transcripts {path} cannot be read: {error.strerror}") from error
    with file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            source = f"{path.name}:{number}"
            result = _read_line(raw, source, zone, rulebooks)
            if isinstance(result, Call) and result.recording.call_id in seen:
                yield _reject(
                    source,
                    RejectReason.DUPLICATE_CALL_ID,
                    f"call_id {result.recording.call_id!r} stands in the file twice",
                    zone,
                )
                continue
            if isinstance(result, Call):
                seen.add(result.recording.call_id)
            yield result


def _read_line(raw: bytes, source: str, zone: ZoneInfo, rulebooks: frozenset[str]) -> Call | Reject:
    try:
        line = _Line.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = RejectReason.NO_AGENT if place == "agent_id" else RejectReason.BAD_METADATA
        return _reject(source, reason, f"{place}: {first['msg']}", zone)
    except ValueError as error:
        return _reject(source, RejectReason.BAD_METADATA, f"the line is no JSON ({error})", zone)
    if line.rulebook is not None and line.rulebook not in rulebooks:
        return _reject(
            source, RejectReason.UNKNOWN_RULEBOOK, f"there is no rulebook {line.rulebook!r}", zone
        )
    started = line.started_at or datetime.now(zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return Call(
        recording=Recording(
            source_file=source,
            call_id=line.call_id,
            agent_id=line.agent_id,
            started_at=started if started.tzinfo else started.replace(tzinfo=zone),
            agent_name=line.agent_name,
            direction=line.direction,
            rulebook_id=line.rulebook,
        ),
        transcript=_transcript(line, raw),
    )


def _transcript(line: _Line, raw: bytes) -> Transcript:
    turns = tuple(
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
        for index, turn in enumerate(line.turns)
    )
    ends = [turn.end_s for turn in turns]
    return Transcript(
        turns=turns,
        channels=Channels.TEXT,
        origin=Origin(hashlib.sha256(raw.strip()).hexdigest(), None, None, None),
        duration_s=max((e for e in ends if e is not None), default=None)
        if all(e is not None for e in ends)
        else None,
    )


def _reject(source: str, reason: RejectReason, detail: str, zone: ZoneInfo) -> Reject:
    today: date = datetime.now(zone).date()
    return Reject(source, reason, detail, today)
