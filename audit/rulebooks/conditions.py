"""Conditions: what a written rule may ask of a call, as validated data.

A condition is a mapping with one operator (``said``, ``silence``, ``all`` …) and, beside it, keys
that say where in the call it looks; see ``docs/rules.md``. What a condition says of a call is
worked out in :mod:`audit.rules.written`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from audit.language.phrases import expand, variety
from audit.language.text import sounds
from audit.types import Role, Stage


class Strict(BaseModel):
    """Data of a rulebook: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in type(self).model_fields)))

    def __hash__(self) -> int:
        """Worked out once: conditions are keys of all that is found."""
        return self._hash


_MOST_WORDINGS = 10_000


def all_wordings(phrase: str) -> tuple[str, ...]:
    """All wordings that a rulebook's phrase stands for.

    Raises:
        ValueError: they are too many.
    """
    count = variety(phrase)
    if count > _MOST_WORDINGS:
        raise ValueError(
            f"phrase {phrase[:40]!r} stands for {count} wordings; {_MOST_WORDINGS} are the most, "
            "write several phrases"
        )
    return expand(phrase)


def _whole(phrase: str) -> str:
    depth = 0
    for sign in phrase:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            raise ValueError(f"phrase {phrase!r}: put alternatives into brackets: (a|b)")
        if depth < 0:
            break
    if depth:
        raise ValueError(f"phrase {phrase!r} has a bracket without its partner")
    if unfilled := re.search(r"\{(.*?)\}", phrase):
        raise ValueError(f"phrase {phrase!r}: there is no parameter {unfilled[1]!r}")
    if "{" in phrase or "}" in phrase:
        raise ValueError(f"phrase {phrase!r} has a brace without its partner")
    if not any(len(sounds(wording)) for wording in all_wordings(phrase)):
        raise ValueError(f"phrase {phrase!r} has no word that could be heard")
    return phrase


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


def _under(key: str) -> BeforeValidator:
    """Let a bare value stand for a mapping with only this key: ``said: 再见``."""

    def mapping(value: Any) -> Any:
        return {key: value} if isinstance(value, str | list | tuple) else value

    return BeforeValidator(mapping)


def _no_zero(number: int) -> int:
    if number == 0:
        raise ValueError("count from 1, or from -1 at the end")
    return number


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _the_hit(value: Any) -> Any:
    return None if value == "hit" else value


Phrase = Annotated[str, AfterValidator(_whole)]
Phrases = Annotated[tuple[Phrase, ...], BeforeValidator(_several), Field(min_length=1)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
Pattern = Annotated[str, AfterValidator(_compiled)]
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


def _one_of(model: BaseModel, *names: str) -> None:
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise ValueError(f"give exactly one of {', '.join(name.rstrip('_') for name in names)}")


def _some_of(model: BaseModel, *names: str) -> None:
    if all(getattr(model, name) is None for name in names):
        raise ValueError(f"give at least one of {', '.join(names)}")


# where a condition looks


class TurnRange(Strict):
    """Turns counted from 1, or from the end with negative numbers; both ends included."""

    from_: Annotated[int, AfterValidator(_no_zero)] = Field(1, alias="from")
    to: Annotated[int, AfterValidator(_no_zero)] = -1

    @model_validator(mode="after")
    def _onward(self) -> Self:
        if self.from_ > self.to and (self.from_ > 0) == (self.to > 0):
            raise ValueError(f"no turn lies from {self.from_} to {self.to}")
        return self


class SecondsRange(Strict):
    """The first or the last seconds of the recording."""

    first: Seconds | None = None
    last: Seconds | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _one_of(self, "first", "last")
        return self


class Anchor(Strict):
    """Where another condition holds (None: the hit that ``unless`` is asked about).

    ``turns`` and ``seconds``: how far from it; ``nth``: which of its hits, all if not given.
    """

    of: Annotated[Condition | None, BeforeValidator(_the_hit)] = None
    turns: int | None = Field(None, ge=1)
    seconds: Seconds | None = None
    nth: Annotated[int, AfterValidator(_no_zero)] | None = None


_Anchor = Annotated[Anchor, _under("of")]


class Placed(Strict):
    """What every operator over turns takes: where in the call it looks."""

    stage: Stage | None = None
    turns: TurnRange | None = None
    seconds: SecondsRange | None = None
    after: _Anchor | None = None
    before: _Anchor | None = None
    around: _Anchor | None = None
    within: _Anchor | None = None

    @property
    def speaker(self) -> Role | None:
        """Whose turns count; None for both."""
        return None


class Spoken(Placed):
    """What looks at one speaker's turns, the agent's unless told otherwise."""

    role: Speaker = "agent"

    @property
    def speaker(self) -> Role | None:
        """Whose turns count; None for both."""
        return None if self.role == "any" else Role(self.role)


# what is asked


class Keywords(Strict):
    """Phrases: any of them (``at_least`` so many different ones), all of them, or none."""

    any: Phrases | None = None
    all: Phrases | None = None
    none: Phrases | None = None
    at_least: int = Field(1, ge=1)
    slack: int = Field(0, ge=-2, le=2)
    literal: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        _one_of(self, "any", "all", "none")
        if self.at_least > len(self.any or (1,)):
            raise ValueError("at_least counts phrases of any, and there are fewer")
        return self


class Said(Spoken):
    """Phrases are heard."""

    said: Annotated[Keywords, _under("any")]


class Likeness(Strict):
    """Sentences and how like them what is said must be, 0 to 1."""

    sentences: Texts
    likeness: float = Field(0.6, gt=0, le=1)


class Similar(Spoken):
    """Something like a sentence is said."""

    similar: Annotated[Likeness, _under("sentences")]


class Expression(Strict):
    """A regular expression; ``but_not`` in the same turn acquits."""

    pattern: Pattern
    but_not: Pattern | None = None


class Regex(Spoken):
    """A regular expression matches."""

    regex: Annotated[Expression, _under("pattern")]


class Repetition(Strict):
    """``times`` alike within so many of the speaker's turns."""

    times: int = Field(2, ge=2)
    turns: int = Field(10, ge=2)
    min_characters: int = Field(6, ge=1)
    likeness: float = Field(0.8, gt=0, le=1)


class Repeated(Spoken):
    """The same is said again."""

    repeated: Repetition


class Entities(Strict):
    """Kinds of information; ``min_digits`` for those made of digits."""

    any: Annotated[tuple[Entity, ...], BeforeValidator(_several), Field(min_length=1)]
    min_digits: int | None = Field(None, ge=1)


class Named(Spoken):
    """A number, a date, a name … is said."""

    entity: Annotated[Entities, _under("any")]


class Echoing(Strict):
    """Whose words are said again (None: the hit's); ``last_digits`` of a number are enough."""

    of: Annotated[Condition | None, BeforeValidator(_the_hit)] = None
    last_digits: int | None = Field(4, ge=1)


class Echo(Spoken):
    """Words of another hit are said again, later."""

    echo: Annotated[Echoing, _under("of")]


class Quiet(Strict):
    """Nobody speaks: who spoke before (``after``), and who does next (``before``)."""

    after: Speaker = "any"
    before: Literal["agent", "customer", "same", "other", "any"] = "any"
    longer_s: Seconds | None = None
    shorter_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "longer_s", "shorter_s")
        return self


class Silence(Placed):
    """Nobody speaks; it lies where the turn before it lies."""

    silence: Quiet


class Pace(Strict):
    """Characters a minute of a turn, or of all turns in scope together."""

    of: Literal["turn", "call"] = "turn"
    over: float | None = Field(None, gt=0)
    under: float | None = Field(None, gt=0)
    min_characters: int = Field(20, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "over", "under")
        return self


class Rate(Spoken):
    """Speech is fast or slow."""

    rate: Pace


class Level(Strict):
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
        _some_of(self, "over_db", "under_db", "above_usual_db", "below_usual_db", "rise_db")
        return self


class Loudness(Spoken):
    """Somebody speaks loudly, or more loudly than usual."""

    loudness: Level


class CuttingIn(Strict):
    """Who cuts in: how long before the other's end, with how much, how long into the talk."""

    by: Literal["agent", "customer"] = "agent"
    advance_s: Seconds = 0.0
    min_characters: int = Field(0, ge=0)
    delay_s: Annotated[float, Field(gt=0)] | None = None


class Interruption(Placed):
    """One cuts the other short."""

    interruption: CuttingIn


class Ending(Strict):
    """How the call ends: whose words are the last, how soon after, and without which words."""

    last: Literal["agent", "customer"] | None = None
    within_s: Seconds | None = None
    without: Phrases | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "last", "within_s", "without")
        return self


class HangUp(Strict):
    """The call ends abnormally."""

    hang_up: Ending


class Opening(Strict):
    """How the call begins: who speaks first, and how late."""

    by: Literal["agent", "customer"] | None = None
    later_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "by", "later_s")
        return self


class PickUp(Strict):
    """The call begins abnormally."""

    pick_up: Opening


class Length(Strict):
    """Seconds of the whole recording."""

    over_s: Seconds | None = None
    under_s: Seconds | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "over_s", "under_s")
        return self


class Duration(Strict):
    """The recording is long or short."""

    duration: Length


class Turns(Strict):
    """A number of turns."""

    over: int | None = Field(None, ge=0)
    under: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "over", "under")
        return self


class TurnCount(Spoken):
    """There are many or few turns."""

    turn_count: Turns


class Column(Strict):
    """A value that the manifest gives, as text or as a number."""

    column: str
    equals: str | None = None
    one_of: Texts | None = None
    over: float | None = None
    under: float | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "equals", "one_of", "over", "under", "matches")
        return self


class CallData(Strict):
    """What the manifest says of the call."""

    call: Column


class All(Strict):
    """Each of several holds; the hits are those of the first that has any."""

    all: tuple[Condition, ...] = Field(min_length=1)


class Any_(Strict):
    """One of several holds."""

    any: tuple[Condition, ...] = Field(min_length=1)


class Not(Strict):
    """Another does not hold."""

    not_: Condition = Field(alias="not")


class Counted(Strict):
    """How often another may hold."""

    of: Condition
    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Self:
        _some_of(self, "at_least", "at_most")
        return self


class Count(Strict):
    """Another holds so often."""

    count: Counted


class Order(Strict):
    """Several hold one after the other."""

    order: tuple[Condition, ...] = Field(min_length=2)


_OPERATORS: dict[str, type[Strict]] = {
    "said": Said,
    "similar": Similar,
    "regex": Regex,
    "repeated": Repeated,
    "entity": Named,
    "echo": Echo,
    "silence": Silence,
    "rate": Rate,
    "loudness": Loudness,
    "interruption": Interruption,
    "hang_up": HangUp,
    "pick_up": PickUp,
    "duration": Duration,
    "turn_count": TurnCount,
    "call": CallData,
    "all": All,
    "any": Any_,
    "not": Not,
    "count": Count,
    "order": Order,
}


def _operator(value: Any) -> str | None:
    """The one operator of a condition, in the signs that pydantic puts in an error's place."""
    if isinstance(value, dict):
        named = [key for key in value if key in _OPERATORS]
        return f"<{named[0]}>" if len(named) == 1 else None
    return next((f"<{name}>" for name, model in _OPERATORS.items() if type(value) is model), None)


Condition = Annotated[
    Annotated[Said, Tag("<said>")]
    | Annotated[Similar, Tag("<similar>")]
    | Annotated[Regex, Tag("<regex>")]
    | Annotated[Repeated, Tag("<repeated>")]
    | Annotated[Named, Tag("<entity>")]
    | Annotated[Echo, Tag("<echo>")]
    | Annotated[Silence, Tag("<silence>")]
    | Annotated[Rate, Tag("<rate>")]
    | Annotated[Loudness, Tag("<loudness>")]
    | Annotated[Interruption, Tag("<interruption>")]
    | Annotated[HangUp, Tag("<hang_up>")]
    | Annotated[PickUp, Tag("<pick_up>")]
    | Annotated[Duration, Tag("<duration>")]
    | Annotated[TurnCount, Tag("<turn_count>")]
    | Annotated[CallData, Tag("<call>")]
    | Annotated[All, Tag("<all>")]
    | Annotated[Any_, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Count, Tag("<count>")]
    | Annotated[Order, Tag("<order>")],
    Discriminator(
        _operator,
        custom_error_type="operator",
        custom_error_message=f"a condition has exactly one of {', '.join(_OPERATORS)}",
    ),
]


def parts(condition: BaseModel) -> Iterator[BaseModel]:
    """A condition and everything it is made of."""
    yield condition
    for _, value in condition:
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from parts(inner)


def needs_hit(condition: BaseModel) -> bool:
    """Whether a condition speaks of ``hit``, which only ``unless`` knows."""
    return any(isinstance(p, Anchor | Echoing) and p.of is None for p in parts(condition))


_MODELS: tuple[type[Strict], ...] = (*_OPERATORS.values(), Anchor, Echoing, Counted)
for _model in _MODELS:
    _model.model_rebuild()
