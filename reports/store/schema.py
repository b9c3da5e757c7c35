"""The tables that callaudit writes: columns, types, units, nullability, keys, meaning.

The one place that defines them; the writer enforces it. Two columns of every table are not in
the files but in the paths: ``audit_date`` and ``agent_id`` (Hive partitions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import pyarrow as pa

from audit.errors import RejectReason
from audit.privacy.entities import PrivacyMode
from audit.review import Decision, ReviewKind
from audit.types import Channels, Direction, Disposition, Role, Severity, Stage, Verdict

SCHEMA_VERSION = "1.7"
"""Major.minor: the major changes when a column is renamed, dropped or changes its meaning."""

CHANGES = (
    ("1.0", "calls, turns, findings, agents, rejects"),
    ("1.1", "turns.speaker, turns.role_confidence; calls.role_confidence, calls.role_source"),
    ("1.2", "turns.level_db"),
    (
        "1.3",
        "calls.code_sha256, stages_sha256, greeting_s, handling_s, closing_s; "
        "turns.segment_confidence; agents.mean_greeting_s, mean_handling_s, mean_closing_s; "
        "the table reviews",
    ),
    ("1.4", "calls.cues_sha256; turns.segment_or"),
    ("1.5", "calls.private, calls.transcript_id; turns.masked"),
    (
        "1.6",
        "calls.raw_form, disposition, dead_channel, begins_in_speech, roles_confirmed; "
        "turns.unintelligible; agents.not_connected",
    ),
    ("1.7", "calls.doubt_ids, doubt_values; findings.reason_id, reason_values"),
)
"""What each version added, oldest first. Readers take every version of their own major: what a
file does not have yet is empty."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``unit`` and ``values`` are empty where they do not apply."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key is unique over the whole dataset."""

    name: str
    key: tuple[str, ...]
    partitions: tuple[str, ...]
    columns: tuple[Column, ...]
    meaning: str

    def arrow_schema(self, *, extra: tuple[str, ...] = ()) -> pa.Schema:
        """The schema of the table's files; ``extra`` are ``meta_*`` columns of text."""
        fields = [pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns]
        fields += [pa.field(name, pa.string()) for name in extra]
        return pa.schema(fields, metadata={"callaudit.schema_version": SCHEMA_VERSION})


def _text(name: str, meaning: str, *, nullable: bool = False, values: object = ()) -> Column:
    allowed = tuple(str(value) for value in values)  # type: ignore[attr-defined]
    return Column(name, pa.string(), meaning, nullable=nullable, values=allowed)


def _real(name: str, meaning: str, *, unit: str = "", nullable: bool = False) -> Column:
    return Column(name, pa.float64(), meaning, nullable=nullable, unit=unit)


_LINEAGE = (
    _text("schema_version", "version of this schema that wrote the row"),
    _text("run_id", "the run that wrote the row"),
)
_CALL = (_text("call_id", "the call"),)
_AGENT = (_text("agent", "the agent's id exactly as given (agent_id in the path, unescaped)"),)
_MASKED = pa.struct([("kind", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())])
_BY_AGENT = ("audit_date", "agent_id")

CALLS = Table(
    "calls",
    ("call_id",),
    _BY_AGENT,
    (
        *_CALL,
        *_AGENT,
        _text("agent_name", "the agent's name", nullable=True),
        _text("source_file", "the recording, relative to the root of the recordings"),
        _text("source_uri", "where the recording lay when it was audited", nullable=True),
        _text("raw_form", "how a recording without a header is read", nullable=True),
        Column("started_at", pa.timestamp("us", tz="UTC"), "when the call began"),
        Column("started_local", pa.timestamp("us"), "the same by the clock of `batch.timezone`"),
        _text("direction", "who rang whom", nullable=True, values=Direction),
        _real("answer_wait_s", "ring before the call was answered", unit="s", nullable=True),
        Column("customer_vip", pa.bool_(), "the customer has priority", nullable=True),
        _real("duration_s", "length of the recording", unit="s", nullable=True),
        _text("channels", "what was heard", values=Channels),
        Column("agent_channel", pa.int32(), "channel of the agent (stereo only)", nullable=True),
        _text(
            "disposition",
            "how the call came out; with no_answer, announcement and no_speech it has no score",
            nullable=True,
            values=Disposition,
        ),
        Column(
            "dead_channel",
            pa.int32(),
            "the one of two channels that carries nothing all the time, or a constant hum",
            nullable=True,
        ),
        Column(
            "begins_in_speech",
            pa.bool_(),
            "somebody speaks at the recording's first instant (not for ready transcripts)",
            nullable=True,
        ),
        _text("rulebook_id", "the rulebook that judged the call"),
        _real("score", "0 to 100; empty where nothing could be told", nullable=True),
        _text("grade", "grade of the score by the rulebook's table", nullable=True),
        Column("auto_fail", pa.bool_(), "a finding failed the call outright"),
        Column(
            "rule_scores",
            pa.list_(
                pa.struct(
                    [
                        ("rule_id", pa.string()),
                        ("verdict", pa.string()),
                        ("weight", pa.float64()),
                        ("earned", pa.float64()),
                    ]
                )
            ),
            "what each rule put into the score: 100 * sum(earned) / sum(weight) over told rules",
        ),
        _text("greeting_verdict", "verdict of the rule greeting", values=Verdict),
        _text("no_interruption_verdict", "verdict of the rule no_interruption", values=Verdict),
        _text(
            "forbidden_language_verdict", "verdict of the rule forbidden_language", values=Verdict
        ),
        _real("agent_talk_s", "speech of the agent", unit="s", nullable=True),
        _real("customer_talk_s", "speech of the customer", unit="s", nullable=True),
        _real("overlap_s", "time in which both speak", unit="s", nullable=True),
        _real("silence_s", "time in which nobody speaks", unit="s", nullable=True),
        _real(
            "agent_chars_per_min",
            "Chinese characters the agent says in a minute of own speech",
            unit="1/min",
            nullable=True,
        ),
        _real("talk_ratio", "agent's speech over all speech", nullable=True),
        Column(
            "interruptions",
            pa.int32(),
            "times the agent cut in on the customer; empty where it cannot be told",
            nullable=True,
        ),
        _real("transcript_confidence", "mean probability of the words", nullable=True),
        _real("greeting_end_s", "end of the greeting", unit="s", nullable=True),
        _real("closing_start_s", "start of the closing", unit="s", nullable=True),
        _real("greeting_s", "length of the greeting, up to what follows", unit="s", nullable=True),
        _real("handling_s", "length of the handling, likewise", unit="s", nullable=True),
        _real("closing_s", "length of the closing", unit="s", nullable=True),
        Column(
            "role_confidence",
            pa.float64(),
            "probability that agent and customer are told rightly (not for ready transcripts)",
            nullable=True,
        ),
        _text("role_source", "what told them: manifest, default or content", nullable=True),
        Column(
            "roles_confirmed",
            pa.bool_(),
            "manifest or words tell them as surely as configured (not for ready transcripts)",
            nullable=True,
        ),
        Column("doubts", pa.list_(pa.string()), "why some things cannot be told"),
        Column("doubt_ids", pa.list_(pa.string()), "the ids of these sentences", nullable=True),
        Column(
            "doubt_values",
            pa.list_(pa.string()),
            "what their places are filled with, as JSON",
            nullable=True,
        ),
        _text("audio_sha256", "hash of the recording's bytes", nullable=True),
        _text("engine", "the recogniser", nullable=True),
        _text("model", "name or path of the weights", nullable=True),
        _text("model_sha256", "hash of the weights", nullable=True),
        _text("rulebook_sha256", "hash of the rulebook"),
        _text("stages_sha256", "hash of the model that told the stages", nullable=True),
        _text("cues_sha256", "hash of the cue phrases among its evidence", nullable=True),
        _text("audit_version", "version of callaudit"),
        _text("code_sha256", "hash of the code that judged the call", nullable=True),
        _text(
            "private",
            "what became of customers' data in this call (before 1.5 all of it was kept)",
            nullable=True,
            values=get_args(PrivacyMode),
        ),
        _text(
            "transcript_id",
            "name of the full transcript in the private store, where there is one",
            nullable=True,
        ),
        *_LINEAGE,
    ),
    "one row a call",
)

TURNS = Table(
    "turns",
    ("call_id", "turn_index"),
    _BY_AGENT,
    (
        *_CALL,
        *_AGENT,
        Column("turn_index", pa.int32(), "position in the call, from 0"),
        _text("role", "who speaks", values=Role),
        Column("channel", pa.int32(), "channel of the recording, from 0", nullable=True),
        Column(
            "speaker",
            pa.int32(),
            "voice, from 0: the channel's in stereo, one of those told apart in mono",
            nullable=True,
        ),
        _real("start_s", "first sound", unit="s", nullable=True),
        _real("end_s", "last sound", unit="s", nullable=True),
        _text("text", "the words, in simplified characters"),
        _text("segment", "stage of the call", values=Stage),
        _real("segment_confidence", "probability of the stage", nullable=True),
        _text(
            "segment_or",
            "the next likely stage, where the first is not sure",
            nullable=True,
            values=Stage,
        ),
        _real("asr_confidence", "mean probability of the words", nullable=True),
        Column(
            "role_confidence",
            pa.float64(),
            "probability that the voice is rightly told (mono only)",
            nullable=True,
        ),
        _real("level_db", "root mean square of its sound", unit="dBFS", nullable=True),
        Column("is_backchannel", pa.bool_(), "a listener's token that takes no floor"),
        Column(
            "unintelligible",
            pa.bool_(),
            "the words are none (a loop, another language): held against nobody",
            nullable=True,
        ),
        Column(
            "speech",
            pa.list_(pa.struct([("start_s", pa.float64()), ("end_s", pa.float64())])),
            "the stretches of sound inside the turn",
            unit="s",
        ),
        Column(
            "masked",
            pa.list_(_MASKED),
            "customers' data that marks in the text stand for, in their order",
            nullable=True,
            unit="s",
        ),
        *_LINEAGE,
    ),
    "one row a turn",
)

FINDINGS = Table(
    "findings",
    ("finding_id",),
    _BY_AGENT,
    (
        _text("finding_id", "stable: same call, rulebook and model give the same id"),
        *_CALL,
        *_AGENT,
        _text("rule_id", "the rule"),
        _text("check_id", "the check inside the rule"),
        _text("clause_id", "clause of the norm", nullable=True),
        _text("verdict", "what the check says", values=Verdict),
        _text("severity", "how grave a failure is", nullable=True, values=Severity),
        _real("points", "points taken off the score"),
        _real("confidence", "how sure the verdict is, 0 to 1"),
        _text("segment", "stage of the call", nullable=True, values=Stage),
        _text("role", "whose words the evidence is", nullable=True, values=Role),
        _real("start_s", "start of the evidence", unit="s", nullable=True),
        _real("end_s", "end of the evidence", unit="s", nullable=True),
        _text("evidence", "the words as heard", nullable=True),
        _text("meant", "the norm's wording they were recognised as", nullable=True),
        _text("reason", "why the verdict is what it is"),
        _text(
            "reason_id",
            "id of the sentence; `written` for one of the rulebook, `verbatim` for any other text",
            nullable=True,
        ),
        _text("reason_values", "what its places are filled with, as JSON", nullable=True),
        Column("auto_fail", pa.bool_(), "this finding fails the whole call"),
        *_LINEAGE,
    ),
    "one row for each verdict of a check",
)

AGENTS = Table(
    "agents",
    ("agent_id", "audit_date"),
    _BY_AGENT,
    (
        *_AGENT,
        _text("agent_name", "the agent's name", nullable=True),
        Column("calls", pa.int32(), "calls audited that night, those not connected included"),
        Column(
            "not_connected",
            pa.int32(),
            "calls among them in which nobody was reached; they are in no mean, rate or ratio",
            nullable=True,
        ),
        _real("mean_score", "mean of the scores that could be told", nullable=True),
        _real("score_ci_low", "lower end of the mean's 95 % interval", nullable=True),
        _real("score_ci_high", "upper end of the mean's 95 % interval", nullable=True),
        Column("auto_fails", pa.int32(), "calls failed outright"),
        _real("greeting_fail_rate", "share of told calls whose greeting failed", nullable=True),
        _real(
            "interruption_rate",
            "interruptions per minute of customer speech, over calls where they can be told",
            unit="1/min",
            nullable=True,
        ),
        _real("forbidden_rate", "share of told calls with forbidden wording", nullable=True),
        _real("talk_ratio", "agent's speech over all speech", nullable=True),
        *(
            _real(
                f"mean_{stage}_s",
                f"mean length of {stage}s that are there",
                unit="s",
                nullable=True,
            )
            for stage in ("greeting", "handling", "closing")
        ),
        *_LINEAGE,
    ),
    "one row for each agent and night",
)

REJECTS = Table(
    "rejects",
    ("source_file",),
    ("audit_date",),
    (
        _text("source_file", "the recording, relative to the root of the recordings"),
        _text("call_id", "the call, where known", nullable=True),
        _text("reason", "why it was not audited", values=RejectReason),
        _text("detail", "one sentence that says what to do"),
        *_LINEAGE,
    ),
    "one row for each planned recording that was not audited",
)

REVIEWS = Table(
    "reviews",
    ("review_id",),
    _BY_AGENT,
    (
        _text("review_id", "stable: one person has one word on one finding, the latest"),
        *_CALL,
        *_AGENT,
        _text("finding_id", "the finding; empty for a fault that was missed", nullable=True),
        _text("kind", "whose word it is: the QA team's or the agent's", values=ReviewKind),
        _text("decision", "what it says of the finding", values=Decision),
        _text("reviewer", "who"),
        Column("reviewed_at", pa.timestamp("us", tz="UTC"), "when"),
        _text("note", "why, in the reviewer's words", nullable=True),
        _text("rule_id", "the rule"),
        _text("check_id", "the check inside the rule"),
        _text("clause_id", "clause of the norm", nullable=True),
        _real("start_s", "start of the evidence", unit="s", nullable=True),
        _real("end_s", "end of the evidence", unit="s", nullable=True),
        _text("original_verdict", "what the machine had said", nullable=True, values=Verdict),
        _real("original_points", "points it had taken off", nullable=True),
        _real("original_score", "score of the call by the machine", nullable=True),
        _real(
            "overridden_score",
            "score of the call with all its reviews, at import; empty where none changes it",
            nullable=True,
        ),
        _text(
            "sampled_by",
            "why it was reviewed: finding, pass (both from the queue) or manual",
            values=("finding", "pass", "manual"),
        ),
        _real(
            "sampling_weight",
            "1 / probability of being in the queue; empty when not from the queue",
            nullable=True,
        ),
        Column("imported_at", pa.timestamp("us", tz="UTC"), "when it came into this table"),
        *_LINEAGE,
    ),
    "one row for each person's word on a finding",
)

TABLES = {table.name: table for table in (CALLS, TURNS, FINDINGS, AGENTS, REJECTS, REVIEWS)}
