"""Re-scoring: stored transcripts judged again under another rulebook, and what that changes."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from audit import rulebooks
from audit.rulebooks import Rulebook
from flows import jobs, wiring
from flows.lineage import code_sha256
from models.text import stages
from reports import publish
from reports.crashes import Crashes, Step
from reports.pages import html
from reports.store import Store, full_text, rows
from reports.store.columns import Row
from reports.store.layout import Layout
from reports.store.rows import CallRows
from reports.store.staging import Batch

EXAMPLES = 20
"""Findings gained and lost that are kept as examples, of each rule."""

_SAME = ("rule_id", "check_id", "verdict", "start_s", "evidence")
_WEIGHT = ("clause_id", "points", "severity", "auto_fail")
_Scores = tuple[tuple[float | None, bool], tuple[float | None, bool]]
"""Score and auto-fail of a call, before and after."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """Score and verdicts of a call; ``rules`` are (rule, verdict)."""

    score: float | None
    grade: str | None
    auto_fail: bool
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """A call whose score, grade or verdicts change."""

    call_id: str
    agent: str
    before: CallResult
    after: CallResult

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """Rules whose verdict flips: rule, before, after (``–`` where it had no occasion)."""
        old, new = dict(self.before.rules), dict(self.after.rules)
        both = [(rule, old.get(rule, "–"), new.get(rule, "–")) for rule in {**old, **new}]
        return [(rule, was, now) for rule, was, now in both if was != now]

    @property
    def grade(self) -> tuple[str, str] | None:
        """The grade before and after, where it flips."""
        was, now = self.before.grade, self.after.grade
        return None if was == now else (was or "–", now or "–")


@dataclass(frozen=True, slots=True)
class AgentChange:
    """One agent over all nights: mean score and its grade by the new rulebook's table."""

    agent: str
    calls: int
    mean: tuple[float | None, float | None]
    grade: tuple[str, str]
    auto_fails: tuple[int, int]


@dataclass(slots=True)
class Difference:
    """What a rescore changes."""

    rulebook_id: str
    calls: int = 0
    flips: list[Flip] = field(default_factory=list)
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Findings that were not there before, by rule and verdict."""
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    reweighted: Counter[str] = field(default_factory=Counter)
    """Findings that stay under another clause, or weigh otherwise, by rule."""
    examples: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    """Failures ``gained`` and ``lost``, by (which of the two, rule)."""
    agents: list[AgentChange] = field(default_factory=list)
    """Agents whose mean score changes."""
    left: int = 0
    """Calls that stay as they are: their text is redacted, and the full text is no longer kept."""
    failed: dict[str, str] = field(default_factory=dict)
    """Calls that a step has failed for, and a sentence on each: they stay as they are; or have no
    page, where only that has failed."""
    written: bool = False

    @property
    def verdict_flips(self) -> Counter[tuple[str, str, str]]:
        """How many calls flip, by rule, verdict before and verdict after."""
        return Counter(flip for call in self.flips for flip in call.verdicts)

    @property
    def grade_flips(self) -> Counter[tuple[str, str]]:
        """How many calls change grade, by grade before and after."""
        return Counter(call.grade for call in self.flips if call.grade)


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
    scores: dict[str, list[_Scores]] = defaultdict(list)
    for night in store.calls.nights():
        only = (night, night)
        turns = _by_call(store.turns.rows(nights=only))
        findings = _by_call(store.findings.rows(nights=only, columns=("call_id", *_SAME, *_WEIGHT)))
        places: dict[publish.Place, list[CallRows]] = defaultdict(list)
        read: list[str] = []
        for row in store.calls.rows(nights=only):
            difference.calls += 1
            before, new = _result(row), None
            with crashes.apart(row["call_id"], Step.JUDGING):
                located = _judged_again(store, row, turns[row["call_id"]], book, stage_model, read)
                difference.left += located is None
                if located is not None:
                    new = publish.rows_of(located, run_id=run_id, crashes=crashes)
                    if new is not None and batch is not None:
                        places[date.fromisoformat(night), row["agent"]].append(new)
            after = before if new is None else _result(new.call)
            scores[row["agent"]].append(
                ((before.score, before.auto_fail), (after.score, after.auto_fail))
            )
            if before != after:
                difference.flips.append(Flip(row["call_id"], row["agent"], before, after))
            if new is not None:
                _compare_findings(difference, row, findings[row["call_id"]], new.findings)
        store.private.note_access("rescore", read)
        if batch is not None:
            for place, listed in sorted(places.items()):
                ids = {str(one.call["call_id"]) for one in listed}
                for path, table in publish.prepared(
                    store, place, listed, replaced=ids, run_id=run_id
                ):
                    batch.put(path, table)
    difference.agents = list(_agents(scores, book))
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
    stored = rows.call(row, turns)
    same_code = row["code_sha256"] == code_sha256()
    call = full_text.in_full(store, row, stored, same_code=same_code)
    if call is None:
        return None
    if call is not stored:
        read.append(row["call_id"])
    call = replace(call, recording=replace(call.recording, rulebook_id=book.id))
    staged_by = (row["stages_sha256"], row["cues_sha256"]) if same_code else None
    audited = wiring.judge(call, book, stage_model=stage_model, staged_by=staged_by)
    return publish.Located(
        audited, row["source_uri"], row["private"] or "keep", row["transcript_id"]
    )


def _by_call(listed: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in listed:
        grouped[row["call_id"]].append(row)
    return grouped


def _result(row: Row) -> CallResult:
    rules = tuple((rule["rule_id"], str(rule["verdict"])) for rule in row["rule_scores"])
    return CallResult(row["score"], row["grade"], row["auto_fail"], rules)


def _compare_findings(
    difference: Difference, call: Row, old: Sequence[Row], new: Sequence[Row]
) -> None:
    """Match findings one to one by check, verdict and position in the call."""
    waiting: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in old:
        waiting[tuple(row[name] for name in _SAME)].append(row)
    for row in new:
        matched = waiting.get(tuple(row[name] for name in _SAME))
        if not matched:
            _count(difference, "gained", call, row)
            continue
        alike = [sum(old[name] == row[name] for name in _WEIGHT) for old in matched]
        matched.pop(alike.index(max(alike)))
        if max(alike) < len(_WEIGHT):
            difference.reweighted[row["rule_id"]] += 1
    for unmatched in waiting.values():
        for row in unmatched:
            _count(difference, "lost", call, row)


def _count(difference: Difference, which: str, call: Row, row: Row) -> None:
    counted = difference.gained if which == "gained" else difference.lost
    counted[row["rule_id"], str(row["verdict"])] += 1
    examples = difference.examples[which, row["rule_id"]]
    if row["verdict"] == "fail" and len(examples) < EXAMPLES:
        place = {name: call[name] for name in ("call_id", "agent", "agent_name")}
        examples.append({**{name: row[name] for name in (*_SAME, *_WEIGHT)}, **place})


def _agents(scores: Mapping[str, Sequence[_Scores]], book: Rulebook) -> Iterator[AgentChange]:
    for agent, pairs in sorted(scores.items()):
        (was, failed), (now, fails) = (
            (_mean([pair[i][0] for pair in pairs]), sum(pair[i][1] for pair in pairs))
            for i in (0, 1)
        )
        if (was, failed) != (now, fails):
            grades = _grade(was, book), _grade(now, book)
            yield AgentChange(agent, len(pairs), (was, now), grades, (failed, fails))


def _mean(scores: Sequence[float | None]) -> float | None:
    scored = [score for score in scores if score is not None]
    return round(sum(scored) / len(scored), 2) if scored else None


def _grade(mean: float | None, book: Rulebook) -> str:
    if mean is None:
        return "–"
    reached = [(least, g) for g, least in book.scoring.grades.items() if mean >= least]
    return max(reached)[1]
