"""The day's service level: calls answered in time, where the norm asks for a share of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.penalties import Service
from reports.store.columns import Row
from reports.store.parquet import iterate
from reports.store.rows import is_connected
from reports.store.store import Store

_COLUMNS = (
    "audit_date",
    "direction",
    "answer_wait_s",
    "customer_vip",
    "disposition",
    "rulebook_id",
    "rulebook_sha256",
    "team",
)
_GROUP = "meta_agent_group"
"""What files of before 1.9 have for ``team``, where their manifest had ``agent_group``."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Calls that came in under one rulebook in one night: of all customers, or of VIPs.

    ``group`` is the agents' team that answered them; None for all groups together.
    """

    rulebook_id: str
    vip: bool
    calls: int
    in_time: int
    within_s: float
    wanted: float
    group: str | None = None

    @property
    def share(self) -> float:
        """Share of calls answered in time, 0 to 1."""
        return self.in_time / self.calls

    @property
    def met(self) -> bool:
        """Whether it is as large as the norm asks."""
        return self.share >= self.wanted


def service_levels(store: Store, night: str) -> tuple[ServiceLevel, ...]:
    """The service levels of a night, of calls that were connected; none without waits.

    Those of a rulebook's groups follow those of all its calls; calls without a group are only in
    the latter.

    Args:
        store: of the audit.
        night: date of the calls.
    """
    columns = (*_COLUMNS, store.calls.spelling(_GROUP))
    read = store.calls.arrow(nights=(night, night), columns=columns)
    rows = iterate(read.rename_columns([*_COLUMNS, _GROUP]))
    timed = [
        row
        for row in rows
        if row["answer_wait_s"] is not None and row["direction"] != "out" and is_connected(row)
    ]
    books = sorted({(row["rulebook_id"], row["rulebook_sha256"]) for row in timed})
    return tuple(
        level
        for rulebook_id, sha256 in books
        if (kept := store.penalties.load(sha256=sha256, rulebook_id=rulebook_id)) and kept.service
        for level in _of_rulebook(
            [row for row in timed if row["rulebook_sha256"] == sha256], kept.service
        )
    )


def _of_rulebook(rows: Sequence[Row], asked: Service) -> Iterator[ServiceLevel]:
    yield from _of_calls(rows, asked, group=None)
    for group in sorted(filter(None, {_group(row) for row in rows})):
        yield from _of_calls([row for row in rows if _group(row) == group], asked, group=group)


def _group(row: Row) -> str | None:
    return row["team"] or (row[_GROUP] or "").strip(" ") or None


def _of_calls(rows: Sequence[Row], asked: Service, *, group: str | None) -> Iterator[ServiceLevel]:
    for vip, wanted in ((False, asked.share), (True, asked.vip_share)):
        own = [row for row in rows if row["customer_vip"]] if vip else rows
        if own:
            yield ServiceLevel(
                rulebook_id=own[0]["rulebook_id"],
                vip=vip,
                calls=len(own),
                in_time=sum(row["answer_wait_s"] <= asked.within_s for row in own),
                within_s=asked.within_s,
                wanted=wanted,
                group=group,
            )
