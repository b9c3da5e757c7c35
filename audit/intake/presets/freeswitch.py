"""FreeSWITCH and FusionPBX: calls of JSON CDRs, and who hung up.

Values of ``variables`` are URL-encoded, and times there are seconds since 1970:
https://github.com/signalwire/freeswitch/blob/master/src/mod/event_handlers/mod_json_cdr
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DIRECTIONS = {"inbound": "in", "outbound": "out"}


def call_id(name: str) -> str:
    """The UUID in a recording's name; else the name without its ending.

    >>> call_id("2026/Nov/16/0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a01.mp3")
    '0d5c2b1e-7f11-4a53-9a60-3f0b7c8f1a01'
    """
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = _UUID.search(stem)
    return found[0] if found else stem


def row(cells: dict[str, str]) -> dict[str, str] | None:
    """A leg of a call with what follows from it; None for a leg that was never answered.

    ``recv_bye`` means that the party of this leg has hung up: the customer where the call came in,
    the agent where it went out. ``send_bye`` may be the other party or the switch.
    """
    given = {
        name.removeprefix("variables."): unquote(value) if name.startswith("variables.") else value
        for name, value in cells.items()
        if not name.startswith(("callflow", "app_log", "callStats", "channel_data"))
    }
    if given.get("billsec") == "0":
        return None
    if "variables.start_epoch" in cells:
        given["start_stamp"] = given["start_epoch"]
    way = given.get("call_direction") or given.get("direction", "")
    given["direction"] = _DIRECTIONS.get(way, "")
    if given.get("sip_hangup_disposition") == "recv_bye" and given["direction"]:
        given["hung_up_by"] = "customer" if given["direction"] == "in" else "agent"
    return given
