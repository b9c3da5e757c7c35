"""Which rows of a manifest are the files of one call, and the call that they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from audit.intake.sheets import Row
from audit.legs import Leg, Side
from audit.rules.beginning import PART_COLUMNS
from audit.types import Recording

_SIDES: dict[str, Side] = {
    **dict.fromkeys(("agent", "operator", "internal", "坐席", "座席", "客服", "客服侧"), "agent"),
    **dict.fromkeys(("坐席侧", "座席侧", "坐席端", "坐席声道", "agent side"), "agent"),
    **dict.fromkeys(("customer", "client", "caller", "external", "客户", "用户"), "customer"),
    **dict.fromkeys(("客户侧", "用户侧", "客户端", "客户声道", "customer side"), "customer"),
}
SIDE_FILES: dict[str, Side] = {"file_agent": "agent", "file_customer": "customer"}
"""Columns with the two files of a call in one row."""
SIDE_STARTS: dict[str, Side] = {"started_at_agent": "agent", "started_at_customer": "customer"}
"""Columns with the beginnings of these files."""


class Place(NamedTuple):
    """Where a file belongs in its call."""

    part: int
    side: Side | None


def by_call(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows by call, in the order of the calls' first rows.

    Rows of one ``call_id`` belong together where each says another part or side of it; any other
    row is by itself. A row with ``file_agent`` and ``file_customer`` becomes one for each.
    """
    calls: list[list[Row]] = []
    known: dict[str, tuple[list[Row], list[Place]]] = {}
    for row in rows:
        sides = _of_sides(row)
        if sides:
            calls.append(sides)
            continue
        place, call_id = place_of(row.cells), row.cells.get("call_id")
        if place is None or not call_id or row.problem is not None:
            calls.append([row])
            continue
        own, places = known.setdefault(call_id, ([], []))
        if any(_collide(place, other) for other in places):
            calls.append([row])
            continue
        if not own:
            calls.append(own)
        own.append(row)
        places.append(place)
    return [in_order(rows) for rows in calls]


def is_side(row: Row) -> bool:
    """Whether a row's file holds one side of its call."""
    place = place_of(row.cells)
    return place is not None and place.side is not None


def _of_sides(row: Row) -> list[Row]:
    """A row for each of the files that one row names; nothing for a row with a single file."""
    cells = row.cells
    named = {column: side for column, side in SIDE_FILES.items() if cells.get(column)}
    if not named or cells.get("file") or row.problem is not None:
        return []
    rest = {k: v for k, v in cells.items() if k not in SIDE_FILES and k not in SIDE_STARTS}
    return [
        Row(
            row.number,
            {
                **rest,
                "file": cells[column],
                "leg": side,
                "started_at": cells.get(f"started_at_{side}") or cells.get("started_at", ""),
            },
        )
        for column, side in named.items()
    ]


def place_of(cells: dict[str, str]) -> Place | None:
    """What a row says of its file's place in the call; None where it says nothing."""
    side = _SIDES.get(" ".join(cells.get("leg", "").lower().split()))
    numbers = [
        int(found[0])
        for column, value in cells.items()
        if column.lower() in PART_COLUMNS and (found := re.search(r"\d{1,4}", value))
    ]
    if side is None and not numbers:
        return None
    return Place(max(numbers, default=1), side)


def _collide(one: Place, other: Place) -> bool:
    return one.part == other.part and (
        one.side == other.side or one.side is None or other.side is None
    )


def filled(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The cells of a call's rows, what one leaves empty taken from the first that has it.

    But for what belongs to a file: its name, place and time.
    """
    shared: dict[str, str] = {}
    for row in rows:
        shared |= {name: cell for name, cell in row.cells.items() if not shared.get(name)}
    own = {"file", "leg", "started_at", "agent_channel"}
    return [
        {
            name: cell or (shared[name] if name not in own | PART_COLUMNS else "")
            for name, cell in row.cells.items()
        }
        for row in rows
    ]


def in_order(rows: Sequence[Row]) -> list[Row]:
    """The rows of a call by part, the agent's side first."""
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[int, str]:
    place = place_of(row.cells)
    return (1, "") if place is None else (place.part, place.side or "")


def joined(recordings: Sequence[Recording], rows: Sequence[Row]) -> Recording:
    """The recording of a call in several files, or of one side of it.

    Args:
        recordings: of each file by itself, in order; the call is the first one's.
        rows: of the same files.
    """
    first = recordings[0]
    places = [place_of(row.cells) or Place(1, None) for row in rows]
    stated = [bool(row.cells.get("started_at")) for row in rows]
    begins = [r.started_at for r, known in zip(recordings, stated, strict=True) if known]
    begin = min(begins, default=first.started_at)
    legs = tuple(
        Leg(
            one.source_file,
            part=place.part,
            side=place.side,
            begins_s=(one.started_at - begin).total_seconds() if known else None,
            agent_id=one.agent_id if one.agent_id != first.agent_id else None,
            agent_channel=one.agent_channel,
            raw_form=one.raw_form,
        )
        for one, place, known in zip(recordings, places, stated, strict=True)
    )
    others = {"meta_leg_agents": ", ".join(one.agent_id for one in recordings)}
    return replace(
        first,
        started_at=begin,
        agent_channel="0" if all(place.side for place in places) else first.agent_channel,
        legs=legs,
        raw_form=None,
        meta={**first.meta, **(others if any(leg.agent_id for leg in legs) else {})},
    )
