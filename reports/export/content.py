"""What is exported: the rows of each sheet, a night and a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.review import ReviewKind, apply_reviews
from audit.types import Verdict
from reports.analysis import figures
from reports.analysis.figures import CallRow
from reports.export import sheets
from reports.export.sheets import PageLink, Sheet
from reports.pages import coaching
from reports.pages.environment import place_of
from reports.store import reasons, reviews
from reports.store.columns import Row
from reports.store.rows import belonging
from reports.store.store import Store
from reports.wording import Language, by_key, sentence

Item = tuple[Sheet, Row, PageLink | None]
"""A row, the sheet it belongs to, and the page that it links to."""


def chosen_nights(store: Store, first: str | None, last: str | None) -> list[str]:
    """The nights that have calls or rejects, oldest first.

    Args:
        store: of the audit.
        first: ISO date, included; None for no limit.
        last: the same.

    Raises:
        UsageError: there are none.
    """
    stored = {*store.calls.nights(), *store.rejects.nights()}
    nights = sorted(filter(figures.is_date, stored))
    if not nights:
        raise UsageError(f"{store.root} holds no calls yet; audit some with `callaudit run`")
    wanted = [n for n in nights if (not first or first <= n) and (not last or n <= last)]
    if not wanted:
        asked = first if first == last else f"{first or nights[0]} to {last or nights[-1]}"
        raise UsageError(
            f"{store.root} holds no calls of {asked}; name nights between {nights[0]} and "
            f"{nights[-1]}"
        )
    return wanted


@dataclass(frozen=True)
class Content:
    """What an export of a store says in one language."""

    store: Store
    language: Language

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """All sheets, in their order."""
        summaries = (sheets.SUMMARY, sheets.RULES, sheets.AGENTS)
        return (*summaries, sheets.FINDINGS, self._calls, sheets.REJECTS)

    @cached_property
    def _calls(self) -> Sheet:
        return sheets.calls(self.store.calls.extra())

    def rows(self, night: str) -> Iterator[Item]:
        """All rows of a night (an ISO date); those of a sheet stay in the order of the table."""
        only = (night, night)
        calls = figures.call_rows(self.store, nights=only)
        rejects = self.store.rejects.rows(nights=only)
        yield from self._summaries(night, calls, rejects)
        agents = sorted(self.store.agents.rows(nights=only), key=lambda row: str(row["agent"]))
        for row in agents:
            yield sheets.AGENTS, row, _link(self.store.layout.agent_page(row["agent"]))
        yield from self._call_rows(night, calls)
        del calls
        yield from self._findings(night, {row["agent"]: row["agent_name"] for row in agents})
        for row in rejects:
            yield sheets.REJECTS, row, _link(self.store.layout.night_page(night))

    def _summaries(
        self, night: str, calls: Sequence[CallRow], rejects: Sequence[Row]
    ) -> Iterator[Item]:
        link = _link(self.store.layout.night_page(night))
        now = figures.summary(night, calls)
        low, high = now.interval or (None, None)
        row = {
            "audit_date": night,
            "planned": now.calls + len(rejects),
            "audited": now.calls,
            "rejected": len(rejects),
            "not_connected": now.not_connected,
            "scored": now.scored,
            "mean_score": now.mean,
            "score_ci_low": low,
            "score_ci_high": high,
            "reviewed_mean": now.reviewed_mean and round(now.reviewed_mean, 2),
            "auto_fails": now.auto_fails,
            "interruption_rate": now.interruptions_per_min,
            "talk_ratio": now.talk_ratio,
        }
        yield sheets.SUMMARY, row, link
        for rule_id, share in now.shares.items() if calls else ():
            low, high = share.interval or (None, None)
            row = {
                "audit_date": night,
                "rule_id": rule_id,
                "fails": share.fails,
                "decided": share.decided,
                "undecided": share.undecided,
                "rate": share.rate,
                "score_ci_low": low and round(low, 4),
                "score_ci_high": high and round(high, 4),
            }
            yield sheets.RULES, row, link

    def _call_rows(self, night: str, calls: Sequence[CallRow]) -> Iterator[Item]:
        after = {c.call_id: c for c in calls if c.overridden is not None}
        names = [column.name for column in self._calls.columns]
        names += ["doubt_ids", "doubt_values", *sheets.said_twice(self.store.calls.extra())]
        for row in self.store.calls.stream(night, columns=names):
            added: dict[str, Any] = {"doubts": self._doubts(row), **belonging(row)}
            if (reviewed := after.get(row["call_id"])) is not None:
                added["overridden"] = reviewed.overridden
                added["overridden_grade"] = reviewed.overridden_grade
            link = _link(self.store.layout.call_page(row["call_id"]))
            yield self._calls, row | added, link

    def _findings(self, night: str, names: dict[str, str | None]) -> Iterator[Item]:
        decided = self._decisions(night)
        columns = [column.name for column in sheets.FINDINGS.columns]
        call_id, page = None, None
        for row in self.store.findings.stream(
            night, columns=[*columns, "reason_id", "reason_values"]
        ):
            if row["call_id"] != call_id:
                call_id, page = row["call_id"], _link(self.store.layout.call_page(row["call_id"]))
            clause = coaching.norm(row["clause_id"])
            added = {
                "agent_name": names.get(row["agent"]),
                "clause_text": clause.text if clause else None,
                "decision": decided.get(row["finding_id"]),
                "reason": self._reason(row),
            }
            if page is None or row["verdict"] == Verdict.PASS:
                yield sheets.FINDINGS, row | added, None
            else:
                link = PageLink(page.page, place_of(row["finding_id"], row["start_s"]))
                yield sheets.FINDINGS, row | added, link

    def _decisions(self, night: str) -> dict[str, str]:
        """What the QA team decided last about each finding that it reviewed."""
        said = reviews.stored(self.store, nights=(night, night))
        agents = {row["agent"] for listed in said.values() for row in listed}
        found = self.store.findings.rows(nights=(night, night), agents=agents) if agents else []
        decisions = {}
        for call_id, rows in figures.by_call_id(found).items():
            given = [reviews.from_row(row) for row in said.get(call_id, ())]
            reviewed = apply_reviews(reviews.findings_by_id(rows), given, penalties=None)
            for finding_id, listed in reviewed.by_finding.items():
                last = next((r for r in listed if r.kind is ReviewKind.REVIEW), None)
                if last is not None:
                    decisions[finding_id] = str(last.decision)
        return decisions

    def _reason(self, row: Row) -> str:
        if self.language == "zh":
            return str(row["reason"])  # as the table says it
        return sentence(reasons.finding_reason(row), language=self.language)

    def _doubts(self, row: Row) -> str:
        if self.language == "zh":
            said = row["doubts"] or ()
        else:
            said = [sentence(doubt, language=self.language) for doubt in reasons.doubts(row)]
        return by_key(self.language)["rescore.separator"].join(said)


def _link(page: Path) -> PageLink | None:
    """A link to a page that is there."""
    return PageLink(page) if page.is_file() else None
