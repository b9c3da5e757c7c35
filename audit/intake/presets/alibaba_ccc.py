"""Alibaba Cloud CCC: the contact in a recording's name, and the direction of a call.

https://help.aliyun.com/zh/ccs/developer-reference/api-ccc-2020-07-01-listmonorecordings
"""

from __future__ import annotations

import re

from audit.intake.presets.names import Cells, first_group

_CONTACT = re.compile(r"(job-\d+)(-.*)?")
_DIRECTIONS = {"inbound": "in", "outbound": "out", "predictive": "out", "back2back": "out"}


def key(name: str) -> str:
    """The contact in a recording's name; else the stem.

    >>> key("job-7000000000000001-798f1e90-1f82-42da-914c-46580c8f4c85-1794790930000.wav")
    'job-7000000000000001'
    """
    return first_group(_CONTACT, name)


def call(rows: list[Cells], _: str) -> Cells | None:
    """A call by its record; None for chats and videos.

    A call that was transferred names several agents and so has none: nothing says which of them is
    on which recording.
    """
    if not rows:
        return {}
    cells = dict(rows[0])
    if cells.get("MediaType", "") not in {"AUDIO", ""}:
        return None
    cells["direction"] = _DIRECTIONS.get(cells.get("ContactType", "").lower(), "")
    if "," in cells["AgentIds"]:
        cells |= {"AgentIds": "", "AgentNames": ""}
    return cells
