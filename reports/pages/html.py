"""Renders the pages: ``render`` writes ``OUT/html`` from the tables under ``OUT/parquet``.

Figures come from ``reports.pages.views``, words from ``reports.wording``, looks and
behaviour from ``static/``. Pages hold no clock of their own: the same tables give the same bytes.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, Template

from audit.rules.registry import CORE
from audit.types import Role
from reports.analysis import figures, sampling
from reports.analysis.comparison import Difference
from reports.analysis.figures import CallFinding, CallRow
from reports.isolation import error_of, failing
from reports.pages import coaching, playback, views
from reports.pages.environment import anchor, call_href, environment, static_files
from reports.pages.views import CallPage, NightPage
from reports.store import reviews
from reports.store.atomic import write_changed
from reports.store.columns import Row
from reports.store.store import Store
from reports.wording import by_key

Touched = tuple[set[str], set[str]]
"""Ids of calls and of agents."""


@dataclass(frozen=True, slots=True)
class RenderedPages:
    """The night's entrance, and calls (ids) that a page could not be rendered for, and why.

    Such a call has no page; its agent's or its night's page is rendered without it where it makes
    that page fail.
    """

    index: Path
    failed: Mapping[str, Exception]


def render(store: Store, *, touched: Touched | None = None) -> Path:
    """As :func:`render_pages`, for those who ask for the entrance only."""
    return render_pages(store, touched=touched).index


def render_pages(store: Store, *, touched: Touched | None = None) -> RenderedPages:
    """Write the pages; the night's entrance is ``OUT/html/index.html``.

    Args:
        store: of the audit.
        touched: ids of the calls and of the agents whose pages are written; the index always
            is, and so is every night from the earliest touched call on. None writes all and
            removes pages of calls and agents that are no longer in the tables.
    """
    for name, data in static_files().items():
        write(store.layout.static_file(name), data)
    templates = environment()
    calls = figures.call_rows(store)
    rejects = figures.reject_rows(store)
    failed = _write_calls(store, templates, calls, touched)
    failed |= _write_agents(store, templates, calls, touched)
    index, without = _write_nights(store, templates, calls, rejects, touched)
    failed |= without
    for call_id in failed:
        store.layout.call_page(call_id).unlink(missing_ok=True)  # which would show what was before
    if touched is None:
        _prune(store, calls)
    return RenderedPages(index, failed)


def render_comparison(path: Path, difference: Difference, *, root: str) -> None:
    """Write the page of a rescore.

    Args:
        path: the page.
        difference: what changes.
        root: from the page's folder to ``OUT/html/``, for its links, ending in a slash.
    """
    template = environment().get_template("rescore.html")
    _render(path, template, page=difference, root=root, listed=views.LISTED_CALLS)


def _write_calls(
    store: Store, templates: Environment, calls: Iterable[CallRow], touched: Touched | None
) -> dict[str, Exception]:
    template = templates.get_template("call.html")
    failed: dict[str, Exception] = {}
    ordered = sorted(calls, key=lambda call: (call.audit_date, call.agent))
    for _, group in itertools.groupby(ordered, key=lambda call: (call.audit_date, call.agent)):
        own = list(group)
        only = [c.call_id for c in own if touched is None or c.call_id in touched[0]]

        def write_some(ids: Sequence[str], own: Sequence[CallRow] = own) -> None:
            for page in views.call_pages(store, own, only=set(ids)):
                _write_call(store, template, page)

        if only and error_of(write_some, only) is not None:
            alone = ((call_id, error_of(write_some, [call_id])) for call_id in only)
            failed |= {call_id: error for call_id, error in alone if error is not None}
    return failed


def _write_call(store: Store, template: Template, page: CallPage) -> None:
    _write_faults(store, page)
    sound = playback.locate(store, page.facts, hidden=page.hidden)
    path = store.layout.call_page(page.row.call_id)
    _render(path, template, page=page, sound=sound, root="../", **player(store, page))


def _write_agents(
    store: Store, templates: Environment, calls: Sequence[CallRow], touched: Touched | None
) -> dict[str, Exception]:
    template = templates.get_template("agent.html")
    failed: dict[str, Exception] = {}
    by_agent: dict[str, list[CallRow]] = {}
    for call in calls:
        by_agent.setdefault(call.agent, []).append(call)
    for agent, own in sorted(by_agent.items()):
        if touched is not None and agent not in touched[1]:
            continue
        others = [call for call in calls if call.agent != agent]
        path = store.layout.agent_page(agent)

        def write_some(
            some: Sequence[CallRow], path: Path = path, others: Sequence[CallRow] = others
        ) -> None:
            if not some:
                path.unlink(missing_ok=True)
                return
            page = views.agent_page(store, some, others=others)
            tips = coaching.tips(page.clauses)
            _render(path, template, page=page, coaching=tips, root="../")

        failed |= {call.call_id: error for call, error in failing(own, write_some)}
    return failed


def _write_nights(
    store: Store,
    templates: Environment,
    calls: list[CallRow],
    rejects: list[Row],
    touched: Touched | None,
) -> tuple[Path, dict[str, Exception]]:
    """Every night has a page of its own; the latest is the index too."""
    index = store.layout.index_page
    nights = sorted({c.audit_date for c in calls} | {r["audit_date"] for r in rejects})
    if not nights:
        _render(index, templates.get_template("empty.html"), root="")
        return index, {}
    wanted = set(nights)
    if touched is not None:
        since = min((c.audit_date for c in calls if c.call_id in touched[0]), default=nights[-1])
        wanted = {n for n in nights if n >= since or not store.layout.night_page(n).is_file()}
    wanted.add(nights[-1])
    template = templates.get_template("night.html")

    def write_some(listed: Sequence[CallRow], chosen: Collection[str] = wanted) -> None:
        for page in views.night_pages(store, listed, rejects, wanted=chosen):
            _render(store.layout.night_page(page.night), template, page=page, root="../")
            _write_queue(store, templates, page)
            if page.night == nights[-1]:
                _render(index, template, page=page, root="")

    failed: dict[str, Exception] = {}
    if error_of(write_some, calls) is not None:
        for night in sorted(wanted):  # so that those of before are right when its trend is rendered
            own = [call for call in calls if call.audit_date == night]
            others = [c for c in calls if c.audit_date != night and c.call_id not in failed]

            def write_one(
                some: Sequence[CallRow],
                others: Sequence[CallRow] = others,
                night: str = night,
            ) -> None:
                if some or any(row["audit_date"] == night for row in rejects):
                    write_some([*others, *some], {night})
                else:
                    store.layout.night_page(night).unlink(missing_ok=True)

            failed |= {call.call_id: error for call, error in failing(own, write_one)}
    write(store.layout.nights_list, f"self.CALLAUDIT_NIGHTS = {json.dumps(nights[::-1])};\n")
    return index, failed


def _write_queue(store: Store, templates: Environment, page: NightPage) -> None:
    """The review queue of a night as a page, and as data for the pages of its calls."""
    listed = {sampled.hit.call.call_id for sampled in page.queue}
    stored = reviews.stored(store)
    said = {
        row["finding_id"]: row
        for call_id, rows in stored.items()
        for row in sorted(rows, key=lambda row: row["reviewed_at"])
        if call_id in listed and row["kind"] == "review"
    }
    path = store.layout.queue_page(page.night)
    template = templates.get_template("queue.html")
    appeals = sampling.appeals(page.calls, stored)
    _render(path, template, page=page, reviews=said, appeals=appeals, root="../")
    entries = [
        [d.hit.id, call_href("../", d.hit.call.call_id), anchor(d.hit), d.sampled_by, d.weight]
        for d in page.queue
    ]
    write(path.with_suffix(".js"), f"self.CALLAUDIT_QUEUE = {json.dumps(entries)};\n")


def _write_faults(store: Store, page: CallPage) -> None:
    """What faults cost, once for each rulebook: a review may add one that was missed."""
    if page.penalties is None:
        return
    path = store.layout.penalties_script(page.penalties.sha256)
    write(path, f"self.CALLAUDIT_FAULTS = {json.dumps(faults(page))};\n")


def faults(page: CallPage) -> list[list[Any]]:
    """Rule, check, clause, points, auto-fail and words of each fault of a call's rulebook."""
    assert page.penalties is not None
    words = by_key("zh")
    return [
        [
            fault.rule_id,
            fault.check_id,
            fault.clause_id,
            fault.points,
            fault.auto_fail,
            words.get(f"rule.{fault.rule_id}", fault.rule_id),
            words.get(f"check.{fault.check_id}", fault.check_id),
            asked.text if (asked := coaching.norm(fault.clause_id)) else "",
        ]
        for fault in page.penalties.faults
    ]


def _prune(store: Store, calls: Iterable[CallRow]) -> None:
    """Remove pages and copies of calls and agents that the tables no longer have."""
    listed = list(calls)
    kept = {
        path
        for c in listed
        for path in (store.layout.call_page(c.call_id), store.layout.agent_page(c.agent))
    }
    kept |= {store.layout.audio_copy(c.call_id) for c in listed}
    for path in list(store.layout.pages_of_calls_and_agents()):
        if path not in kept:
            path.unlink()


def player(store: Store, page: CallPage) -> dict[str, Any]:
    """What a call's page needs beside its model: data for the player, and the findings' numbers.

    ``numbered`` are the findings with a place on the time line, in the order of their times.
    """
    numbered = sorted(
        (
            hit
            for hit in page.findings
            if hit.finding.start_s is not None and hit.finding.verdict != "pass"
        ),
        key=lambda hit: (hit.finding.start_s, hit.finding.check_id, hit.id),
    )
    spoken = {view.turn.role for view in page.turns if view.turn.span is not None}
    lanes = [str(role) for role in Role if role in spoken]
    waves = _waves(store, page, lanes)
    timed = [(v.turn.index, v.turn.span) for v in page.turns if v.turn.span is not None]
    data = {
        "call": page.row.call_id,
        "duration": page.duration_s or 0,
        "turns": [[index, span.start_s, span.end_s] for index, span in timed],
        "findings": [[hit.finding.start_s, anchor(hit)] for hit in numbered],
        "silences": [[span.start_s, span.end_s] for span in page.silences],
        "lanes": list(waves) or lanes,
        "peaks": [base64.b64encode(wave).decode("ascii") for wave in waves.values()],
        "score": page.row.score,
        "always": CORE,
        "weights": _weights(page),
        "reviewable": [_reviewable(hit, page) for hit in page.findings],
        "imported": [
            [said.finding_id, said.kind, said.reviewer, said.reviewed_at.timestamp()]
            for said in itertools.chain.from_iterable(page.reviewed.by_finding.values())
        ],
        "missed": [
            [r.rule_id, r.check_id, r.clause_id, r.start_s, r.kind, r.reviewer]
            for r in page.reviewed.missed
        ],
    }
    numbers = {hit.id: number for number, hit in enumerate(numbered, start=1)}
    return {"data": data, "numbered": numbered, "numbers": numbers}


def _weights(page: CallPage) -> list[tuple[str, float]]:
    if page.penalties is not None:
        return list(page.penalties.weights)
    return [(rule["rule_id"], rule["weight"]) for rule in page.rules]


def _reviewable(hit: CallFinding, page: CallPage) -> list[Any]:
    """A finding as reviews and the score need it, and what it would cost if it were a fault."""
    f = hit.finding
    fault = page.penalties.penalty(f.check_id, f.clause_id) if page.penalties else None
    said = views.latest(page.reviewed.by_finding.get(hit.id, ()))
    known = [anchor(hit), hit.id, f.rule_id, f.check_id, f.clause_id, str(f.verdict), f.points]
    would = [fault.points, fault.auto_fail] if fault else [0, False]
    return [*known, f.auto_fail, f.start_s, f.end_s, *would, str(said.decision) if said else None]


def _waves(store: Store, page: CallPage, lanes: Sequence[str]) -> dict[str, bytes]:
    """Peaks by lane, where they are kept; one lane for a mono recording."""
    digest = page.facts["audio_sha256"]
    found = store.waveforms.load(digest) if digest and lanes else None
    if found is None:
        return {}
    if page.facts["channels"] == "mono" or len(found) == 1:
        return {"mono": found.max(axis=0).tobytes()}
    agent = page.facts["agent_channel"]
    if agent is None:  # who says nothing has the channel that the customer leaves
        channels = (view.turn.channel for view in page.turns if view.turn.role is Role.CUSTOMER)
        agent = 1 - next((channel for channel in channels if channel is not None), 1)
    if agent not in (0, 1):
        return {}
    return {"agent": found[agent].tobytes(), "customer": found[1 - agent].tobytes()}


def _render(path: Path, template: Template, **model: object) -> None:
    """Render a page piece by piece, for a large night's is tens of megabytes before it is text."""
    pieces = template.stream(**model)
    pieces.enable_buffering(500)
    write_changed(path, (piece.encode("utf-8", "replace") for piece in pieces))


def write(path: Path, content: str | bytes) -> None:
    """Write a file, all or nothing; an unchanged one is left alone."""
    write_changed(
        path, [content if isinstance(content, bytes) else content.encode("utf-8", "replace")]
    )
