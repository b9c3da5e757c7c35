"""Recognition of a recording's speech in few, full windows.

Whisper pays a whole encoder pass for every window of 30 s, however little speech it holds, so
the utterances of a recording are laid one behind the other into windows, with a short silence
between them, and the words that come back are put where they were spoken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audit.language.intelligibility import is_loop, is_suspect
from audit.ports import Recogniser
from audit.transcription.decoding import Audio
from audit.types import SAMPLE_RATE, Recognised, Samples, Span, Utterance, Word

Heard = tuple[Utterance, tuple[Word, ...]]
"""An utterance and the words recognised in it."""

_BATCH = 32  # windows held at once; engines cut them into batches of their own

_MARKS = " ,，.。?？!！、;；:："

_READ = 0.9
"""Probability of the language that is read from which a window is no other's. Windows of Mandarin
calls have 0.97 and more, those of other languages and of noise 0.15 and less."""
_FOREIGN = 0.3
"""The same below which what was recognised is not what was said."""
_TELLING_S = 1.2
"""Seconds of an utterance from which its language is told by itself."""
_REPETITION_PENALTY = 1.2
"""How repeats are held down where an utterance that loops is decoded for the third time."""

WINDOW_S = 29.0
"""Seconds packed into one window: Whisper's 30 s less a margin for the last word."""


@dataclass(frozen=True, slots=True)
class PackingOptions:
    """How utterances are laid into windows (seconds, decibels)."""

    gap_s: float = 0.2
    pad_s: float = 0.12
    join_s: float = 0.35
    level_db: float = -23.0
    retry_s: float = 0.5


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was recognised in an utterance, and whether that window was in the language read."""

    words: tuple[Word, ...]
    language_probability: float | None

    def is_in_doubt(self, utterance: Utterance) -> bool:
        """Whether it is worth to be recognised once more, alone."""
        known = self.language_probability is None or self.language_probability >= _READ
        return not known or is_suspect(_said(self.words), utterance.span.duration_s)


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance in a window: where it lies there, padding left out."""

    utterance: Utterance
    inside: Span


@dataclass(frozen=True, slots=True)
class Window:
    """At most 30 s of audio for the recogniser and what it was packed from."""

    samples: Samples
    placed: tuple[Placed, ...]


def utterances(
    regions: Sequence[Sequence[Span]], *, options: PackingOptions = PackingOptions()
) -> list[Utterance]:
    """Join speech regions of a channel over short pauses; cut what exceeds a window.

    Args:
        regions: for each channel its speech regions.
        options: ``join_s`` is the longest pause that is bridged.

    Returns:
        Utterances of all channels, in the order in which they start.
    """
    found: list[Utterance] = []
    longest = WINDOW_S - 2 * options.pad_s
    for channel, spans in enumerate(regions):
        joined: list[Span] = []
        for span in spans:
            if (
                joined
                and span.start_s - joined[-1].end_s < options.join_s
                and span.end_s - joined[-1].start_s <= longest
            ):
                joined[-1] = Span(joined[-1].start_s, span.end_s)
            else:
                joined.append(span)
        found += [Utterance(channel, part) for span in joined for part in _cut(span, longest)]
    return sorted(found, key=lambda utterance: utterance.span)


def _cut(span: Span, longest: float) -> list[Span]:
    """Equal parts of a span that are no longer than a window."""
    count = max(1, int(np.ceil(span.duration_s / longest)))
    edges = np.linspace(span.start_s, span.end_s, count + 1).round(3)
    return [Span(float(a), float(b)) for a, b in itertools.pairwise(edges)]


def pack(
    audio: Audio, spoken: Sequence[Utterance], *, options: PackingOptions = PackingOptions()
) -> Iterator[Window]:
    """Lay utterances into windows, channel by channel, in order.

    Every utterance is brought to the same level, for Whisper drops what is much softer than
    the rest of its window.
    """
    for channel in sorted({utterance.channel for utterance in spoken}):
        pieces: list[Samples] = []
        placed: list[Placed] = []
        position = 0
        for utterance in spoken:
            if utterance.channel != channel:
                continue
            span = utterance.span
            start_s = max(0.0, span.start_s - options.pad_s)
            piece = audio.channel(channel, span=Span(start_s, span.end_s + options.pad_s))
            piece = _levelled(piece, options.level_db)
            gap = round(options.gap_s * SAMPLE_RATE) if pieces else 0
            if pieces and position + gap + len(piece) > WINDOW_S * SAMPLE_RATE:
                yield Window(np.concatenate(pieces), tuple(placed))
                pieces, placed, position, gap = [], [], 0, 0
            if gap:
                pieces.append(np.zeros(gap, dtype=np.float32))
                position += gap
            inside_s = position / SAMPLE_RATE + span.start_s - start_s
            placed.append(Placed(utterance, Span(inside_s, inside_s + span.duration_s)))
            pieces.append(piece)
            position += len(piece)
        if pieces:
            yield Window(np.concatenate(pieces), tuple(placed))


def _levelled(samples: Samples, level_db: float) -> Samples:
    power = float(np.square(samples).mean()) if len(samples) else 0.0
    if power <= 1e-9:
        return samples
    gain = 10 ** (level_db / 20) / np.sqrt(power)
    levelled: Samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return levelled


def recognise(
    audio: Audio,
    spoken: Sequence[Utterance],
    *,
    recogniser: Recogniser,
    simplify: Callable[[str], str],
    options: PackingOptions = PackingOptions(),
) -> list[Heard]:
    """Recognise utterances and give each its words, on the recording's clock.

    Whisper writes a sentence once that it hears twice in a window, so utterances that are left
    without words are recognised again, each in a window of its own. So are those that may be no
    speech in the language that is read: whose words repeat themselves, or whose window is another
    language's. What loops even then is recognised a third time with repeats held down. What is no
    text after all that is marked ``unintelligible``.

    Returns:
        The utterances in the order in which they start.
    """

    def alone(chosen: Iterable[Utterance]) -> Iterator[Window]:
        return (window for one in chosen for window in pack(audio, [one], options=options))

    hear = recogniser.recognise
    first = _recognise_windows(pack(audio, spoken, options=options), hear, simplify)
    missed = [
        utterance
        for utterance, reading in first.items()
        if (not reading.words and utterance.span.duration_s >= options.retry_s)
        or reading.is_in_doubt(utterance)
    ]
    again = _recognise_windows(alone(missed), hear, simplify)
    loops = [utterance for utterance, reading in again.items() if _loops(utterance, reading.words)]
    hold_down = partial(hear, repetition_penalty=_REPETITION_PENALTY)
    held = _recognise_windows(alone(loops), hold_down, simplify)
    heard = [
        _judged(utterance, reading, again.get(utterance), held.get(utterance))
        for utterance, reading in first.items()
    ]
    return sorted(heard, key=lambda item: (item[0].span, item[0].channel))


def _judged(
    utterance: Utterance, first: _Reading, again: _Reading | None, held: _Reading | None
) -> Heard:
    """The best reading of an utterance, marked where it is none.

    A window's language is told by all that is said in it, an utterance's own only where it is long
    enough.
    """
    best = again if again and (again.words or _loops(utterance, first.words)) else first
    if held and held.words and not _loops(utterance, held.words):
        best = held
    own = again.language_probability if again else None
    if own is None or utterance.span.duration_s < _TELLING_S:
        own = first.language_probability
    foreign = own is not None and own < _FOREIGN
    if foreign or _loops(utterance, best.words):
        utterance = replace(utterance, unintelligible=True)
    return utterance, best.words


def _loops(utterance: Utterance, words: Sequence[Word]) -> bool:
    return is_loop(_said(words), utterance.span.duration_s)


def _said(words: Sequence[Word]) -> str:
    return "".join(word.text for word in words)


def _recognise_windows(
    windows: Iterable[Window],
    recognise: Callable[[Sequence[Samples]], list[Recognised]],
    simplify: Callable[[str], str],
) -> dict[Utterance, _Reading]:
    heard: dict[Utterance, _Reading] = {}
    remaining = iter(windows)
    while batch := list(itertools.islice(remaining, _BATCH)):
        results = recognise([window.samples for window in batch])
        for window, result in zip(batch, results, strict=True):
            heard |= {
                utterance: _Reading(words, result.language_probability)
                for utterance, words in _shared_out(window, result.words, simplify)
            }
    return heard


def _shared_out(
    window: Window, words: Sequence[Word], simplify: Callable[[str], str]
) -> list[Heard]:
    """Give each word to the utterance that its end lies nearest to.

    (The start that attention gives to the first word after a pause lies anywhere in the pause.)
    A punctuation mark goes with the word before it.
    """
    shares: list[list[Word]] = [[] for _ in window.placed]
    nearest = 0
    for word in words:
        text = simplify(word.text)
        if text.strip(_MARKS):
            instant_s = max(word.end_s - 0.08, word.start_s)
            nearest = min(
                range(len(window.placed)),
                key=lambda i: window.placed[i].inside.distance_s(instant_s),
            )
        place = window.placed[nearest]
        span = place.utterance.span
        shift = span.start_s - place.inside.start_s
        start_s = min(max(word.start_s + shift, span.start_s), span.end_s)
        end_s = min(max(word.end_s + shift, start_s), span.end_s)
        shares[nearest].append(
            Word(text, round(start_s, 3), round(end_s, 3), round(word.probability, 4))
        )
    return [
        (place.utterance, tuple(share)) for place, share in zip(window.placed, shares, strict=True)
    ]
