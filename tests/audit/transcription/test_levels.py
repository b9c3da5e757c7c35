"""Levels of stretches of sound, against tones whose level is known."""

from __future__ import annotations

import numpy as np
import pytest

from audit.transcription.levels import frame_levels, mean_level
from audit.types import SAMPLE_RATE, Span


def tone(db: float, seconds: float) -> np.ndarray:
    """A sine whose root mean square lies so far below full scale."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    amplitude = np.sqrt(2) * 10 ** (db / 20)
    return (32768 * amplitude * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)


def test_the_level_of_stretches_is_that_of_their_power_together() -> None:
    level = frame_levels(np.concatenate([tone(-20, 2), tone(-40, 2)]))
    assert mean_level(level, [Span(0.1, 1.9)]) == pytest.approx(-20, abs=0.2)
    assert mean_level(level, [Span(2.1, 3.9)]) == pytest.approx(-40, abs=0.2)
    both = 10 * np.log10((10**-2 + 10**-4) / 2)
    assert mean_level(level, [Span(0.1, 1.9), Span(2.1, 3.9)]) == pytest.approx(both, abs=0.2)


def test_nothing_has_no_level() -> None:
    level = frame_levels(tone(-20, 1))
    assert mean_level(level, []) is None
    assert mean_level(level, [Span(5, 6)]) is None
