"""One recording in, one audited call out.

``hear`` turns audio into a transcript; ``judge`` turns a transcript into findings and a score.
Only the first is slow and only the first needs models, so transcripts can be judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audit import rules, scoring, stages
from audit.config import HearingConfig, LimitsConfig
from audit.language.text import simplify
from audit.ports import JudgingModels, TranscriptionModels
from audit.reasons import AGENT, CUSTOMER, Reason, because
from audit.rulebooks.rulebook import Rulebook
from audit.rules import disposition, reliance
from audit.transcription import activity, crosstalk, diarization, roles, turns, windows
from audit.transcription import decoding as audio_door
from audit.transcription.levels import frame_levels, mean_level
from audit.transcription.media import Lengths
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Recording,
    Role,
    Span,
    Transcript,
    Turn,
)

_PER_S = 4.0
"""Characters a second of ordinary speech."""

_SAME = 0.9
"""Likeness from which two channels carry one line; that of two speakers' is below a half."""


def decode(path: Path, recording: Recording, *, limits: LimitsConfig) -> audio_door.Audio:
    """Decode a local recording to the one or two channels that are heard.

    Raises:
        RejectedRecording: the recording cannot be decoded or is outside the limits.
    """
    audio = audio_door.decode(
        path,
        min_duration_s=limits.min_duration_s,
        max_duration_s=limits.max_duration_s,
        raw_form=recording.raw_form,
    )
    return _two_channels(audio, mono=recording.agent_channel == "mono")


def hear(
    audio: audio_door.Audio,
    recording: Recording,
    *,
    models: TranscriptionModels,
    hearing_config: HearingConfig,
    audio_sha256: str,
) -> Transcript:
    """Transcribe a recording as :func:`decode` gives it."""
    stereo = len(audio.samples) == 2
    regions = activity.speech_regions(
        audio, detector=models.voice_activity, options=hearing_config.speech
    )
    spoken = windows.utterances(regions, options=hearing_config.packing)
    heard = windows.recognise(
        audio,
        spoken,
        recogniser=models.recogniser,
        simplify=simplify,
        options=hearing_config.packing,
    )
    doubts = [because("recording.damaged")] if audio.damaged else []
    if audio.lengths is not None:
        doubts.append(_length_doubt(audio.lengths))
    begins = activity.begins_in_speech(regions, options=hearing_config.speech)
    voices: diarization.Voices | None = None
    dead: int | None = None
    if stereo:
        given = recording.agent_channel
        decision = roles.decide(
            heard,
            agent_channel=None if given is None else int(given),
            expected=hearing_config.agent_channel or 0,
            direction=recording.direction,
        )
        if not _is_confirmed(decision, hearing_config):
            doubts.append(because("roles.assumed"))
        dead = activity.dead_channel(audio, regions, options=hearing_config.speech)
        doubts += _silent(decision.roles, regions, dead)
        if given is not None and decision.source == "content":
            doubts.append(because("roles.manifest_contradicted", channel=given))
    elif models.embedder is None:
        decision = roles.RoleDecision((Role.UNKNOWN,), 0.5, "content")
        doubts.append(because("recording.no_embeddings"))
    else:
        voices = diarization.tell_apart(
            audio,
            regions[0],
            heard,
            embedder=models.embedder,
            direction=recording.direction,
            role_confidence=hearing_config.role_confidence,
            diarizer=models.diarizer,
            options=hearing_config.diarisation,
        )
        heard, regions, decision = voices.heard, voices.regions, voices.roles
        doubts.append(
            because("recording.mono")
            if Role.UNKNOWN not in decision.roles
            else because("recording.mono_roles_unknown")
        )
    built = turns.build(heard, regions, roles=decision.roles, options=hearing_config.turns)
    if voices is not None:
        built = tuple(
            replace(turn, channel=0, role_confidence=voices.confidence(turn)) for turn in built
        )
    levels = [frame_levels(channel) for channel in audio.samples]
    built = tuple(
        replace(turn, level_db=mean_level(levels[turn.channel or 0], turn.speech)) for turn in built
    )
    return Transcript(
        turns=built,
        channels=Channels.STEREO if stereo else Channels.MONO,
        origin=replace(models.recogniser.origin, audio_sha256=audio_sha256),
        duration_s=round(audio.duration_s, 3),
        confidence=_confidence(built),
        role_confidence=decision.confidence,
        role_source=decision.source,
        roles_confirmed=_is_confirmed(decision, hearing_config),
        doubts=tuple(doubts),
        dead_channel=dead,
        begins_in_speech=begins,
    )


def judge(
    call: Call,
    rulebook: Rulebook,
    *,
    models: JudgingModels,
    staged_by: tuple[str | None, str | None] | None = None,
) -> AuditedCall:
    """Give turns their stages, evaluate every rule, score.

    Args:
        call: as heard.
        rulebook: whose rules and cues count.
        models: tell stages and the meaning of words.
        staged_by: hashes of the model and the cues by which this same code gave the turns the
            stages that they have; these are kept if model and cues are still the same.
    """
    told_by = stages.told_by(rulebook.stages, models.stages)
    if staged_by != told_by:
        staged = stages.assign(call.turns, cues=rulebook.stages, model=models.stages)
        call = replace(call, transcript=replace(call.transcript, turns=staged))
    findings = tuple(rules.evaluate(call, rulebook, models))
    told = call.transcript.doubts
    told += tuple(doubt for doubt in reliance.doubts(call) if doubt not in told)
    call = replace(call, transcript=replace(call.transcript, doubts=told))
    return AuditedCall(
        call=call,
        findings=findings,
        scorecard=scoring.score(findings, rulebook),
        disposition=disposition.tell(call, rulebook.dispositions),
        rulebook_id=rulebook.id,
        rulebook_sha256=rulebook.sha256,
        stages_sha256=told_by[0],
        cues_sha256=told_by[1],
    )


def _silent(
    decided: Sequence[Role], regions: Sequence[Sequence[Span]], dead: int | None
) -> list[Reason]:
    """The doubt about a channel on which nobody is heard while the other speaks."""
    if sum(map(bool, regions)) != 1:
        return []
    silent = next(channel for channel, spans in enumerate(regions) if not spans)
    who = AGENT if decided[silent] is Role.AGENT else CUSTOMER
    if silent == dead:
        return [because("recording.channel_silent", who=who)]
    return [because("recording.side_silent", who=who)]


def _two_channels(audio: audio_door.Audio, *, mono: bool) -> audio_door.Audio:
    """One channel, or the two loudest ones if they differ.

    A recorder that writes the mixed line to both channels makes mono, whatever the header says.
    """
    samples = audio.samples
    if len(samples) > 2:
        loudness = np.array(
            [np.abs(channel[::16].astype(np.float32)).mean() for channel in samples]
        )
        samples = samples[np.sort(np.argsort(loudness)[-2:])]
    if len(samples) == 2 and crosstalk.likeness(samples) > _SAME:
        samples = samples[:1]
    elif len(samples) == 2 and mono:
        samples = samples[:1] // 2 + samples[1:] // 2
    return replace(audio, samples=samples)


def _is_confirmed(decision: roles.RoleDecision, config: HearingConfig) -> bool:
    """Whether the words tell who is the agent, or all recordings have them on one known channel."""
    known = decision.source == "default" and config.agent_channel is not None
    return known or decision.confidence >= config.role_confidence


def _length_doubt(lengths: Lengths) -> Reason:
    """What to say where header and file tell different lengths."""
    header_s, file_s = lengths.header_s, lengths.file_s
    if header_s > file_s:
        return because("recording.incomplete", header_s=header_s, file_s=file_s)
    if lengths.to_end:
        return because("recording.interrupted", header_s=header_s, file_s=file_s)
    return because("recording.surplus", header_s=header_s, file_s=file_s)


def _confidence(built: tuple[Turn, ...]) -> float | None:
    told = [(t.asr_confidence, _weight(t)) for t in built if t.asr_confidence is not None]
    weight = sum(length for _, length in told)
    return round(sum(p * n for p, n in told) / weight, 4) if weight else None


def _weight(turn: Turn) -> float:
    """Characters of a turn; what is no text has as many as its speech may have had."""
    seconds = sum(span.duration_s for span in turn.speech)
    return min(len(turn.text), _PER_S * seconds) if turn.unintelligible else len(turn.text)
