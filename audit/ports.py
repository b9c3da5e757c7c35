"""What the domain asks of models. They are built in one place above it and handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from audit.types import Marks, Origin, Samples, Span, Turn, Word, WordTimes

Embeddings = NDArray[np.float32]
"""Shape ``[windows, dimensions]``, each of length 1: their dot product is their similarity."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an ASR engine returns beside the text.

    Attributes:
        word_times: how it knows when each word was said.
        word_probabilities: whether it tells how certain each word is.
        punctuation: whether it writes punctuation throughout.
        language: whether it can tell how likely speech is in the expected language.
    """

    word_times: WordTimes = WordTimes.MEASURED
    word_probabilities: bool = True
    punctuation: bool = False
    language: bool = True


WORDS_MEASURED = Abilities()
"""Those of Whisper with its weights at hand: all but punctuation."""


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What an ASR engine transcribed in one window.

    Attributes:
        words: with times on the window's own clock. Of an engine without measured times, only
            their order counts.
        language_probability: that it is in the expected language; None where that was not checked.
        timed: whether the words have times; False for a window whose times an engine failed to
            measure, though it measures them elsewhere.
    """

    words: tuple[Word, ...]
    language_probability: float | None = None
    timed: bool = True


class AsrEngine(Protocol):
    """A speech recognition (ASR) engine with its weights loaded."""

    @property
    def abilities(self) -> Abilities:
        """What it returns beside the text."""
        ...

    @property
    def origin(self) -> Origin:
        """Engine and weights (``audio_sha256`` is None)."""
        ...

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        """Transcribe windows of at most 30 s of 16 kHz mono audio each.

        Args:
            windows: float32 samples in -1 to 1, shape ``[samples]`` each.
            repetition_penalty: what the score of a token that was written before is divided by
                (Keskar et al., CTRL, 2019); 1 for no penalty. Engines without it ignore it.

        Returns:
            A result for each window, in their order.
        """
        ...


VoiceActivityDetector = Callable[[NDArray[np.int16]], NDArray[np.float32]]
"""From 16 kHz samples of one channel to the probability of speech in each 10 ms."""


@dataclass(frozen=True, slots=True)
class SpeakerEmbedder:
    """Speaker embeddings of mel spectrograms.

    Attributes:
        mel_spectrogram: of samples, shape ``[frames, bands]``, a frame for each 10 ms.
        embed: the embedding of each window of frames.
    """

    mel_spectrogram: Callable[[Samples], NDArray[np.float32]]
    embed: Callable[[Sequence[NDArray[np.float32]]], Embeddings]


class RoleClassifier(Protocol):
    """Tells whether the agent says something, or the customer."""

    def agent_log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The log-odds that the agent says each text, shape ``(len(texts),)``."""
        ...

    def familiarity(self, texts: Sequence[str]) -> float:
        """Share of the texts' pairs of characters that the classifier has met, 0 to 1."""
        ...


Diarizer = Callable[[NDArray[np.int16]], list[tuple[Span, str]]]
"""From 16 kHz mono samples to who speaks when, by any names; stretches may overlap."""


@dataclass(frozen=True, slots=True)
class StagePath:
    """The stages of a call's turns.

    Attributes:
        path: stages in order, as positions among the stages, shape ``(n,)``.
        probabilities: of each stage for each turn, over all paths, shape ``(n, 3)``.
    """

    path: NDArray[np.int64]
    probabilities: NDArray[np.float64]


class StageClassifier(Protocol):
    """Tells greeting, handling and closing of a whole call."""

    @property
    def sha256(self) -> str:
        """Hash of what it has learned."""
        ...

    def stages(self, turns: Sequence[Turn], *, cues: Sequence[frozenset[str]] = ()) -> StagePath:
        """The stages of turns; ``cues`` are the lists of cue phrases that each has one of."""
        ...


ForbiddenKind = Literal[
    "abuse",
    "scolding",
    "mockery",
    "shirking",
    "refusal",
    "blaming",
    "ordering",
    "rushing",
    "provoking",
    "threat",
    "impatience",
]
"""Kinds of forbidden wording, in the order of the classifier's outputs."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn of an agent with what a classifier of wording may look at beside it.

    Attributes:
        text: as transcribed.
        after: what the customer says next; empty if nothing.
        repeated: share of the turn's syllables that repeat the customer, 0 to 1.
    """

    text: str
    after: str = ""
    repeated: float = 0.0


class WordingClassifier(Protocol):
    """Tells forbidden wording by its meaning."""

    def probabilities(self, turns: Sequence[SpokenTurn]) -> NDArray[np.float64]:
        """How likely the wording of each turn is forbidden, shape ``(len(turns),)``."""
        ...

    def familiarity(self, text: str) -> float:
        """Share of a text's pairs of characters that the classifier has met, 0 to 1."""
        ...

    def kind(self, text: str) -> ForbiddenKind:
        """Which kind of forbidden wording a turn is likeliest to be."""
        ...


CustomerAct = Literal[
    "repeated_fault",
    "delay",
    "manner",
    "price",
    "cause",
    "wants_other_place",
    "wrong_number",
    "absent",
    "busy_now",
    "own_errand",
    "cannot_hear_agent",
    "competitor",
    "corrects_agent",
    "nothing_more",
    "goodbye",
    "already_told",
]
"""What a turn of the customer does."""

AgentAct = Literal[
    "hello",
    "offers_help",
    "names_organisation",
    "names_self",
    "confirms_person",
    "purpose",
    "asks_time",
    "asks_name",
    "apology",
    "thanks",
    "asks_wait",
    "wait_reason",
    "after_wait",
    "cannot_hear",
    "answers_later",
    "says_when",
    "own_mistake",
    "refers_on",
    "cause_answer",
    "reads_back",
    "promises",
    "tells_wrong_number",
    "attacks_competitor",
    "further_help",
    "reach_again",
    "farewell",
    "asks_hang_up",
    "comforts",
    "flat_no",
    "insider_talk",
    "private_talk",
    "asks_favour",
]
"""What a turn of the agent does."""

ReproachableAct = Literal[
    "asks_back",
    "said_before",
    "commands",
    "sends_to_manual",
    "off_duty",
    "not_our_fault",
    "take_it_or_leave_it",
    "blames_customer",
    "sends_away",
    "ask_them_yourself",
    "not_my_case",
    "find_somebody_who_knows",
    "sort_it_out_first",
    "speak_up",
    "prods",
    "out_with_it",
    "hangs_up_unless",
    "contradicts",
]
"""What a turn of the agent does that a norm forbids by an example of its words."""

DialogueAct = Literal[CustomerAct, AgentAct, ReproachableAct]
"""What a turn does."""

ACTS: tuple[DialogueAct, ...] = get_args(DialogueAct)
"""Acts, in the order of the classifier's outputs."""


@dataclass(frozen=True, slots=True)
class AnsweringTurn:
    """A turn, or a part of one, and what the other side said before it (empty if nothing)."""

    text: str
    before: str = ""


class ActClassifier(Protocol):
    """Tells what turns do, by their meaning."""

    def probabilities(self, turns: Sequence[AnsweringTurn]) -> NDArray[np.float64]:
        """How likely each turn performs each act, shape ``(len(turns), number of acts)``."""
        ...


class EndingClassifier(Protocol):
    """Tells unfinished sentences."""

    def unfinished(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """How likely more would have followed each text, shape ``(len(texts),)``."""
        ...


class Punctuator(Protocol):
    """Sets the punctuation that a transcript lacks."""

    def marks(self, texts: Sequence[str]) -> list[Marks]:
        """The marks that each text of a call's turns lacks."""
        ...


@dataclass(frozen=True, slots=True)
class TranscriptionModels:
    """What turns audio into a transcript.

    ``embedder`` is None where its weights are not installed: speakers of mono recordings stay
    unknown. ``diarizer`` is None unless another engine is configured.
    """

    asr: AsrEngine
    vad: VoiceActivityDetector
    roles: RoleClassifier
    embedder: SpeakerEmbedder | None = None
    diarizer: Diarizer | None = None


@dataclass(frozen=True, slots=True)
class JudgingModels:
    """What judging a transcript asks of models."""

    stages: StageClassifier
    wording: WordingClassifier
    acts: ActClassifier
    endings: EndingClassifier
    punctuation: Punctuator
