"""Conditions: what a written rule may ask of a call, as validated data.

A condition is a mapping with one operator (``said``, ``silence``, ``all`` …) and, beside it, keys
that say where in the call it looks; see ``docs/rules/writing.md``. What a condition says of a
call is evaluated in :mod:`audit.rules.written.evaluator`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from audit.rules.fields import Strict
from audit.rules.written.arguments import (
    ColumnTest,
    CuttingIn,
    Ending,
    Entities,
    Expression,
    Keywords,
    Length,
    Likeness,
    LoudnessBounds,
    Opening,
    Pace,
    Quiet,
    Repetition,
    Seconds,
    SecondsRange,
    Speaker,
    Texts,
    TurnRange,
    Turns,
    no_zero,
    some_of,
)
from audit.types import Role, Stage


def _under(key: str) -> BeforeValidator:
    """Let a bare value stand for a mapping with only this key: ``said: 再见``."""

    def mapping(value: Any) -> Any:
        return {key: value} if isinstance(value, str | list | tuple) else value

    return BeforeValidator(mapping)


def _the_hit(value: Any) -> Any:
    return None if value == "hit" else value


# where a condition looks


class Anchor(Strict):
    """Where another condition holds (None: the hit that ``unless`` is asked about).

    ``turns`` and ``seconds``: how far from it; ``nth``: which of its hits, all if not given.
    """

    of: Annotated[Condition | None, BeforeValidator(_the_hit)] = None
    turns: int | None = Field(None, ge=1)
    seconds: Seconds | None = None
    nth: Annotated[int, AfterValidator(no_zero)] | None = None


_Anchor = Annotated[Anchor, _under("of")]


class ScopedCondition(Strict):
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


class SpokenCondition(ScopedCondition):
    """What looks at one speaker's turns, the agent's unless told otherwise."""

    role: Speaker = "agent"

    @property
    def speaker(self) -> Role | None:
        """Whose turns count; None for both."""
        return None if self.role == "any" else Role(self.role)


# what is asked


class Said(SpokenCondition):
    """Phrases are heard."""

    said: Annotated[Keywords, _under("any")]


class ActCondition(ScopedCondition):
    """Something that the rulebook names under ``acts`` is done, by the side whose act it is."""

    act: Texts


class Similar(SpokenCondition):
    """Something like a sentence is said."""

    similar: Annotated[Likeness, _under("sentences")]


class Regex(SpokenCondition):
    """A regular expression matches."""

    regex: Annotated[Expression, _under("pattern")]


class Repeated(SpokenCondition):
    """The same is said again."""

    repeated: Repetition


class EntityCondition(SpokenCondition):
    """A number, a date, a name … is said."""

    entity: Annotated[Entities, _under("any")]


class Echoing(Strict):
    """Whose words are said again (None: the hit's), and how much of them is enough.

    Of a number, its ``last_digits``, or any so many in a row with ``any_digits``; of other words,
    so many ``syllables`` in a row, or all. ``earlier``: what was said before counts as well.
    """

    of: Annotated[Condition | None, BeforeValidator(_the_hit)] = None
    last_digits: int | None = Field(4, ge=1)
    any_digits: int | None = Field(None, ge=2)
    syllables: int | None = Field(None, ge=2)
    earlier: bool = False


class Echo(SpokenCondition):
    """Words of another hit are said again, later."""

    echo: Annotated[Echoing, _under("of")]


class SilenceCondition(ScopedCondition):
    """Nobody speaks; it lies where the turn before it lies."""

    silence: Quiet


class Rate(SpokenCondition):
    """Speech is fast or slow."""

    rate: Pace


class Loudness(SpokenCondition):
    """Somebody speaks loudly, or more loudly than usual."""

    loudness: LoudnessBounds


class Interruption(ScopedCondition):
    """One cuts the other short."""

    interruption: CuttingIn


class HangUp(Strict):
    """The call ends abnormally."""

    hang_up: Ending


class PickUp(Strict):
    """The call begins abnormally."""

    pick_up: Opening


class Duration(Strict):
    """The recording is long or short."""

    duration: Length


class TurnCount(SpokenCondition):
    """There are many or few turns."""

    turn_count: Turns


class CallData(Strict):
    """What the manifest says of the call."""

    call: ColumnTest


class All(Strict):
    """Each of several holds; the hits are those of the first that has any."""

    all: tuple[Condition, ...] = Field(min_length=1)


class Any_(Strict):
    """One of several holds."""

    any: tuple[Condition, ...] = Field(min_length=1)


class Not(Strict):
    """Another does not hold."""

    not_: Condition = Field(alias="not")


class Perhaps(Strict):
    """Undecided where another holds, or is undecided."""

    perhaps: Condition


class Counted(Strict):
    """How often another may hold."""

    of: Condition
    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Self:
        some_of(self, "at_least", "at_most")
        return self


class Count(Strict):
    """Another holds so often."""

    count: Counted


class Order(Strict):
    """Several hold one after the other."""

    order: tuple[Condition, ...] = Field(min_length=2)


_OPERATORS: dict[str, type[Strict]] = {
    "said": Said,
    "act": ActCondition,
    "similar": Similar,
    "regex": Regex,
    "repeated": Repeated,
    "entity": EntityCondition,
    "echo": Echo,
    "silence": SilenceCondition,
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
    "perhaps": Perhaps,
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
    | Annotated[ActCondition, Tag("<act>")]
    | Annotated[Similar, Tag("<similar>")]
    | Annotated[Regex, Tag("<regex>")]
    | Annotated[Repeated, Tag("<repeated>")]
    | Annotated[EntityCondition, Tag("<entity>")]
    | Annotated[Echo, Tag("<echo>")]
    | Annotated[SilenceCondition, Tag("<silence>")]
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
    | Annotated[Perhaps, Tag("<perhaps>")]
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


@cache
def needs_hit(condition: BaseModel) -> bool:
    """Whether a condition speaks of ``hit``, which only ``unless`` knows."""
    return any(isinstance(p, Anchor | Echoing) and p.of is None for p in parts(condition))
