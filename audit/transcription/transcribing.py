"""One recording's audio in, its transcript out.

Speech is detected, packed into windows for the speech recognition engine, given to speakers (by
channel, or by voice on mono recordings), and put together into turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audit.ports import TranscriptionModels
from audit.reasons import Reason
from audit.transcription import activity, doubts, gaps, roles, swaps, turns, windows
from audit.transcription.decoding import Audio
from audit.transcription.diarization import Diarization, diarize
from audit.transcription.levels import frame_levels, mean_level
from audit.transcription.options import TranscriptionOptions
from audit.transcription.roles import RoleDecision
from audit.transcription.windows import UtteranceWords
from audit.types import Channels, Recording, Role, Span, Transcript, Turn

Speech = Sequence[Sequence[Span]]
"""For each channel, or each speaker of a mono recording, its speech segments."""


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who said what: utterances and speech by speaker, and the speakers' roles.

    Attributes:
        utterances: with their words; ``Utterance.channel`` is the speaker.
        speech: of each speaker.
        roles: of each speaker.
        confirmed: whether these are as certain as configured.
        doubts: what is uncertain about them, as reasons.
        dead_channel: the one of two channels that carries nothing.
        diarization: how a mono recording was given to speakers; None for stereo.
    """

    utterances: Sequence[UtteranceWords]
    speech: Speech
    roles: RoleDecision
    confirmed: bool
    doubts: Sequence[Reason]
    dead_channel: int | None = None
    diarization: Diarization | None = None


def transcribe(
    audio: Audio,
    recording: Recording,
    *,
    models: TranscriptionModels,
    options: TranscriptionOptions,
    audio_sha256: str,
) -> Transcript:
    """Transcribe a recording.

    Args:
        audio: as :func:`audit.transcription.channels.decode_recording` gives it.
        recording: what the manifest says of it.
        models: what detects, recognizes and diarizes speech.
        options: thresholds.
        audio_sha256: of the file, for the transcript's origin.
    """
    speech = activity.detect_speech(audio, detector=models.vad, options=options.vad)
    utterances = windows.recognize(
        audio,
        windows.join_utterances(speech, options=options.packing),
        asr=models.asr,
        options=options.packing,
    )
    if audio.is_stereo:
        speakers = _by_channel(audio, recording, speech, utterances, models, options)
    else:
        speakers = _by_voice(audio, recording, speech, utterances, models, options)
    built = turns.build(
        speakers.utterances,
        speakers.speech,
        roles=speakers.roles.roles,
        options=options.turns,
    )
    measured = _measured(built, audio, speakers.diarization)
    return Transcript(
        turns=measured,
        channels=Channels.STEREO if audio.is_stereo else Channels.MONO,
        origin=replace(models.asr.origin, audio_sha256=audio_sha256),
        duration_s=round(audio.duration_s, 3),
        confidence=turns.mean_confidence(measured),
        word_times=models.asr.abilities.word_times,
        role_confidence=speakers.roles.confidence,
        role_source=speakers.roles.source,
        roles_confirmed=speakers.confirmed,
        doubts=(*doubts.of_audio(audio), *speakers.doubts),
        dead_channel=speakers.dead_channel,
        begins_in_speech=activity.begins_in_speech(speech, options=options.vad),
    )


def _by_channel(
    audio: Audio,
    recording: Recording,
    speech: Speech,
    utterances: Sequence[UtteranceWords],
    models: TranscriptionModels,
    options: TranscriptionOptions,
) -> Speakers:
    """Each channel of a stereo recording is a speaker."""
    stated = recording.agent_channel
    decision = roles.decide(
        utterances,
        models.roles,
        agent_channel=None if stated is None else int(stated),
        expected=options.agent_channel or 0,
        direction=recording.direction,
    )
    swapped = swaps.are_swapped(
        audio,
        utterances,
        classifier=models.roles,
        embedder=models.embedder,
        options=options.diarization,
    )
    confirmed = not swapped and _is_confirmed(decision, options)
    dead_channel = activity.dead_channel(audio, speech, options=options.vad)
    found = doubts.of_channels(
        decision,
        speech,
        agent_channel=stated,
        confirmed=confirmed,
        swapped=swapped,
        dead_channel=dead_channel,
        gaps=gaps.find(audio.samples, speech),
    )
    return Speakers(utterances, speech, decision, confirmed, found, dead_channel=dead_channel)


def _by_voice(
    audio: Audio,
    recording: Recording,
    speech: Speech,
    utterances: Sequence[UtteranceWords],
    models: TranscriptionModels,
    options: TranscriptionOptions,
) -> Speakers:
    """The speakers of a mono recording; a single unknown one where embeddings are missing."""
    if models.embedder is None:
        decision = RoleDecision((Role.UNKNOWN,), roles.UNDECIDED_CONFIDENCE, "content")
        unknown = doubts.of_mono(decision, diarized=False)
        return Speakers(utterances, speech, decision, _is_confirmed(decision, options), unknown)
    found = diarize(
        audio,
        speech[0],
        utterances,
        embedder=models.embedder,
        classifier=models.roles,
        direction=recording.direction,
        role_confidence=options.role_confidence,
        diarizer=models.diarizer,
        options=options.diarization,
    )
    return Speakers(
        found.utterances,
        found.speech,
        found.roles,
        _is_confirmed(found.roles, options),
        doubts.of_mono(found.roles, diarized=True),
        diarization=found,
    )


def _measured(
    built: Sequence[Turn], audio: Audio, diarization: Diarization | None
) -> tuple[Turn, ...]:
    """Turns with their levels, and those of mono recordings with the confidence of their speaker.

    The speakers of a mono recording share channel 0.
    """
    if diarization is not None:
        built = [
            replace(turn, channel=0, role_confidence=diarization.confidence(turn)) for turn in built
        ]
    levels = [frame_levels(channel) for channel in audio.samples]
    return tuple(
        replace(turn, level_db=mean_level(levels[turn.channel or 0], turn.speech)) for turn in built
    )


def _is_confirmed(decision: RoleDecision, options: TranscriptionOptions) -> bool:
    """Whether the words say who the agent is, or all recordings have agents on a known channel."""
    known = decision.source == "default" and options.agent_channel is not None
    return known or decision.confidence >= options.role_confidence
