"""Fields of a vendor's JSON, checked, and the turns of our line that are built of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_DAY_S = 86_400.0
_TOLERANCE_S = 0.1
_UNITS = {1.0: "seconds", 0.001: "milliseconds"}

SECONDS, MILLISECONDS = 1.0, 0.001
"""Units of times, in seconds."""


class Unreadable(ValueError):
    """A vendor's transcript cannot be read; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Item:
    """An object of a vendor's JSON.

    Attributes:
        fields: as given.
        place: where it is in the file, for messages; empty for the whole.
    """

    fields: Mapping[str, object]
    place: str = ""

    def has(self, *names: str) -> bool:
        """Whether any of the fields is there and not null."""
        return any(self.fields.get(name) is not None for name in names)

    def path(self, name: str) -> str:
        """The field's place in the file: ``Transcript[3].Content``."""
        return f"{self.place}.{name}" if self.place else name

    def text(self, name: str) -> str:
        """Text; it may be empty.

        Raises:
            Unreadable: it is missing, null or not text.
        """
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise Unreadable(
                f"{self.path(name)} {self._state(name)}; it must be the text of a sentence, so "
                "export the transcript again"
            )
        return value

    def seconds(self, name: str, unit_s: float) -> float:
        """A time, in seconds to the millisecond.

        Raises:
            Unreadable: it is missing, not a number, negative, or later than a day.
        """
        value = self.fields.get(name)
        number = None if isinstance(value, str | bool) else self.number(name)
        if number is None or not -_TOLERANCE_S <= number * unit_s <= _DAY_S:
            raise Unreadable(
                f"{self.path(name)} {self._state(name)}; it must be {_UNITS[unit_s]} from the "
                f"beginning of the call, from 0 to {_DAY_S / unit_s:.0f}"
            )
        return round(number * unit_s, 3)

    def number(self, name: str) -> float | None:
        """A number, also written as text; None where there is none."""
        value = self.fields.get(name)
        if isinstance(value, bool):
            return None
        try:
            number = float(value) if isinstance(value, int | float | str) else math.nan
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def probability(self, name: str) -> float | None:
        """A confidence, 0 to 1; None where there is none.

        Raises:
            Unreadable: it is a number, but no probability.
        """
        number = self.number(name)
        if number is not None and not 0 <= number <= 1:
            raise Unreadable(f"{self.path(name)} is {number:g}; it must be from 0 to 1")
        return number

    def label(self, *names: str) -> str | None:
        """The first of some fields that names somebody, by a number or a word; None without any."""
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()
        return None

    def item(self, name: str) -> Item:
        """An object in this one; an empty one where there is none."""
        value = self.fields.get(name)
        return Item(value if isinstance(value, Mapping) else {}, self.path(name))

    def items(self, name: str) -> list[Item]:
        """The objects of a list; none where there is no list.

        Raises:
            Unreadable: the list holds something else.
        """
        value = self.fields.get(name)
        return list(_items(value, self.path(name))) if isinstance(value, list) else []

    def _state(self, name: str) -> str:
        value = self.fields.get(name)
        return "is missing" if value is None else f"is {_shown(value)}"


def _items(values: Sequence[object], place: str) -> Iterator[Item]:
    for at, value in enumerate(values):
        if not isinstance(value, Mapping):
            raise Unreadable(f"{place}[{at}] is {_shown(value)}; it must be an object")
        yield Item(value, f"{place}[{at}]")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def word(text: str, start_s: float, end_s: float, confidence: float | None = None) -> Piece:
    """A word of a turn."""
    return {"text": text, "start_s": start_s, "end_s": end_s, "confidence": confidence}


Piece = dict[str, object]
"""A turn, or a word of one, as our line has it."""


def turn(
    text: str,
    times: tuple[float, float],
    speaker: str | None,
    *,
    role: str = "unknown",
    words: Sequence[Piece] = (),
    speaker_share: float | None = None,
) -> Piece:
    """A turn.

    Args:
        text: what is said.
        times: from and to, in seconds.
        speaker: the vendor's name for who speaks; None where it has none.
        role: ``agent`` or ``customer`` where the vendor says so.
        words: of the text, in order.
        speaker_share: share of the turn that the vendor gives to this speaker, where it differs.
    """
    start_s, end_s = times
    return {
        "role": role,
        "text": text,
        "start_s": start_s,
        "end_s": end_s,
        "speaker": speaker,
        "words": list(words),
        "speaker_share": speaker_share,
    }


def require_speakers(turns: Sequence[Piece], advice: str) -> None:
    """Refuse a transcript that names nobody.

    Raises:
        Unreadable: it has no turns, or no turn has a speaker; the message ends with ``advice``.
    """
    if not turns:
        raise Unreadable("it has no sentences; audit only calls in which somebody speaks")
    if all(one["speaker"] is None for one in turns):
        raise Unreadable(f"no sentence says who speaks it; {advice}")
