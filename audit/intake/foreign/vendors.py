"""Whose transcript a JSON object is, told by its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from audit.intake.foreign import aliyun, aliyun_analysis, aws_transcribe, funasr, tencent, whisperx
from audit.intake.foreign.fields import Piece


class Vendor(Protocol):
    """A module that reads a vendor's transcripts.

    Attributes:
        ENGINE: the vendor's name in the tables.
    """

    ENGINE: str

    def matches(self, value: Mapping[str, object]) -> bool:
        """Whether an object is this vendor's, by its shape."""
        ...

    def name_of(self, value: Mapping[str, object]) -> str | None:
        """The call's name, as far as the vendor has one."""
        ...

    def read(self, value: Mapping[str, object]) -> Piece:
        """The line of ours that the object means, with fields of :class:`ForeignLine`.

        Raises:
            Unreadable: it means none.
        """
        ...


VENDORS: tuple[Vendor, ...] = (funasr, whisperx, aws_transcribe, aliyun, aliyun_analysis, tencent)
_OURS = frozenset({"turns", "calls"})


def vendor_of(value: object) -> Vendor | None:
    """The vendor whose transcript this is; None for ours and for any other JSON."""
    if not isinstance(value, Mapping) or _OURS & value.keys():
        return None
    return next((vendor for vendor in VENDORS if vendor.matches(value)), None)


def calls_of(value: object) -> list[object] | None:
    """The calls of a vendor's object that holds several; None if it does not."""
    if vendor_of(value) is not aliyun_analysis or not isinstance(value, Mapping):
        return None
    found = aliyun_analysis.calls(value)
    return found if len(found) > 1 or found != [value] else None
