"""Genesys Cloud: the recordings among what a bulk export writes.

Each recording has a JSON beside it:
https://help.mypurecloud.com/articles/working-with-exported-recordings-in-aws-s3-bucket
"""

from __future__ import annotations

from audit.intake.presets.names import Cells


def call(rows: list[Cells], _: str) -> Cells | None:
    """What the JSON tells of a recording; None for a message or a screen.

    A recording with several users has no agent: nothing says who of them spoke.
    """
    if not rows:
        return {}
    cells = rows[0]
    if cells["mediaType"].lower() != "call":
        return None
    return {**cells, "userIds": ""} if "," in cells.get("userIds", "") else cells
