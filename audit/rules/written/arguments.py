"""What operators take: phrases, bounds, seconds, as validated data without conditions in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from audit.rules.fields import Pattern, Phrase, Strict


def no_zero(number: int) -> int:
    """A position, counted from 1 or, from the end, from -1.

    Raises:
        ValueError: it is 0.
    """
    if number == 0:
        raise ValueError("count from 1, or from -1 at the end")
    return number


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Phrases = Annotated[tuple[Phrase, ...], BeforeValidator(_several), Field(min_length=1)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
Speaker = Literal["agent", "customer", "any"]
Seconds = Annotated[float, Field(ge=0)]
Entity = Literal[
    "surname",
    "person_name",
    "phone",
    "number",
    "id_number",
    "job_number",
    "date",
    "time",
    "address",
    "amount",
]


def one_of(model: BaseModel, *names: str) -> None:
    """Require exactly one of some fields.

    Raises:
        ValueError: none or several are given.
    """
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise ValueError(f"give exactly one of {', '.join(name.rstrip('_') for name in names)}")


def some_of(model: BaseModel, *names: str) -> None:
    """Require at least one of some fields.

    Raises:
        ValueError: none is given.
    """
    if all(getattr(model, name) is None for name in names):
        raise ValueError(f"give at least one of {', '.join(names)}")


class TurnRange(Strict):
    """Turns counted from 1, or from the end with negative numbers; both ends included."""

    from_: Annotated[int, AfterValidator(no_zero)] = Field(1, alias="from")
    to: Annotated[int, AfterValidator(no_zero)] = -1

    @model_validator(mode="after")
    def _onward(self) -> Self:
        if self.from_ > self.to and (self.from_ > 0) == (self.to > 0):
            raise ValueError(f"there is no turn from {self.from_} to {self.to}")
        return self


class SecondsRange(Strict):
    """The first or the last seconds of the recording."""

    first: Seconds | None = None
    last: Seconds | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "first", "last")
        return self


class Keywords(Strict):
    """Phrases: any of them (at least ``at_least`` different ones), all of them, or none."""

    any: Phrases | None = None
    all: Phrases | None = None
    none: Phrases | None = None
    at_least: int = Field(1, ge=1)
    slack: int = Field(0, ge=-2, le=2)
    literal: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "any", "all", "none")
        if self.at_least > len(self.any or (1,)):
            raise ValueError("at_least counts phrases of any, and there are fewer")
        return self


class Likeness(Strict):
    """Sentences and how like them what is said must be, 0 to 1."""

    sentences: Texts
    likeness: float = Field(0.6, gt=0, le=1)


class Expression(Strict):
    """A regular expression; ``but_not`` in the same turn acquits."""

    pattern: Pattern
    but_not: Pattern | None = None


class Repetition(Strict):
    """``times`` similar turns among ``turns`` of the same speaker."""

    times: int = Field(2, ge=2)
    turns: int = Field(10, ge=2)
    min_characters: int = Field(6, ge=1)
    likeness: float = Field(0.8, gt=0, le=1)


class Entities(Strict):
    """Kinds of information; ``min_digits`` for those made of digits."""

    any: Annotated[tuple[Entity, ...], BeforeValidator(_several), Field(min_length=1)]
    min_digits: int | None = Field(None, ge=1)


class Quiet(Strict):
    """Nobody speaks: who spoke before (``after``), and who does next (``before``)."""

    after: Speaker = "any"
    before: Literal["agent", "customer", "same", "other", "any"] = "any"
    longer_s: Seconds | None = None
    shorter_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "longer_s", "shorter_s")
        return self


class Pace(Strict):
    """Characters a minute of a turn, or of all turns in scope together."""

    of: Literal["turn", "call"] = "turn"
    over: float | None = Field(None, gt=0)
    under: float | None = Field(None, gt=0)
    min_characters: int = Field(20, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "over", "under")
        return self


class LoudnessBounds(Strict):
    """Loudness of a turn, in dB below full scale, or against the speaker's other turns.

    ``above_usual_db`` and ``below_usual_db``: than the median of the speaker's turns; ``rise_db``:
    than the speaker's turn before.
    """

    over_db: float | None = Field(None, le=0)
    under_db: float | None = Field(None, le=0)
    above_usual_db: Annotated[float, Field(gt=0)] | None = None
    below_usual_db: Annotated[float, Field(gt=0)] | None = None
    rise_db: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "over_db", "under_db", "above_usual_db", "below_usual_db", "rise_db")
        return self


class CuttingIn(Strict):
    """Who cuts in: how long before the other's end, with how much, how long into the talk."""

    by: Literal["agent", "customer"] = "agent"
    advance_s: Seconds = 0.0
    min_characters: int = Field(0, ge=0)
    delay_s: Annotated[float, Field(gt=0)] | None = None


class Ending(Strict):
    """How the call ends: whose words are the last, how soon after, and without which words."""

    last: Literal["agent", "customer"] | None = None
    within_s: Seconds | None = None
    without: Phrases | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "last", "within_s", "without")
        return self


class Opening(Strict):
    """How the call begins: who speaks first, and how late."""

    by: Literal["agent", "customer"] | None = None
    later_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "by", "later_s")
        return self


class Length(Strict):
    """Seconds of the whole recording."""

    over_s: Seconds | None = None
    under_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "over_s", "under_s")
        return self


class Turns(Strict):
    """A number of turns."""

    over: int | None = Field(None, ge=0)
    under: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "over", "under")
        return self


class ColumnTest(Strict):
    """A value that the manifest gives, as text or as a number; ``default`` where it gives none."""

    column: str
    default: str | None = None
    equals: str | None = None
    one_of: Texts | None = None
    over: float | None = None
    under: float | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "equals", "one_of", "over", "under", "matches")
        return self
