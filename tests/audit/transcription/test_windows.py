"""Packing speech into windows and putting the words back where they were spoken.

The speech recognition engine here is written by hand and reads the audio itself: the tests write
numbers into the samples. Real engines are tested in ``tests/models``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.ports import WORDS_MEASURED, Abilities, WindowResult
from audit.transcription.decoding import Audio
from audit.transcription.windows import Utterance, join_utterances, pack, recognize
from audit.types import SAMPLE_RATE, Origin, Samples, Span, Word, WordTimes

LIMIT_S = 30.0
SAID = "字词句段篇章文书言语声音调韵律诗歌曲谱琴棋画印"


@dataclass
class Hears:
    """Hears one word in each stretch of sound, unless told to miss what is not alone."""

    misses_repeats: bool = False
    said: str = SAID
    windows: list[Samples] = field(default_factory=list)
    origin: Origin = Origin(None, "by hand", "none", None)  # noqa: RUF009
    abilities: Abilities = WORDS_MEASURED

    def transcribe(self, windows: Sequence[Samples]) -> list[WindowResult]:
        self.windows += windows
        return [WindowResult(tuple(self._words(window))) for window in windows]

    def _words(self, window: Samples) -> list[Word]:
        loud = np.abs(window) > 1e-4
        edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
        words: list[Word] = []
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            text = self.said[: max(1, round((last - first) / SAMPLE_RATE))]
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
def segments(draw: st.DrawFn) -> list[Span]:
    """Disjoint speech segments of one channel, in order, to the hundredth."""
    spans, at_s = [], draw(st.integers(0, 300)) / 100
    for _ in range(draw(st.integers(0, 12))):
        length_s = draw(st.integers(12, 4000)) / 100
        spans.append(Span(round(at_s, 2), round(at_s + length_s, 2)))
        at_s += length_s + draw(st.integers(1, 500)) / 100
    return spans


@settings(max_examples=40, deadline=None)
@given(st.lists(segments(), min_size=1, max_size=2))
def test_packing(channels: list[list[Span]]) -> None:
    seconds = max([span.end_s for spans in channels for span in spans], default=1.0) + 1
    audio = Audio(
        np.tile(
            np.arange(round(seconds * SAMPLE_RATE), dtype=np.int32) % 30000, (len(channels), 1)
        ).astype(np.int16)
    )
    spoken = join_utterances(channels)
    windows = list(pack(audio, spoken))

    chunks = [chunk for window in windows for chunk in window.chunks]
    assert sorted(c.utterance.span for c in chunks) == sorted(u.span for u in spoken)
    assert len({c.utterance for c in chunks}) == len(chunks)
    for window in windows:
        assert len(window.samples) <= LIMIT_S * SAMPLE_RATE
        assert len({chunk.utterance.channel for chunk in window.chunks}) == 1
        for chunk in window.chunks:
            assert chunk.in_window.duration_s == pytest.approx(chunk.utterance.span.duration_s)
            _same_sound(audio, window.samples, chunk.utterance, chunk.in_window)
    # all sound of every segment is in some utterance
    for channel, spans in enumerate(channels):
        own = [u.span for u in spoken if u.channel == channel]
        for span in spans:
            assert sum(span.overlap_s(u) for u in own) == pytest.approx(span.duration_s, abs=0.01)


def _same_sound(audio: Audio, window: Samples, utterance: Utterance, in_window: Span) -> None:
    """The window holds the recording's own samples there, but for one gain."""
    first = round(in_window.start_s * SAMPLE_RATE)
    heard = window[first : first + 1600]
    start_s = utterance.span.start_s
    spoken = audio.channel(utterance.channel, span=Span(start_s, start_s + 0.1))[: len(heard)]
    told = np.abs(heard) < 0.999  # what the level did not clip
    if spoken[told].any():
        gain = float(heard[told] @ spoken[told] / (spoken[told] @ spoken[told]))
        assert np.allclose(heard[told], gain * spoken[told], atol=2e-3)


def test_a_short_pause_is_bridged_and_a_long_one_is_not() -> None:
    joined = join_utterances([[Span(0, 1), Span(1.2, 2), Span(4, 5)], []])
    assert joined == [Utterance(0, Span(0, 2)), Utterance(0, Span(4, 5))]


def test_a_long_utterance_is_cut_without_loss() -> None:
    cut = join_utterances([[Span(1, 71)]])
    assert len(cut) >= 3
    assert all(u.span.duration_s <= LIMIT_S for u in cut)
    assert cut[0].span.start_s == 1
    assert cut[-1].span.end_s == 71
    assert all(a.span.end_s == b.span.start_s for a, b in itertools.pairwise(cut))


def test_words_come_back_where_they_were_spoken() -> None:
    spans = [[Span(2, 4), Span(10, 11), Span(40, 43)], [Span(5, 9), Span(60, 80), Span(90, 110)]]
    audio = audio_with(spans, seconds=112)
    hears = Hears()
    heard = recognize(audio, join_utterances(spans), asr=hears)
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
    heard = recognize(audio_with(spans, seconds=8), join_utterances(spans), asr=hears)
    assert ["".join(word.text for word in words) for _, words in heard] == ["字词", "字词"]
    assert heard[1][1][0].start_s == pytest.approx(5, abs=0.001)
    assert len(hears.windows) == 2


def test_a_soft_voice_is_brought_to_the_level_of_a_loud_one() -> None:
    samples = np.zeros((1, 8 * SAMPLE_RATE), dtype=np.int16)
    noise = np.random.default_rng(1).standard_normal(2 * SAMPLE_RATE)
    samples[0, : 2 * SAMPLE_RATE] = (noise * 4000).astype(np.int16)
    samples[0, 4 * SAMPLE_RATE : 6 * SAMPLE_RATE] = (noise * 100).astype(np.int16)
    spoken = join_utterances([[Span(0.2, 1.8), Span(4.2, 5.8)]])
    (window,) = pack(Audio(samples), spoken)
    levels = [
        np.square(window.samples[round(c.in_window.start_s * SAMPLE_RATE) :][:16000]).mean()
        for c in window.chunks
    ]
    assert 10 * abs(np.log10(levels[0] / levels[1])) < 1.5


def test_traditional_characters_are_simplified() -> None:
    spans = [[Span(1, 2)]]
    audio = audio_with(spans, seconds=3)
    heard = recognize(audio, join_utterances(spans), asr=Hears(said="語"))
    assert heard[0][1][0].text == "语"


def test_nothing_spoken_asks_no_engine() -> None:
    hears = Hears()
    audio = audio_with([[]], seconds=2)
    assert recognize(audio, [], asr=hears) == []
    assert not hears.windows


# what is no text


@dataclass
class Loops:
    """Writes repeats for what is told to loop, until it is alone, or held down, or for ever."""

    ends: str
    language_probability: float | None = None
    asked: list[tuple[int, float]] = field(default_factory=list)
    origin: Origin = Origin(None, "by hand", "none", None)  # noqa: RUF009
    abilities: Abilities = WORDS_MEASURED

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
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
            heard.append(WindowResult(words, told))
        return heard


def looped(engine: Loops) -> tuple[list[str], list[bool]]:
    spans = [[Span(1, 5), Span(7, 11)]]
    heard = recognize(audio_with(spans, seconds=12), join_utterances(spans), asr=engine)
    texts = ["".join(word.text for word in words) for _, words in heard]
    return [text for text in texts if text], [u.unintelligible for u, _ in heard]


def test_what_loops_is_recognized_alone() -> None:
    engine = Loops("alone")
    texts, marked = looped(engine)
    assert "请问您贵姓" in texts
    assert not any(marked)
    assert all(penalty == 1.0 for _, penalty in engine.asked[:2])


def test_what_loops_alone_is_recognized_with_repeats_held_down() -> None:
    engine = Loops("held down")
    texts, marked = looped(engine)
    assert "请问您贵姓" in texts
    assert not any(marked)
    assert [penalty > 1 for _, penalty in engine.asked] == [False, False, True]


def test_what_loops_for_ever_is_marked() -> None:
    _, marked = looped(Loops("never"))
    assert any(marked)


def test_another_language_is_marked_although_it_no_longer_loops() -> None:
    engine = Loops("held down", language_probability=0.02)
    _, marked = looped(engine)
    assert all(marked)


# engines that do not measure when words are said


@dataclass
class Untimed:
    """Writes a text for each window, its words at times that mean nothing."""

    abilities: Abilities
    heard: list[float] = field(default_factory=list)
    origin: Origin = Origin(None, "by hand", "none", None)  # noqa: RUF009

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        self.heard += [len(window) / SAMPLE_RATE for window in windows]
        words = (Word("请问您", 90.0, 80.0, None), Word("贵姓", 0.0, 0.0, None))
        return [WindowResult(words) for _ in windows]


@pytest.mark.parametrize("times", [WordTimes.NONE, WordTimes.ESTIMATED])
def test_without_measured_times_each_utterance_is_a_window_and_a_word(times: WordTimes) -> None:
    spans = [[Span(1, 3), Span(7, 11)], [Span(4, 6)]]
    engine = Untimed(Abilities(times, word_probabilities=False))
    found = recognize(audio_with(spans, seconds=12), join_utterances(spans), asr=engine)
    assert len(engine.heard) == 3
    assert [utterance.span for utterance, _ in found] == [Span(1, 3), Span(4, 6), Span(7, 11)]
    for utterance, words in found:
        span = utterance.span
        assert words == (Word("请问您贵姓", span.start_s, span.end_s, None),)


@dataclass
class SometimesUntimed(Untimed):
    """Fails to measure times in the windows of several utterances."""

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        self.heard += [len(window) / SAMPLE_RATE for window in windows]
        texts = [
            "请问您贵姓请稍等" if seconds > 5 else "贵姓" for seconds in self.heard[-len(windows) :]
        ]
        return [WindowResult((Word(text, 0.0, 0.1, 0.9),), timed=False) for text in texts]


def test_a_window_whose_times_were_not_measured_is_heard_again_by_utterance() -> None:
    spans = [[Span(1, 1.4), Span(7, 11)]]
    engine = SometimesUntimed(WORDS_MEASURED)
    found = recognize(audio_with(spans, seconds=12), join_utterances(spans), asr=engine)
    assert len(engine.heard) == 3
    assert [words for _, words in found] == [
        (Word("贵姓", 1, 1.4, 0.9),),
        (Word("贵姓", 7, 11, 0.9),),
    ]


def test_what_does_not_loop_costs_nothing() -> None:
    spans = [[Span(1, 5), Span(7, 11)]]
    hears = Hears()
    recognize(audio_with(spans, seconds=12), join_utterances(spans), asr=hears)
    assert len(hears.windows) == 1
