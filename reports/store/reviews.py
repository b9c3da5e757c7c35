"""Rows of the table ``reviews``, and what they do to the calls they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.penalties import Tariff
from audit.review import Decision, Kind, Review, Settled, settle
from audit.types import Finding, RuleScore, Verdict
from reports.store import penalties
from reports.store.parquet import read

Row = Mapping[str, Any]


def stored(out: Path) -> dict[str, list[Row]]:
    """Every review that was imported, by call."""
    grouped: dict[str, list[Row]] = {}
    for row in read(out, "reviews").to_pylist():
        grouped.setdefault(row["call_id"], []).append(row)
    return grouped


def from_row(row: Row) -> Review:
    """A review as it was imported."""
    verdict = row["original_verdict"]
    same = ("review_id", "call_id", "finding_id", "reviewer", "reviewed_at", "note")
    place = ("rule_id", "check_id", "clause_id", "start_s", "end_s")
    return Review(
        kind=Kind(row["kind"]),
        decision=Decision(row["decision"]),
        original_verdict=None if verdict is None else Verdict(verdict),
        **{name: row[name] for name in (*same, *place)},
    )


def tariff_of(out: Path, call: Row) -> Tariff | None:
    """What faults cost in a call, from its row in the table ``calls``."""
    return penalties.load(out, sha256=call["rulebook_sha256"], rulebook_id=call["rulebook_id"])


def settled(
    out: Path, call: Row, findings: Mapping[str, Finding], reviews: Sequence[Review]
) -> Settled:
    """A call's findings and score after its reviews.

    Args:
        out: the folder that holds the tariffs.
        call: its row in the table ``calls``.
        findings: by their ids.
        reviews: of this call.
    """
    return settle(
        findings,
        reviews,
        tariff=tariff_of(out, call) if reviews else None,
        rule_scores=[
            RuleScore(r["rule_id"], Verdict(r["verdict"]), r["weight"], r["earned"])
            for r in call.get("rule_scores") or ()
        ],
    )


def finding_from_row(row: Row) -> Finding:
    """A finding as it was stored."""
    names = (
        *("rule_id", "check_id", "reason", "clause_id", "severity", "points", "confidence"),
        *("role", "start_s", "end_s", "evidence", "meant", "auto_fail"),
    )
    same = {name: row[name] for name in names}
    return Finding(verdict=Verdict(row["verdict"]), stage=row["segment"], **same)


def findings_by_id(rows: Iterable[Row]) -> dict[str, Finding]:
    """Findings of a call by their ids."""
    return {row["finding_id"]: finding_from_row(row) for row in rows}
