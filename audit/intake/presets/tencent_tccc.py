"""Tencent Cloud TCCC: a call has a recording of each side, named by other than the call.

``RecordURL`` of the call is the customer's side, that of each of ``ServeParticipants`` an agent's:
https://www.tencentcloud.com/zh/document/product/1229/59642.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from audit.intake.presets.names import Cells, stem


def sides(cells: Cells) -> tuple[str, list[str]]:
    """The keys of a call's recordings: the customer's, and those of the agents in their order.

    >>> sides({"RecordURL": "https://a/b/1-aa.mp3", "ServeParticipants": '[{"RecordURL": "2.mp3"}]'})
    ('1-aa', ['2'])
    """
    served = json.loads(cells.get("ServeParticipants") or "[]")
    served.sort(key=lambda one: one.get("Sequence") or 0)
    agents = [_key(one.get("CustomRecordURL") or one.get("RecordURL")) for one in served]
    customer = _key(cells.get("CustomRecordURL") or cells.get("RecordURL"))
    return customer, [key for key in agents if key]


def _key(url: str | None) -> str:
    return stem(urlsplit(url or "").path)
