"""Which findings of a night a person is asked to check: a sample with known probabilities.

Failures alone would only show how often accusations are right. Passes are sampled too, so that
missed violations can be estimated as well. Every rule and verdict is a stratum; from each a fixed
number is sampled without replacement, in the order of a hash of the night and the finding, so the
same night always gives the same queue, and each sampled finding represents ``size / sampled``
findings (Horvitz and Thompson 1952, JASA 47:663-685).
"""

from __future__ import annotations

import bisect
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audit.types import Verdict
from reports.analysis.figures import CallFinding, CallRow, by_call_id, call_findings, partition
from reports.store.columns import Row
from reports.store.schema import FINDINGS
from reports.store.store import Store

SAMPLED = {Verdict.FAIL: ("finding", 4), Verdict.PASS: ("pass", 2)}
"""By verdict: the ``sampled_by`` of its reviews, and how many are sampled per rule and night."""


@dataclass(frozen=True, slots=True)
class SampledFinding:
    """A finding in the queue; ``weight`` is 1 / its probability of being there."""

    hit: CallFinding
    sampled_by: str
    weight: float


@dataclass(frozen=True, slots=True)
class Appeal:
    """An agent's appeal against a finding, and the review that has answered it since, if any."""

    call: CallRow
    said: Row
    answer: Row | None


def of_night(
    night: str, findings: Iterable[tuple[str, str, Verdict]]
) -> dict[str, tuple[str, float]]:
    """Sample a night's queue.

    Args:
        night: the date.
        findings: id, rule and verdict of every finding of the night.

    Returns:
        For each sampled finding its ``sampled_by`` and its weight, in the order of the queue.
    """
    sizes: Counter[tuple[str, Verdict]] = Counter()
    first: dict[tuple[str, Verdict], list[tuple[str, str]]] = defaultdict(list)
    for finding_id, rule_id, verdict in findings:
        if verdict in SAMPLED:
            stratum = rule_id, verdict
            sizes[stratum] += 1
            bisect.insort(first[stratum], (_sampling_key(night, finding_id), finding_id))
            del first[stratum][SAMPLED[verdict][1] :]
    sampled = sorted(
        (order, finding_id, SAMPLED[stratum[1]][0], sizes[stratum] / len(chosen))
        for stratum, chosen in first.items()
        for order, finding_id in chosen
    )
    return {finding_id: (name, weight) for _, finding_id, name, weight in sampled}


def _sampling_key(night: str, finding_id: str) -> str:
    return hashlib.sha256(f"{night}|{finding_id}".encode("utf-8", "surrogatepass")).hexdigest()


def review_queue(store: Store, night: str, calls: Iterable[CallRow]) -> list[SampledFinding]:
    """The queue of a night with its findings, calls together and in the order of their times."""
    listed = {call.call_id: call for call in calls}
    agents = sorted({call.agent for call in listed.values()})
    findings = (
        (row["finding_id"], row["rule_id"], Verdict(row["verdict"]))
        for agent in agents
        for row in partition(store, FINDINGS, night, agent)
        if row["call_id"] in listed
    )
    chosen = of_night(night, findings)
    found = []
    for agent in agents:  # read again: a night's findings are too many to keep
        rows = (r for r in partition(store, FINDINGS, night, agent) if r["finding_id"] in chosen)
        for call_id, own in by_call_id(rows).items():
            found += [
                SampledFinding(hit, *chosen[hit.id]) for hit in call_findings(listed[call_id], own)
            ]
    return sorted(found, key=lambda d: (d.hit.call.started_local, d.hit.call.call_id))


def appeals(calls: Iterable[CallRow], stored: Mapping[str, Sequence[Row]]) -> list[Appeal]:
    """The appeals on some calls, unanswered ones first, then by time.

    Args:
        calls: of one night.
        stored: reviews by call, as :func:`reports.store.reviews.stored` gives them.
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
