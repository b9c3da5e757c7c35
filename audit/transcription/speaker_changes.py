"""Utterances of a mono recording, cut where the speaker changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from audit.transcription.windows import UtteranceWords
from audit.types import Span, Word

_SHARED_S = 0.5
"""Seconds of a word in the speech of each of two speakers from which it may be the words of both:
an engine that does not measure when words are said gives an utterance as one word."""

Part = tuple[Span, int]
"""A stretch of an utterance, and whose it is."""


def cut_at_changes(
    utterances: Sequence[UtteranceWords], speech: Sequence[Sequence[Span]]
) -> Iterator[UtteranceWords]:
    """Utterances cut where the speaker changes; each word goes where its middle is.

    Args:
        utterances: with their words.
        speech: of each speaker.
    """
    for utterance, words in utterances:
        parts = _parts(utterance.span, speech)
        shares: list[list[Word]] = [[] for _ in parts]
        for word in words:
            middle_s = (word.start_s + word.end_s) / 2
            nearest = min(
                range(len(parts)), key=lambda i: parts[i][0].distance_s(middle_s), default=None
            )
            if nearest is not None:
                shares[nearest].append(word)
        for (span, speaker), share in zip(parts, shares, strict=True):
            yield replace(utterance, channel=speaker, span=span), tuple(share)


def undivided(utterances: Sequence[UtteranceWords], speech: Sequence[Sequence[Span]]) -> list[Span]:
    """When words are said that may be those of several speakers and cannot be divided."""
    found: list[Span] = []
    for utterance, words in utterances:
        parts = _parts(utterance.span, speech)
        if len(parts) > 1:
            found += [utterance.span for word in words if _is_shared(word, parts)]
    return found


def _is_shared(word: Word, parts: Sequence[Part]) -> bool:
    """Whether several speakers speak for long enough while a word lasts."""
    lasts = Span(word.start_s, word.end_s)
    return len({speaker for span, speaker in parts if span.overlap_s(lasts) >= _SHARED_S}) > 1


def _parts(span: Span, speech: Sequence[Sequence[Span]]) -> list[Part]:
    """Who speaks when in a span, in order; stretches of the same speaker are joined."""
    found = sorted(
        (Span(max(one.start_s, span.start_s), min(one.end_s, span.end_s)), speaker)
        for speaker, spans in enumerate(speech)
        for one in spans
        if one.overlap_s(span) > 0
    )
    joined: list[Part] = []
    for part, speaker in found:
        if joined and joined[-1][1] == speaker:
            joined[-1] = (Span(joined[-1][0].start_s, part.end_s), speaker)
        else:
            joined.append((part, speaker))
    return joined
