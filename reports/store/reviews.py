"""Rows of the table ``reviews``, and how they change the calls they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audit.penalties import Penalties
from audit.review import Decision, Review, ReviewedCall, ReviewKind, apply_reviews
from audit.types import Finding, RuleScore, Verdict
from reports.store import rows
from reports.store.columns import Row
from reports.store.store import Store


def stored(
    store: Store, *, nights: tuple[str | None, str | None] = (None, None)
) -> dict[str, list[Row]]:
    """Every review that was imported of calls of some nights, by call."""
    grouped: dict[str, list[Row]] = {}
    for row in store.reviews.rows(nights=nights):
        grouped.setdefault(row["call_id"], []).append(row)
    return grouped


def from_row(row: Row) -> Review:
    """A review as it was imported."""
    verdict = row["original_verdict"]
    same = ("review_id", "call_id", "finding_id", "reviewer", "reviewed_at", "note")
    place = ("rule_id", "check_id", "clause_id", "start_s", "end_s")
    return Review(
        kind=ReviewKind(row["kind"]),
        decision=Decision(row["decision"]),
        original_verdict=None if verdict is None else Verdict(verdict),
        **{name: row[name] for name in (*same, *place)},
    )


def penalties_of(store: Store, call: Row) -> Penalties | None:
    """What violations cost in a call, from its row in the table ``calls``."""
    return store.penalties.load(sha256=call["rulebook_sha256"], rulebook_id=call["rulebook_id"])


def apply(
    store: Store, call: Row, findings: Mapping[str, Finding], reviews: Sequence[Review]
) -> ReviewedCall:
    """A call's findings and score after its reviews.

    Args:
        store: of the audit.
        call: its row in the table ``calls``.
        findings: by their ids.
        reviews: of this call.
    """
    return apply_reviews(
        findings,
        reviews,
        penalties=penalties_of(store, call) if reviews else None,
        rule_scores=[
            RuleScore(r["rule_id"], Verdict(r["verdict"]), r["weight"], r["earned"])
            for r in call.get("rule_scores") or ()
        ],
    )


def findings_by_id(found: Iterable[Row]) -> dict[str, Finding]:
    """Findings of a call by their ids."""
    return {row["finding_id"]: rows.finding(row) for row in found}
