"""Re-scoring: stored transcripts judged again under another rulebook, and what that changes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from audit import rulebooks
from audit.rulebooks import Rulebook
from flows import jobs, wiring
from flows.lineage import code_sha256
from models.text import stages
from reports import publish
from reports.analysis.comparison import (
    COMPARED,
    Difference,
    Flip,
    Scores,
    agent_changes,
    call_result,
    compare_findings,
)
from reports.crashes import Crashes, Step
from reports.pages import html
from reports.store import Store, full_text, rows
from reports.store.columns import Row
from reports.store.layout import Layout
from reports.store.rows import CallRows
from reports.store.staging import Batch


def rescore(
    out: Path, *, rulebook_id: str, write: bool, stage_model: Path | None = None
) -> Difference:
    """Judge every stored transcript under a rulebook and compare, a night at a time.

    With ``write`` everything is judged and staged first, then the tables are replaced: all
    of the changes or none.

    Raises:
        UsageError: nothing is stored under OUT, or the rulebook or the model of stages is not
            valid.
        CallauditError: another run wrote tables meanwhile; nothing was changed.
    """
    book = rulebooks.load(rulebook_id)
    stages.load(stage_model)
    store = Store.open(out)
    store.private.check_key()
    crashes = Crashes()
    if not write:
        return _compared(store, book, stage_model, None, crashes)
    with store.transaction() as batch:
        difference = _compared(store, book, stage_model, batch, crashes)
        store.penalties.keep(book)
        batch.commit()
    touched = {flip.call_id for flip in difference.flips} | batch.rows_of("calls", "call_id")
    if touched:
        agents = batch.rows_of("calls", "agent")
        pages = publish.publish_pages(store, calls=touched, agents=agents)
        for call_id, error in pages.failed.items():
            crashes.note(call_id, Step.PAGE, error)
    difference.written = True
    return difference


def write_page(difference: Difference, path: Path, *, out: Path) -> None:
    """Write the difference as a page that links to the calls' pages under ``OUT/html``."""
    root = os.path.relpath(Layout(out).html, path.parent)
    html.render_comparison(path, difference, root="" if root == "." else f"{root}/")


def _compared(
    store: Store,
    book: Rulebook,
    stage_model: Path | None,
    batch: Batch | None,
    crashes: Crashes,
) -> Difference:
    run_id = jobs.new_run_id()
    difference = Difference(book.id, failed=crashes.sentences)
    scores: dict[str, list[Scores]] = defaultdict(list)
    for night in store.calls.nights():
        only = (night, night)
        turns = rows.by_call(store.turns.rows(nights=only))
        findings = rows.by_call(store.findings.rows(nights=only, columns=("call_id", *COMPARED)))
        places: dict[publish.Place, list[CallRows]] = defaultdict(list)
        read: list[str] = []
        for row in store.calls.rows(nights=only):
            difference.calls += 1
            before, new = call_result(row), None
            with crashes.apart(row["call_id"], Step.JUDGING):
                located = _judged_again(store, row, turns[row["call_id"]], book, stage_model, read)
                difference.left += located is None
                if located is not None:
                    new = publish.rows_of(located, run_id=run_id, crashes=crashes)
                    if new is not None and batch is not None:
                        places[date.fromisoformat(night), row["agent"]].append(new)
            after = before if new is None else call_result(new.call)
            scores[row["agent"]].append(
                ((before.score, before.auto_fail), (after.score, after.auto_fail))
            )
            if before != after:
                difference.flips.append(Flip(row["call_id"], row["agent"], before, after))
            if new is not None:
                compare_findings(difference, row, findings[row["call_id"]], new.findings)
        store.private.note_access("rescore", read)
        if batch is not None:
            for place, listed in sorted(places.items()):
                ids = {str(one.call["call_id"]) for one in listed}
                for path, table in publish.prepared(
                    store, place, listed, replaced=ids, run_id=run_id
                ):
                    batch.put(path, table)
    difference.agents = list(agent_changes(scores, book))
    return difference


def _judged_again(
    store: Store,
    row: Row,
    turns: Sequence[Row],
    book: Rulebook,
    stage_model: Path | None,
    read: list[str],
) -> publish.Located | None:
    """A stored call under the rulebook; None where its text in full is kept nowhere.

    ``read`` receives its id if its text comes from the private store.
    """
    code = code_sha256()
    call = full_text.stored_call(store, row, turns, code=code, read=read)
    if call is None:
        return None
    call = replace(call, recording=replace(call.recording, rulebook_id=book.id))
    staged_by = (row["stages_sha256"], row["cues_sha256"]) if row["code_sha256"] == code else None
    audited = wiring.judge(call, book, stage_model=stage_model, staged_by=staged_by)
    return publish.Located(
        audited, row["source_uri"], row["private"] or "keep", row["transcript_id"]
    )
