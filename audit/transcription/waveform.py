"""Waveforms for the eye: the loudest sample of each short stretch, computed while audio is at hand.

Kept under the hash of the recording's bytes, ``OUT/peaks/ab/SHA256.npy``, so that pages can be
drawn again later without audio.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.types import SAMPLE_RATE
from reports.store.atomic import write_whole

PER_S = 20
"""Peaks for each second of a call, while there are at most ``MOST`` of them."""
MOST = 8000
"""Peaks of one channel, however long the call: a two-hour one has one for each 0.9 s."""

Peaks = NDArray[np.uint8]
"""Shape ``[channels, peaks]``: 255 times the square root of the amplitude, so that quiet speech
keeps its shape in eight bits."""


def compute(samples: NDArray[np.int16]) -> Peaks:
    """Peaks of a recording.

    Args:
        samples: int16, shape ``[channels, samples]`` at 16 kHz, at least one sample.
    """
    length = samples.shape[1]
    wanted = max(1, min(MOST, round(PER_S * length / SAMPLE_RATE), length))
    starts = np.arange(wanted, dtype=np.int64) * length // wanted
    peaks = np.empty((len(samples), wanted), dtype=np.uint8)
    for channel, row in zip(samples, peaks, strict=True):
        high = np.maximum.reduceat(channel, starts).astype(np.float32)
        low = np.minimum.reduceat(channel, starts).astype(np.float32)
        row[:] = np.rint(255 * np.sqrt(np.maximum(np.maximum(high, -low), 0) / 32768))
    return peaks


def _path(out: Path, audio_sha256: str) -> Path:
    return out / "peaks" / audio_sha256[:2] / f"{audio_sha256}.npy"


def load(out: Path, audio_sha256: str) -> Peaks | None:
    """The peaks of a recording, or None where there are none that can be read."""
    try:
        peaks = np.load(_path(out, audio_sha256), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return peaks if peaks.dtype == np.uint8 and peaks.ndim == 2 else None


def save(out: Path, audio_sha256: str, peaks: Peaks) -> None:
    """Keep the peaks of a recording; all or nothing."""
    buffer = io.BytesIO()
    np.save(buffer, peaks, allow_pickle=False)
    write_whole(_path(out, audio_sha256), buffer.getvalue())
