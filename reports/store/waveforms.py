"""Waveforms that are kept, so that pages can be drawn again later without audio.

Each lies under the hash of its recording's bytes, ``OUT/peaks/ab/SHA256.npy``.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from audit.transcription.waveform import Peaks
from reports.store.atomic import write_whole


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
