"""Packing speech into windows and putting the words back where they were spoken.

The recogniser here is written by hand and reads the audio itself: the tests lay numbers into
the samples. Real engines are tested in ``tests/models``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.transcription.decoding import Audio
from audit.transcription.windows import PackingOptions, pack, recognise, utterances
from audit.types import SAMPLE_RATE, Origin, Recognised, Samples, Span, Utterance, Word

LIMIT_S = 30.0
FLAT = replace(PackingOptions(), level_db=0.0)


SAID = "字词句段篇章文书言语声音调韵律诗歌曲谱琴棋画印"


@dataclass
class Hears:
    """Hears one word in each stretch of sound, unless told to miss what is not alone."""

    misses_repeats: bool = False
    windows: list[Samples] = field(default_factory=list)
    origin: Origin = Origin(None, "by hand", "none", None)  # noqa: RUF009

    def recognise(self, windows: Sequence[Samples]) -> list[Recognised]:
        self.windows += windows
        return [Recognised(tuple(self._words(window)), 0.0) for window in windows]

    def _words(self, window: Samples) -> list[Word]:
        loud = np.abs(window) > 1e-4
        edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
        words: list[Word] = []
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            text = SAID[: max(1, round((last - first) / SAMPLE_RATE))]
            if self.misses_repeats and text in {word.text for word in words}:
                continue
            words.append(Word(text, first / SAMPLE_RATE, last / SAMPLE_RATE, 0.9))
        return words


def audio_with(spans: Sequence[Sequence[Span]], *, seconds: float) -> Audio:
    """Channels that sound in the spans, and only there."""
    samples = np.zeros((len(spans), round(seconds * SAMPLE_RATE)), dtype=np.int16)
    for channel, listed in enumerate(spans):
        for span in listed:
            samples[
                channel, round(span.start_s * SAMPLE_RATE) : round(span.end_s * SAMPLE_RATE)
            ] = 8000
    return Audio(samples)


@st.composite
def regions(draw: st.DrawFn) -> list[Span]:
    """Disjoint regions of one channel, in order, to the hundredth."""
    spans, at_s = [], draw(st.integers(0, 300)) / 100
    for _ in range(draw(st.integers(0, 12))):
        length_s = draw(st.integers(12, 4000)) / 100
        spans.append(Span(round(at_s, 2), round(at_s + length_s, 2)))
        at_s += length_s + draw(st.integers(1, 500)) / 100
    return spans


@settings(max_examples=40, deadline=None)
@given(st.lists(regions(), min_size=1, max_size=2))
def test_packing(channels: list[list[Span]]) -> None:
    seconds = max([span.end_s for spans in channels for span in spans], default=1.0) + 1
    audio = Audio(
        np.tile(
            np.arange(round(seconds * SAMPLE_RATE), dtype=np.int32) % 30000, (len(channels), 1)
        ).astype(np.int16)
    )
    spoken = utterances(channels)
    windows = list(pack(audio, spoken))

    placed = [place for window in windows for place in window.placed]
    assert sorted(p.utterance.span for p in placed) == sorted(u.span for u in spoken)
    assert len({p.utterance for p in placed}) == len(placed)
    for window in windows:
        assert len(window.samples) <= LIMIT_S * SAMPLE_RATE
        assert len({place.utterance.channel for place in window.placed}) == 1
        for place in window.placed:
            assert place.inside.duration_s == pytest.approx(place.utterance.span.duration_s)
            _same_sound(audio, window.samples, place.utterance, place.inside)
    # every sound of every region lies in some utterance
    for channel, spans in enumerate(channels):
        own = [u.span for u in spoken if u.channel == channel]
        for span in spans:
            assert sum(span.overlap_s(u) for u in own) == pytest.approx(span.duration_s, abs=0.01)


def _same_sound(audio: Audio, window: Samples, utterance: Utterance, inside: Span) -> None:
    """The window holds the recording's own samples there, but for one gain."""
    first = round(inside.start_s * SAMPLE_RATE)
    heard = window[first : first + 1600]
    start_s = utterance.span.start_s
    spoken = audio.channel(utterance.channel, span=Span(start_s, start_s + 0.1))[: len(heard)]
    told = np.abs(heard) < 0.999  # what the level did not clip
    if spoken[told].any():
        gain = float(heard[told] @ spoken[told] / (spoken[told] @ spoken[told]))
        assert np.allclose(heard[told], gain * spoken[told], atol=2e-3)


def test_a_short_pause_is_bridged_and_a_long_one_is_not() -> None:
    joined = utterances([[Span(0, 1), Span(1.2, 2), Span(4, 5)], []])
    assert joined == [Utterance(0, Span(0, 2)), Utterance(0, Span(4, 5))]


def test_a_long_utterance_is_cut_without_loss() -> None:
    cut = utterances([[Span(1, 71)]])
    assert len(cut) >= 3
    assert all(u.span.duration_s <= LIMIT_S for u in cut)
    assert cut[0].span.start_s == 1
    assert cut[-1].span.end_s == 71
    assert all(a.span.end_s == b.span.start_s for a, b in itertools.pairwise(cut))


def test_words_come_back_where_they_were_spoken() -> None:
    spans = [[Span(2, 4), Span(10, 11), Span(40, 43)], [Span(5, 9), Span(60, 80), Span(90, 110)]]
    audio = audio_with(spans, seconds=112)
    hears = Hears()
    heard = recognise(audio, utterances(spans), recogniser=hears, simplify=str)
    assert [u.span for u, _ in heard] == sorted(span for listed in spans for span in listed)
    for utterance, words in heard:
        assert "".join(word.text for word in words) == SAID[: round(utterance.span.duration_s)]
        assert words[0].start_s == pytest.approx(utterance.span.start_s, abs=0.001)
        assert words[-1].end_s == pytest.approx(utterance.span.end_s, abs=0.001)
    assert all(len(window) <= LIMIT_S * SAMPLE_RATE for window in hears.windows)
    assert len(hears.windows) == 3  # one for channel 0, two for channel 1


def test_a_sentence_said_twice_is_heard_twice() -> None:
    spans = [[Span(1, 3), Span(5, 7)]]
    hears = Hears(misses_repeats=True)
    heard = recognise(
        audio_with(spans, seconds=8), utterances(spans), recogniser=hears, simplify=str
    )
    assert ["".join(word.text for word in words) for _, words in heard] == ["字词", "字词"]
    assert heard[1][1][0].start_s == pytest.approx(5, abs=0.001)
    assert len(hears.windows) == 2


def test_a_soft_voice_is_brought_to_the_level_of_a_loud_one() -> None:
    samples = np.zeros((1, 8 * SAMPLE_RATE), dtype=np.int16)
    noise = np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE)
    samples[0, : 2 * SAMPLE_RATE] = (noise * 4000).astype(np.int16)
    samples[0, 4 * SAMPLE_RATE : 6 * SAMPLE_RATE] = (noise * 100).astype(np.int16)
    spoken = utterances([[Span(0.2, 1.8), Span(4.2, 5.8)]])
    (window,) = pack(Audio(samples), spoken)
    levels = [
        np.square(window.samples[round(p.inside.start_s * SAMPLE_RATE) :][:16000]).mean()
        for p in window.placed
    ]
    assert 10 * abs(np.log10(levels[0] / levels[1])) < 1.5


def test_traditional_characters_are_simplified() -> None:
    spans = [[Span(1, 2)]]
    heard = recognise(
        audio_with(spans, seconds=3),
        utterances(spans),
        recogniser=Hears(),
        simplify=lambda text: text.replace("字", "简"),
    )
    assert heard[0][1][0].text == "简"


def test_nothing_spoken_asks_no_recogniser() -> None:
    hears = Hears()
    audio = audio_with([[]], seconds=2)
    assert recognise(audio, [], recogniser=hears, simplify=str) == []
    assert not hears.windows


# what is no text


@dataclass
class Loops:
    """Writes repeats for what is told to loop, until it is alone, or held down, or for ever."""

    ends: str
    language_probability: float | None = None
    asked: list[tuple[int, float]] = field(default_factory=list)
    origin: Origin = Origin(None, "by hand", "none", None)  # noqa: RUF009

    def recognise(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[Recognised]:
        self.asked.append((len(windows), repetition_penalty))
        heard = []
        for window in windows:
            seconds = len(window) / SAMPLE_RATE
            alone = seconds < 6
            fine = (self.ends == "alone" and alone) or (
                self.ends == "held down" and repetition_penalty > 1
            )
            text = "请问您贵姓" if fine else "蟹" * 40
            words = (Word(text, 0.2, seconds - 0.2, 0.95),)
            told = None if fine else self.language_probability
            heard.append(Recognised(words, 0.0, told))
        return heard


def looped(recogniser: Loops) -> tuple[list[str], list[bool]]:
    spans = [[Span(1, 5), Span(7, 11)]]
    heard = recognise(
        audio_with(spans, seconds=12), utterances(spans), recogniser=recogniser, simplify=str
    )
    texts = ["".join(word.text for word in words) for _, words in heard]
    return [text for text in texts if text], [u.unintelligible for u, _ in heard]


def test_what_loops_is_recognised_alone() -> None:
    recogniser = Loops("alone")
    texts, marked = looped(recogniser)
    assert "请问您贵姓" in texts
    assert not any(marked)
    assert all(penalty == 1.0 for _, penalty in recogniser.asked[:2])


def test_what_loops_alone_is_recognised_with_repeats_held_down() -> None:
    recogniser = Loops("held down")
    texts, marked = looped(recogniser)
    assert "请问您贵姓" in texts
    assert not any(marked)
    assert [penalty > 1 for _, penalty in recogniser.asked] == [False, False, True]


def test_what_loops_for_ever_is_marked() -> None:
    _, marked = looped(Loops("never"))
    assert any(marked)


def test_another_language_is_marked_although_it_no_longer_loops() -> None:
    recogniser = Loops("held down", language_probability=0.02)
    _, marked = looped(recogniser)
    assert all(marked)


def test_what_does_not_loop_costs_nothing() -> None:
    spans = [[Span(1, 5), Span(7, 11)]]
    hears = Hears()
    recognise(audio_with(spans, seconds=12), utterances(spans), recogniser=hears, simplify=str)
    assert len(hears.windows) == 1
