"""Every clause of the norms is judged by a rulebook that ships, or it says why none can."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from audit import stages
from audit.rulebooks import clauses as coverage
from audit.rulebooks import load, shipped
from audit.types import (
    Call,
    Channels,
    Direction,
    Finding,
    Origin,
    Recording,
    Transcript,
    Verdict,
)
from tests.calls import MODELS, found_by_all, turns

ROOT = Path(__file__).parents[3]
CLAUSES = coverage.clauses()
BOOKS = tuple(load(name) for name in shipped())
JUDGED = coverage.judged(BOOKS)
EXAMPLES = [(name, clause.example) for name, clause in CLAUSES.items() if clause.example]


def test_there_are_77_clauses_of_five_norms() -> None:
    assert len(CLAUSES) == 77
    assert {name[:3] for name in CLAUSES} == {"000", "001", "002", "003", "004"}


@pytest.mark.parametrize("name", CLAUSES)
def test_each_clause_is_judged_or_says_why_not(name: str) -> None:
    clause = CLAUSES[name]
    ways = (name in JUDGED, clause.judged_as is not None, clause.not_tellable is not None)
    assert sum(ways) == 1, "judged by a check, or with another clause, or not tellable"
    if clause.judged_as:
        assert clause.judged_as in JUDGED


def test_rulebooks_name_no_clause_that_the_norms_do_not_have() -> None:
    assert set(JUDGED) <= set(CLAUSES)


def test_the_page_is_what_the_rulebooks_say() -> None:
    page = (ROOT / "docs" / "norms.md").read_text("utf-8")
    assert page == coverage.table(), "run python -m audit.rulebooks.clauses > docs/norms.md"


def test_what_a_qa_lead_reads_is_what_the_catalogue_says() -> None:
    page = (ROOT / "docs" / "zh" / "norms.md").read_text("utf-8")
    command = "python -m audit.rulebooks.clauses statements > docs/zh/norms.md"
    assert page == coverage.statements(), f"run {command}"
    assert all(f"### {name}\n" in page for name in CLAUSES)


@pytest.mark.parametrize("name", CLAUSES)
def test_each_clause_says_when_it_applies_and_what_follows(name: str) -> None:
    clause = CLAUSES[name]
    assert clause.occasion
    assert clause.must or clause.must_not
    if clause.not_tellable or clause.auditable == "partly":
        assert clause.not_judged


def test_verdicts_that_a_check_never_gives_are_not_shown() -> None:
    assert JUDGED["001-10010"]["answer_wait"] == {Verdict.PASS, Verdict.CANNOT_TELL}
    noted = JUDGED["001-宜.10"]["key_info_confirmed.repeats"]
    assert noted == {Verdict.PASS, Verdict.CANNOT_TELL}
    assert JUDGED["003-1.1.4-ring"]["answer_wait"] == set(Verdict)
    assert JUDGED["003-1.1.4"]["greeting.order"] == {Verdict.FAIL}


@cache
def findings(call_id: str) -> tuple[Finding, ...]:
    """What the five rulebooks say of a sample call, as its label has it."""
    truth = json.loads((ROOT / "data_samples" / "truth" / f"{call_id}.json").read_text("utf-8"))
    labelled = sorted(truth["turns"], key=lambda turn: turn["start"])
    said = turns(
        [(turn["role"], turn["text"], turn["start"], turn["end"]) for turn in labelled],
        backchannels=[n for n, turn in enumerate(labelled) if turn.get("backchannel")],
    )
    recording = Recording(
        truth["file"],
        call_id,
        truth["agent"],
        datetime(2026, 11, 16, 9, tzinfo=UTC),
        direction=Direction(truth["dir"]),
    )
    found: list[Finding] = []
    for book in BOOKS:
        transcript = Transcript(
            stages.assign(said, cues=book.stages, model=MODELS.stages),
            Channels.STEREO,
            Origin(None, None, None, None),
            duration_s=truth["duration_s"],
        )
        found += found_by_all(Call(recording, transcript), book)
    return tuple(found)


@pytest.mark.parametrize(("name", "call_id"), EXAMPLES)
def test_the_example_shows_the_clause(name: str, call_id: str) -> None:
    told = {
        finding.verdict
        for finding in findings(call_id)
        if finding.clause_id == (CLAUSES[name].judged_as or name)
    }
    assert told - {Verdict.CANNOT_TELL}


def test_most_clauses_have_an_example() -> None:
    assert len(EXAMPLES) > len(CLAUSES) / 2
