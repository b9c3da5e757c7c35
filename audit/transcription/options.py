"""What can be tuned between audio and turns. Any change invalidates cached transcripts.

The descriptions are the tables of ``docs/configuration.md``, see :mod:`flows.options`.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from audit.transcription.backchannels import BACKCHANNEL_SHARE_MIN


class Options(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class VadOptions(Options):
    """Voice activity detection: from probabilities and levels of each 10 ms to speech segments."""

    on_probability: float = Field(
        0.5,
        description="Speech probability that a segment must reach somewhere. Higher values drop "
        "soft or short speech; lower ones let noise through. Typical: 0.4 to 0.7.",
    )
    off_probability: float = Field(
        0.3,
        description="Speech probability below which a segment ends. It must be at most "
        "`on_probability`; higher values cut soft word endings, lower ones join segments over "
        "noise. Typical: 0.2 to 0.4.",
    )
    over_noise_db: float = Field(
        3.0,
        description="Decibels by which a frame must exceed the noise floor of its channel. Higher "
        "values lose soft voices, lower ones take background noise for speech. Typical: 2 to 6.",
    )
    over_leak_db: float = Field(
        8.0,
        description="Decibels above the crosstalk expected from the other channel from which a "
        "frame is certainly the channel's own speaker. Higher values lose soft backchannels during "
        "the other's speech, lower ones take crosstalk for speech. Typical: 6 to 12.",
    )
    own_share: float = Field(
        0.5,
        description="Share of a segment's voiced frames, 0 to 1, that must be certainly the "
        "channel's own speaker. Segments below it are dropped as crosstalk. Typical: 0.3 to 0.7.",
    )
    leak_delay_s: float = Field(
        0.25,
        description="Seconds by which crosstalk or echo may be late. Echoes that come later are "
        "taken for speech; much higher values hide real speech after the other's. Typical: 0.1 to "
        "0.3.",
    )
    bridge_s: float = Field(
        0.15,
        description="Seconds; shorter gaps within speech are bridged, longer ones separate "
        "segments. Typical: 0.1 to 0.3.",
    )
    min_speech_s: float = Field(
        0.12,
        description="Seconds; shorter segments are dropped as clicks and noise. Values above 0.2 "
        "lose backchannels such as 嗯. Typical: 0.1 to 0.2.",
    )
    edge_search_s: float = Field(
        0.2,
        description="Seconds by which a segment's edges may move outwards over adjoining loud "
        "frames, because the detector reacts late. 0 keeps its own edges and may clip the first "
        "syllable. Typical: 0.1 to 0.3.",
    )
    tone_window_s: float = Field(
        0.3,
        description="Seconds over which a level must stay constant to count as a tone (ringback, "
        "busy tone). Lower values take sustained vowels for tones. Typical: 0.2 to 0.5.",
    )
    tone_deviation_db: float = Field(
        1.0,
        description="Standard deviation of the level in decibels below which a stretch is a tone. "
        "Higher values take monotonous speech for tones, lower ones let tones through. Typical: "
        "0.5 to 1.5.",
    )
    begins_s: float = Field(
        0.1,
        description="Seconds; a recording whose first speech starts earlier counts as cut in the "
        "middle of speech, so that a missing greeting is `cannot_tell`. Typical: 0.05 to 0.3.",
    )
    dead_range_db: float = Field(
        6.0,
        description="Decibels between the 99th percentile and the median of a silent channel's "
        "level; below that, the channel carries nothing or a constant hum. Typical: 4 to 10.",
    )


class PackingOptions(Options):
    """How utterances are packed into Whisper windows of 30 seconds."""

    gap_s: float = Field(
        0.2,
        description="Seconds of silence between two utterances in a window. Lower values let words "
        "run together, higher ones waste the window. Typical: 0.1 to 0.5.",
    )
    pad_s: float = Field(
        0.12,
        description="Seconds of the recording kept before and after each utterance. Lower values "
        "may clip syllables, higher ones bring in the other speaker. Typical: 0.1 to 0.3.",
    )
    join_s: float = Field(
        0.35,
        description="Seconds; speech segments of a channel with a shorter pause are one utterance, "
        "with a longer one two. Typical: 0.2 to 0.6.",
    )
    level_db: float = Field(
        -23.0,
        description="Level in decibels below full scale to which every utterance is brought; "
        "Whisper skips what is much softer than the rest of a window. Typical: -30 to -18.",
    )
    retry_s: float = Field(
        0.5,
        description="Seconds; utterances at least this long for which no words were returned are "
        "transcribed again, alone. Lower values cost time, higher ones lose short sentences that "
        "are said twice. Typical: 0.3 to 1.",
    )


class TurnOptions(Options):
    """How utterances become turns, and which turns are backchannels."""

    join_s: float = Field(
        1.5,
        description="Seconds; a longer pause always ends a turn. A shorter one ends it only if the "
        "other speaker takes over. Typical: 1 to 2.5.",
    )
    breath_s: float = Field(
        0.45,
        description="Seconds; a pause up to this length never ends a turn, even if the other "
        "speaker starts in it. Typical: 0.2 to 0.6.",
    )
    hesitation_s: float = Field(
        0.7,
        description="Seconds of pause after a short utterance during the other's speech up to "
        "which it belongs to what follows, unless it consists of backchannel words. Higher values "
        "leave fewer backchannels. Typical: 0.5 to 1.",
    )
    outlast_s: float = Field(
        0.5,
        description="Seconds by which backchannel words may outlast the other's speech and still "
        "take no floor; and for which the other must speak on in a pause to take over. Typical: "
        "0.3 to 1.",
    )
    backchannel_s: float = Field(
        1.2,
        description="Seconds; any utterance during the other's speech that is no longer, and has "
        "no more than `backchannel_syllables`, is a backchannel. Higher values hide short "
        "interruptions. Typical: 0.8 to 1.5.",
    )
    backchannel_words_s: float = Field(
        2.5,
        description="Seconds; an utterance of backchannel words (嗯, 对对对, 好的好的) that is "
        "longer counts as a turn. Typical: 1.5 to 4.",
    )
    backchannel_syllables: int = Field(
        3,
        description="Chinese syllables up to which any short utterance during the other's speech "
        "is a backchannel. Higher values hide short interruptions. Typical: 2 to 4.",
    )
    backchannel_words_share: float = Field(
        BACKCHANNEL_SHARE_MIN,
        description="Share of an utterance's syllables, 0 to 1, that must be backchannel words. "
        "Lower values let a sentence that begins with 好的 pass as a backchannel. Typical: 0.7 to "
        "0.9.",
    )


class DiarizationOptions(Options):
    """Who speaks when on mono recordings. Costs and weights are in nats."""

    window_s: float = Field(
        0.8,
        description="Seconds of speech per speaker embedding. Longer windows are more certain of "
        "the speaker and blur the change of speakers. Typical: 0.6 to 1.6.",
    )
    hop_s: float = Field(
        0.1,
        description="Seconds from one embedding to the next. Lower values cost time and place "
        "changes more exactly. Typical: 0.05 to 0.25.",
    )
    similarity: float = Field(
        10.0,
        description="Weight of the cosine similarity between an embedding and a speaker's "
        "centroid. Higher values trust the voice more than the words. Typical: 5 to 20.",
    )
    evidence: float = Field(
        1.0,
        description="Weight of what is said: words of agents pull towards the agent. 0 uses the "
        "voice alone. Typical: 0.5 to 2.",
    )
    switch: float = Field(
        3.0,
        description="Cost of a change of speakers within a speech segment. Higher values give "
        "fewer, longer turns. Typical: 1 to 6.",
    )
    switch_in_pause: float = Field(
        0.5,
        description="Cost of a change of speakers in a pause. Higher values give fewer turns. "
        "Typical: 0 to 2.",
    )
    same_voice: float = Field(
        0.55,
        description="Cosine similarity of two speakers above which they may be one, and are two "
        "only if one of them speaks like an agent and the other like a customer. Lower values "
        "merge distinct speakers, higher ones split one. Typical: 0.3 to 0.7.",
    )
    same_evidence: float = Field(
        5.0,
        description="Evidence of an agent's words, and of a customer's, that two similar speakers "
        "must have to be two. Higher values merge more. Typical: 2 to 8.",
    )
    third_similarity: float = Field(
        0.3,
        description="Cosine similarity below which a third speaker, after a transfer, is a "
        "separate one. Higher values find more third speakers. Typical: 0.1 to 0.4.",
    )
    third_s: float = Field(
        6.0,
        description="Seconds that a third speaker must speak; with less there are two. Typical: 4 "
        "to 15.",
    )
    pyannote: str | None = Field(
        None,
        description="Path of a pyannote.audio pipeline that diarizes instead, see below; `null` "
        "for the embeddings that install from PyPI.",
    )


class ServiceOptions(Options):
    """A transcription service that is reached by URL, for `engine: openai-compatible`."""

    url: str | None = Field(
        None,
        description="Address up to the version, such as `http://127.0.0.1:8000/v1`: recordings are "
        "sent to `URL/audio/transcriptions`, and nowhere else.",
    )
    key_env: str | None = Field(
        None,
        description="Name of the environment variable that holds the service's key; `null` for a "
        "service without one. The key itself is never written down.",
    )
    language: str | None = Field(
        "zh", description="Language that is asked for; `null` to let the service detect it."
    )
    trust_word_times: bool = Field(
        False,
        description="Whether the service measures when each word is said, as Whisper servers do "
        "that return words. `false` sends each utterance alone and uses no times; `true` sends "
        "fewer, longer windows, and rejects recordings whose times cannot be right.",
    )
    timeout_s: float = Field(
        40, gt=0, description="Seconds; limit of one request, of 30 seconds of speech at most."
    )
    tries: int = Field(
        3,
        ge=1,
        le=10,
        description="How often, 1 to 10, a request that fails is sent before its recording is "
        "rejected.",
    )
    patience_s: float = Field(
        100,
        ge=0,
        description="Seconds that a service which is away or full is waited for before the batch "
        "stops. `(tries + 2) × timeout_s + patience_s` must not exceed `batch.timeout_s`.",
    )
    parallel: int = Field(
        4,
        ge=1,
        le=64,
        description="Requests at a time, 1 to 64, of each process that transcribes.",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, given: str | None) -> str | None:
        """Refused without quoting it: what is wrong with it may be a password in it."""
        if given is None:
            return None
        try:
            parts = urlsplit(given.strip())
            named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            named = False
        if not named or re.search(r"[\s\x00-\x20\\]", given.strip()):
            raise _hidden("it must be an address such as http://127.0.0.1:8000/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise _hidden(
                "it must hold no user, password or ?…; put the key into an environment variable "
                "and name that in key_env"
            )
        return given.strip().rstrip("/")


def _hidden(message: str) -> PydanticCustomError:
    return PydanticCustomError("hidden", "{message}", {"message": message})


class TranscriptionOptions(Options):
    """From audio to turns, whatever the speech recognition engine."""

    vad: VadOptions = VadOptions()
    packing: PackingOptions = PackingOptions()
    turns: TurnOptions = TurnOptions()
    diarization: DiarizationOptions = DiarizationOptions()
    agent_channel: Literal[0, 1] | None = Field(
        None,
        description="The agent's channel (0 or 1) in all recordings of your recorder; `null` where "
        "that is not known: 0 is then a guess, and the words decide.",
    )
    role_confidence: float = Field(
        0.9,
        ge=0.5,
        le=1,
        description="Minimum probability, 0.5 to 1, at which agent and customer count as "
        "identified. Higher values leave more recordings undecided, lower ones accuse the wrong "
        "speaker more often. Typical: 0.8 to 0.95.",
    )
