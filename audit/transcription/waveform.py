"""Waveforms for the eye: the loudest sample of each short stretch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.types import SAMPLE_RATE

PEAKS_PER_S = 20
"""Peaks for each second of a call, while there are at most ``MAX_PEAKS`` of them."""
MAX_PEAKS = 8000
"""Peaks of one channel, however long the call: a two-hour one has one for each 0.9 s."""

Peaks = NDArray[np.uint8]
"""Shape ``[channels, peaks]``: 255 times the square root of the amplitude, so that quiet speech
keeps its shape in eight bits."""

_SAME_CORRELATION = 0.9
"""Of the peaks of one call in two codecs; those of different calls correlate by half of it."""
_SAME_PEAKS = 40
"""Peaks (2 s) by which two recordings of one call differ in length, or in where they begin."""


def compute(samples: NDArray[np.int16]) -> Peaks:
    """Peaks of a recording.

    Args:
        samples: int16, shape ``[channels, samples]`` at 16 kHz, at least one sample.
    """
    length = samples.shape[1]
    wanted = max(1, min(MAX_PEAKS, round(PEAKS_PER_S * length / SAMPLE_RATE), length))
    starts = np.arange(wanted, dtype=np.int64) * length // wanted
    peaks = np.empty((len(samples), wanted), dtype=np.uint8)
    for channel, row in zip(samples, peaks, strict=True):
        high = np.maximum.reduceat(channel, starts).astype(np.float32)
        low = np.minimum.reduceat(channel, starts).astype(np.float32)
        row[:] = np.rint(255 * np.sqrt(np.maximum(np.maximum(high, -low), 0) / 32768))
    return peaks


def is_same(one: Peaks, other: Peaks) -> bool:
    """Whether two recordings hold the same sound, in whatever codecs and channels."""
    length = min(one.shape[1], other.shape[1])
    if abs(one.shape[1] - other.shape[1]) > _SAME_PEAKS or length <= 2 * _SAME_PEAKS:
        return False
    first = one.max(axis=0).astype(np.float64)[_SAME_PEAKS : length - _SAME_PEAKS]
    second = other.max(axis=0).astype(np.float64)[:length]
    windows = np.lib.stride_tricks.sliding_window_view(second, len(first))
    first -= first.mean()
    products = windows @ first
    spread = windows.std(axis=1) * len(first) * first.std()
    return bool((products >= _SAME_CORRELATION * np.maximum(spread, 1e-9)).any())
