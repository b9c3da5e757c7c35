"""Detects personal data (PII) in the transcript of a call."""

from __future__ import annotations

from collections.abc import Sequence

from audit.privacy import documents, numbers, person_names, places
from audit.privacy.entities import Entity
from audit.privacy.folding import folded_turns
from audit.types import Turn


def find(turns: Sequence[Turn], *, agent_name: str | None = None) -> tuple[Entity, ...]:
    """PII in a call: numbers, documents, names, addresses, plates, e-mail, dates of birth.

    Args:
        turns: of the call, in order, in simplified characters.
        agent_name: is not PII; None if unknown.

    Returns:
        Mentions in order, without overlaps.
    """
    turns = folded_turns(turns)
    found = [
        *documents.find(turns),
        *places.find(turns),
        *numbers.find(turns),
        *person_names.find(turns, agent_name=agent_name),
    ]
    resolved: list[Entity] = []
    for entity in sorted(found, key=lambda i: (i.turn, i.start, -i.end)):
        last = resolved[-1] if resolved else None
        if last is None or last.turn != entity.turn or entity.start >= last.end:
            resolved.append(entity)
        elif entity.end > last.end:  # overlapping mentions are redacted as one
            resolved[-1] = Entity(last.turn, last.start, entity.end, last.entity_type)
    return tuple(resolved)
