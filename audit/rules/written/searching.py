"""What operators share: searching the windows in scope, and hits on whole turns."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from rapidfuzz import fuzz

from audit.language.phrases import find_words
from audit.language.text import sounds, spoken_characters
from audit.reasons import Reason, because
from audit.rules.base import NO_AGENT, understood
from audit.rules.written import entities
from audit.rules.written.arguments import Opening, Repetition
from audit.rules.written.conditions import Echoing
from audit.rules.written.evidence import UNCLEAR, Hit, Result, found
from audit.rules.written.matching import conjunction
from audit.rules.written.scope import Scope, TurnWindow, is_by
from audit.types import Call, Role, Turn

_LEAST_DIGITS = 3
"""Digits that make a number."""

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


def said_again(wanted: Repetition, windows: Sequence[TurnWindow]) -> Iterator[Hit]:
    """The turns that nearly say what turns shortly before them say."""
    long = [w for w in windows if spoken_characters(w.text) >= wanted.min_characters]
    rank = {window.turn.index: number for number, window in enumerate(windows)}
    for number, window in enumerate(long):
        alike = [
            other
            for other in long[:number]
            if rank[window.turn.index] - rank[other.turn.index] < wanted.turns
            and fuzz.ratio(sounds(other.text).code, sounds(window.text).code)
            >= 100 * wanted.likeness
        ]
        if len(alike) + 1 >= wanted.times:
            yield whole(window, first_uncertainty((window, *alike)))


def picked_up(call: Call, wanted: Opening) -> Result:
    """Whether a call begins as an opening says."""
    if not call.turns:
        return Result(None, (), NO_AGENT)
    first = call.turns[0]
    answers: list[bool | None] = []
    if wanted.by is not None:
        answers.append(is_by(first, Role(wanted.by)))
    if wanted.later_s is not None:
        answers.append(None if first.start_s is None else first.start_s > wanted.later_s)
    return on_turn(first, answers, because("written.pick_up"))


def is_speaker(turn: Turn, speaker: str) -> bool | None:
    """Whether a turn is by a speaker; None where that is undecidable."""
    return True if speaker == "any" else is_by(turn, Role(speaker))


def is_next_speaker(before: Turn, after: Turn, speaker: str) -> bool | None:
    """Whether the turn after a silence is by whom it should be."""
    if speaker not in ("same", "other"):
        return is_speaker(after, speaker)
    sides = [is_by(before, Role.AGENT), is_by(after, Role.AGENT)]
    return None if None in sides else (sides[0] == sides[1]) == (speaker == "same")


def echoed_in(said: Hit, windows: Sequence[TurnWindow], wanted: Echoing) -> Iterator[TurnWindow]:
    """The windows in which the words of a hit are said again."""
    own = said.place[0]
    others = [w for w in windows if w.turn.index > own or (wanted.earlier and w.turn.index < own)]
    number = entities.digits(said.words)
    if len(number) >= _LEAST_DIGITS and 2 * len(number) > spoken_characters(said.words):
        numbers = [entities.digits(window.text) for window in others]
        at = _digits_at("".join(numbers), number, wanted)
        ends = list(itertools.accumulate(map(len, numbers)))
        if at is not None:  # a number may be read out in several turns
            yield others[bisect_right(ends, at)]
        return
    words = "".join(sign for sign in said.words if sign.isalnum())
    for window in others:
        if words and _says(window.text, words, wanted.syllables):
            yield window


def _digits_at(spoken: str, number: str, wanted: Echoing) -> int | None:
    """Where digits hold enough of a number."""
    if wanted.any_digits:
        size = min(wanted.any_digits, len(number))
        runs = {number[at : at + size] for at in range(len(number) - size + 1)}
    else:
        runs = {number[-wanted.last_digits :] if wanted.last_digits else number}
    return max((at for run in runs if (at := spoken.rfind(run)) >= 0), default=None)


def _says(text: str, words: str, syllables: int | None) -> bool:
    """Whether a text has words again, or so many of their syllables in a row."""
    if syllables is None or len(sounds(words)) <= syllables:
        return find_words(words, text) is not None
    code, spoken = sounds(words).code, sounds(text).code
    size = 2 * syllables
    runs = {code[at : at + size] for at in range(0, len(code) - size + 1, 2)}
    return any(spoken[at : at + size] in runs for at in range(0, len(spoken) - size + 1, 2))
