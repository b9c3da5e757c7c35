"""Speech packed into few, full Whisper windows, and the words put back where they were spoken.

Whisper pays a whole encoder pass for every window of 30 s, however little speech it holds, so
the utterances of a recording are packed one behind the other into windows, with a short silence
between them, and the words that come back are put where they were spoken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audit.language.intelligibility import is_loop, is_suspect
from audit.language.text import simplify
from audit.ports import AsrEngine, WindowResult
from audit.transcription.decoding import Audio
from audit.transcription.options import PackingOptions
from audit.types import SAMPLE_RATE, Samples, Span, Word, WordTimes

WINDOW_S = 29.0
"""Seconds packed into one window: Whisper's 30 s less a margin for the last word."""

_WINDOWS_AT_ONCE = 32  # held in memory; engines cut them into their own batches

_PUNCTUATION = " ,，.。?？!！、;；:："

_WORD_END_S = 0.08
"""Seconds before a word's end at which it is certainly being spoken."""

_LANGUAGE_CERTAIN = 0.9
"""Probability of Mandarin from which a window is no other language. Windows of Mandarin calls have
0.97 and more, those of other languages and of noise 0.15 and less."""
_LANGUAGE_FOREIGN = 0.3
"""Probability of Mandarin below which the words are not what was said."""
_LANGUAGE_MIN_S = 1.2
"""Seconds of an utterance from which its language can be detected from it alone."""
_REPETITION_PENALTY = 1.2
"""How repeats are suppressed where an utterance that loops is decoded for the third time."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A span of one channel that is to be transcribed."""

    channel: int
    span: Span
    unintelligible: bool = False
    """Whether its transcript is not what was said."""


UtteranceWords = tuple[Utterance, tuple[Word, ...]]
"""An utterance and the words recognized in it."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The words of an utterance in one attempt, and the probability that its window is Mandarin."""

    words: tuple[Word, ...]
    language_probability: float | None
    undivided: bool = False
    """Whether nobody can tell which words of its window are its own."""

    def is_doubtful(self, utterance: Utterance) -> bool:
        """Whether the utterance is worth another attempt, alone in its window."""
        certain = (
            self.language_probability is None or self.language_probability >= _LANGUAGE_CERTAIN
        )
        suspect = is_suspect(text_of(self.words), utterance.span.duration_s)
        return self.undivided or not certain or suspect


@dataclass(frozen=True, slots=True)
class Chunk:
    """An utterance in a window.

    Attributes:
        utterance: on the recording's clock.
        in_window: where it is on the window's clock, padding left out.
    """

    utterance: Utterance
    in_window: Span


@dataclass(frozen=True, slots=True)
class Window:
    """At most 30 s of audio for the speech recognition engine and what it was packed from."""

    samples: Samples
    chunks: tuple[Chunk, ...]


def join_utterances(
    speech: Sequence[Sequence[Span]], *, options: PackingOptions = PackingOptions()
) -> list[Utterance]:
    """Join the speech segments of a channel over short pauses; cut what exceeds a window.

    Args:
        speech: for each channel its speech segments.
        options: ``join_s`` is the longest pause that is bridged.

    Returns:
        Utterances of all channels, in the order in which they start.
    """
    found: list[Utterance] = []
    longest_s = WINDOW_S - 2 * options.pad_s
    for channel, segments in enumerate(speech):
        joined: list[Span] = []
        for segment in segments:
            if (
                joined
                and segment.start_s - joined[-1].end_s < options.join_s
                and segment.end_s - joined[-1].start_s <= longest_s
            ):
                joined[-1] = Span(joined[-1].start_s, segment.end_s)
            else:
                joined.append(segment)
        found += [Utterance(channel, part) for span in joined for part in _cut(span, longest_s)]
    return sorted(found, key=lambda utterance: utterance.span)


def _cut(span: Span, longest_s: float) -> list[Span]:
    """Equal parts of a span that are no longer than a window."""
    count = max(1, int(np.ceil(span.duration_s / longest_s)))
    edges = np.linspace(span.start_s, span.end_s, count + 1).round(3)
    return [Span(float(a), float(b)) for a, b in itertools.pairwise(edges)]


def pack(
    audio: Audio, utterances: Sequence[Utterance], *, options: PackingOptions = PackingOptions()
) -> Iterator[Window]:
    """Pack utterances into windows, channel by channel, in order.

    Every utterance is brought to the same level, because Whisper drops what is much softer than
    the rest of its window.
    """
    for channel in sorted({utterance.channel for utterance in utterances}):
        pieces: list[Samples] = []
        chunks: list[Chunk] = []
        position = 0
        for utterance in utterances:
            if utterance.channel != channel:
                continue
            span = utterance.span
            start_s = max(0.0, span.start_s - options.pad_s)
            piece = audio.channel(channel, span=Span(start_s, span.end_s + options.pad_s))
            piece = _levelled(piece, options.level_db)
            gap = round(options.gap_s * SAMPLE_RATE) if pieces else 0
            if pieces and position + gap + len(piece) > WINDOW_S * SAMPLE_RATE:
                yield Window(np.concatenate(pieces), tuple(chunks))
                pieces, chunks, position, gap = [], [], 0, 0
            if gap:
                pieces.append(np.zeros(gap, dtype=np.float32))
                position += gap
            in_window_s = position / SAMPLE_RATE + span.start_s - start_s
            chunks.append(Chunk(utterance, Span(in_window_s, in_window_s + span.duration_s)))
            pieces.append(piece)
            position += len(piece)
        if pieces:
            yield Window(np.concatenate(pieces), tuple(chunks))


def _levelled(samples: Samples, level_db: float) -> Samples:
    power = float(np.square(samples).mean()) if len(samples) else 0.0
    if power <= 1e-9:
        return samples
    gain = 10 ** (level_db / 20) / np.sqrt(power)
    levelled: Samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return levelled


def recognize(
    audio: Audio,
    utterances: Sequence[Utterance],
    *,
    asr: AsrEngine,
    options: PackingOptions = PackingOptions(),
) -> list[UtteranceWords]:
    """Recognize utterances and give each its words, on the recording's clock.

    Whisper writes a sentence once that it hears twice in a window, so utterances that are left
    without words are recognized again, each alone in a window. So are those that may not be
    Mandarin speech: whose words repeat themselves, or whose window is another language's. What
    loops even then is recognized a third time with repeats suppressed. What is still not text is
    marked ``unintelligible``.

    An engine that does not measure when words are said is given one utterance at a time: in a
    window of several nobody could tell whose words they are.

    Returns:
        The utterances in the order in which they start.
    """

    def alone(chosen: Iterable[Utterance]) -> Iterator[Window]:
        return (window for one in chosen for window in pack(audio, [one], options=options))

    timed = asr.abilities.word_times is WordTimes.MEASURED
    packed = pack(audio, utterances, options=options) if timed else alone(utterances)
    first = _recognize_windows(packed, asr.transcribe, timed=timed)
    missed = [
        utterance
        for utterance, attempt in first.items()
        if (not attempt.words and utterance.span.duration_s >= options.retry_s)
        or attempt.is_doubtful(utterance)
    ]
    second = _recognize_windows(alone(missed if timed else ()), asr.transcribe)
    alone_before = second if timed else first
    loops = [
        utterance for utterance, attempt in alone_before.items() if _loops(utterance, attempt.words)
    ]
    without_repeats = partial(asr.transcribe, repetition_penalty=_REPETITION_PENALTY)
    third = _recognize_windows(alone(loops), without_repeats, timed=timed)
    recognized = [
        _best(utterance, attempt, second.get(utterance), third.get(utterance))
        for utterance, attempt in first.items()
    ]
    return sorted(recognized, key=lambda item: (item[0].span, item[0].channel))


def _best(
    utterance: Utterance, first: _Attempt, second: _Attempt | None, third: _Attempt | None
) -> UtteranceWords:
    """The words of the best attempt; the utterance is marked where even those are not text.

    A window's language is detected from all that is said in it, an utterance's own only where it is
    long enough.
    """
    best = second if second and (second.words or _loops(utterance, first.words)) else first
    if third and third.words and not _loops(utterance, third.words):
        best = third
    language_probability = second.language_probability if second else None
    if language_probability is None or utterance.span.duration_s < _LANGUAGE_MIN_S:
        language_probability = first.language_probability
    foreign = language_probability is not None and language_probability < _LANGUAGE_FOREIGN
    if foreign or _loops(utterance, best.words):
        utterance = replace(utterance, unintelligible=True)
    return utterance, best.words


def _loops(utterance: Utterance, words: Sequence[Word]) -> bool:
    return is_loop(text_of(words), utterance.span.duration_s)


def text_of(words: Sequence[Word]) -> str:
    """Words as the engine wrote them, one after the other."""
    return "".join(word.text for word in words)


def _recognize_windows(
    windows: Iterable[Window],
    transcribe: Callable[[Sequence[Samples]], list[WindowResult]],
    *,
    timed: bool = True,
) -> dict[Utterance, _Attempt]:
    attempts: dict[Utterance, _Attempt] = {}
    remaining = iter(windows)
    while batch := list(itertools.islice(remaining, _WINDOWS_AT_ONCE)):
        results = transcribe([window.samples for window in batch])
        for window, result in zip(batch, results, strict=True):
            undivided = not (timed and result.timed) and len(window.chunks) > 1
            attempts |= {
                utterance: _Attempt(words, result.language_probability, undivided)
                for utterance, words in _words_of(window, result, timed=timed)
            }
    return attempts


def _words_of(window: Window, result: WindowResult, *, timed: bool) -> list[UtteranceWords]:
    """The words of a window by utterance.

    Without times the words of one utterance are one word, which lasts as long as it does; those of
    several are left out: nobody could tell whose they are.
    """
    if timed and result.timed:
        return _words_by_utterance(window, result.words)
    if len(window.chunks) > 1:
        return [(chunk.utterance, ()) for chunk in window.chunks]
    utterance = window.chunks[0].utterance
    text = simplify(text_of(result.words))
    if not text.strip(_PUNCTUATION):
        return [(utterance, ())]
    told = [word.probability for word in result.words if word.probability is not None]
    mean = round(sum(told) / len(told), 4) if told else None
    return [(utterance, (Word(text, utterance.span.start_s, utterance.span.end_s, mean),))]


def _words_by_utterance(window: Window, words: Sequence[Word]) -> list[UtteranceWords]:
    """Give each word to the utterance that its end is nearest to.

    (The start that attention gives to the first word after a pause may be anywhere in the pause.)
    Punctuation goes with the word before it.
    """
    shares: list[list[Word]] = [[] for _ in window.chunks]
    nearest = 0
    for word in words:
        text = simplify(word.text)
        if text.strip(_PUNCTUATION):
            instant_s = max(word.end_s - _WORD_END_S, word.start_s)
            nearest = min(
                range(len(window.chunks)),
                key=lambda i: window.chunks[i].in_window.distance_s(instant_s),
            )
        chunk = window.chunks[nearest]
        span = chunk.utterance.span
        shift_s = span.start_s - chunk.in_window.start_s
        start_s = min(max(word.start_s + shift_s, span.start_s), span.end_s)
        end_s = min(max(word.end_s + shift_s, start_s), span.end_s)
        likely = None if word.probability is None else round(word.probability, 4)
        shares[nearest].append(Word(text, round(start_s, 3), round(end_s, 3), likely))
    return [
        (chunk.utterance, tuple(share)) for chunk, share in zip(window.chunks, shares, strict=True)
    ]
