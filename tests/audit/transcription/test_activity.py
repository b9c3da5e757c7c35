"""Where speech begins and ends on telephone lines mixed from the sample calls' own voices."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from audit.transcription.activity import begins_in_speech, dead_channel, detect_speech
from audit.transcription.decoding import Audio, decode
from audit.types import Span
from data_samples.generate.mixer import LINE_RATE, After, Before, Clip, Mix, Over, Scene, mix
from data_samples.generate.sounds import FloatArray, hold_music, ringback, touch_tones
from models.voice.vad import speech_probabilities

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"


@cache
def call() -> Audio:
    return decode(CALLS / "S01_2001_20261116T090510.wav")


@cache
def voice(channel: int) -> FloatArray:
    """A stretch of one speaker, at the line's rate, silence at its edges cut off."""
    speech = speech_of(call())[channel]
    first = max(speech, key=lambda span: span.duration_s)
    samples = call().channel(channel, span=first)
    return np.asarray(resample_poly(samples, 1, 2), dtype=np.float32)


def speech_of(audio: Audio) -> list[list[Span]]:
    return detect_speech(audio, detector=speech_probabilities)


def speech_in(mixed: Mix) -> list[list[Span]]:
    wide = resample_poly(mixed.audio, 2, 1, axis=0)
    return speech_of(Audio((wide.T * 32767).clip(-32768, 32767).astype(np.int16)))


def covered(speech: list[Span], truth: Span) -> float:
    return sum(segment.overlap_s(truth) for segment in speech) / truth.duration_s


def dialogue(**scene: object) -> tuple[list[list[Span]], list[Span]]:
    """Agent, customer, agent: what was found on each channel, and where they speak."""
    clips = [
        Clip(voice(0), 0),
        Clip(voice(1), 1, After(0.6)),
        Clip(voice(0)[: 2 * LINE_RATE], 0, After(0.6)),
    ]
    mixed = mix(clips, scene=Scene(**scene))  # type: ignore[arg-type]
    return speech_in(mixed), [Span(piece.start_s, piece.end_s) for piece in mixed.intervals]


def test_edges_on_a_clean_line() -> None:
    speech, (first, answer, last) = dialogue()
    assert speech[0][0].start_s == pytest.approx(first.start_s, abs=0.15)
    assert speech[1][0].start_s == pytest.approx(answer.start_s, abs=0.15)
    assert speech[1][-1].end_s == pytest.approx(answer.end_s, abs=0.2)
    assert covered(speech[0], first) > 0.8
    assert covered(speech[0], last) > 0.7
    assert covered(speech[1], answer) > 0.8


@pytest.mark.parametrize("leak_db", [-20, -30, -38])
def test_cross_talk_is_nobodys_speech(leak_db: float) -> None:
    speech, (first, answer, last) = dialogue(leak_db=leak_db)
    assert covered(speech[0], answer) < 0.03
    assert covered(speech[1], first) < 0.03
    assert covered(speech[1], last) < 0.03
    assert covered(speech[0], first) > 0.75
    assert covered(speech[1], answer) > 0.75


def test_both_speaking_at_once_are_both_heard() -> None:
    clips = [Clip(voice(1), 1), Clip(voice(0)[: 3 * LINE_RATE], 0, Before(1.2))]
    mixed = mix(clips, scene=Scene(leak_db=-30))
    speech = speech_in(mixed)
    for piece in mixed.intervals:
        assert covered(speech[piece.channel], Span(piece.start_s, piece.end_s)) > 0.7
    start_s = mixed.intervals[1].start_s
    onset = next(span.start_s for span in speech[0] if span.end_s > start_s)
    assert onset == pytest.approx(start_s, abs=0.2)


@pytest.mark.parametrize("snr_db", [15, 20])
def test_speech_in_noise_is_still_found(snr_db: float) -> None:
    speech, (first, answer, _) = dialogue(snr_db=(snr_db, snr_db))
    assert covered(speech[0], first) > 0.7
    assert covered(speech[1], answer) > 0.7
    assert covered(speech[0], answer) < 0.05


def test_a_soft_customer_is_found_beside_a_loud_agent() -> None:
    speech, (_, answer, _) = dialogue(gains_db=(0.0, -15.0))
    assert covered(speech[1], answer) > 0.7
    assert covered(speech[0], answer) < 0.05


def _tone(hertz: float, seconds: float) -> FloatArray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * LINE_RATE)) / LINE_RATE).astype(
        np.float32
    )


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(0.1 * ringback(2, rate=LINE_RATE), id="ringback"),
        pytest.param(0.1 * touch_tones("1", rate=LINE_RATE), id="one key"),
        pytest.param(0.1 * touch_tones("13579", rate=LINE_RATE), id="dtmf"),
        pytest.param(0.1 * _tone(450, 5), id="steady tone"),
        pytest.param(0.1 * _tone(1000, 3), id="beep"),
    ],
)
def test_tones_are_no_speech(sound: FloatArray) -> None:
    clips = [
        Clip(sound, 0, speech=False),
        Clip(voice(1), 1, After(0.5)),
        Clip(sound, 0, After(0.5), speech=False),
    ]
    mixed = mix(clips, scene=Scene())
    speech = speech_in(mixed)
    for piece in (mixed.intervals[0], mixed.intervals[2]):
        span = Span(piece.start_s, piece.end_s)
        assert covered(speech[0], span) < 0.02
        assert covered(speech[1], span) < 0.02
    answer = mixed.intervals[1]
    assert covered(speech[1], Span(answer.start_s, answer.end_s)) > 0.8


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_music_on_the_customers_side_is_nobodys_speech(level: float) -> None:
    """A customer who puts the agent on hold, while the agent asks whether anybody is there."""
    asks = voice(0)[: 3 * LINE_RATE]
    clips = [
        Clip(voice(1)[: 3 * LINE_RATE], 1),
        Clip(level * hold_music(20, rate=LINE_RATE), 1, After(0.5), speech=False),
        Clip(asks, 0, Over(0.3)),
    ]
    mixed = mix(clips, scene=Scene())
    speech = speech_in(mixed)
    answer, music, asked = (Span(piece.start_s, piece.end_s) for piece in mixed.intervals)
    heard = [span for span in speech[1] if span.overlap_s(music) > 0.1]
    assert covered(heard, music) < 0.05
    assert all(span.duration_s < 0.8 for span in heard)
    assert covered(speech[1], answer) > 0.8
    assert covered(speech[0], asked) > 0.8


def test_regions_are_in_order_disjoint_and_inside() -> None:
    for speech in speech_of(call()):
        assert speech
        assert all(a.end_s < b.start_s for a, b in itertools.pairwise(speech))
        assert speech[0].start_s >= 0
        assert speech[-1].end_s <= call().duration_s + 0.01
        assert all(span.duration_s > 0 for span in speech)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.5])
def test_hardly_any_sound(seconds: float) -> None:
    silence = np.zeros((2, round(seconds * 16_000)), dtype=np.int16)
    assert speech_of(Audio(silence)) == [[], []]


def test_a_recording_cut_within_speech_begins_in_it() -> None:
    whole = call()
    (first, *_) = sorted(span for spans in speech_of(whole) for span in spans)
    for start_s, within in ((0.0, False), (first.start_s - 0.3, False), (first.middle_s, True)):
        cut = Audio(whole.samples[:, int(start_s * 16_000) : int((start_s + 6) * 16_000)])
        assert begins_in_speech(speech_of(cut)) is within, start_s


@pytest.mark.parametrize(
    ("line", "dead"), [("nothing", 0), ("hum", 0), ("hiss", 0), ("leak", 0), ("room", None)]
)
def test_a_dead_channel_is_told_from_one_that_is_silent(line: str, dead: int | None) -> None:
    spoken = call().samples[1][16_000 * 8 : 16_000 * 22]
    seconds = np.arange(len(spoken)) / 16_000
    noise = np.random.default_rng(5).standard_normal(len(spoken))
    other = {
        "nothing": 0 * seconds,
        "hum": 500 * np.sin(2 * np.pi * 50 * seconds) + 200 * np.sin(2 * np.pi * 150 * seconds),
        "hiss": 60 * noise,
        "leak": 30 * noise + 0.01 * np.roll(spoken, 80),
        "room": 60 * noise * (1 + 4 * (np.sin(2 * np.pi * seconds / 3) > 0.8)),  # somebody moves
    }[line]
    audio = Audio(np.stack([other, spoken]).astype(np.int16))
    speech = speech_of(audio)
    assert speech[1]
    assert dead_channel(audio, speech) == dead
