"""What cannot be said by columns alone: for each system how its rows and names are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audit.intake.file_names import stem
from audit.intake.presets import (
    alibaba_ccc,
    amazon_connect,
    asterisk,
    freeswitch,
    genesys_cloud,
    tencent_tccc,
)
from audit.intake.presets.names import Cells


def _first(rows: list[Cells], _: str) -> Cells:
    return rows[0] if rows else {}


def _alone(cells: Cells) -> list[Cells]:
    return [cells]


@dataclass(frozen=True, slots=True)
class System:
    """How a system's rows are joined to its recordings, and what both tell together."""

    key: Callable[[str], str] = stem
    """What a recording's name has in common with the rows of its call."""
    call: Callable[[list[Cells], str], Cells | None] = _first
    """From the rows that have a recording's key (perhaps none) and its name: one row, by the
    system's columns or ours. None where the recording is not one of a call."""
    row_key: Callable[[str], str] = str
    """The same key, from what :attr:`audit.intake.presets.Preset.joined_by` has in a row."""
    rows: Callable[[Cells], list[Cells]] = _alone
    """The rows that an object of JSON makes, by the names that the system's tables have."""


_ASTERISK = System(asterisk.key, asterisk.call, asterisk.key)
_FREESWITCH = System(freeswitch.key, freeswitch.call, rows=freeswitch.rows)
SYSTEMS = {
    "alibaba-ccc": System(alibaba_ccc.key, alibaba_ccc.call),
    "amazon-connect": System(amazon_connect.key, amazon_connect.call),
    "asterisk": _ASTERISK,
    "freepbx": _ASTERISK,
    "freeswitch": _FREESWITCH,
    "fusionpbx": _FREESWITCH,
    "genesys-cloud": System(call=genesys_cloud.call),
    "tencent-tccc": System(call=tencent_tccc.call, rows=tencent_tccc.rows),
}
"""Systems by the name of their preset; others need nothing."""
