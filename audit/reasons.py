"""Why a verdict is what it is, as data: the id of a sentence and what its places are filled with.

The sentences themselves are in ``reports.wording``, in each language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

Value = Union[str, int, float, "Reason", tuple["Reason", ...]]
"""What fills a place: text, a number, another reason, or several in a list."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence by its id; ``values`` are (name of the place, value) in the order given."""

    id: str
    values: tuple[tuple[str, Value], ...] = ()

    def map_text(self, change: Callable[[str], str]) -> Reason:
        """The same reason with its texts changed, those of reasons inside it too."""
        return Reason(self.id, tuple((name, _mapped(v, change)) for name, v in self.values))


def because(reason_id: str, /, **values: Value) -> Reason:
    """A reason with its places filled.

    >>> because("hold.too_long", seconds=75.0, limit=60.0).id
    'hold.too_long'
    """
    return Reason(reason_id, tuple(values.items()))


def verbatim(text: str) -> Reason:
    """A sentence that somebody wrote, in whatever language."""
    return because("verbatim", text=text)


def written(zh: str, en: str | None) -> Reason:
    """A sentence of a rulebook; in English too where the rulebook has it."""
    return because("written", zh=zh, en=en or zh)


AGENT = because("side.agent")
CUSTOMER = because("side.customer")


def to_data(values: tuple[tuple[str, Value], ...]) -> dict[str, Any]:
    """Values as JSON has them."""
    return {name: _datum(value) for name, value in values}


def from_data(reason_id: str, values: dict[str, Any]) -> Reason:
    """The reason whose values :func:`to_data` gave."""
    return because(reason_id, **{name: _value(datum) for name, datum in values.items()})


def _mapped(value: Value, change: Callable[[str], str]) -> Value:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Reason):
        return value.map_text(change)
    if isinstance(value, tuple):
        return tuple(one.map_text(change) for one in value)
    return value


def _datum(value: Value) -> Any:
    if isinstance(value, Reason):
        return {"id": value.id, "values": to_data(value.values)}
    if isinstance(value, tuple):
        return [_datum(one) for one in value]
    return value


def _value(datum: Any) -> Value:
    if isinstance(datum, dict):
        return from_data(datum["id"], datum["values"])
    if isinstance(datum, list):
        return tuple(from_data(one["id"], one["values"]) for one in datum)
    kept: str | int | float = datum
    return kept
