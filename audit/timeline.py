"""When people speak: stretches of speech, the silences between them, and the pace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from audit.language.intelligibility import is_readable
from audit.language.text import spoken_characters
from audit.types import Span, Turn

_PACE_MIN_SPEECH_S = 1.0
"""Speech below which a pace is noise."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nobody speaks, the turn that falls silent and the one that ends it."""

    span: Span
    before: Turn
    after: Turn


@dataclass(frozen=True, slots=True)
class Timeline:
    """Stretches of time in order; they may overlap until :meth:`support` joins them.

    The algebra is that of pyannote.core's ``Timeline``.
    """

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Timeline:
        """The timeline of stretches in any order."""
        return cls(tuple(sorted(spans)))

    @classmethod
    def spoken(cls, turns: Iterable[Turn]) -> Timeline:
        """Where at least one of the turns sounds; empty for turns without times."""
        return cls.of(span for turn in turns for span in sounds(turn)).support()

    def __iter__(self) -> Iterator[Span]:
        return iter(self.spans)

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __and__(self, other: Timeline) -> Timeline:
        """Where both are.

        >>> (Timeline.of([Span(0.0, 2.0)]) & Timeline.of([Span(1.0, 3.0)])).spans
        (Span(start_s=1.0, end_s=2.0),)
        """
        mine, theirs = self.support().spans, other.support().spans
        found, i, j = [], 0, 0
        while i < len(mine) and j < len(theirs):
            shared = Span(
                max(mine[i].start_s, theirs[j].start_s), min(mine[i].end_s, theirs[j].end_s)
            )
            if shared.start_s < shared.end_s:
                found.append(shared)
            if mine[i].end_s < theirs[j].end_s:
                i += 1
            else:
                j += 1
        return Timeline(tuple(found))

    def support(self) -> Timeline:
        """The same stretches, those that touch or overlap joined.

        >>> Timeline.of([Span(2.0, 4.0), Span(0.0, 1.0), Span(3.0, 5.0)]).support().spans
        (Span(start_s=0.0, end_s=1.0), Span(start_s=2.0, end_s=5.0))
        """
        joined: list[Span] = []
        for span in self.spans:
            if joined and span.start_s <= joined[-1].end_s:
                joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
            else:
                joined.append(span)
        return Timeline(tuple(joined))

    def gaps(self, within: Span, *, min_s: float = 0.0) -> Timeline:
        """Where nothing is, inside ``within``, for at least ``min_s`` seconds.

        >>> Timeline.of([Span(1.0, 2.0)]).gaps(Span(0.0, 5.0), min_s=2.0).spans
        (Span(start_s=2.0, end_s=5.0),)
        """
        found, free_from = [], within.start_s
        for span in (*self.spans, Span(within.end_s, within.end_s)):
            if span.start_s - free_from >= min_s:
                found.append(Span(free_from, span.start_s))
            free_from = max(free_from, span.end_s)
        return Timeline(tuple(found))

    @property
    def total_s(self) -> float:
        """Seconds of all stretches together; what overlaps counts as often as it is there."""
        return sum(span.duration_s for span in self.spans)


def silences(turns: Iterable[Turn], *, least_s: float) -> list[Silence]:
    """Where nobody speaks for ``least_s`` seconds or more between the first and the last sound."""
    spoken = sorted(
        ((span, turn) for turn in turns for span in sounds(turn)), key=lambda sound: sound[0]
    )
    found: list[Silence] = []
    if not spoken:
        return found
    last, before = spoken[0]
    for span, turn in spoken:
        if round(span.start_s - last.end_s, 3) >= least_s:
            found.append(Silence(Span(last.end_s, span.start_s), before, turn))
        if span.end_s >= last.end_s:
            last, before = span, turn
    return found


def characters_per_minute(turns: Sequence[Turn]) -> float | None:
    """Characters in a minute of the turns' own speech, pauses left out.

    None for less than a second of speech. Turns that were not read, or are not Mandarin, count on
    neither side.
    """
    turns = [turn for turn in turns if is_readable(turn)]
    seconds = Timeline.spoken(turns).total_s
    if seconds < _PACE_MIN_SPEECH_S:
        return None
    return round(60 * sum(spoken_characters(turn.text) for turn in turns) / seconds, 1)


def sounds(turn: Turn) -> tuple[Span, ...]:
    """The stretches of a turn's own sound; none without times."""
    return turn.speech or ((turn.span,) if turn.span else ())
