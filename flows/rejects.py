"""Rejects for people: those that are rejected for the same thing are told of once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.intake.recordings import Reject

_KINDS_MAX = 20


@dataclass(frozen=True, slots=True)
class RejectKind:
    """Rows that are rejected for the same thing, and what is said of the first of them."""

    reason: str
    count: int
    source_file: str
    example: str


def kinds(rejects: Sequence[Reject]) -> tuple[RejectKind, ...]:
    """Rejects whose sentences are the same but for files, values and numbers."""
    found: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        plain = re.sub(r"'[^']*'|\d+", "", reject.detail.replace(reject.source_file, ""))
        found.setdefault((reject.reason, plain), []).append(reject)
    return tuple(
        RejectKind(str(reason), len(alike), alike[0].source_file, alike[0].detail)
        for (reason, _), alike in sorted(found.items(), key=lambda kind: -len(kind[1]))
    )


def lines(kinds: Sequence[RejectKind]) -> Iterator[str]:
    """A line for each kind, the most frequent first, and one for what is left of many."""
    for kind in kinds[:_KINDS_MAX]:
        yield f"rejected: {kind.count} {kind.reason}, such as {kind.source_file}: {kind.example}"
    if len(kinds) > _KINDS_MAX:
        rest = sum(kind.count for kind in kinds[_KINDS_MAX:])
        yield f"rejected: {rest} for other causes"
