"""The tables that callaudit writes: columns, types, units, nullability, keys, meaning.

The only place that defines them; the writer enforces it. Two columns of every table are not in
the files but in the paths: ``audit_date`` and ``agent_id`` (Hive partitions).
"""

from __future__ import annotations

from typing import get_args

import pyarrow as pa

from audit.errors import RejectReason
from audit.privacy.entities import PrivacyMode
from audit.review import Decision, ReviewKind
from audit.types import Channels, Direction, Disposition, Role, Severity, Stage, Verdict, WordTimes
from reports.store.columns import Table, TableColumn, flag, real, text

_LINEAGE = (
    text("schema_version", "version of this schema that wrote the row"),
    text("run_id", "the run that wrote the row"),
)
_CALL = (text("call_id", "the call"),)
_AGENT = (text("agent", "the agent's id exactly as given (agent_id in the path, unescaped)"),)
_MASKED = pa.struct([("kind", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64())])
_MARKS = pa.struct([("position", pa.int32()), ("mark", pa.string())])
_BY_AGENT = ("audit_date", "agent_id")

CALLS = Table(
    "calls",
    ("call_id",),
    _BY_AGENT,
    (
        *_CALL,
        *_AGENT,
        text("agent_name", "the agent's name", nullable=True),
        text("source_file", "the recording, relative to the root of the recordings"),
        TableColumn(
            "source_files",
            pa.list_(pa.string()),
            "all files of the call, in order; source_file is the first",
            nullable=True,
        ),
        text("source_uri", "where the recording was when it was audited", nullable=True),
        text("raw_form", "how a recording without a header is read", nullable=True),
        TableColumn("started_at", pa.timestamp("us", tz="UTC"), "when the call began"),
        TableColumn(
            "started_local", pa.timestamp("us"), "the same in the time zone `batch.timezone`"
        ),
        text("direction", "inbound or outbound", nullable=True, values=Direction),
        real(
            "answer_wait_s",
            "how long the customer waited before the call was answered",
            unit="s",
            nullable=True,
        ),
        flag("customer_vip", "the customer is a VIP", nullable=True),
        text("team", "the agent's team (`team` or `agent_group` of the manifest)", nullable=True),
        text("queue", "the queue or skill group that the call came through", nullable=True),
        text("business_line", "the line of business that the call belongs to", nullable=True),
        text("customer_key", "the customer: a keyed hash, the same in all calls", nullable=True),
        real("duration_s", "length of the recording", unit="s", nullable=True),
        text("channels", "which channels were transcribed", values=Channels),
        TableColumn(
            "agent_channel", pa.int32(), "channel of the agent (stereo only)", nullable=True
        ),
        text(
            "disposition",
            "whether people talked at all; no_answer, announcement and no_speech have no score",
            nullable=True,
            values=Disposition,
        ),
        TableColumn(
            "dead_channel",
            pa.int32(),
            "the one of two channels that is silent throughout, or carries a constant hum",
            nullable=True,
        ),
        flag("begins_in_speech", "speech at the very beginning (of recordings)", nullable=True),
        text("rulebook_id", "the rulebook that judged the call"),
        real(
            "score",
            "0 to 100; empty where none of the first three rules could be decided",
            nullable=True,
        ),
        text("grade", "grade of the score by the rulebook's table", nullable=True),
        flag("auto_fail", "a finding is an auto-fail: the score is 0"),
        TableColumn(
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
            "share of each rule in the score: 100 * sum(earned) / sum(weight) of decided rules",
        ),
        text("greeting_verdict", "verdict of the rule greeting", values=Verdict),
        text("no_interruption_verdict", "verdict of the rule no_interruption", values=Verdict),
        text(
            "forbidden_language_verdict", "verdict of the rule forbidden_language", values=Verdict
        ),
        real("agent_talk_s", "speech of the agent", unit="s", nullable=True),
        real("customer_talk_s", "speech of the customer", unit="s", nullable=True),
        real("overlap_s", "overlapped speech: time in which both speak", unit="s", nullable=True),
        real("silence_s", "time in which nobody speaks", unit="s", nullable=True),
        real(
            "agent_chars_per_min",
            "Chinese characters the agent says per minute of the agent's speech",
            unit="1/min",
            nullable=True,
        ),
        real("talk_ratio", "agent's speech over all speech", nullable=True),
        TableColumn(
            "interruptions",
            pa.int32(),
            "interruptions of the customer by the agent; empty where undecidable",
            nullable=True,
        ),
        real("transcript_confidence", "mean probability of the words", nullable=True),
        real("greeting_end_s", "end of the greeting", unit="s", nullable=True),
        real("closing_start_s", "start of the closing", unit="s", nullable=True),
        real("greeting_s", "length of the greeting, up to what follows", unit="s", nullable=True),
        real("handling_s", "length of the handling, up to what follows", unit="s", nullable=True),
        real("closing_s", "length of the closing", unit="s", nullable=True),
        text(
            "word_times",
            "how the engine knows when words are said (not for ready transcripts)",
            nullable=True,
            values=WordTimes,
        ),
        TableColumn(
            "role_confidence",
            pa.float64(),
            "probability that the roles are assigned correctly (not where a transcript gives them)",
            nullable=True,
        ),
        text(
            "role_source",
            "what the roles were assigned by: manifest, default or content",
            nullable=True,
        ),
        flag(
            "roles_confirmed",
            "the roles are as certain as configured (not where a transcript gives them)",
            nullable=True,
        ),
        TableColumn(
            "doubts",
            pa.list_(pa.string()),
            "what is uncertain about the call, and why some checks are undecided",
        ),
        TableColumn(
            "doubt_ids", pa.list_(pa.string()), "the ids of the sentences in doubts", nullable=True
        ),
        TableColumn(
            "doubt_values",
            pa.list_(pa.string()),
            "values of their placeholders, as JSON",
            nullable=True,
        ),
        text(
            "audio_sha256",
            "hash of the recording's bytes; of several files, the hash of their hashes in order",
            nullable=True,
        ),
        text("engine", "the ASR engine", nullable=True),
        text("model", "name or path of the ASR model", nullable=True),
        text("model_sha256", "hash of the ASR model's weights", nullable=True),
        text("rulebook_sha256", "hash of the rulebook"),
        text("stages_sha256", "hash of the stage model", nullable=True),
        text("cues_sha256", "hash of the cue phrases that the stage model uses", nullable=True),
        text("audit_version", "version of callaudit"),
        text("code_sha256", "hash of the code that judged the call", nullable=True),
        text(
            "private",
            "how personal data in this call was treated (before 1.5 all of it was kept)",
            nullable=True,
            values=get_args(PrivacyMode),
        ),
        text(
            "transcript_id",
            "name of the full transcript in the private store, where there is one",
            nullable=True,
        ),
        *_LINEAGE,
    ),
    "one row per call",
)

TURNS = Table(
    "turns",
    ("call_id", "turn_index"),
    _BY_AGENT,
    (
        *_CALL,
        *_AGENT,
        TableColumn("turn_index", pa.int32(), "position in the call, from 0"),
        text("role", "who speaks", values=Role),
        TableColumn(
            "channel",
            pa.int32(),
            "channel of the recording, from 0; 0 for all voices told apart on one channel",
            nullable=True,
        ),
        TableColumn(
            "speaker",
            pa.int32(),
            "speaker, from 0: the channel's in stereo, from diarization in mono",
            nullable=True,
        ),
        real("start_s", "start of the first sound", unit="s", nullable=True),
        real("end_s", "end of the last sound", unit="s", nullable=True),
        text("text", "the words, in simplified characters"),
        text("segment", "stage of the call", values=Stage),
        real("segment_confidence", "probability of the stage", nullable=True),
        text(
            "segment_or",
            "the next likely stage, where the first is uncertain",
            nullable=True,
            values=Stage,
        ),
        real("asr_confidence", "mean probability of the words", nullable=True),
        TableColumn(
            "role_confidence",
            pa.float64(),
            "probability that the speaker is assigned correctly (voices told apart only)",
            nullable=True,
        ),
        real("level_db", "root mean square of the sound", unit="dBFS", nullable=True),
        flag("is_backchannel", "a backchannel: it does not take the floor"),
        flag(
            "unintelligible",
            "not usable as words (repetitions, another language): not counted against the agent",
            nullable=True,
        ),
        TableColumn(
            "speech",
            pa.list_(pa.struct([("start_s", pa.float64()), ("end_s", pa.float64())])),
            "the speech segments inside the turn",
            unit="s",
        ),
        TableColumn(
            "masked",
            pa.list_(_MASKED),
            "personal data that placeholders in the text stand for, in order",
            nullable=True,
            unit="s",
        ),
        TableColumn(
            "marks",
            pa.list_(_MARKS),
            "punctuation that pages add to the text: the mark stands before the character at its "
            "position (from 0), in place of a comma there",
            nullable=True,
        ),
        *_LINEAGE,
    ),
    "one row per turn",
)

FINDINGS = Table(
    "findings",
    ("finding_id",),
    _BY_AGENT,
    (
        text("finding_id", "stable: same call, rulebook and model give the same id"),
        *_CALL,
        *_AGENT,
        text("rule_id", "the rule"),
        text("check_id", "the check inside the rule"),
        text("clause_id", "clause of the norm", nullable=True),
        text("verdict", "verdict of the check", values=Verdict),
        text("severity", "severity of a failure", nullable=True, values=Severity),
        real("points", "points deducted from the score"),
        real("confidence", "confidence of the verdict, 0 to 1"),
        text("segment", "stage of the call", nullable=True, values=Stage),
        text("role", "who said the evidence", nullable=True, values=Role),
        real("start_s", "start of the evidence", unit="s", nullable=True),
        real("end_s", "end of the evidence", unit="s", nullable=True),
        text("evidence", "the words as transcribed", nullable=True),
        text("meant", "the phrase of the norm that they match", nullable=True),
        text("reason", "why the check came to this verdict"),
        text(
            "reason_id",
            "id of the sentence; `written` for one of the rulebook, `verbatim` for any other text",
            nullable=True,
        ),
        text("reason_values", "values of the sentence's placeholders, as JSON", nullable=True),
        flag("auto_fail", "an auto-fail: this finding makes the score of the call 0"),
        *_LINEAGE,
    ),
    "one row per verdict of a check",
)

AGENTS = Table(
    "agents",
    ("agent_id", "audit_date"),
    _BY_AGENT,
    (
        *_AGENT,
        text("agent_name", "the agent's name", nullable=True),
        TableColumn("calls", pa.int32(), "calls audited that night, including those not connected"),
        TableColumn(
            "not_connected",
            pa.int32(),
            "calls in which nobody was reached; excluded from every mean, rate and ratio",
            nullable=True,
        ),
        real("mean_score", "mean of the scores that are not empty", nullable=True),
        real("score_ci_low", "lower end of the mean's 95 % interval", nullable=True),
        real("score_ci_high", "upper end of the mean's 95 % interval", nullable=True),
        TableColumn("auto_fails", pa.int32(), "calls with an auto-fail"),
        real("greeting_fail_rate", "share of decided calls whose greeting failed", nullable=True),
        real(
            "interruption_rate",
            "interruptions per minute of customer speech, over calls that have both figures",
            unit="1/min",
            nullable=True,
        ),
        real("forbidden_rate", "share of decided calls with forbidden wording", nullable=True),
        real("talk_ratio", "agent's speech over all speech", nullable=True),
        *(
            real(
                f"mean_{stage}_s",
                f"mean length of the {stage}, over calls that have one",
                unit="s",
                nullable=True,
            )
            for stage in ("greeting", "handling", "closing")
        ),
        *_LINEAGE,
    ),
    "one row per agent and night",
)

REJECTS = Table(
    "rejects",
    ("source_file",),
    ("audit_date",),
    (
        text("source_file", "the recording, relative to the root of the recordings"),
        text("call_id", "the call, where known", nullable=True),
        text("reason", "why it was not audited", values=RejectReason),
        text("detail", "one sentence that says what went wrong and what to do"),
        *_LINEAGE,
    ),
    "one row per planned recording that was not audited",
)

REVIEWS = Table(
    "reviews",
    ("review_id",),
    _BY_AGENT,
    (
        text("review_id", "stable: each person has one review per finding, the latest"),
        *_CALL,
        *_AGENT,
        text("finding_id", "the finding; empty for a violation that was missed", nullable=True),
        text("kind", "review (by the QA team) or appeal (by the agent)", values=ReviewKind),
        text("decision", "what the reviewer decided about the finding", values=Decision),
        text("reviewer", "name of the reviewer"),
        TableColumn("reviewed_at", pa.timestamp("us", tz="UTC"), "when it was reviewed"),
        text("note", "why, in the reviewer's words", nullable=True),
        text("rule_id", "the rule"),
        text("check_id", "the check inside the rule"),
        text("clause_id", "clause of the norm", nullable=True),
        real("start_s", "start of the evidence", unit="s", nullable=True),
        real("end_s", "end of the evidence", unit="s", nullable=True),
        text("original_verdict", "verdict before the review", nullable=True, values=Verdict),
        real("original_points", "points deducted before the review", nullable=True),
        real("original_score", "score of the call before reviews", nullable=True),
        real(
            "overridden_score",
            "score of the call with all its reviews, at import; empty where none changes it",
            nullable=True,
        ),
        text(
            "sampled_by",
            "how it was chosen: finding, pass (both sampled for the queue) or manual",
            values=("finding", "pass", "manual"),
        ),
        real(
            "sampling_weight",
            "1 / probability of being sampled for the queue; empty for manual",
            nullable=True,
        ),
        TableColumn("imported_at", pa.timestamp("us", tz="UTC"), "when it was imported"),
        *_LINEAGE,
    ),
    "one row per reviewer and finding",
)

TABLES = {table.name: table for table in (CALLS, TURNS, FINDINGS, AGENTS, REJECTS, REVIEWS)}
