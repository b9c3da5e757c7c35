"""Reviews and appeals that people exported from the pages, brought into the table ``reviews``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from audit import review
from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.review import Decision, ReviewKind
from audit.types import Verdict
from flows import jobs
from reports import crashes, publish
from reports.store import Store, parquet, reviews, rows
from reports.store.columns import SCHEMA_VERSION
from reports.store.schema import REVIEWS

FORMAT, VERSION = "callaudit-reviews", 1
MAX_BYTES = 20 << 20
_AHEAD = timedelta(days=1)
"""How far a reviewer's clock may be ahead of ours."""

_Id = Annotated[str, Field(min_length=1, max_length=200)]
_Seconds = Annotated[float, Field(ge=0, le=48 * 3600, allow_inf_nan=False)]


class _ExportedModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewedFinding(_ExportedModel):
    """One review as a page exports it."""

    kind: ReviewKind
    decision: Decision
    call_id: _Id
    finding_id: _Id | None
    reviewer: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reviewed_at: AwareDatetime
    note: Annotated[str, Field(max_length=2000)] | None = None
    rule_id: _Id
    check_id: _Id
    clause_id: _Id | None = None
    start_s: _Seconds | None = None
    end_s: _Seconds | None = None
    original_verdict: Verdict | None = None
    original_points: Annotated[float, Field(ge=0, le=1000)] | None = None
    original_score: Annotated[float, Field(ge=0, le=100)] | None = None
    sampled_by: Literal["finding", "pass", "manual"] = "manual"
    sampling_weight: Annotated[float, Field(ge=1, le=1e9, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> ReviewedFinding:
        if (self.decision is Decision.MISSED) != (self.finding_id is None):
            raise ValueError("a missed violation has no finding_id, every other decision has one")
        if (self.sampled_by == "manual") != (self.sampling_weight is None):
            raise ValueError("reviews from the queue have a sampling_weight, others have none")
        if self.start_s is not None and self.end_s is not None and self.end_s < self.start_s:
            raise ValueError("end_s is before start_s")
        return self


class ReviewFile(_ExportedModel):
    """A file of reviews as a page exports it."""

    format: Literal["callaudit-reviews"]
    version: Literal[1]
    exported_at: AwareDatetime
    reviews: Annotated[tuple[ReviewedFinding, ...], Field(max_length=100_000)]


@dataclass(frozen=True, slots=True)
class Imported:
    """Outcome of importing a file of reviews."""

    new: int
    changed: int
    known: int
    foreign: int
    vanished: int
    overridden: int
    index: Path
    unrendered: tuple[str, ...] = ()
    """Sentences on calls whose pages could not be rendered."""


def read(path: Path) -> ReviewFile:
    """Read a file of reviews.

    Raises:
        UsageError: it is not a file of reviews, is damaged, or is of another version.
    """
    again = "export it again from the report's pages"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(
                f"{path} is too large for a file of reviews: over {MAX_BYTES >> 20} MB"
            )
        raw = json.loads(text_of(path.read_bytes()))
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist; check the path") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid JSON; {again}") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise UsageError(f"{path} is not a file of reviews; {again}")
    if raw.get("version") != VERSION:
        raise UsageError(
            f"{path} has version {str(raw.get('version'))[:20]!r} of the format, not {VERSION}; "
            f"render the pages with `callaudit report OUT` and {again}"
        )
    try:
        return ReviewFile.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {place}: {first['msg']}; {again}") from error


def import_reviews(path: Path, out: Path, *, now: datetime | None = None) -> Imported:
    """Bring a file of reviews into the table and render the pages it touches.

    The same file again changes nothing; a later review of the same finding by the same
    person replaces the earlier one.

    Raises:
        UsageError: the file is not a file of reviews, or is of another audit; nothing is written.
    """
    now = now or datetime.now(UTC)
    store = Store.open(out)
    given = read(path).reviews
    calls = {row["call_id"]: row for row in _calls(store)}
    own = [item for item in given if item.call_id in calls]
    if given and not own:
        raise UsageError(
            f"{path} refers to {len({g.call_id for g in given})} calls, none of which is in {out}; "
            "give the folder of the report that it was exported from"
        )
    late = next((item for item in own if item.reviewed_at > now + _AHEAD), None)
    if late is not None:
        raise UsageError(
            f"{path} holds a review of {late.reviewed_at:%Y-%m-%d}, which is in the future; set "
            "the reviewer's clock and export it again"
        )
    before = reviews.stored(store)
    places: dict[publish.Place, dict[str, list[ReviewedFinding]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for item in own:
        call = calls[item.call_id]
        place = (date.fromisoformat(call["audit_date"]), call["agent"])
        places[place][item.call_id].append(item)
    run_id = jobs.new_run_id()
    tally = {"new": 0, "changed": 0, "known": 0, "vanished": 0, "overridden": 0}
    for place, listed in sorted(places.items()):
        findings = _findings(store, place)
        rows: list[dict[str, Any]] = []
        for call_id, items in sorted(listed.items()):
            old = {row["review_id"]: row for row in before.get(call_id, ())}
            rows += _merged(
                store, calls[call_id], items, old, findings.get(call_id, {}), now, run_id, tally
            )
        _write(store, place, rows)
        _remove_moved(store, {row["review_id"] for row in rows}, before, keep=place)
    pages = publish.publish_pages(
        store, calls={item.call_id for item in own}, agents={agent for _, agent in places}
    )
    unrendered = tuple(crashes.unrendered(pages))
    return Imported(
        foreign=len(given) - len(own), index=pages.index, unrendered=unrendered, **tally
    )


def _calls(store: Store) -> list[dict[str, Any]]:
    columns = ["call_id", "agent", "audit_date", "score", "rulebook_id", "rulebook_sha256"]
    return store.calls.rows(columns=[*columns, "rule_scores"])


def _findings(store: Store, place: publish.Place) -> dict[str, dict[str, Any]]:
    """The findings of one agent's night, by call and id."""
    stored = parquet.read_partition(store.findings.partition(*place))
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in stored.to_pylist() if stored is not None else ():
        found[row["call_id"]][row["finding_id"]] = rows.finding(row)
    return found


def _merged(
    store: Store,
    call: Mapping[str, Any],
    items: Iterable[ReviewedFinding],
    old: dict[str, Any],
    findings: Mapping[str, Any],
    now: datetime,
    run_id: str,
    tally: dict[str, int],
) -> list[dict[str, Any]]:
    """The rows of one call after the import: what was there, what is new, what is later."""
    rows = {key: dict(row) for key, row in old.items()}
    for item in items:
        row = _row(call, item, findings, now, run_id)
        known = rows.get(row["review_id"])
        if known is None:
            tally["new"] += 1
        elif known["reviewed_at"] >= row["reviewed_at"]:
            tally["known"] += 1
            continue
        else:
            tally["changed"] += 1
        rows[row["review_id"]] = row
    after = reviews.apply(store, call, findings, [reviews.from_row(row) for row in rows.values()])
    score = after.scorecard.score if after.scorecard else None
    tally["vanished"] += len(after.vanished)
    tally["overridden"] += after.scorecard is not None
    return [
        {name: row[name] for name in REVIEWS.arrow_schema().names}
        | {"agent": call["agent"], "overridden_score": score}
        for row in rows.values()
    ]


def _row(
    call: Mapping[str, Any],
    item: ReviewedFinding,
    findings: Mapping[str, Any],
    now: datetime,
    run_id: str,
) -> dict[str, Any]:
    """A row; the automatic finding is taken from the tables where they still have it."""
    row: dict[str, Any] = item.model_dump(mode="python")
    row |= {name: str(row[name]) for name in ("kind", "decision")}
    row["original_verdict"] = item.original_verdict and str(item.original_verdict)
    row["reviewer"] = item.reviewer.strip() or item.reviewer
    row["note"] = (item.note or "").strip() or None
    row["reviewed_at"] = item.reviewed_at.astimezone(UTC)
    finding = findings.get(item.finding_id or "")
    if finding is not None:
        row |= {
            "rule_id": finding.rule_id,
            "check_id": finding.check_id,
            "clause_id": finding.clause_id,
            "start_s": finding.start_s,
            "end_s": finding.end_s,
            "original_verdict": str(finding.verdict),
            "original_points": finding.points,
        }
    if finding is not None or item.decision is Decision.MISSED:
        row["original_score"] = call["score"]
    row |= {
        "review_id": review.identify(
            kind=item.kind,
            reviewer=row["reviewer"],
            call_id=item.call_id,
            finding_id=item.finding_id,
            rule_id=item.rule_id,
            clause_id=item.clause_id,
            start_s=item.start_s,
        ),
        "agent": call["agent"],
        "overridden_score": None,
        "imported_at": now,
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
    }
    return row


def _write(store: Store, place: publish.Place, rows: Sequence[Mapping[str, Any]]) -> None:
    path = store.reviews.partition(*place)
    fresh = parquet.to_table(REVIEWS, rows)
    ids = {row["review_id"] for row in rows}
    merged = parquet.merge(parquet.read_partition(path), fresh, by="review_id", replaced=ids)
    store.write(path, merged.sort_by([("call_id", "ascending"), ("review_id", "ascending")]))


def _remove_moved(
    store: Store,
    review_ids: set[str],
    stored: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    keep: publish.Place,
) -> None:
    """Take reviews out of partitions whose agent or date their call no longer has."""
    moved = {
        (date.fromisoformat(row["audit_date"]), row["agent"])
        for rows in stored.values()
        for row in rows
        if row["review_id"] in review_ids
    } - {keep}
    for place in moved:
        path = store.reviews.partition(*place)
        empty = parquet.to_table(REVIEWS, [])
        old = parquet.read_partition(path)
        store.write(path, parquet.merge(old, empty, by="review_id", replaced=review_ids))
