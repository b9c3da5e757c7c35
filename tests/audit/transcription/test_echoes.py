"""Echoes that come too late, or too irregularly, for a filter: nobody's words twice."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription import echoes
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import Audio, decode
from audit.types import SAMPLE_RATE, Span
from models.voice.vad import speech_probabilities

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
NAMES = ("S01_2001_20261116T090510.wav", "S19_2002_20261118T155505.wav")

Samples = NDArray[np.float32]


@cache
def call(name: str = "S20_2006_20261118T170836.wav") -> Samples:
    return decode(CALLS / name).samples.astype(np.float32)


def delayed(samples: Samples, seconds: float, gain: float) -> Samples:
    late = np.zeros_like(samples)
    count = round(seconds * SAMPLE_RATE)
    late[count:] = gain * samples[: len(samples) - count]
    return late


def speech_of(samples: Samples) -> list[list[Span]]:
    heard = samples.clip(-32768, 32767).astype(np.int16)
    return detect_speech(Audio(heard), detector=speech_probabilities)


def seconds(spans: list[Span], inside: list[Span]) -> float:
    return sum(span.overlap_s(one) for span in spans for one in inside)


def jumping(samples: Samples) -> Samples:
    """An echo whose delay jumps, bent as by a loudspeaker."""
    third = len(samples) // 3
    parts = [delayed(samples, delay_s, 0.6) for delay_s in (0.15, 0.25, 0.2)]
    echo = np.concatenate([part[n * third : (n + 1) * third] for n, part in enumerate(parts)])
    return np.pad(np.tanh(echo / 3000) * 3000, (0, len(samples) - len(echo)))


@pytest.mark.parametrize("echoing", [0, 1])
@pytest.mark.parametrize("kind", ["0.4 s", "0.6 s", "1 s", "jumping"])
def test_a_late_echo_is_nobodys_speech(kind: str, echoing: int) -> None:
    clean = call()
    own, other = speech_of(clean)[echoing], speech_of(clean)[1 - echoing]
    said = clean[1 - echoing]
    echo = jumping(said) if kind == "jumping" else delayed(said, float(kind.split()[0]), 0.5)
    line = clean.copy()
    line[echoing] += echo
    found = speech_of(line)
    extra_s = sum(span.duration_s for span in found[echoing]) - seconds(found[echoing], own)
    assert extra_s < 0.1 * sum(span.duration_s for span in other), found[echoing]
    assert seconds(found[echoing], own) > 0.85 * sum(span.duration_s for span in own)
    assert seconds(found[1 - echoing], other) > 0.98 * sum(span.duration_s for span in other)


@pytest.mark.parametrize("name", NAMES)
def test_what_people_say_at_once_is_no_echo(name: str) -> None:
    samples = call(name).astype(np.int16)
    assert echoes.find(samples, speech_of(call(name))) == [[], []]


def test_a_word_said_after_the_other_is_no_echo() -> None:
    """Another voice that repeats the same words, as an agent does who reads them back."""
    own = call("S22_2003_20261118T162030.wav")
    assert echoes.find(own.astype(np.int16), speech_of(own)) == [[], []]


def test_what_is_left_beside_an_echo() -> None:
    speech = [Span(1, 5), Span(6, 7)]
    assert echoes.without(speech, [Span(2, 4.8)]) == [Span(1, 2), Span(6, 7)]
    assert echoes.without(speech, [Span(0.9, 5.1), Span(6, 6.5)]) == [Span(6.5, 7)]
