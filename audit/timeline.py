"""When people speak: stretches of speech, the silences between them, and the pace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.language.text import spoken_characters
from audit.transcription.intelligibility import is_readable
from audit.types import Span, Turn

_LEAST_SPEECH_S = 1.0
"""Speech below which a pace is noise."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nobody speaks, the turn that falls silent and the one that ends it."""

    span: Span
    before: Turn
    after: Turn


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same stretches in order, those that touch or overlap joined.

    >>> merged([Span(2.0, 4.0), Span(0.0, 1.0), Span(3.0, 5.0)])
    [Span(start_s=0.0, end_s=1.0), Span(start_s=2.0, end_s=5.0)]
    """
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start_s <= joined[-1].end_s:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    return joined


def total_s(spans: Iterable[Span]) -> float:
    """Seconds of all stretches together."""
    return sum(span.duration_s for span in spans)


def speech(turns: Iterable[Turn]) -> list[Span]:
    """The stretches in which at least one of the turns sounds; none for turns without times."""
    return merged(span for turn in turns for span in _sounds(turn))


def silences(turns: Iterable[Turn], *, least_s: float) -> list[Silence]:
    """Where nobody speaks for ``least_s`` seconds or more between the first and the last sound."""
    sounds = sorted(
        ((span, turn) for turn in turns for span in _sounds(turn)), key=lambda sound: sound[0]
    )
    found: list[Silence] = []
    if not sounds:
        return found
    last, before = sounds[0]
    for span, turn in sounds:
        if round(span.start_s - last.end_s, 3) >= least_s:
            found.append(Silence(Span(last.end_s, span.start_s), before, turn))
        if span.end_s >= last.end_s:
            last, before = span, turn
    return found


def characters_per_minute(turns: Sequence[Turn]) -> float | None:
    """Characters in a minute of the turns' own speech, pauses left out.

    None for less than a second of speech. Turns that were not read, or are no Mandarin, count on
    neither side.
    """
    turns = [turn for turn in turns if is_readable(turn)]
    seconds = total_s(speech(turns))
    if seconds < _LEAST_SPEECH_S:
        return None
    return round(60 * sum(spoken_characters(turn.text) for turn in turns) / seconds, 1)


def _sounds(turn: Turn) -> tuple[Span, ...]:
    return turn.speech or ((turn.span,) if turn.span else ())
