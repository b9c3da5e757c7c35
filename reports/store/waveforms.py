"""Cached waveforms, so that pages can be rendered again later without audio.

Each is named by the hash of its recording's bytes, ``OUT/peaks/ab/SHA256.npy``.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from audit.transcription.waveform import Peaks
from reports.store.atomic import write_whole
from reports.store.layout import Layout


@dataclass(frozen=True, slots=True)
class Waveforms:
    """The waveforms of recordings, each by the hash of the recording's bytes."""

    layout: Layout

    def load(self, audio_sha256: str) -> Peaks | None:
        """The peaks of a recording, or None where there are none that can be read."""
        try:
            peaks = np.load(self.layout.waveform(audio_sha256), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return peaks if peaks.dtype == np.uint8 and peaks.ndim == 2 else None

    def save(self, audio_sha256: str, peaks: Peaks) -> None:
        """Keep the peaks of a recording; all or nothing."""
        buffer = io.BytesIO()
        np.save(buffer, peaks, allow_pickle=False)
        write_whole(self.layout.waveform(audio_sha256), buffer.getvalue())

    def keep_only(self, audio_sha256s: Collection[str]) -> None:
        """Erase the waveforms of all other recordings."""
        for path in self.layout.waveforms():
            if path.name.partition(".")[0] not in audio_sha256s:
                path.unlink()
