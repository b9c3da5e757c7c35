"""Amazon Connect: contact records, and the contact in a recording's name.

https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html
"""

from __future__ import annotations

import posixpath
import re

_CONTACT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_.*", re.IGNORECASE)


def call_id(name: str) -> str:
    """The id of the contact in a recording's name; else the name without its ending.

    >>> call_id("2026/11/16/5a1f0c1e-0000-4000-8000-000000000001_20261116T01:02_UTC.wav")
    '5a1f0c1e-0000-4000-8000-000000000001'
    """
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = _CONTACT.fullmatch(stem)
    return found[1] if found else stem


def row(cells: dict[str, str]) -> dict[str, str] | None:
    """A contact record; None for an analysis of Contact Lens, a chat, and what had no agent."""
    if cells.get("Channel") != "VOICE" or not cells.get("Agent.Username"):
        return None
    groups = [cells.get(f"Agent.HierarchyGroups.Level{n}.GroupName", "") for n in range(1, 6)]
    team = next((group for group in reversed(groups) if group), "")
    return {**cells, "team": team} if team else cells


def best(rows: list[dict[str, str]]) -> dict[str, str]:
    """Of the records of one contact, which may arrive again and corrected, the newest."""
    return max(rows, key=lambda cells: cells.get("LastUpdateTimestamp", ""))
