"""From audited calls to rows of the tables, and back from rows to calls, turns and findings."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timezone
from typing import Any

import audit
from audit import privacy
from audit.intake import manifests
from audit.legs import Leg
from audit.privacy import PrivacyMode
from audit.raw_forms import RawForm
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Direction,
    Disposition,
    Finding,
    Marks,
    Masked,
    Origin,
    Recording,
    Role,
    Severity,
    Span,
    Stage,
    Transcript,
    Turn,
    Verdict,
    WordTimes,
)
from reports.store import measures, reasons
from reports.store.columns import SCHEMA_VERSION

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
    private: PrivacyMode = "mask",
    transcript_id: str | None = None,
) -> CallRows:
    """The rows of one call; partition columns are left to the paths.

    Args:
        audited: the call as it was judged, in full.
        run_id: the run that writes it.
        source_uri: where its recording is.
        private: whether customers' data is kept in the rows; else placeholders replace it.
        transcript_id: name of the full transcript in the private store.
    """
    return shown_rows(
        shown(audited, private=private),
        run_id=run_id,
        source_uri=source_uri,
        private=private,
        transcript_id=transcript_id,
    )


def shown(audited: AuditedCall, *, private: PrivacyMode) -> AuditedCall:
    """The call as people read it: masked unless it is to be kept in full."""
    return audited if private == "keep" else privacy.mask(audited)


def shown_rows(
    audited: AuditedCall,
    *,
    run_id: str,
    source_uri: str | None,
    private: PrivacyMode,
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
            **_call_row(audited),
            "source_uri": source_uri,
            "private": private,
            "transcript_id": transcript_id,
            **common,
        },
        turns=[{**_turn_row(said), **common} for said in audited.call.turns],
        findings=[{**row, **common} for row in _finding_rows(audited)],
    )


def _call_row(audited: AuditedCall) -> Row:
    recording, transcript = audited.call.recording, audited.call.transcript
    card, origin = audited.scorecard, audited.call.transcript.origin
    return {
        "agent_name": recording.agent_name,
        "source_file": recording.source_file,
        "source_files": list(recording.source_files),
        "raw_form": None if recording.raw_form is None else str(recording.raw_form),
        "started_at": recording.started_at,
        "started_local": recording.started_at.replace(tzinfo=None),
        "direction": recording.direction,
        "answer_wait_s": recording.answer_wait_s,
        "customer_vip": recording.customer_vip,
        "team": recording.team,
        "queue": recording.queue,
        "business_line": recording.business_line,
        "customer_key": recording.customer_key,
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
        **measures.of_call(audited),
        "transcript_confidence": transcript.confidence,
        "greeting_end_s": measures.stage_edge(audited.call, Stage.GREETING, last=True),
        "closing_start_s": measures.stage_edge(audited.call, Stage.CLOSING, last=False),
        **measures.stage_lengths(audited.call),
        "word_times": transcript.word_times,
        "role_confidence": transcript.role_confidence,
        "role_source": transcript.role_source,
        "roles_confirmed": transcript.roles_confirmed,
        **reasons.of_doubts(transcript.doubts),
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


def _turn_row(turn: Turn) -> Row:
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
        "marks": None
        if turn.marks is None
        else [{"position": at, "mark": mark} for at, mark in turn.marks],
    }


def _finding_rows(audited: AuditedCall) -> list[Row]:
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
        rows.append({"finding_id": identifier, **_finding_row(finding)})
    return rows


def _digest(basis: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(basis).encode()).hexdigest()[:20]


def _finding_row(finding: Finding) -> Row:
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
        **reasons.of_finding(finding.reason),
        "auto_fail": finding.auto_fail,
    }


def is_connected(call: Mapping[str, Any]) -> bool:
    """Whether somebody may have been talked to in a call of the tables."""
    disposition = call.get("disposition")
    return disposition is None or Disposition(disposition).connected


def raw_form(call: Mapping[str, Any]) -> RawForm | None:
    """How a call's recording is read if it has no header, by its row in the table ``calls``."""
    form = call.get("raw_form")
    return RawForm.parse(form) if form else None


def call(facts: Mapping[str, Any], turns: Sequence[Mapping[str, Any]]) -> Call:
    """A stored call as it was transcribed, with the stages that its turns were given."""
    meta = {k: v for k, v in facts.items() if k.startswith("meta_") and v is not None}
    return Call(
        recording=Recording(
            source_file=facts["source_file"],
            call_id=facts["call_id"],
            agent_id=facts["agent"],
            started_at=_localised(facts["started_at"], facts["started_local"]),
            agent_name=facts["agent_name"],
            direction=Direction(facts["direction"]) if facts["direction"] else None,
            rulebook_id=facts["rulebook_id"],
            answer_wait_s=facts["answer_wait_s"],
            customer_vip=facts["customer_vip"],
            customer_key=facts.get("customer_key"),
            **belonging(facts),
            meta=meta,
            raw_form=raw_form(facts),
            legs=_legs(facts),
        ),
        transcript=Transcript(
            turns=tuple(turn(row) for row in sorted(turns, key=_by_index)),
            channels=Channels(facts["channels"]),
            origin=Origin(
                facts["audio_sha256"], facts["engine"], facts["model"], facts["model_sha256"]
            ),
            duration_s=facts["duration_s"],
            confidence=facts["transcript_confidence"],
            word_times=WordTimes(facts["word_times"]) if facts.get("word_times") else None,
            role_confidence=facts.get("role_confidence"),
            role_source=facts.get("role_source"),
            roles_confirmed=facts.get("roles_confirmed"),
            doubts=reasons.doubts(facts),
            dead_channel=facts.get("dead_channel"),
            begins_in_speech=facts.get("begins_in_speech"),
        ),
    )


def belonging(facts: Mapping[str, Any]) -> manifests.Belonging:
    """Team, queue and line of business; before 1.9 only the manifest's own columns say.

    Args:
        facts: a row of the table ``calls``, with its columns ``meta_*``.
    """
    meta = {k[5:].lower(): v for k, v in facts.items() if k.startswith("meta_") and v is not None}
    told = manifests.belonging(meta)
    return {
        "team": facts.get("team") or told["team"],
        "queue": facts.get("queue") or told["queue"],
        "business_line": facts.get("business_line") or told["business_line"],
    }


def _legs(facts: Mapping[str, Any]) -> tuple[Leg, ...]:
    """The files of a call that has several."""
    files = source_files(facts)
    return tuple(map(Leg, files)) if len(files) > 1 else ()


def source_files(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """All files of a stored call; nothing of one that a version before 1.9 wrote."""
    return tuple(facts.get("source_files") or ())


def _by_index(row: Mapping[str, Any]) -> int:
    return int(row["turn_index"])


def _localised(moment: datetime, local: datetime) -> datetime:
    """The moment in the zone whose wall clock showed ``local``."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return local.replace(tzinfo=timezone(local - utc))


def turn(row: Mapping[str, Any]) -> Turn:
    """A turn as it was stored."""
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
        marks=_marks(row),
    )


def _marks(turn_row: Mapping[str, Any]) -> Marks | None:
    """The punctuation of a turn of the tables; None where an earlier version wrote it."""
    stored = turn_row.get("marks")
    return None if stored is None else tuple((m["position"], m["mark"]) for m in stored)


def masked(turn_row: Mapping[str, Any]) -> tuple[Masked, ...]:
    """What the placeholders in a turn of the tables replace."""
    return tuple(Masked(m["kind"], m["start_s"], m["end_s"]) for m in turn_row.get("masked") or ())


def finding(row: Mapping[str, Any]) -> Finding:
    """A finding as it was stored."""
    return Finding(
        rule_id=row["rule_id"],
        check_id=row["check_id"],
        verdict=Verdict(row["verdict"]),
        reason=reasons.finding_reason(row),
        clause_id=row["clause_id"],
        severity=Severity(row["severity"]) if row["severity"] else None,
        points=row["points"],
        confidence=row["confidence"],
        stage=Stage(row["segment"]) if row["segment"] else None,
        role=Role(row["role"]) if row["role"] else None,
        start_s=row["start_s"],
        end_s=row["end_s"],
        evidence=row["evidence"],
        meant=row["meant"],
        auto_fail=row["auto_fail"],
    )


def by_call(listed: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Rows by their call, in the order they have; nothing for a call without rows."""
    grouped: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in listed:
        grouped[row["call_id"]].append(row)
    return grouped
