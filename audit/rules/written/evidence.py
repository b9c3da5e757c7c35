"""What a condition says of a call: whether it holds, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audit.reasons import Reason, because
from audit.types import Span, Turn

UNCLEAR = because("written.unclear")
MAYBE = because("written.maybe")


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a condition holds.

    Attributes:
        turn: the turn it is in; None for a statement about the whole call.
        first: index in the turn's text of the first character it is about.
        last: index after the last one.
        meant: the phrase it matches.
        span: the seconds it is about, if not those of the turn.
        uncertainty: why the condition may not hold here; None where it certainly does.
    """

    turn: Turn | None = None
    first: int = 0
    last: int = 0
    meant: str | None = None
    span: Span | None = None
    uncertainty: Reason | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Turn and character, in the order of the call."""
        return (-1 if self.turn is None else self.turn.index), self.first

    @property
    def words(self) -> str:
        """The words it is about."""
        return "" if self.turn is None else self.turn.text[self.first : self.last]

    @property
    def seconds(self) -> Span | None:
        """When it is; None without times."""
        return self.span or (self.turn.span if self.turn else None)

    def with_uncertainty(self, uncertainty: Reason | None) -> Hit:
        """The same hit, uncertain if there is a reason; the first reason stays."""
        if self.uncertainty or not uncertainty:
            return self
        return replace(self, uncertainty=uncertainty)


@dataclass(frozen=True, slots=True)
class Result:
    """Whether a condition holds (None: undecidable), its hits, and what may be missing.

    Attributes:
        holds: the answer.
        hits: in the order of the call, uncertain ones included.
        incomplete: why there may be other hits; None where these are all.
    """

    holds: bool | None
    hits: tuple[Hit, ...] = ()
    incomplete: Reason | None = None

    @property
    def uncertainty(self) -> Reason:
        """Why it is undecidable."""
        reasons = (hit.uncertainty for hit in self.hits)
        return self.incomplete or next(filter(None, reasons), UNCLEAR)


def found(hits: Iterable[Hit], incomplete: Reason | None = None) -> Result:
    """What holds if there is a hit."""
    ordered = tuple(sorted(hits, key=lambda hit: hit.place))
    return Result(at_least(ordered, 1, incomplete), ordered, incomplete)


def fact(holds: bool | None, uncertainty: Reason | None = None) -> Result:
    """What is said of the whole call."""
    return Result(holds, (), uncertainty if holds is None else None)


def resolved(holds: bool | None, hits: Iterable[Hit], incomplete: Reason | None) -> Result:
    """A result that does not follow from its hits, which are uncertain where it is undecidable."""
    if holds is False:
        return Result(False)
    uncertainty = None if holds else incomplete or UNCLEAR
    ordered = tuple(
        sorted((hit.with_uncertainty(uncertainty) for hit in hits), key=lambda hit: hit.place)
    )
    return Result(holds, ordered, incomplete)


def at_least(hits: Sequence[Hit], times: int, incomplete: Reason | None) -> bool | None:
    """Whether there are at least ``times`` hits, with regard to those that may be missing."""
    if sum(hit.uncertainty is None for hit in hits) >= times:
        return True
    return None if incomplete or len(hits) >= times else False


def negated(result: Result) -> Result:
    """The opposite, which has no hits."""
    if result.holds is None:
        return Result(None, (), result.uncertainty)
    return Result(not result.holds)


def doubted(result: Result) -> Result:
    """Undecided, with the same hits, unless it certainly does not hold."""
    if result.holds is False:
        return result
    return resolved(None, result.hits, result.incomplete or MAYBE)


def threshold(results: Sequence[Result], least: int) -> Result:
    """Whether at least ``least`` results hold; the hits are those of all that do or may."""
    certain = sum(result.holds is True for result in results)
    possible = sum(result.holds is not False for result in results)
    holds = True if certain >= least else None if possible >= least else False
    hits = [hit for result in results if result.holds is not False for hit in result.hits]
    incomplete = [r.incomplete for r in results if r.incomplete]
    unseen = [r.uncertainty for r in results if r.holds is None]
    return resolved(holds, hits, next(iter((*incomplete, *unseen)), None))


def ordered(results: Sequence[Result]) -> Result:
    """Whether hits of the results follow each other; the hit is the first of them."""
    if any(result.holds is False for result in results):
        return Result(False)
    certain = _chain(
        [[hit for hit in result.hits if hit.uncertainty is None] for result in results]
    )
    if certain and all(result.holds for result in results):
        return Result(True, (certain,))
    uncertainty = next((result.uncertainty for result in results if result.holds is not True), None)
    possible = _chain([result.hits for result in results])
    if possible:
        return Result(None, (possible.with_uncertainty(uncertainty or UNCLEAR),), uncertainty)
    incomplete = next((result.incomplete for result in results if result.incomplete), None)
    return Result(None if incomplete else False, (), incomplete)


def _chain(steps: Sequence[Sequence[Hit]]) -> Hit | None:
    """The first hit of a chain that takes one of each step, each later than the one before."""
    first, last = None, (-1, -1)
    for hits in steps:
        following = next((hit for hit in hits if hit.place > last), None)
        if following is None:
            return None
        first, last = first or following, following.place
    return first
