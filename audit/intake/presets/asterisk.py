"""Asterisk and FreePBX: who the agent is, from the channels of a call and the recording's name.

FreePBX names a recording ``TYPE-DEST-FROM-YYYYMMDD-HHMMSS-UNIQUEID``, and its types tell the
direction: https://github.com/FreePBX/callrecording/blob/release/16.0/functions.inc.php. A number
may contain a hyphen, so the name is read from its end.
"""

from __future__ import annotations

import posixpath
import re

_NAME = re.compile(
    r"(?P<type>[a-z]+)-(?P<dest>.*)-(?P<source>[^-]*)-(?P<time>\d{8}-\d{6})(-(?P<call>.*\d\.\d+))?"
)
_UNIQUE_ID = re.compile(r"(?:.*[^\d.])?(\d{9,}\.\d+)(?:\D.*)?")
_CHANNEL = re.compile(r"\w+/(?P<user>[^@;]+?)(-[0-9a-f]{8})?(@.*|;\d)?")
_INWARD = frozenset({"in", "q", "external", "rg"})


def call_id(name: str) -> str:
    """The UNIQUEID in a recording's name, without the name of the system; else the stem.

    >>> call_id("2026/11/16/q-600-13800001111-20261116-090200-pbx-1794790920.412.wav")
    '1794790920.412'
    """
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = _UNIQUE_ID.fullmatch(stem)
    return found[1] if found else stem


def named(name: str) -> dict[str, str]:
    """What FreePBX's name of a recording tells, by the columns of a manifest.

    >>> named("out-13900002222-2001-20261116-101500-1794795300.420.WAV")["agent_id"]
    '2001'
    """
    cells = {"file": name, "call_id": call_id(name)}
    found = _NAME.fullmatch(posixpath.splitext(posixpath.basename(name))[0])
    if found is None:
        return cells
    cells["started_at"] = found["time"].replace("-", "T")
    if found["type"] == "out":
        cells |= {"direction": "out", "agent_id": found["source"]}
    elif found["type"] in _INWARD:
        cells["direction"] = "in"
        if found["type"] == "external":
            cells["agent_id"] = found["dest"]
        if found["type"] == "q":
            cells["queue"] = found["dest"]
    return cells


def row(cells: dict[str, str]) -> dict[str, str] | None:
    """A row of the CDR with what follows from it; None where nobody answered.

    Where the recording's name tells the direction, the agent is the side that is not the customer.
    Without such a name only calls of the application Queue are known to come in.
    """
    if cells.get("disposition") != "ANSWERED":
        return None
    recording = cells.get("recordingfile", "")
    told = named(recording) if recording else {}
    told.pop("file", None)
    told.pop("started_at", None)
    if cells.get("lastapp") == "Queue":
        told.setdefault("direction", "in")
    if told.get("direction") == "in":
        told.setdefault("agent_id", user(cells.get("dstchannel", "")))
        told["agent_name"] = cells.get("dst_cnam", "")
    elif told.get("direction") == "out":
        told["agent_name"] = cells.get("cnam", "")
    told["call_id"] = call_id(recording or cells["uniqueid"] + ".")
    return {**cells, **told}


def user(channel: str) -> str:
    """The extension of a channel.

    >>> user("PJSIP/2001-000000a0"), user("Local/2001@from-queue-000001f;1")
    ('2001', '2001')
    """
    found = _CHANNEL.fullmatch(channel)
    return found["user"] if found else ""


def best(rows: list[dict[str, str]]) -> dict[str, str]:
    """Of the rows of one recording, such as attempts to reach agents, the longest conversation."""
    return max(rows, key=lambda cells: int(cells.get("billsec") or 0))
