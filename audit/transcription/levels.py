"""Levels of a channel, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from audit.types import SAMPLE_RATE, Span

HOP_S = 0.01
"""Seconds from one frame to the next."""

HOP = int(SAMPLE_RATE * HOP_S)
"""Samples from one frame to the next."""

BLOCK_FRAMES = 60_000
"""Frames (ten minutes) that are processed at once, so that a long call is never held as floats."""

SILENCE_PEAK = 8
"""Of 32768: the idle hum of mu-law and A-law codecs is below it."""

Frames = NDArray[np.float32]


def frame_levels(samples: NDArray[np.int16]) -> Frames:
    """Level in dB below full scale of every 10 ms, smoothed over 30 ms; shape ``[frames]``."""
    count = len(samples) // HOP
    power = np.empty(count, dtype=np.float32)
    for first in range(0, count, BLOCK_FRAMES):
        block = samples[first * HOP : min(count, first + BLOCK_FRAMES) * HOP].astype(np.float32)
        power[first : first + BLOCK_FRAMES] = np.square(block / 32768).reshape(-1, HOP).mean(axis=1)
    if count >= 3:
        power = np.convolve(power, np.full(3, 1 / 3, dtype=np.float32), mode="same")
    level: Frames = (10 * np.log10(power + 1e-10)).astype(np.float32)
    return level


def mean_level(level: Frames, spans: Iterable[Span]) -> float | None:
    """Level in dB of some stretches taken together; None where they hold no frame."""
    parts = [level[round(s.start_s / HOP_S) : round(s.end_s / HOP_S)] for s in spans]
    frames = np.concatenate([*parts, np.zeros(0, dtype=np.float32)])
    return round(float(10 * np.log10(np.mean(10 ** (frames / 10)))), 1) if len(frames) else None


def noise_floor(level: Frames) -> float:
    """Level of the channel's background in dB: the 15th percentile of frames that carry any."""
    carrying = level[level > -90]
    return float(np.percentile(carrying, 15)) if len(carrying) else -90.0
