"""Asterisk and FreePBX: who the agent is, from the channels of a call and the recording's name.

FreePBX names a recording ``TYPE-DEST-FROM-YYYYMMDD-HHMMSS-UNIQUEID``, and its types tell the
direction: https://github.com/FreePBX/callrecording/blob/release/16.0/functions.inc.php. A number
may contain a hyphen, so the name is read from its end.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime

from audit.intake.file_names import stem
from audit.intake.presets.names import Cells

_NAME = re.compile(
    r"(?P<type>[a-z]+)-(?P<dest>.*)-(?P<source>[^-]*)-(?P<time>\d{8}-\d{6})(-(?P<call>.*\d\.\d+))?"
)
_UNIQUE_ID = re.compile(r"(?<!\d)\d{9,}\.\d+(?!\d)")
_CHANNEL = re.compile(r"\w+/(?P<user>[^@;]+?)(-[0-9a-f]{8})?(@.*|;\d)?")
_INWARD = frozenset({"in", "q", "external", "rg"})


def key(name: str) -> str:
    """The UNIQUEID in the name of a recording, without the system's name; else the stem.

    >>> key("2026/11/16/q-600-13800001111-20261116-090200-pbx-1794790920.412.wav")
    '1794790920.412'
    """
    found = _UNIQUE_ID.findall(name.rsplit("/", 1)[-1])
    return found[-1] if found else stem(name)


def call(rows: list[Cells], name: str) -> Cells:
    """A call, from its rows (attempts to reach agents) and the name of its recording.

    The agent is the side that is not the customer. Without a name of FreePBX only calls of the
    application Queue are known to come in, and of others the agent is unknown.
    """
    told = _named(name)
    if not rows:
        return told
    cells = max(rows, key=_weight)
    if "direction" not in told and cells.get("lastapp") == "Queue":
        told["direction"] = "in"
    if told.get("direction") == "in":
        told.setdefault("agent_id", user(cells.get("dstchannel", "")))
        told["agent_name"] = cells.get("dst_cnam", "")
    elif told.get("direction") == "out":
        told["agent_name"] = cells.get("cnam", "")
    return {**cells, **told, "uniqueid": told["call_id"]}


def _named(name: str) -> Cells:
    """What the name of a recording tells."""
    cells = {"call_id": key(name)}
    found = _NAME.fullmatch(stem(name))
    if found is None:
        return cells
    with suppress(ValueError):
        cells["started_at"] = datetime.strptime(found["time"], "%Y%m%d-%H%M%S").isoformat()
    if found["type"] == "out":
        cells |= {"direction": "out", "agent_id": found["source"]}
    elif found["type"] in _INWARD:
        cells["direction"] = "in"
        if found["type"] == "external":
            cells["agent_id"] = found["dest"]
        if found["type"] == "q":
            cells["queue"] = found["dest"]
    return cells


def user(channel: str) -> str:
    """The extension of a channel; nothing where there is none.

    >>> user("PJSIP/2001-000000a0"), user("Local/2001@from-queue-000001f;1")
    ('2001', '2001')
    """
    found = _CHANNEL.fullmatch(channel)
    return found["user"] if found else ""


def _weight(row: Cells) -> tuple[bool, int]:
    """What makes the row of an attempt that of the conversation: answered, and the longest."""
    talked = row.get("billsec", "")
    return row.get("disposition") == "ANSWERED", int(talked) if talked.isdecimal() else 0
