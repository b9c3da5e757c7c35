"""The schema of a call in a ready transcript: fields, their types, and the units of times."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial
from statistics import median
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from audit.intake import cells, turn_times
from audit.intake.manifests import ID_WANTED, is_id, is_year, wait_s
from audit.language.text import simplify
from audit.types import Direction, Role, Span

TIME_TOLERANCE_S = 0.1
"""Seconds by which a turn's times may be wrong, because of rounding and aligners' frames."""

_T = TypeVar("_T")
_MAX_TIME_S = 86_400.0  # a day: what is later is not a time within a call but a time stamp
_CHARACTER_MAX_S = 20.0  # median of a call; in milliseconds it is above, 20 a second are 50
_MILLISECONDS_MIN = 1000.0

_AGENT = frozenset(
    {"agent", "operator", "representative", "rep", "csr", "customer service"}
    | {"客服", "客服人员", "客服代表", "客服专员", "坐席", "座席", "坐席人员", "座席人员"}
    | {"坐席员", "座席员", "话务员", "接线员"}
)
_CUSTOMER = frozenset({"customer", "client", "客户", "顾客", "客人", "用户"})
_UNKNOWN = frozenset({"unknown", "未知"})


def _seconds(value: object) -> object:
    """A time in seconds, as a number or as text; None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("it must be a number of seconds")
    number = _parsed(cells.seconds, value) if isinstance(value, str) else value
    if not -TIME_TOLERANCE_S <= number <= _MAX_TIME_S:  # and NaN
        raise ValueError(
            f"it is {value!r}; it must be seconds from the beginning of the call, from 0 to "
            f"{_MAX_TIME_S:.0f}, not milliseconds or a time of day"
        )
    return float(number)


def is_probability(value: object) -> bool:
    """Whether it is a number from 0 to 1."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= 1  # type: ignore[operator]


def _parsed(reader: Callable[[str], _T], text: str) -> _T:
    """What text means to a parser of :mod:`audit.intake.cells`.

    Raises:
        ValueError: it is not valid; the message says what it must be.
    """
    try:
        return reader(text)
    except ValueError as error:
        raise ValueError(f"it is {text!r}; it must be {error}") from error


_Seconds = Annotated[float | None, BeforeValidator(_seconds)]


class GivenTurn(BaseModel):
    """A turn, its role and times understood under the names that others give them."""

    model_config = ConfigDict(extra="ignore")

    role: Role
    text: str
    start_s: _Seconds = None
    end_s: _Seconds = None
    confidence: float | None = None
    """Mean probability of its words, 0 to 1."""
    unread: tuple[str, ...] = ()
    """Keys with times whose unit is unknown."""
    unsure: object = None
    """What stands for its confidence and is none."""

    @model_validator(mode="before")
    @classmethod
    def _by_other_names(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        turn, unread = turn_times.renamed(value)
        stated = turn.get("confidence")
        if stated is None or is_probability(stated):
            return {**turn, "unread": unread, "unsure": None}
        return {**turn, "unread": unread, "confidence": None, "unsure": stated}

    @field_validator("role", mode="before")
    @classmethod
    def _is_known(cls, value: object) -> Role:
        plain = unicodedata.normalize("NFKC", simplify(value)) if isinstance(value, str) else ""
        plain = " ".join(re.split(r"[\s_-]+", re.sub(r"[\s_-]*\d*$", "", plain.strip().lower())))
        for names, role in (
            (_AGENT, Role.AGENT),
            (_CUSTOMER, Role.CUSTOMER),
            (_UNKNOWN, Role.UNKNOWN),
        ):
            if plain in names:
                return role
        raise ValueError(
            f"it is {value!r}; it must be agent (客服, 坐席), customer (客户, 用户), or unknown "
            "where it is not known"
        )

    @field_validator("text", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        return "" if value is None else value

    @model_validator(mode="after")
    def _both_times(self) -> GivenTurn:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("start_s and end_s come together or not at all")
        if self.off_s > TIME_TOLERANCE_S:
            raise ValueError(
                f"end_s is before start_s ({self.end_s} and {self.start_s}); a turn ends after it "
                "starts"
            )
        return self

    @property
    def off_s(self) -> float:
        """Seconds by which its times are wrong."""
        if self.start_s is None or self.end_s is None:
            return 0.0
        return round(max(0.0, -self.start_s, -self.end_s, self.start_s - self.end_s), 3)

    @property
    def span(self) -> Span | None:
        """Its times, with small errors corrected."""
        if self.start_s is None or self.end_s is None:
            return None
        start_s = max(0.0, self.start_s)
        return Span(start_s, max(start_s, self.end_s))


class GivenLine(BaseModel):
    """A call. Validation needs the context ``zone``; other fields are kept as extra ones."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True, str_strip_whitespace=True)

    call_id: str
    agent_id: str
    agent_name: str | None = None
    started_at: datetime | None = None
    direction: Direction | None = None
    rulebook: str | None = None
    answer_wait_s: float | None = None
    customer_vip: bool | None = None
    customer_key: str | None = None
    duration_s: Annotated[float, Field(ge=0)] | None = None
    turns: list[GivenTurn] = Field(min_length=1)

    @field_validator("duration_s", mode="before")
    @classmethod
    def _is_length(cls, value: object) -> object:
        return _seconds(value)

    @field_validator("started_at", "direction", "answer_wait_s", "customer_vip", mode="before")
    @classmethod
    def _is_cell(cls, value: object, info: ValidationInfo) -> object:
        """What a manifest's cell may say, as JSON's own types or as text."""
        if value is None or value == "":
            return None
        if isinstance(value, bool) and info.field_name == "customer_vip":
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError("it must be text or a number")
        text = str(value).strip()
        if info.field_name == "direction":
            return _parsed(cells.direction, text)
        if info.field_name == "customer_vip":
            return _parsed(cells.truth, text)
        if info.field_name == "answer_wait_s":
            return _parsed(wait_s, text)
        moment = _parsed(partial(cells.moment, zone=(info.context or {})["zone"]), text)
        if not is_year(moment.year):
            raise ValueError(f"it is {value!r}; it must be a time from 1990 to 2200")
        return moment

    @field_validator("call_id", "agent_id", "customer_key", mode="before")
    @classmethod
    def _is_whole(cls, value: object) -> object:
        """Numbers that passed through a table with gaps come as 2001.0, and gaps as NaN."""
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else "" if value != value else value
        return value

    @field_validator("customer_key")
    @classmethod
    def _is_in_full(cls, value: str | None) -> str | None:
        if value is not None and cells.is_shortened(value):
            raise ValueError(f"it must be {cells.IN_FULL}")
        return value

    @field_validator("call_id", "agent_id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        if not is_id(value):
            raise ValueError(f"it must be {ID_WANTED}")
        return value

    @model_validator(mode="after")
    def _in_seconds(self) -> GivenLine:
        timed = [(turn.span, len(turn.text)) for turn in self.turns]
        slow = [span.duration_s / length for span, length in timed if span and length]
        last_s = max((span.end_s for span, _ in timed if span), default=0.0)
        stated_s = self.duration_s or 0.0
        if (slow and median(slow) > _CHARACTER_MAX_S and last_s > _MILLISECONDS_MIN) or (
            stated_s > _MILLISECONDS_MIN and 0 < last_s * 900 < stated_s
        ):
            raise ValueError(
                f"its times (up to {max(last_s, stated_s):.0f}) are in milliseconds, not in "
                "seconds; divide them by 1000"
            )
        return self


_PROBLEMS = {
    "missing": "it is missing; every call needs it",
    "list_type": "it must be a list: [{...}, {...}]",
    "too_short": "it is empty; a call has at least one turn",
}


def problem_of(error: ErrorDetails) -> str:
    """What is wrong with a value: pydantic's message, or a clearer one."""
    if error["type"] == "model_type":
        return "it must be a turn: {...}" if error["loc"] else "it must be a call: {...}"
    said = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    return _PROBLEMS.get(error["type"], said)
