"""Whether two channels carry two speakers or one line twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audit.transcription.crosstalk import similarity
from audit.transcription.decoding import decode

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"


@pytest.mark.parametrize("name", ["S01_2001_20261116T090510.wav", "S06_2006_20261116T153312.wav"])
def test_two_speakers_are_unlike_be_there_cross_talk_or_none(name: str) -> None:
    assert similarity(decode(CALLS / name).samples) < 0.5


@pytest.mark.parametrize("delay", [0, 1, 37, 320, 2400])
@pytest.mark.parametrize("gain", [1.0, -0.3])
def test_a_line_written_twice_is_like_itself_however_late(delay: int, gain: float) -> None:
    left, right = decode(CALLS / "S01_2001_20261116T090510.wav").samples
    mixed = left // 2 + right // 2
    late = np.concatenate([np.zeros(delay, dtype=np.int16), mixed[: len(mixed) - delay]])
    assert similarity(np.stack([mixed, (gain * late).astype(np.int16)])) > 0.9


def test_silence_is_like_nothing() -> None:
    left = decode(CALLS / "S01_2001_20261116T090510.wav").samples[0]
    assert similarity(np.stack([left, np.zeros_like(left)])) == 0
    assert similarity(np.zeros((2, 16_000), dtype=np.int16)) == 0
    assert similarity(np.zeros((2, 100), dtype=np.int16)) == 0
