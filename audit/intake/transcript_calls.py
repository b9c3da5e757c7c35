"""Calls of ready transcripts: a line of ours, or a vendor's JSON, and what a manifest adds."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from audit.errors import RejectedRecording, RejectReason
from audit.intake import file_names, manifests
from audit.intake.foreign import transcript as foreign
from audit.intake.foreign.fields import Unreadable
from audit.intake.foreign.line import ForeignLine
from audit.intake.foreign.speakers import RoleTerms, Stated
from audit.intake.foreign.vendors import Vendor, vendor_of
from audit.intake.manifests import is_id
from audit.intake.recordings import Reject
from audit.intake.time_formats import in_zone
from audit.intake.transcript_files import GivenCall
from audit.intake.transcript_manifest import Listed, TranscriptManifest
from audit.intake.transcript_schema import TIME_TOLERANCE_S, GivenLine, GivenTurn, problem_of
from audit.language.intelligibility import is_loop, is_too_fast
from audit.language.text import simplify
from audit.privacy.customers import CustomerHash
from audit.reasons import Reason, because, verbatim
from audit.transcription.turns import mean_confidence, with_backchannels
from audit.types import Call, Channels, Origin, Recording, Span, Transcript, Turn

_COLUMN = re.compile(r"[\w-]{1,64}")
_TOO_FAST_MAX_SHARE = 0.3
"""Maximum share of turns that are too short for their text; above it, the times are wrong."""


@dataclass(frozen=True, slots=True)
class Terms:
    """By what calls are read; see :func:`audit.intake.transcripts.read_all`."""

    zone: ZoneInfo
    rulebooks: frozenset[str]
    manifest: TranscriptManifest | None
    roles: RoleTerms | None
    customer: CustomerHash


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is.

    Attributes:
        file: the name of its file, below the folder that all files are in.
        source: its own name in the tables.
        written: when the file was written.
        is_only: whether nothing else is in the file.
    """

    file: str
    source: str
    written: datetime
    is_only: bool


def read_call(given: GivenCall, place: Place, terms: Terms) -> Call | Reject:
    """The call that JSON means, or why it is none."""
    call_id = _id_of(given.value)
    try:
        vendor = vendor_of(given.value)
        if vendor is not None:
            return _of_vendor(vendor, given, place, terms)
        file = place.file if place.is_only and given.problem else None
        listed = terms.manifest.of(call_id, file) if terms.manifest else None
        if given.problem is not None:
            raise RejectedRecording(RejectReason.BAD_METADATA, given.problem)
        return _ours(given, place, listed, terms)
    except RejectedRecording as rejected:
        reason, detail = rejected.reason, encodable(rejected.detail)
    except Exception as error:  # no message: it may quote
        reason = RejectReason.CRASHED
        detail = f"reading the line failed with {type(error).__name__}; fix it or remove it"
    return Reject(place.source, reason, detail, place.written.date(), call_id)


def _ours(given: GivenCall, place: Place, listed: Listed | None, terms: Terms) -> Call:
    if (names := _nested_calls(given.value)) is not None:
        raise RejectedRecording(
            RejectReason.BAD_METADATA,
            f"it has no turns itself, but calls under {names}; write the calls as a list "
            '[{...}, {...}], as {"calls": [...]}, or one on each line',
        )
    value = given.value
    if listed is not None and isinstance(value, dict) and value.get("agent_id") in (None, ""):
        value = {**value, "agent_id": listed.recording.agent_id}
    try:
        line = GivenLine.model_validate(value, context={"zone": terms.zone})
    except ValidationError as error:
        raise _invalid(error.errors()[0]) from error
    recording = _completed(_recording(line, place, terms), line, listed)
    return Call(_with_rulebook(recording, terms), _transcript(line, _unnamed(line, given.text)))


def _unnamed(line: GivenLine, text: str) -> str:
    """The call's text without its customer's number, which the hash of it would give away."""
    return text.replace(line.customer_key, "") if line.customer_key else text


def _of_vendor(vendor: Vendor, given: GivenCall, place: Place, terms: Terms) -> Call | Reject:
    """The call of a vendor's JSON, or why it is none.

    It is named as the manifest or its file's name says, as the vendor names it, or as its file.
    """
    assert isinstance(given.value, dict)  # or no vendor's
    call_id = vendor.name_of(given.value) or _numbered(given, place)
    try:
        listed = None
        if terms.manifest is not None:
            listed = terms.manifest.of(call_id, place.file if place.is_only else None)
        listed = listed or _by_name(call_id, place, terms)
        if listed is not None and listed.has_call_id:
            call_id = listed.recording.call_id
        return _vendor_call(vendor, given, call_id, listed, place, terms)
    except ValidationError as error:
        rejected = _invalid(error.errors()[0])
    except Unreadable as error:
        detail = f"it looks like a transcript of {vendor.ENGINE}, but {error}"
        rejected = RejectedRecording(RejectReason.BAD_METADATA, detail)
    except RejectedRecording as error:
        rejected = error
    known = call_id if is_id(call_id) else None
    day = place.written.date()
    return Reject(place.source, rejected.reason, encodable(rejected.detail), day, known)


def _vendor_call(
    vendor: Vendor,
    given: GivenCall,
    call_id: str,
    listed: Listed | None,
    place: Place,
    terms: Terms,
) -> Call:
    assert isinstance(given.value, dict)  # or no vendor's
    value = vendor.read(given.value)
    agent_id = listed.recording.agent_id if listed else value.get("agent_id")
    if agent_id is None:
        raise _no_agent(vendor, place, terms)
    line = ForeignLine.model_validate(
        {**value, "call_id": call_id, "agent_id": agent_id}, context={"zone": terms.zone}
    )
    recording = _completed(_recording(line, place, terms), line, listed)
    stated = Stated(
        listed.recording.agent_channel if listed else None,
        listed.agent_speaker if listed else None,
        recording.direction,
    )
    transcript = foreign.transcribed(
        line, given.text, engine=vendor.ENGINE, stated=stated, terms=terms.roles
    )
    doubts = (*transcript.doubts, *_doubts(line, max(turn.end_s for turn in line.turns)))
    return Call(_with_rulebook(recording, terms), replace(transcript, doubts=doubts))


def _numbered(given: GivenCall, place: Place) -> str:
    """A name for a call that has none: its file's, and its number in that."""
    stem = file_names.stem(place.file)
    return stem if place.is_only else f"{stem}-{given.place}"


def _by_name(call_id: str, place: Place, terms: Terms) -> Listed | None:
    """What a call's own file, or its recording, is named: ``CALLID_AGENTID_YYYYMMDDTHHMMSS``."""
    for name in (place.file, f"{call_id}.json") if place.is_only else (f"{call_id}.json",):
        try:
            recording = manifests.from_name({"file": name}, terms.zone)
            return Listed(recording, None, has_call_id=True, has_start=True)
        except RejectedRecording as rejected:
            if rejected.reason is not RejectReason.NO_AGENT:
                raise
    return None


def _no_agent(vendor: Vendor, place: Place, terms: Terms) -> RejectedRecording:
    advice = (
        f"add a row to the manifest whose file is {place.file} or whose call_id is the call's"
        if terms.manifest
        else "list it in a manifest with the columns file and agent_id, and give --manifest FILE"
    )
    return RejectedRecording(
        RejectReason.NO_AGENT,
        f"a transcript of {vendor.ENGINE} does not name the agent; {advice}",
    )


def _completed(recording: Recording, line: GivenLine, listed: Listed | None) -> Recording:
    """The recording, with what only the manifest tells."""
    if listed is None:
        return recording
    told = listed.recording
    start = told.started_at if line.started_at is None and listed.has_start else None
    return replace(
        recording,
        agent_name=recording.agent_name or told.agent_name,
        started_at=start or recording.started_at,
        direction=recording.direction or told.direction,
        rulebook_id=recording.rulebook_id or told.rulebook_id,
        answer_wait_s=told.answer_wait_s
        if recording.answer_wait_s is None
        else recording.answer_wait_s,
        customer_vip=told.customer_vip
        if recording.customer_vip is None
        else recording.customer_vip,
        team=recording.team or told.team,
        queue=recording.queue or told.queue,
        business_line=recording.business_line or told.business_line,
        customer_key=recording.customer_key or told.customer_key,
        meta={**told.meta, **recording.meta},
    )


def _with_rulebook(recording: Recording, terms: Terms) -> Recording:
    """The recording, if its rulebook exists."""
    if recording.rulebook_id and recording.rulebook_id not in terms.rulebooks:
        raise RejectedRecording(
            RejectReason.UNKNOWN_RULEBOOK,
            f"there is no rulebook {recording.rulebook_id!r}; choose one of "
            f"{', '.join(sorted(terms.rulebooks))}",
        )
    return recording


def _invalid(problem: ErrorDetails) -> RejectedRecording:
    """Why a line is rejected in which a field is missing or wrong."""
    place = ".".join(str(part) for part in problem["loc"]) or "the line"
    unnamed = str(problem["input"] or "").strip() in {"", "nan"} or problem["type"] == "missing"
    if place == "agent_id" and unnamed:
        detail = f"{place}: it is missing or empty; name the agent of the call"
        return RejectedRecording(RejectReason.NO_AGENT, detail)
    return RejectedRecording(RejectReason.BAD_METADATA, f"{place}: {problem_of(problem)}")


def _recording(line: GivenLine, place: Place, terms: Terms) -> Recording:
    """What a line says of its call; a call without a date has that of its file."""
    day = place.written.date()
    extra = {
        name: _cell(value)
        for name, value in (line.model_extra or {}).items()
        if isinstance(value, str | int | float | bool) and _COLUMN.fullmatch(name)
    }
    return Recording(
        source_file=place.source,
        call_id=line.call_id,
        agent_id=line.agent_id,
        started_at=in_zone(line.started_at or datetime.combine(day, time()), terms.zone),
        agent_name=line.agent_name or None,
        direction=line.direction,
        rulebook_id=line.rulebook or None,
        answer_wait_s=line.answer_wait_s,
        customer_vip=line.customer_vip,
        customer_key=terms.customer(line.customer_key) if line.customer_key else None,
        **manifests.belonging(extra),
        meta={f"meta_{name}": value for name, value in extra.items()},
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
    shown = ", ".join(repr(encodable(name[:40])) for name in found[:3])
    return (shown + (", …" if len(found) > 3 else "")) if found else None


def _cell(value: str | float) -> str:
    """A custom column as a manifest would have it; NaN and infinity are empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return encodable(str(value))


def encodable(text: str) -> str:
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
                asr_confidence=turn.confidence,
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
        confidence=mean_confidence(turns),
        doubts=tuple(_doubts(line, max(ends, default=0.0))),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _doubts(line: GivenLine, last_s: float) -> Iterator[Reason]:
    unread = list(dict.fromkeys(encodable(name) for turn in line.turns for name in turn.unread))
    if unread:
        yield because("transcript.times_unread", fields=tuple(map(verbatim, unread[:4])))
    unsure = sum(turn.unsure is not None for turn in line.turns)
    if unsure:
        yield because("transcript.confidence_unread", count=unsure)
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
