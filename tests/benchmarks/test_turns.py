"""Properties of turn edges and interruptions on drawn calls; `make bench-turns` draws hundreds."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from audit.transcription.decoding import Audio
from audit.transcription.windows import join_utterances
from audit.types import SAMPLE_RATE, Span
from data_samples.generate.mixer import LINE_RATE, After, Clip, Scene, mix
from data_samples.generate.sounds import FloatArray, busy, hold_music, ringback, touch_tones
from tests.benchmarks.turns.draw import DrawnCall, Event, Stratum, draw
from tests.benchmarks.turns.measure import (
    Regions,
    Tally,
    audio_of,
    compare,
    interruptions_of,
    regions_of,
    true_regions,
)

CALLS = 6
STRATA = list(Stratum)


@cache
def heard(stratum: Stratum, seed: int) -> tuple[DrawnCall, Audio, Regions]:
    call = draw(stratum, seed=seed)
    audio = audio_of(call)
    return call, audio, regions_of(audio)


def tally_of(stratum: Stratum) -> Tally:
    tally = Tally()
    for seed in range(CALLS):
        call, _, regions = heard(stratum, seed)
        compare(call, regions, tally=tally)
    return tally


SECONDS_TELL = (Event.CUT_IN, Event.TALK_OVER, Event.SUSTAINED)
"""Interruptions that are told by seconds alone, whatever the words."""


def drawn(tally: Tally) -> int:
    return sum(tally.events[event].drawn for event in SECONDS_TELL if event in tally.events)


def seen(tally: Tally) -> int:
    return sum(tally.events[event].accused for event in SECONDS_TELL if event in tally.events)


def edges(regions: Regions) -> list[float]:
    """Of utterances: breaths within them are as good as chance."""
    spans = (utterance.span for utterance in join_utterances(regions))
    return [edge for span in spans for edge in (span.start_s, span.end_s)]


def speech_s(regions: Regions) -> float:
    return sum(span.duration_s for spans in regions for span in spans)


def common_s(one: Regions, other: Regions) -> float:
    pairs = zip(one, other, strict=True)
    return sum(a.overlap_s(b) for left, right in pairs for a in left for b in right)


@pytest.mark.parametrize("stratum", STRATA)
def test_the_truth_itself_has_exactly_the_interruptions_drawn(stratum: Stratum) -> None:
    tally = Tally()
    for seed in range(CALLS):
        call = draw(stratum, seed=seed)
        compare(call, true_regions(call), tally=tally)
    assert (seen(tally), tally.wrong) == (drawn(tally), 0)
    assert (drawn(tally) > 0) is (stratum is not Stratum.LISTENING)
    assert tally.edge_s(90) == 0
    assert tally.missed_s == pytest.approx(0)
    assert tally.false_s == 0


def test_a_detector_that_hears_nothing_or_everything_is_found_out() -> None:
    deaf, credulous = Tally(), Tally()
    for seed in range(CALLS):
        call = draw(Stratum.CLEAN, seed=seed)
        compare(call, [[], []], tally=deaf)
        compare(call, [[Span(0, len(call.audio) / LINE_RATE)]] * 2, tally=credulous)
    assert seen(deaf) == 0 < drawn(deaf)
    assert deaf.missed_s == pytest.approx(deaf.spoken_s)
    assert credulous.false_s > 0.3 * credulous.seconds
    assert credulous.edge_s(50) > 1
    assert seen(credulous) < 0.5 * drawn(credulous)


@pytest.mark.parametrize("stratum", STRATA)
def test_regions_are_in_order_disjoint_and_inside(stratum: Stratum) -> None:
    for seed in range(CALLS):
        _, audio, regions = heard(stratum, seed)
        for spans in regions:
            assert all(span.duration_s > 0 for span in spans)
            assert all(a.end_s < b.start_s for a, b in itertools.pairwise(spans))
            assert not spans or (spans[0].start_s >= 0 and spans[-1].end_s <= audio.duration_s)


@pytest.mark.parametrize("stratum", [Stratum.CLEAN, Stratum.HARD, Stratum.ALL])
def test_swapping_the_channels_swaps_the_regions(stratum: Stratum) -> None:
    _, audio, regions = heard(stratum, 0)
    assert regions_of(Audio(audio.samples[::-1].copy())) == regions[::-1]


@pytest.mark.parametrize("stratum", [Stratum.CLEAN, Stratum.HARD, Stratum.ALL])
def test_digital_silence_around_a_call_moves_only_the_clock(stratum: Stratum) -> None:
    _, audio, regions = heard(stratum, 1)
    before_s = 3.0
    silence = np.zeros((2, round(before_s * SAMPLE_RATE)), dtype=np.int16)
    later = regions_of(Audio(np.concatenate([silence, audio.samples, silence], axis=1)))
    moved = [[Span(s.start_s - before_s, s.end_s - before_s) for s in spans] for spans in later]
    assert common_s(moved, regions) > 0.985 * max(speech_s(moved), speech_s(regions))
    assert moved[0][0].start_s == pytest.approx(regions[0][0].start_s, abs=0.05)
    assert moved[1][-1].end_s == pytest.approx(regions[1][-1].end_s, abs=0.05)


@pytest.mark.parametrize("stratum", [Stratum.CLEAN, Stratum.CROSS_TALK, Stratum.CODECS])
def test_a_softer_recording_has_the_same_edges(stratum: Stratum) -> None:
    _, audio, regions = heard(stratum, 2)
    softer = regions_of(Audio((audio.samples * 10 ** (-12 / 20)).astype(np.int16)))
    assert common_s(softer, regions) > 0.95 * max(speech_s(softer), speech_s(regions))
    nearest = [min(abs(edge - other) for other in edges(softer)) for edge in edges(regions)]
    assert np.percentile(nearest, 90) < 0.05


def _lines(sound: FloatArray) -> list[Audio]:
    """A sound on the one channel and on the other, over a quiet and over a noisy line."""
    scenes = (Scene(leak_db=-30), Scene(leak_db=-20, leak_s=0.1, snr_db=(15, 15)))
    clips = [Clip(0.1 * sound, 0, speech=False), Clip(0.1 * sound, 1, After(1.0), speech=False)]
    mixes = [mix(clips, scene=scene) for scene in scenes]
    return [audio_of(DrawnCall(made.audio, ())) for made in mixes]


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(4 * LINE_RATE, dtype=np.float32), id="silence"),
        pytest.param(ringback(2, rate=LINE_RATE), id="ringback"),
        pytest.param(busy(8, rate=LINE_RATE), id="busy"),
        pytest.param(touch_tones("0147#", rate=LINE_RATE), id="keys"),
        pytest.param(hold_music(8, rate=LINE_RATE), id="music"),
    ],
)
def test_what_nobody_speaks_gives_no_region(sound: FloatArray) -> None:
    for audio in _lines(sound):
        assert regions_of(audio) == [[], []]


def test_edges_on_a_clean_line() -> None:
    tally = tally_of(Stratum.CLEAN)
    assert tally.edge_s(50) <= 0.03
    assert tally.edge_s(90) <= 0.08
    assert tally.missed_s < 0.02 * tally.spoken_s
    assert (seen(tally), tally.wrong) == (drawn(tally), 0)


@pytest.mark.parametrize("stratum", STRATA)
def test_nobody_is_accused_wrongly(stratum: Stratum) -> None:
    tally = tally_of(stratum)
    # At 10 dB SNR the end of a turn may drown, and a listener's word under it stands alone.
    assert tally.wrong <= (stratum in (Stratum.NOISE, Stratum.ECHO, Stratum.ALL))
    assert tally.false_s < 0.005 * tally.seconds


@pytest.mark.parametrize("stratum", STRATA)
def test_speech_and_interruptions_are_found(stratum: Stratum) -> None:
    tally = tally_of(stratum)
    hard = stratum in (Stratum.HARD, Stratum.ALL, Stratum.LEVELS)
    assert tally.edge_s(50) <= 0.03
    assert tally.missed_s < (0.12 if hard else 0.06) * tally.spoken_s
    assert tally.together_found_s > (0.75 if hard else 0.88) * tally.together_s
    assert seen(tally) >= (0.7 if hard else 0.8) * drawn(tally)


def test_a_leak_whose_clock_drifts_is_nobodys_speech() -> None:
    """No fixed filter explains it, so that only the levels of both channels can tell."""
    tally = Tally()
    for seed in range(3):
        call = draw(Stratum.CLEAN, seed=seed)
        clock = np.arange(len(call.audio))
        late = clock * (1 + 5e-4) - 0.05 * LINE_RATE
        leak = np.stack([np.interp(late, clock, side, left=0) for side in call.audio.T[::-1]], 1)
        leaky = DrawnCall((call.audio + 0.1 * leak).astype(np.float32), call.pieces)
        compare(leaky, regions_of(audio_of(leaky)), tally=tally)
    assert tally.wrong == 0
    assert tally.false_s < 0.005 * tally.seconds
    assert tally.missed_s < 0.06 * tally.spoken_s


def test_the_same_seed_draws_the_same_call() -> None:
    once, again = draw(Stratum.ALL, seed=3), draw(Stratum.ALL, seed=3)
    assert np.array_equal(once.audio, again.audio)
    assert once.pieces == again.pieces
    assert interruptions_of(true_regions(once), once.pieces)
