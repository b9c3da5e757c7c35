"""Tencent Cloud TCCC: a call has a recording of each side, whose name does not tell the call.

``RecordURL`` of the call is the customer's side, that of each of ``ServeParticipants`` an agent's,
and the last number of the name is when it began, in seconds since 1970:
https://www.tencentcloud.com/zh/document/product/1229/59642.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from audit.intake.file_names import stem
from audit.intake.presets.names import Cells

_BEGAN = re.compile(r".*-(\d{10})")


def rows(cells: Cells) -> list[Cells]:
    """A row for each recording of a call; the call alone if it has none.

    A call that was transferred names the last agent only by all it asks for, and so has none.

    >>> served = '[{"RecordURL": "https://a/s.mp3"}]'
    >>> told = rows({"RecordURL": "https://a/c.mp3?sign=1", "ServeParticipants": served})
    >>> [(row["leg"], row["recording"]) for row in told]
    [('customer', 'c'), ('agent', 's')]
    """
    served = json.loads(cells.get("ServeParticipants") or "[]")
    sides = [("customer", cells), *(("agent", one) for one in served)]
    keys = [(side, _key(one.get("CustomRecordURL") or one.get("RecordURL"))) for side, one in sides]
    if len(served) > 1:
        unnamed = ("SeatUser.Name", "SeatUser.StaffNumber", "SeatUser.UserId", "SeatUser.Mail")
        cells = {**cells, **{name: "" for name in unnamed if name in cells}}
    return [{**cells, "leg": side, "recording": key} for side, key in keys if key] or [cells]


def call(found: list[Cells], name: str) -> Cells:
    """A side of a call, which began when its name says."""
    if not found:
        return {}
    began = _BEGAN.fullmatch(stem(name))
    return {**found[0], "StartTimestamp": began[1]} if began else found[0]


def _key(url: str | None) -> str:
    return stem(urlsplit(url or "").path)
