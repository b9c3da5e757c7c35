"""The values that travel through callaudit, from a recording on disk to a scorecard.

Everything here is frozen and slotted. Times are seconds on the recording's own clock,
rounded to the millisecond at the point where they are measured, so that a call read back from
Parquet is equal to the call that was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from audit.legs import Leg
from audit.raw_forms import RawForm
from audit.reasons import Reason

SAMPLE_RATE = 16_000
"""Samples a second of all audio inside callaudit (what Whisper and the VADs expect)."""

ROLE_CONFIDENCE_MIN = 0.9
"""Probability from which a turn's role or stage counts as certain."""

Samples = NDArray[np.float32]


class Role(StrEnum):
    """Who speaks."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """The stage of the call a turn belongs to, in the order in which stages come."""

    GREETING = "greeting"
    HANDLING = "handling"
    CLOSING = "closing"


class Verdict(StrEnum):
    """The outcome of a check; ``CANNOT_TELL`` where the recording does not allow a decision."""

    PASS = "pass"
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


class Severity(StrEnum):
    """How serious a failed check is."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Channels(StrEnum):
    """What a transcript was made from."""

    STEREO = "stereo"
    MONO = "mono"
    TEXT = "text"


class WordTimes(StrEnum):
    """How an ASR engine knows when each word was said.

    ``ESTIMATED`` times are spread over the text, not found in the sound.
    """

    MEASURED = "measured"
    ESTIMATED = "estimated"
    NONE = "none"


class Direction(StrEnum):
    """Who rang whom: ``IN`` the customer, ``OUT`` the agent."""

    IN = "in"
    OUT = "out"


class Disposition(StrEnum):
    """The outcome of a call: whether people talked, and who spoke; see ``docs/inputs.md``."""

    CONVERSATION = "conversation"
    ONE_SIDED = "one_sided"
    NO_ANSWER = "no_answer"
    ANNOUNCEMENT = "announcement"
    NO_SPEECH = "no_speech"

    @property
    def connected(self) -> bool:
        """Whether a conversation may have taken place; other calls are not judged."""
        return self in (Disposition.CONVERSATION, Disposition.ONE_SIDED)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time, in seconds.

    >>> Span(1.0, 2.5).overlap_s(Span(2.0, 4.0))
    0.5
    """

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds; never negative."""
        return max(0.0, self.end_s - self.start_s)

    @property
    def middle_s(self) -> float:
        """The instant half way."""
        return (self.start_s + self.end_s) / 2

    def distance_s(self, instant_s: float) -> float:
        """Seconds from an instant to the span; 0 inside it."""
        return max(0.0, self.start_s - instant_s, instant_s - self.end_s)

    def overlap_s(self, other: Span) -> float:
        """Seconds that both spans cover."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True, slots=True)
class Recording:
    """One planned recording: its file and its metadata from the manifest."""

    source_file: str
    """As the manifest or the listing names it, relative to the root of the recordings."""
    call_id: str
    agent_id: str
    started_at: datetime
    """By the clock of ``batch.timezone``; its date is the night the call belongs to."""
    agent_name: str | None = None
    direction: Direction | None = None
    rulebook_id: str | None = None
    agent_channel: str | None = None
    """``"0"`` or ``"1"`` where the manifest says which channel is the agent's, or ``"mono"``."""
    answer_wait_s: float | None = None
    customer_vip: bool | None = None
    team: str | None = None
    queue: str | None = None
    business_line: str | None = None
    customer_key: str | None = None
    """The customer as :func:`audit.privacy.customers.hashed` writes it, never a number."""
    meta: Mapping[str, str] = field(default_factory=dict)
    raw_form: RawForm | None = None
    """How it is read where it has no header; None for endings whose files have one."""
    legs: tuple[Leg, ...] = ()
    """The files of a call that has several, the first of which is ``source_file``."""

    @property
    def source_files(self) -> tuple[str, ...]:
        """All files of the call, in order."""
        return tuple(leg.file for leg in self.legs) or (self.source_file,)

    @property
    def audit_date(self) -> date:
        """The call's local date."""
        return self.started_at.date()


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word (for Chinese: one or a few characters with their punctuation)."""

    text: str
    start_s: float
    end_s: float
    probability: float | None
    """None where the engine does not tell."""


@dataclass(frozen=True, slots=True)
class Masked:
    """PII that was replaced by a placeholder; without times where its turn has none."""

    kind: str
    start_s: float | None = None
    end_s: float | None = None


Marks = tuple[tuple[int, str], ...]
"""Punctuation that a text lacks: each mark stands before the character at its position, in place of
it if that is a comma."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says until the other takes over or a long pause falls.

    ``start_s`` and ``end_s`` are None for a transcript that came without times; ``speech`` are
    the stretches of actual sound inside the turn, pauses left out.
    """

    index: int
    role: Role
    text: str
    channel: int | None = None
    speaker: int | None = None
    """Number of the speaker: the channel in stereo, the diarized speaker in mono."""
    start_s: float | None = None
    end_s: float | None = None
    speech: tuple[Span, ...] = ()
    asr_confidence: float | None = None
    role_confidence: float | None = None
    """Probability that the speaker is correct (mono); None where the channel identifies it."""
    level_db: float | None = None
    """Root mean square of its sound, in dB below full scale."""
    is_backchannel: bool = False
    unintelligible: bool = False
    """Whether its text (endless repeats, another language) cannot be used as evidence."""
    stage: Stage | None = None
    stage_confidence: float | None = None
    """Probability of the stage, over the whole call."""
    stage_or: Stage | None = None
    """The stage it may be in instead, where it is not sure."""
    words: tuple[Word, ...] = field(default=(), compare=False, repr=False)
    """Its words with their times, which no table has."""
    masked: tuple[Masked, ...] = ()
    """The PII that placeholders in its text replace, in order."""
    marks: Marks | None = None
    """Punctuation for readers, which is no part of what was recognised; None until it is set."""

    @property
    def punctuated(self) -> str:
        """The text with its marks, as pages show it."""
        text, last = "", 0
        for at, mark in self.marks or ():
            text += self.text[last:at] + mark
            last = at + (self.text[at : at + 1] in ("，", ","))
        return text + self.text[last:]

    @property
    def span(self) -> Span | None:
        """From the turn's first sound to its last, or None without times."""
        if self.start_s is None or self.end_s is None:
            return None
        return Span(self.start_s, self.end_s)

    def surely_by(self, role: Role) -> bool:
        """Whether the turn is certainly this role's, as an accusation requires."""
        certain = self.role_confidence is None or self.role_confidence >= ROLE_CONFIDENCE_MIN
        return self.role is role and certain

    def in_stage(self, stage: Stage) -> bool | None:
        """Whether the turn belongs to a stage; None where that is uncertain."""
        if self.stage is None or (self.stage_or and stage in (self.stage, self.stage_or)):
            return None
        return self.stage is stage


@dataclass(frozen=True, slots=True)
class Origin:
    """What produced a transcript: enough to decide whether it must be made again."""

    audio_sha256: str | None
    engine: str | None
    model: str | None
    model_sha256: str | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of a call: turns in the order in which they start."""

    turns: tuple[Turn, ...]
    channels: Channels
    origin: Origin
    duration_s: float | None = None
    confidence: float | None = None
    """Mean word probability, weighted by length of turn; None where there are none."""
    word_times: WordTimes | None = None
    """How the engine knows when its words were said; None where a ready transcript has no words."""
    role_confidence: float | None = None
    """Probability that agent and customer are assigned correctly; None where they are given."""
    role_source: str | None = None
    """How they were assigned: by ``manifest``, ``default`` or ``content``."""
    roles_confirmed: bool | None = None
    """Whether the assignment is as certain as configured; None where roles are given."""
    doubts: tuple[Reason, ...] = ()
    """Reasons why some checks cannot be decided from this recording."""
    dead_channel: int | None = None
    """The one of two channels that carries nothing all the time, or a constant hum."""
    begins_in_speech: bool | None = None
    """Whether somebody is already speaking when it begins; None without audio."""

    @property
    def on_one_line(self) -> bool:
        """Whether speakers share a channel, so that nobody can tell when both of them speak.

        Neither can it be told of sides in separate files that are not aligned by their sound.

        A ready transcript has a channel for its turns only where its file tells of speakers that
        were told apart by voice (all are on channel 0), or by channel.
        """
        if any(doubt.id in ("legs.by_turns", "legs.not_aligned") for doubt in self.doubts):
            return True
        if self.channels is Channels.TEXT:
            return len({turn.channel for turn in self.turns} - {None}) == 1
        return self.channels is Channels.MONO


@dataclass(frozen=True, slots=True)
class Call:
    """A call ready to be judged: its metadata and its transcript."""

    recording: Recording
    transcript: Transcript

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The transcript's turns."""
        return self.transcript.turns

    def said_by(self, role: Role) -> list[Turn]:
        """The turns of one role, in order."""
        return [turn for turn in self.transcript.turns if turn.role is role]


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict of one check, with the evidence a person needs to agree or overrule."""

    rule_id: str
    check_id: str
    verdict: Verdict
    reason: Reason
    clause_id: str | None = None
    severity: Severity | None = None
    points: float = 0.0
    """Points taken off the score (0 unless the verdict is ``fail``)."""
    confidence: float = 1.0
    stage: Stage | None = None
    role: Role | None = None
    start_s: float | None = None
    end_s: float | None = None
    evidence: str | None = None
    """The words as transcribed."""
    meant: str | None = None
    """The wording of the norm that the words were matched to."""
    auto_fail: bool = False


@dataclass(frozen=True, slots=True)
class RuleScore:
    """How one rule entered the score: ``earned`` of ``weight``, or neither if undecided."""

    rule_id: str
    verdict: Verdict
    weight: float
    earned: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A call's score and how it came about."""

    score: float | None
    """0 to 100; None where no rule could be decided."""
    grade: str | None
    auto_fail: bool
    rules: tuple[RuleScore, ...]

    def verdict(self, rule_id: str) -> Verdict:
        """The verdict of one rule; ``cannot_tell`` for a rule the rulebook does not have."""
        for rule in self.rules:
            if rule.rule_id == rule_id:
                return rule.verdict
        return Verdict.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class AuditedCall:
    """A call with its findings and its score."""

    call: Call
    findings: tuple[Finding, ...]
    scorecard: Scorecard
    rulebook_id: str
    rulebook_sha256: str
    disposition: Disposition = Disposition.CONVERSATION
    stages_sha256: str | None = None
    """Hash of the stage classifier."""
    cues_sha256: str | None = None
    """Hash of the cue phrases among its evidence."""
    code_sha256: str | None = None
    """Hash of the code that judged it."""
