"""What operators share: searching the windows in scope, and hits on whole turns."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from audit.language.phrases import find_words
from audit.reasons import Reason
from audit.rules.base import understood
from audit.rules.written import entities
from audit.rules.written.evidence import UNCLEAR, Hit, Result, found
from audit.rules.written.matching import conjunction
from audit.rules.written.scope import Scope, TurnWindow, is_by
from audit.types import Role, Turn

Matcher = Callable[[TurnWindow], Iterable[Hit]]


def searched(area: Scope, matcher: Matcher) -> Result:
    """The hits in scope; uncertain where the words or their place in the call are."""
    hits: list[Hit] = []
    incomplete = area.incomplete
    for window in area.windows:
        own = list(matcher(window))
        if own:
            uncertainty = uncertainty_of(window)
            hits += [hit.with_uncertainty(uncertainty) for hit in own] if uncertainty else own
        elif incomplete is None and not is_understood(window):
            incomplete = UNCLEAR
    return found(hits, incomplete)


def is_understood(window: TurnWindow) -> bool:
    """Whether a window's words are reliable enough to say what is not in them.

    A backchannel counts as understood: there is nothing to find in 嗯.
    """
    return understood(window.turn) or window.turn.is_backchannel


def uncertainty_of(window: TurnWindow) -> Reason | None:
    """Why what is found in a window may not have been said, or not there; None if it was."""
    return window.uncertainty or (None if understood(window.turn) else UNCLEAR)


def first_uncertainty(windows: Iterable[TurnWindow]) -> Reason | None:
    """The first reason for which what is found in some windows is uncertain."""
    return next(filter(None, map(uncertainty_of, windows)), None)


def whole_turn(turn: Turn) -> TurnWindow:
    """A turn as a window."""
    return TurnWindow(turn, 0, len(turn.text))


def whole(window: TurnWindow, uncertainty: Reason | None) -> Hit:
    """A hit on all the words of a window's turn, uncertain if there is a reason."""
    return Hit(window.turn, 0, len(window.turn.text), uncertainty=uncertainty)


def on_turn(turn: Turn, answers: Sequence[bool | None], uncertainty: Reason) -> Result:
    """A hit on a turn if all answers are yes."""
    holds = conjunction(answers)
    hit = Hit(turn, 0, len(turn.text), uncertainty=uncertainty if holds is None else None)
    return found(() if holds is False else (hit,))


def is_speaker(turn: Turn, speaker: str) -> bool | None:
    """Whether a turn is by a speaker; None where that is undecidable."""
    return True if speaker == "any" else is_by(turn, Role(speaker))


def is_next_speaker(before: Turn, after: Turn, speaker: str) -> bool | None:
    """Whether the turn after a silence is by whom it should be."""
    if speaker not in ("same", "other"):
        return is_speaker(after, speaker)
    sides = [is_by(before, Role.AGENT), is_by(after, Role.AGENT)]
    return None if None in sides else (sides[0] == sides[1]) == (speaker == "same")


def echoed_in(
    said: Hit,
    windows: Sequence[TurnWindow],
    numbers: Sequence[str],
    last_digits: int | None,
) -> Iterator[TurnWindow]:
    """The windows in which the words of a hit are said again; ``numbers`` are their digits."""
    start = sum(window.turn.index <= said.place[0] for window in windows)
    number = entities.digits(said.words)
    if len(number) >= 3:  # a number may be read out in several turns
        wanted = number[-last_digits:] if last_digits else number
        at = "".join(numbers[start:]).rfind(wanted)
        ends = list(itertools.accumulate(map(len, numbers[start:])))
        if at >= 0:
            yield windows[start + bisect_right(ends, at)]
        return
    words = "".join(sign for sign in said.words if sign.isalnum())
    for window in windows[start:]:
        if words and find_words(words, window.text):
            yield window
