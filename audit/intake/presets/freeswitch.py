"""FreeSWITCH and FusionPBX: CDRs in JSON, and who hung up.

https://github.com/signalwire/freeswitch/blob/master/src/mod/event_handlers/mod_json_cdr
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from audit.intake.file_names import stem
from audit.intake.presets.names import Cells

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIRECTIONS = {"inbound": "in", "outbound": "out"}
_VARIABLES = "variables."


def key(name: str) -> str:
    """The UUID in a recording's name; else the stem.

    >>> key("2026/Nov/16/0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a01.mp3")
    '0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a01'
    """
    found = _UUID.search(stem(name))
    return found[0].lower() if found else stem(name)


def rows(cells: Cells) -> list[Cells]:
    """The variables of a CDR in JSON, which are URL-encoded there."""
    said = {
        name.removeprefix(_VARIABLES): unquote(value)
        for name, value in cells.items()
        if name.startswith(_VARIABLES)
    }
    return [said or cells]


def call(found: list[Cells], _: str) -> Cells:
    """A call, from the CDR of the leg that was recorded.

    ``recv_bye`` means that the party of this leg has hung up: the customer where the call came in,
    the agent where it went out. ``send_bye`` may be the other party or the switch.
    """
    if not found:
        return {}
    cells = dict(found[0])
    way = cells.get("call_direction") or cells.get("direction", "")
    cells["direction"] = _DIRECTIONS.get(way, "")
    if cells.get("sip_hangup_disposition") == "recv_bye" and cells["direction"]:
        cells["hung_up_by"] = "customer" if cells["direction"] == "in" else "agent"
    return cells
