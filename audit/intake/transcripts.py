"""Ready transcripts: JSONL, one call a line, or other JSON, judged without audio."""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Annotated, BinaryIO, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from audit.errors import RejectReason, UsageError
from audit.intake import cells, turn_times
from audit.intake.manifests import (
    ID_WANTED,
    in_zone,
    is_header,
    is_id,
    is_year,
    time_zone,
    wait_s,
)
from audit.intake.recordings import Reject
from audit.language.encoding import text_of
from audit.language.intelligibility import is_loop, is_too_fast
from audit.language.text import simplify
from audit.reasons import Reason, because, verbatim
from audit.transcription.turns import with_backchannels
from audit.types import Call, Channels, Direction, Origin, Recording, Role, Span, Transcript, Turn

_T = TypeVar("_T")
_GAP = re.compile(r"[\s,]*")
_BETWEEN = re.compile(r"[\s,\[\]]*")
_BEGUN = re.compile(r"[-+.eE\d]*|tr?u?|fa?l?s?|nu?l?|Na?|In?f?i?n?i?t?|\\?u?[0-9a-fA-F]{0,3}")
"""What a line may end with that is cut within a number, a word of JSON or an escape."""
_COLUMN = re.compile(r"[\w-]{1,64}")
_MOST_FAST = 0.3
"""Share of turns with more text than can be said in their time from which the times are wrong."""
_LONGEST_S = 86_400.0  # a day: what is later is no time within a call but a time stamp
_SLACK_S = 0.1  # by which a turn's times may be off: rounding, and aligners' frames
_SLOWEST_S = 20.0  # a character, as the median of a call; at 20 a second it takes 50 milliseconds
_LONG_S = 1000.0
_HEAD_BYTES = 4096
_NO_TEXT = (
    b"RIFF",
    b"RF64",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"PAR1",
    b"PK\x03\x04",
    b"%PDF",
    b"\x1f\x8b",
)
_CONTROLS = bytes({*range(32)} - set(b"\t\n\v\f\r\x1a\x1b"))
_MOST_CONTROLS = 0.05
"""Share of control characters in a file's head from which it is no text."""

_AGENT = frozenset(
    {"agent", "operator", "representative", "rep", "csr", "customer service"}
    | {"客服", "客服人员", "客服代表", "客服专员", "坐席", "座席", "坐席人员", "座席人员"}
    | {"坐席员", "座席员", "话务员", "接线员"}
)
_CUSTOMER = frozenset({"customer", "client", "客户", "顾客", "客人", "用户"})
_UNKNOWN = frozenset({"unknown", "未知"})


def _seconds(value: object) -> object:
    """A time in seconds, as a number or as text; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("it must be a number of seconds")
    number = _meant(cells.seconds, value) if isinstance(value, str) else value
    if not -_SLACK_S <= number <= _LONGEST_S:  # and NaN
        raise ValueError(
            f"it is {value!r}; it must be seconds from the beginning of the call, from 0 to "
            f"{_LONGEST_S:.0f}, no milliseconds and no time of day"
        )
    return float(number)


def _meant(reader: Callable[[str], _T], text: str) -> _T:
    """What text means to a reader of :mod:`audit.intake.cells`; or why it means nothing."""
    try:
        return reader(text)
    except ValueError as error:
        raise ValueError(f"it is {text!r}; it must be {error}") from error


_Seconds = Annotated[float | None, BeforeValidator(_seconds)]


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Role
    text: str
    start_s: _Seconds = None
    end_s: _Seconds = None
    unread: tuple[str, ...] = ()
    """Keys that hold times of which nothing says what they count in."""

    @model_validator(mode="before")
    @classmethod
    def _by_other_names(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        turn, unread = turn_times.renamed(value)
        return {**turn, "unread": unread}

    @field_validator("role", mode="before")
    @classmethod
    def _is_known(cls, value: object) -> Role:
        plain = unicodedata.normalize("NFKC", simplify(value)) if isinstance(value, str) else ""
        plain = " ".join(re.split(r"[\s_-]+", re.sub(r"[\s_-]*\d*$", "", plain.strip().lower())))
        for names, role in (
            (_AGENT, Role.AGENT),
            (_CUSTOMER, Role.CUSTOMER),
            (_UNKNOWN, Role.UNKNOWN),
        ):
            if plain in names:
                return role
        raise ValueError(
            f"it is {value!r}; it must be agent (客服, 坐席), customer (客户, 用户), or unknown "
            "where it is not told"
        )

    @field_validator("text", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        return "" if value is None else value

    @model_validator(mode="after")
    def _both_times(self) -> _Turn:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s come together or not at all")
        if self.off_s > _SLACK_S:
            raise ValueError(
                f"end_s is before start_s ({self.end_s} and {self.start_s}); a turn ends after it "
                "starts"
            )
        return self

    @property
    def off_s(self) -> float:
        """By how much its times cannot be right."""
        if self.start_s is None or self.end_s is None:
            return 0.0
        return round(max(0.0, -self.start_s, -self.end_s, self.start_s - self.end_s), 3)

    @property
    def span(self) -> Span | None:
        """Its times, with what is slightly off put right."""
        if self.start_s is None or self.end_s is None:
            return None
        start_s = max(0.0, self.start_s)
        return Span(start_s, max(start_s, self.end_s))


class _Line(BaseModel):
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_strip_whitespace=True)

    call_id: str
    agent_id: str
    agent_name: str | None = None
    started_at: datetime | None = None
    direction: Direction | None = None
    rulebook: str | None = None
    answer_wait_s: float | None = None
    customer_vip: bool | None = None
    duration_s: Annotated[float, Field(ge=0)] | None = None
    turns: list[_Turn] = Field(min_length=1)

    @field_validator("duration_s", mode="before")
    @classmethod
    def _is_length(cls, value: object) -> object:
        return _seconds(value)

    @field_validator("started_at", "direction", "answer_wait_s", "customer_vip", mode="before")
    @classmethod
    def _is_told(cls, value: object, info: ValidationInfo) -> object:
        """What a manifest's cell may say, as JSON's own types or as text."""
        if value is None or value == "":
            return None
        if isinstance(value, bool) and info.field_name == "customer_vip":
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("it must be text or a number")
        text = str(value).strip()
        if info.field_name == "direction":
            return _meant(cells.direction, text)
        if info.field_name == "customer_vip":
            return _meant(cells.truth, text)
        if info.field_name == "answer_wait_s":
            return _meant(wait_s, text)
        moment = _meant(partial(cells.moment, zone=(info.context or {})["zone"]), text)
        if not is_year(moment.year):
            raise ValueError(f"it is {value!r}; it must be a time from 1990 to 2200")
        return moment

    @field_validator("call_id", "agent_id", mode="before")
    @classmethod
    def _is_whole(cls, value: object) -> object:
        """Numbers that passed through a table with gaps come as 2001.0, and gaps as NaN."""
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else "" if value != value else value
        return value

    @field_validator("call_id", "agent_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not is_id(value):
            raise ValueError(f"it must be {ID_WANTED}")
        return value

    @model_validator(mode="after")
    def _in_seconds(self) -> _Line:
        timed = [(turn.span, len(turn.text)) for turn in self.turns]
        slow = [span.duration_s / length for span, length in timed if span and length]
        last_s = max((span.end_s for span, _ in timed if span), default=0.0)
        told_s = self.duration_s or 0.0
        if (slow and median(slow) > _SLOWEST_S and last_s > _LONG_S) or (
            told_s > _LONG_S and 0 < last_s * 900 < told_s
        ):
            raise ValueError(
                f"its times (up to {max(last_s, told_s):.0f}) are those of milliseconds, not of "
                "seconds; divide them by 1000"
            )
        return self


@dataclass(frozen=True, slots=True)
class _Given:
    """What a file gives for a call: its place, its JSON, and what is wrong with that."""

    place: str
    text: str
    value: object = None
    problem: str | None = None


def read(path: Path, *, timezone: str, rulebooks: frozenset[str]) -> Iterator[Call | Reject]:
    """Read a file of transcripts, a line at a time.

    JSON that is no JSON Lines is read as a whole: a call, a list of calls, or ``{"calls": […]}``.
    Several calls on a line are read one after another.

    Args:
        path: JSONL in UTF-8, UTF-16 or GB 18030.
        timezone: whose clock tells a call's night; and of ``started_at`` values that name none;
            a call without any has the date of the file.
        rulebooks: ids that calls may name.

    Yields:
        A call for each line that is one, else a reject named ``FILE:LINE`` (``FILE:NUMBER`` of
        the call in JSON that is no JSON Lines, ``FILE:LINE.NUMBER`` of several on a line).

    Raises:
        UsageError: the file cannot be read, is empty, no text or a table, or there is no such time
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
        _check_kind(path, file.read(_HEAD_BYTES))
        file.seek(0)
        for given in _given(file):
            source = f"{_written(path.name)}:{given.place}"
            try:
                result = _read_call(given, source, written, zone, rulebooks)
            except Exception as error:  # no message: it may quote
                detail = f"reading the line failed with {type(error).__name__}; mend it or leave it"
                call_id = _id_of(given.value)
                result = Reject(source, RejectReason.CRASHED, detail, written.date(), call_id)
            if isinstance(result, Call) and result.recording.call_id in seen:
                yield Reject(
                    source,
                    RejectReason.DUPLICATE_CALL_ID,
                    f"call_id {result.recording.call_id!r} stands in the file twice; the first is "
                    "judged: give each call its own",
                    result.recording.audit_date,
                    result.recording.call_id,
                )
                continue
            if isinstance(result, Call):
                seen.add(result.recording.call_id)
            yield result


def _check_kind(path: Path, head: bytes) -> None:
    """Refuse what is plainly something else, by the first bytes of the file.

    Raises:
        UsageError: it is empty, no text, or a table.
    """
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head[:2].count(0) == 1
    if not head.strip():
        raise UsageError(f"transcripts {path} are empty; they need one call on each line, as JSON")
    controls = 0 if wide else len(head) - len(head.translate(None, _CONTROLS))
    if head.startswith(_NO_TEXT) or controls > _MOST_CONTROLS * len(head):
        raise UsageError(
            f"{path} is no text, and transcripts are JSON Lines; recordings are audited with "
            "callaudit run FOLDER"
        )
    try:
        lines = text_of(head[: len(head) // 2 * 2]) if wide else text_of(head.split(b"\n")[0])
    except UnicodeDecodeError:  # which the line's reject tells
        return
    if is_header(lines.strip().split("\n")[0]):
        raise UsageError(
            f"{path} is a table, and transcripts are JSON Lines; if it lists recordings, audit "
            f"them with callaudit run FOLDER --manifest {path}"
        )


def _given(file: BinaryIO) -> Iterator[_Given]:
    """The calls of a file, parsed."""
    lines = _lines(file)
    first, second = next(lines, None), next(lines, None)
    if first is not None and _is_document(first, second):
        file.seek(0)
        yield from _from_document(file.read())
        return
    yield from chain(filter(None, (first, second)), lines)


def _lines(file: BinaryIO) -> Iterator[_Given]:
    """Lines that are not blank, each parsed by itself."""
    head = file.read(2)
    file.seek(0)
    if head not in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} and head.count(0) != 1:
        yield from _parsed(file)
        return
    encoding = {b"\xff": "utf-16", b"\xfe": "utf-16", b"\0": "utf-16-be"}.get(head[:1], "utf-16-le")
    wide = io.TextIOWrapper(file, encoding, errors="replace")
    try:
        yield from _parsed(wide)
    finally:
        wide.detach()  # or it closes the file


def _parsed(raws: Iterable[bytes | str]) -> Iterator[_Given]:
    for number, raw in enumerate(raws, start=1):
        try:
            text = (raw if isinstance(raw, str) else text_of(raw)).strip()
        except UnicodeDecodeError:
            problem = (
                "the line holds bytes that are no text in UTF-8, UTF-16 or GB 18030; export it "
                "again as UTF-8"
            )
            yield _Given(str(number), "", problem=problem)
            continue
        if not text:
            continue
        try:
            yield _Given(str(number), text, json.loads(text.rstrip(",")))
        except (ValueError, RecursionError) as error:
            if several := _several(text):
                for place, (part, value) in enumerate(several, start=1):
                    yield _Given(f"{number}.{place}", part, value)
                continue
            yield _Given(str(number), text, problem=_problem(text.rstrip(","), error))


def _several(text: str) -> list[tuple[str, object]]:
    """The calls of a line that holds several, and nothing else; each with its text."""
    decoder = json.JSONDecoder()
    found: list[tuple[str, object]] = []
    at = 0
    while (at := _GAP.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append((text[at:end], value))
        at = end
    return found


def _problem(text: str, error: Exception) -> str:
    if _is_cut(text, error):
        return (
            "the line ends in the middle of a call, as if it had not been written to its end; "
            "export the file again"
        )
    return f"the line is no JSON that can be read: {_plainly(error)}"


def _plainly(error: Exception) -> str:
    """Why JSON cannot be read, without Python's advice to its programmers."""
    if isinstance(error, RecursionError):
        return "its brackets lie too deep in one another"
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return "it holds a number of some thousand digits"


def _is_cut(text: str, error: Exception) -> bool:
    """Whether text is JSON as far as it goes."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    unterminated = error.msg.startswith("Unterminated string")
    return unterminated or _BEGUN.fullmatch(text, error.pos) is not None


def _is_document(first: _Given, second: _Given | None) -> bool:
    """Whether a file's JSON goes over several lines, or holds several calls in its first."""
    if first.problem is None:
        return isinstance(first.value, list) or _listed(first.value) is not None
    if not first.text.startswith(("{", "[")):
        return False
    try:
        json.loads(first.text)
    except (ValueError, RecursionError) as error:
        if not _is_cut(first.text, error):
            return False
    whole = second is not None and isinstance(second.value, dict)
    return first.text.startswith("[") or first.text.endswith(("[", "{")) or not whole


def _listed(value: object) -> list[object] | None:
    """The calls of an object that lists them."""
    if isinstance(value, dict) and "turns" not in value and isinstance(value.get("calls"), list):
        return list(value["calls"])
    return None


def _from_document(blob: bytes) -> Iterator[_Given]:
    """The calls of JSON that is no JSON Lines, one after another as far as it can be read."""
    number, at = 0, 0
    try:
        text = text_of(blob)
    except UnicodeDecodeError:
        problem = (
            "the file holds bytes that are no text in UTF-8, UTF-16 or GB 18030; export it again "
            "as UTF-8"
        )
        yield _Given("1", "", problem=problem)
        return
    decoder = json.JSONDecoder()
    while (found := _BETWEEN.match(text, at)) and (at := found.end()) < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            cut = _is_cut(text.rstrip(), error)
            why = "the file ends within it; export it again" if cut else _plainly(error)
            problem = f"the call that begins in line {line}, and what follows, is no JSON ({why})"
            yield _Given(str(number + 1), "", problem=problem)
            return
        for call in [value] if (calls := _listed(value)) is None else calls:
            number += 1
            yield _Given(str(number), json.dumps(call, ensure_ascii=False), call)
    if number == 0:
        yield _Given("1", "", problem="the file holds no calls: not one {...} with turns")


def _read_call(
    given: _Given, source: str, written: datetime, zone: ZoneInfo, rulebooks: frozenset[str]
) -> Call | Reject:
    day = written.date()
    if given.problem is not None:
        return Reject(source, RejectReason.BAD_METADATA, given.problem, day)
    call_id = _id_of(given.value)
    if (names := _hidden_in(given.value)) is not None:
        said = (
            f"it has no turns itself, but calls under {names}; write the calls as a list "
            '[{...}, {...}], as {"calls": [...]}, or one on each line'
        )
        return Reject(source, RejectReason.BAD_METADATA, said, day, call_id)
    try:
        line = _Line.model_validate(given.value, context={"zone": zone})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the line"
        unnamed = place == "agent_id" and str(first["input"] or "").strip() in {"", "nan"}
        absent = place == "agent_id" and first["type"] == "missing"
        reason = RejectReason.NO_AGENT if unnamed or absent else RejectReason.BAD_METADATA
        nobody = reason is RejectReason.NO_AGENT
        said = "it is missing or empty; name the agent of the call" if nobody else _said(first)
        return Reject(source, reason, f"{place}: {said}", day, call_id)
    if line.rulebook and line.rulebook not in rulebooks:
        return Reject(
            source,
            RejectReason.UNKNOWN_RULEBOOK,
            f"there is no rulebook {line.rulebook!r}; choose one of {', '.join(sorted(rulebooks))}",
            day,
            call_id,
        )
    return Call(
        recording=Recording(
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
        ),
        transcript=_transcript(line, given.text),
    )


def _id_of(value: object) -> str | None:
    """The call's id as far as a line that is rejected tells it."""
    told = value.get("call_id") if isinstance(value, dict) else None
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    text = str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""
    return text if is_id(text) else None


def _hidden_in(value: object) -> str | None:
    """The first keys under which an object that is no call holds some; None if it holds none."""
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
    shown = ", ".join(repr(_written(name[:40])) for name in found[:3])
    return (shown + (", …" if len(found) > 3 else "")) if found else None


_SENTENCES = {
    "missing": "it is missing; every call needs it",
    "list_type": "it must be a list: [{...}, {...}]",
    "too_short": "it is empty; a call has one turn at least",
}


def _said(error: ErrorDetails) -> str:
    """What pydantic says of a value, in our words where it has none of use."""
    if error["type"] == "model_type":
        return "it must be a turn: {...}" if error["loc"] else "it must be a call: {...}"
    said = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    return _SENTENCES.get(error["type"], said)


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


def _transcript(line: _Line, text: str) -> Transcript:
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


def _doubts(line: _Line, last_s: float) -> Iterator[Reason]:
    unread = list(dict.fromkeys(_written(name) for turn in line.turns for name in turn.unread))
    if unread:
        yield because("transcript.times_unread", fields=tuple(map(verbatim, unread[:4])))
    off = [turn.off_s for turn in line.turns if turn.off_s]
    if off:
        yield because("transcript.times_corrected", count=len(off), most_s=max(off))
    if line.duration_s is not None and last_s - line.duration_s > _SLACK_S:
        yield because("transcript.duration_short", duration_s=line.duration_s, last_s=last_s)


def _with_seconds(turns: list[_Turn]) -> Iterator[tuple[_Turn, Span | None, float | None]]:
    """Turns with their times and lengths; no lengths where many are too short for their words."""
    timed = [(turn, turn.span) for turn in turns]
    fast = sum(span is not None and is_too_fast(t.text, span.duration_s) for t, span in timed)
    told = fast <= _MOST_FAST * len(turns)
    for turn, span in timed:
        yield turn, span, span.duration_s if told and span else None


def _in_order(turns: list[_Turn]) -> list[_Turn]:
    """Turns by their start where all tell it, else as written."""
    starts = [span.start_s for turn in turns if (span := turn.span)]
    if len(starts) < len(turns):
        return turns
    return [turns[i] for i in sorted(range(len(turns)), key=starts.__getitem__)]
