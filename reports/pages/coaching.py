"""What an agent may do better: what was said, beside the wording of the norm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.rulebooks.clauses import Clause, clauses
from reports.analysis.figures import CallFinding
from reports.pages.views import ClauseFailures

TIPS = 6


@dataclass(frozen=True, slots=True)
class Tip:
    """One clause that an agent breaks, with an example and the right wording."""

    clause_id: str
    total: int
    hit: CallFinding
    say: str | None
    text: str


def norm(clause_id: str | None) -> Clause | None:
    """What a clause says; None for a clause of a custom rulebook."""
    return clauses().get(clause_id) if clause_id else None


def tips(broken: Sequence[ClauseFailures]) -> tuple[Tip, ...]:
    """The clauses that cost an agent most, each with the latest example that has words."""
    found = []
    for clause in broken:
        asked = norm(clause.clause_id)
        if asked is None or clause.clause_id is None:
            continue
        worded = next((hit for hit in clause.hits if hit.finding.evidence), clause.hits[0])
        found.append(Tip(clause.clause_id, clause.total, worded, asked.say, asked.text))
    return tuple(found[:TIPS])
