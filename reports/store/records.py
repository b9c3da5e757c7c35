"""From audited calls to rows of the tables, and back from rows to calls."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timezone
from typing import Any

import numpy as np
from scipy import stats

import audit
from audit import privacy
from audit.privacy import Private
from audit.timeline import Timeline, characters_per_minute
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Direction,
    Disposition,
    Finding,
    Masked,
    Origin,
    RawForm,
    Recording,
    Role,
    Span,
    Stage,
    Transcript,
    Turn,
    Verdict,
)
from reports.store.schema import SCHEMA_VERSION

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallRows:
    """One call's rows in the three tables that have it."""

    call: Row
    turns: list[Row]
    findings: list[Row]


def call_rows(
    audited: AuditedCall,
    *,
    run_id: str,
    source_uri: str | None,
    private: Private = "mask",
    transcript_id: str | None = None,
) -> CallRows:
    """The rows of one call; partition columns are left to the paths.

    Args:
        audited: the call as it was judged, in full.
        run_id: the run that writes it.
        source_uri: where its recording lies.
        private: whether customers' data is kept in the rows; else marks stand for it.
        transcript_id: name of the full transcript in the private store.
    """
    return shown_rows(
        shown(audited, private=private),
        run_id=run_id,
        source_uri=source_uri,
        private=private,
        transcript_id=transcript_id,
    )


def shown(audited: AuditedCall, *, private: Private) -> AuditedCall:
    """The call as people read it: masked unless it is to be kept in full."""
    return audited if private == "keep" else privacy.mask(audited)


def shown_rows(
    audited: AuditedCall,
    *,
    run_id: str,
    source_uri: str | None,
    private: Private,
    transcript_id: str | None,
) -> CallRows:
    """The rows of a call that is :func:`shown` already."""
    common = {
        "call_id": audited.call.recording.call_id,
        "agent": audited.call.recording.agent_id,
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
    }
    return CallRows(
        call={
            **_call(audited),
            "source_uri": source_uri,
            "private": private,
            "transcript_id": transcript_id,
            **common,
        },
        turns=[{**_turn(turn), **common} for turn in audited.call.turns],
        findings=[{**row, **common} for row in _findings(audited)],
    )


def _call(audited: AuditedCall) -> Row:
    recording, transcript = audited.call.recording, audited.call.transcript
    card, origin = audited.scorecard, audited.call.transcript.origin
    return {
        "agent_name": recording.agent_name,
        "source_file": recording.source_file,
        "raw_form": None if recording.raw_form is None else str(recording.raw_form),
        "started_at": recording.started_at,
        "started_local": recording.started_at.replace(tzinfo=None),
        "direction": recording.direction,
        "answer_wait_s": recording.answer_wait_s,
        "customer_vip": recording.customer_vip,
        "duration_s": transcript.duration_s,
        "channels": transcript.channels,
        "agent_channel": next((turn.channel for turn in audited.call.said_by(Role.AGENT)), None),
        "disposition": audited.disposition,
        "dead_channel": transcript.dead_channel,
        "begins_in_speech": transcript.begins_in_speech,
        "rulebook_id": audited.rulebook_id,
        "score": card.score,
        "grade": card.grade,
        "auto_fail": card.auto_fail,
        "rule_scores": [
            {
                "rule_id": rule.rule_id,
                "verdict": str(rule.verdict),
                "weight": rule.weight,
                "earned": rule.earned,
            }
            for rule in card.rules
        ],
        "greeting_verdict": card.verdict("greeting"),
        "no_interruption_verdict": card.verdict("no_interruption"),
        "forbidden_language_verdict": card.verdict("forbidden_language"),
        **_measures(audited),
        "transcript_confidence": transcript.confidence,
        "greeting_end_s": _edge(audited, Stage.GREETING, last=True),
        "closing_start_s": _edge(audited, Stage.CLOSING, last=False),
        **_stage_lengths(audited.call),
        "role_confidence": transcript.role_confidence,
        "role_source": transcript.role_source,
        "roles_confirmed": transcript.roles_confirmed,
        "doubts": list(transcript.doubts),
        "audio_sha256": origin.audio_sha256,
        "engine": origin.engine,
        "model": origin.model,
        "model_sha256": origin.model_sha256,
        "rulebook_sha256": audited.rulebook_sha256,
        "stages_sha256": audited.stages_sha256,
        "cues_sha256": audited.cues_sha256,
        "audit_version": audit.__version__,
        "code_sha256": audited.code_sha256,
        **recording.meta,
    }


def _measures(audited: AuditedCall) -> Row:
    call = audited.call
    verdict = audited.scorecard.verdict("no_interruption")
    interruptions = sum(
        finding.rule_id == "no_interruption" and finding.verdict is Verdict.FAIL
        for finding in audited.findings
    )
    measures: Row = {
        "interruptions": None if verdict is Verdict.CANNOT_TELL else interruptions,
        "agent_talk_s": None,
        "customer_talk_s": None,
        "overlap_s": None,
        "silence_s": None,
        "agent_chars_per_min": None,
        "talk_ratio": None,
    }
    if call.transcript.duration_s is None or any(turn.span is None for turn in call.turns):
        return measures
    anyone = Timeline.spoken(call.turns).total_s
    measures["silence_s"] = round(max(0.0, call.transcript.duration_s - anyone), 3)
    if call.transcript.channels is Channels.MONO:
        return measures
    agent, customer = (
        Timeline.spoken(call.said_by(role)).total_s for role in (Role.AGENT, Role.CUSTOMER)
    )
    measures["agent_talk_s"] = round(agent, 3)
    measures["customer_talk_s"] = round(customer, 3)
    measures["overlap_s"] = round(max(0.0, agent + customer - anyone), 3)
    measures["agent_chars_per_min"] = characters_per_minute(call.said_by(Role.AGENT))
    measures["talk_ratio"] = _talk_ratio(agent, customer)
    return measures


def _talk_ratio(agent_s: float, customer_s: float) -> float | None:
    """The agent's share of all speech, 0 to 1; None where nobody speaks."""
    both_s = agent_s + customer_s
    return round(agent_s / both_s, 4) if both_s else None


def _edge(audited: AuditedCall, stage: Stage, *, last: bool) -> float | None:
    times = [
        turn.end_s if last else turn.start_s for turn in audited.call.turns if turn.stage is stage
    ]
    known = [time for time in times if time is not None]
    if not known:
        return None
    return max(known) if last else min(known)


def _stage_lengths(call: Call) -> Row:
    """Seconds from a stage's first sound to the next stage's, or to the last sound of all.

    None for a stage that is not there, and without times.
    """
    lengths: Row = {f"{stage}_s": None for stage in Stage}
    spans = [(turn.stage, span) for turn in call.turns if (span := turn.span) is not None]
    if not spans or len(spans) < len(call.turns):
        return lengths
    end_s = max(span.end_s for _, span in spans)
    for stage in reversed(Stage):
        starts = [span.start_s for own, span in spans if own is stage]
        if starts:
            lengths[f"{stage}_s"] = round(max(0.0, end_s - min(starts)), 3)
            end_s = min(starts)
    return lengths


def _turn(turn: Turn) -> Row:
    return {
        "turn_index": turn.index,
        "role": turn.role,
        "channel": turn.channel,
        "speaker": turn.speaker,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "text": turn.text,
        "segment": turn.stage,
        "segment_confidence": turn.stage_confidence,
        "segment_or": turn.stage_or,
        "asr_confidence": turn.asr_confidence,
        "role_confidence": turn.role_confidence,
        "level_db": turn.level_db,
        "is_backchannel": turn.is_backchannel,
        "unintelligible": turn.unintelligible,
        "speech": [{"start_s": s.start_s, "end_s": s.end_s} for s in turn.speech],
        "masked": [asdict(masked) for masked in turn.masked],
    }


def _findings(audited: AuditedCall) -> list[Row]:
    """Findings with ids that depend on call, audio, model, rulebook and place, on nothing else."""
    origin = audited.call.transcript.origin
    rows, taken = [], set()
    for finding in audited.findings:
        basis = (
            audited.call.recording.call_id,
            origin.audio_sha256,
            origin.model_sha256 or origin.model,
            audited.rulebook_sha256,
            finding.check_id,
            finding.clause_id,
            str(finding.verdict),
            finding.start_s,
            finding.evidence,
        )
        ordinal = 0
        while (identifier := _digest((*basis, ordinal))) in taken:
            ordinal += 1
        taken.add(identifier)
        rows.append({"finding_id": identifier, **_finding(finding)})
    return rows


def _digest(basis: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(basis).encode()).hexdigest()[:20]


def _finding(finding: Finding) -> Row:
    return {
        "rule_id": finding.rule_id,
        "check_id": finding.check_id,
        "clause_id": finding.clause_id,
        "verdict": finding.verdict,
        "severity": finding.severity,
        "points": finding.points,
        "confidence": finding.confidence,
        "segment": finding.stage,
        "role": finding.role,
        "start_s": finding.start_s,
        "end_s": finding.end_s,
        "evidence": finding.evidence,
        "meant": finding.meant,
        "reason": finding.reason,
        "auto_fail": finding.auto_fail,
    }


def agent_row(calls: Sequence[Mapping[str, Any]], *, run_id: str) -> Row:
    """One agent's night from the rows of all the agent's calls of that night.

    Calls that were not connected are counted, and enter nothing else. The interval is Student's t
    for the mean of at least two scores.
    """
    every = calls
    calls = [row for row in every if is_connected(row)]
    scores = np.array([row["score"] for row in calls if row["score"] is not None])
    low, high = _interval(scores)
    agent_s, customer_s = (
        sum(row[name] or 0.0 for row in calls) for name in ("agent_talk_s", "customer_talk_s")
    )
    told = [row for row in calls if row["interruptions"] is not None and row["customer_talk_s"]]
    minutes = sum(row["customer_talk_s"] for row in told) / 60
    names = [row["agent_name"] for row in every if row["agent_name"]]
    return {
        "agent": every[0]["agent"],
        "agent_name": names[-1] if names else None,
        "calls": len(every),
        "not_connected": len(every) - len(calls),
        "mean_score": round(float(scores.mean()), 2) if len(scores) else None,
        "score_ci_low": low,
        "score_ci_high": high,
        "auto_fails": sum(row["auto_fail"] for row in calls),
        "greeting_fail_rate": _fail_rate(calls, "greeting_verdict"),
        "interruption_rate": round(sum(row["interruptions"] for row in told) / minutes, 4)
        if minutes
        else None,
        "forbidden_rate": _fail_rate(calls, "forbidden_language_verdict"),
        "talk_ratio": _talk_ratio(agent_s, customer_s),
        **{f"mean_{stage}_s": _mean(row.get(f"{stage}_s") for row in calls) for stage in Stage},
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
    }


def is_connected(call: Mapping[str, Any]) -> bool:
    """Whether somebody may have been talked to in a call of the tables."""
    told = call.get("disposition")
    return told is None or Disposition(told).connected


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None


def _interval(scores: np.ndarray) -> tuple[float | None, float | None]:
    if len(scores) < 2:
        return None, None
    half = float(stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) / math.sqrt(len(scores)))
    mean = float(scores.mean())
    return round(max(0.0, mean - half), 2), round(min(100.0, mean + half), 2)


def _fail_rate(calls: Sequence[Mapping[str, Any]], column: str) -> float | None:
    told = [row[column] for row in calls if row[column] != Verdict.CANNOT_TELL]
    return round(sum(v == Verdict.FAIL for v in told) / len(told), 4) if told else None


def raw_form(call: Mapping[str, Any]) -> RawForm | None:
    """How a call's recording is read if it has no header, by its row in the table ``calls``."""
    told = call.get("raw_form")
    return RawForm.parse(told) if told else None


def call_from_rows(call: Mapping[str, Any], turns: Sequence[Mapping[str, Any]]) -> Call:
    """A stored call as it was heard, with the stages that its turns were given."""
    return Call(
        recording=Recording(
            source_file=call["source_file"],
            call_id=call["call_id"],
            agent_id=call["agent"],
            started_at=_localised(call["started_at"], call["started_local"]),
            agent_name=call["agent_name"],
            direction=Direction(call["direction"]) if call["direction"] else None,
            rulebook_id=call["rulebook_id"],
            answer_wait_s=call["answer_wait_s"],
            customer_vip=call["customer_vip"],
            meta={k: v for k, v in call.items() if k.startswith("meta_") and v is not None},
            raw_form=raw_form(call),
        ),
        transcript=Transcript(
            turns=tuple(_turn_from_row(row) for row in sorted(turns, key=_by_index)),
            channels=Channels(call["channels"]),
            origin=Origin(
                call["audio_sha256"], call["engine"], call["model"], call["model_sha256"]
            ),
            duration_s=call["duration_s"],
            confidence=call["transcript_confidence"],
            role_confidence=call.get("role_confidence"),
            role_source=call.get("role_source"),
            roles_confirmed=call.get("roles_confirmed"),
            doubts=tuple(call["doubts"]),
            dead_channel=call.get("dead_channel"),
            begins_in_speech=call.get("begins_in_speech"),
        ),
    )


def _by_index(row: Mapping[str, Any]) -> int:
    return int(row["turn_index"])


def _localised(moment: datetime, local: datetime) -> datetime:
    """The moment in the zone whose wall clock showed ``local``."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return local.replace(tzinfo=timezone(local - utc))


def _turn_from_row(row: Mapping[str, Any]) -> Turn:
    return Turn(
        index=row["turn_index"],
        role=Role(row["role"]),
        text=row["text"],
        channel=row["channel"],
        speaker=row.get("speaker"),
        start_s=row["start_s"],
        end_s=row["end_s"],
        speech=tuple(Span(s["start_s"], s["end_s"]) for s in row["speech"]),
        asr_confidence=row["asr_confidence"],
        role_confidence=row.get("role_confidence"),
        level_db=row.get("level_db"),
        is_backchannel=row["is_backchannel"],
        unintelligible=bool(row.get("unintelligible")),
        stage=Stage(row["segment"]),
        stage_confidence=row.get("segment_confidence"),
        stage_or=Stage(row["segment_or"]) if row.get("segment_or") else None,
        masked=masked(row),
    )


def masked(turn: Mapping[str, Any]) -> tuple[Masked, ...]:
    """What marks stand for in a turn of the tables."""
    return tuple(Masked(m["kind"], m["start_s"], m["end_s"]) for m in turn.get("masked") or ())
