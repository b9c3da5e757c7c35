"""A channel that carries nothing for a while, beside lines that are merely quiet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription import gaps
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import Audio, decode
from audit.types import SAMPLE_RATE, Span
from models.voice.vad import speech_probabilities

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"


@cache
def call() -> NDArray[np.int16]:
    return decode(CALLS / "S01_2001_20261116T090510.wav").samples


def without(channel: int, start_s: float, end_s: float) -> NDArray[np.int16]:
    samples = call().copy()
    samples[channel, int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)] = 0
    return samples


def found_in(samples: NDArray[np.int16]) -> list[tuple[int, Span]]:
    return gaps.find(samples, detect_speech(Audio(samples), detector=speech_probabilities))


@pytest.mark.parametrize(
    ("channel", "start_s", "end_s"),
    [(0, 0, 12), (0, 26, 45.8), (0, 30, 67), (1, 0, 15), (1, 40, 67), (1, 22, 27)],
)
def test_what_is_missing_while_the_other_speaks(channel: int, start_s: int, end_s: float) -> None:
    ((where, gap),) = found_in(without(channel, start_s, end_s))
    assert where == channel
    assert gap.start_s == pytest.approx(start_s, abs=0.03)
    assert gap.end_s == pytest.approx(min(end_s, call().shape[1] / SAMPLE_RATE), abs=0.03)


def test_a_muted_hold_in_which_nobody_speaks_is_a_silence() -> None:
    assert found_in(without(0, 45.9, 50.4)) == []


def test_lines_that_carry_their_noise_have_no_gap() -> None:
    assert found_in(call()) == []


def test_a_line_that_sends_nothing_in_pauses_has_no_gap() -> None:
    samples = call().copy()
    for channel, spans in enumerate(detect_speech(Audio(samples), detector=speech_probabilities)):
        sent = np.zeros(samples.shape[1], dtype=bool)
        for span in spans:
            sent[int(span.start_s * SAMPLE_RATE) : int((span.end_s + 0.4) * SAMPLE_RATE)] = True
        samples[channel, ~sent] = 0
    assert found_in(samples) == []


def test_a_channel_that_never_carries_anything_is_dead_and_has_no_gap() -> None:
    assert found_in(without(0, 0, 100)) == []
