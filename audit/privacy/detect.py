"""Finding customers' data in a call as it was spoken."""

from __future__ import annotations

from collections.abc import Sequence

from audit.privacy import documents, numbers, person_names, places
from audit.privacy.entities import Item
from audit.privacy.folding import folded_turns
from audit.types import Turn


def find(turns: Sequence[Turn], *, agent_name: str | None = None) -> tuple[Item, ...]:
    """Customers' data in a call: numbers, documents, names, addresses, plates, e-mail, birth.

    Args:
        turns: the call's, in order, in simplified characters.
        agent_name: whose name is no customer's.

    Returns:
        Mentions in order; none overlaps another.
    """
    turns = folded_turns(turns)
    found = [
        *documents.find(turns),
        *places.find(turns),
        *numbers.find(turns),
        *person_names.find(turns, agent_name=agent_name),
    ]
    kept: list[Item] = []
    for item in sorted(found, key=lambda i: (i.turn, i.start, -i.end)):
        last = kept[-1] if kept else None
        if last is None or last.turn != item.turn or item.start >= last.end:
            kept.append(item)
        elif item.end > last.end:  # two that overlap are hidden as one
            kept[-1] = Item(last.turn, last.start, item.end, last.kind)
    return tuple(kept)
