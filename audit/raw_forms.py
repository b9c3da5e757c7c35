"""How recordings without a header are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

Encoding = Literal["mulaw", "alaw", "s16le", "s16be", "u8", "vox", "g722", "g729", "gsm"]
"""How sound without a header may be written; ``vox`` is Dialogic's (OKI) ADPCM."""
_FIXED_RATES = {"g722": 16_000, "g729": 8_000, "gsm": 8_000}
_ONE_CHANNEL = (*_FIXED_RATES, "vox")


@dataclass(frozen=True, slots=True)
class RawForm:
    """What the header of a recording would say, for files that have none.

    >>> str(RawForm("alaw", 8000))
    'alaw/8000/1'
    """

    encoding: Encoding
    rate: int
    """Samples a second."""
    channels: int = 1

    def __post_init__(self) -> None:
        """Refuse what no recorder writes."""
        fixed = _FIXED_RATES.get(self.encoding, self.rate)
        if self.rate != fixed:
            raise ValueError(f"{self.encoding} has {fixed} samples a second; write rate: {fixed}")
        if not 4_000 <= self.rate <= 192_000:
            raise ValueError("rate is samples a second, from 4000 to 192000")
        if not 1 <= self.channels <= (1 if self.encoding in _ONE_CHANNEL else 2):
            raise ValueError("channels is 1, or 2 for mulaw, alaw, s16le, s16be and u8")

    def __str__(self) -> str:
        """As the table ``calls`` keeps it."""
        return f"{self.encoding}/{self.rate}/{self.channels}"

    @classmethod
    def parse(cls, text: str) -> RawForm:
        """The form that :meth:`__str__` wrote."""
        encoding, rate, channels = text.split("/")
        return cls(cast(Encoding, encoding), int(rate), int(channels))
