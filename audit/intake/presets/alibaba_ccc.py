"""Alibaba Cloud CCC: calls between people, and the contact in a recording's name.

https://help.aliyun.com/zh/ccs/developer-reference/api-ccc-2020-07-01-listmonorecordings
"""

from __future__ import annotations

import posixpath
import re

_CONTACT = re.compile(r"(job-\d+)(-.*)?")


def call_id(name: str) -> str:
    """The contact in a recording's name; else the name without its ending.

    >>> call_id("job-7000000000000001-798f1e90-1f82-42da-914c-46580c8f4c85-1794790930000.wav")
    'job-7000000000000001'
    """
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = _CONTACT.fullmatch(stem)
    return found[1] if found else stem


def row(cells: dict[str, str]) -> dict[str, str] | None:
    """A call; None for chats and videos. One that was transferred names several agents: no agent.

    (Nothing says who of them is on which recording.)
    """
    if cells.get("MediaType", "AUDIO") not in {"AUDIO", ""}:
        return None
    if "," in cells["AgentIds"]:
        return {**cells, "AgentIds": "", "AgentNames": ""}
    return cells
