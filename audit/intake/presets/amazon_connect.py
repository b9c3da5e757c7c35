"""Amazon Connect: contact records, and the contact in a recording's name.

https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html
"""

from __future__ import annotations

import re

from audit.intake.presets.names import Cells, first_group

_CONTACT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_.*", re.IGNORECASE)
_DIRECTIONS = {"INBOUND": "in", "OUTBOUND": "out", "CALLBACK": "out", "API": "out"}


def key(name: str) -> str:
    """The id of the contact in a recording's name; else the stem.

    >>> key("2026/11/16/5a1f0c1e-0000-4000-8000-000000000001_20261116T01:02_UTC.wav")
    '5a1f0c1e-0000-4000-8000-000000000001'
    """
    return first_group(_CONTACT, name)


def call(rows: list[Cells], _: str) -> Cells | None:
    """A call by its contact record; of records that came again, by the newest. None for chats.

    A transfer is a contact of its own: whether it once came in is in the record of the first.
    """
    if not rows:
        return {}
    cells = max(rows, key=lambda row: row.get("LastUpdateTimestamp", ""))
    if cells.get("Channel") != "VOICE":
        return None
    groups = [cells.get(f"Agent.HierarchyGroups.Level{n}.GroupName", "") for n in range(1, 6)]
    hung_up = {"CUSTOMER_DISCONNECT": "customer"}.get(cells.get("DisconnectReason", ""), "")
    told = {
        "team": next((group for group in reversed(groups) if group), ""),
        "direction": _DIRECTIONS.get(cells.get("InitiationMethod", ""), ""),
        "hung_up_by": hung_up,
    }
    return {**cells, **told}
