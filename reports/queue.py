"""Which findings of a night a person is asked to check: a sample with known probabilities.

Failures alone would only tell how often accusations are right. Passes are drawn too, so that
what was missed can be reckoned as well. Every rule and verdict is a stratum; from each a fixed
number is drawn without replacement, in the order of a hash of the night and the finding, so the
same night always gives the same queue, and each drawn finding stands for ``size / drawn`` others
(Horvitz and Thompson 1952, JASA 47:663-685).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.types import Verdict
from reports.figures import CallRow, Hit, Row, by_call_id, hits, partition
from reports.schema import FINDINGS

DRAWN = {Verdict.FAIL: ("finding", 4), Verdict.PASS: ("pass", 2)}
"""For each verdict: how its reviews are marked, and how many of each rule are drawn a night."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finding in the queue; ``weight`` is 1 / its probability of being there."""

    hit: Hit
    sampled_by: str
    weight: float


@dataclass(frozen=True, slots=True)
class Appeal:
    """An agent's word on a finding, and the review that has answered it since, if any."""

    call: CallRow
    said: Row
    answer: Row | None


def of_night(
    night: str, findings: Mapping[str, tuple[str, Verdict]]
) -> dict[str, tuple[str, float]]:
    """Draw a night's queue.

    Args:
        night: the date.
        findings: rule and verdict of every finding of the night, by its id.

    Returns:
        For each drawn finding why it was drawn and its weight, in the order of the queue.
    """
    strata: dict[tuple[str, Verdict], list[str]] = defaultdict(list)
    for finding_id, (rule_id, verdict) in findings.items():
        if verdict in DRAWN:
            strata[rule_id, verdict].append(finding_id)
    drawn = {}
    for (_, verdict), ids in strata.items():
        name, number = DRAWN[verdict]
        chosen = sorted(ids, key=lambda finding_id: _draw(night, finding_id))[:number]
        for finding_id in chosen:
            drawn[finding_id] = (name, len(ids) / len(chosen))
    return dict(sorted(drawn.items(), key=lambda item: _draw(night, item[0])))


def _draw(night: str, finding_id: str) -> str:
    return hashlib.sha256(f"{night}|{finding_id}".encode("utf-8", "surrogatepass")).hexdigest()


def drawn(out: Path, night: str, calls: Iterable[CallRow]) -> list[Drawn]:
    """The queue of a night with its findings, calls together and in the order of their times."""
    listed = {call.call_id: call for call in calls}
    rows = {}
    for agent in {call.agent for call in listed.values()}:
        for row in partition(out, FINDINGS, night, agent):
            if row["call_id"] in listed:
                rows[row["finding_id"]] = row
    chosen = of_night(
        night, {name: (row["rule_id"], Verdict(row["verdict"])) for name, row in rows.items()}
    )
    found = []
    for call_id, own in by_call_id(rows[name] for name in chosen).items():
        found += [Drawn(hit, *chosen[hit.id]) for hit in hits(listed[call_id], own)]
    return sorted(found, key=lambda d: (d.hit.call.started_local, d.hit.call.call_id))


def appeals(calls: Iterable[CallRow], stored: Mapping[str, Sequence[Row]]) -> list[Appeal]:
    """The appeals on some calls, unanswered ones first, then by time.

    Args:
        calls: of one night.
        stored: reviews by call, as :func:`reports.reviews.stored` gives them.
    """
    found = []
    for call in calls:
        rows = sorted(stored.get(call.call_id, ()), key=lambda row: row["reviewed_at"])
        for said in (row for row in rows if row["kind"] == "appeal"):
            place = (said["finding_id"], said["check_id"], said["start_s"])
            answers = [
                row
                for row in rows
                if row["kind"] == "review"
                and (row["finding_id"], row["check_id"], row["start_s"]) == place
                and row["reviewed_at"] > said["reviewed_at"]
            ]
            found.append(Appeal(call, said, answers[-1] if answers else None))
    return sorted(found, key=lambda a: (a.answer is not None, a.said["reviewed_at"]))
