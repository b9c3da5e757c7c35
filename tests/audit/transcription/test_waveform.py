"""Waveforms for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.transcription import waveform
from reports.store import Store


def test_a_burst_shows_where_it_sounds_and_how_loud() -> None:
    samples = np.zeros((2, 16_000 * 10), dtype=np.int16)
    samples[0, 16_000 * 3 : 16_000 * 4] = -32768
    samples[1, 16_000 * 5] = 328
    drawn = waveform.compute(samples)
    assert drawn.shape == (2, 200) and drawn.dtype == np.uint8
    assert set(np.flatnonzero(drawn[0])) == set(range(60, 80)) and drawn[0].max() == 255
    assert np.flatnonzero(drawn[1]).tolist() == [100]
    assert drawn[1, 100] == pytest.approx(255 * 0.01**0.5, abs=1)  # a hundredth is a tenth


@pytest.mark.parametrize("seconds", [0.0001, 1, 400, 7200])
def test_the_number_of_peaks_is_bounded(seconds: float) -> None:
    samples = np.ones((1, max(1, int(16_000 * seconds))), dtype=np.int16)
    drawn = waveform.compute(samples)
    assert 1 <= drawn.shape[1] <= waveform.MAX_PEAKS
    assert (drawn > 0).all()


def test_kept_and_read_again_or_none(tmp_path: Path) -> None:
    drawn = waveform.compute(np.full((1, 16_000), 900, dtype=np.int16))
    assert Store(tmp_path).waveforms.load("a" * 64) is None
    Store(tmp_path).waveforms.save("a" * 64, drawn)
    kept = Store(tmp_path).waveforms.load("a" * 64)
    assert kept is not None and (kept == drawn).all()
    (file,) = (tmp_path / "peaks").glob("*/*.npy")
    for damage in (b"", file.read_bytes()[:50], b"\x93NUMPY" + b"x" * 99):
        file.write_bytes(damage)
        assert Store(tmp_path).waveforms.load("a" * 64) is None
