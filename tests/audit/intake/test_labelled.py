"""Labelled calls as evaluation and training read them, and what is wrong with those that fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.errors import UsageError
from audit.intake.labelled import (
    LabelledTurn,
    parse,
    read_for_evaluation,
    read_for_training,
)
from audit.types import Role, Span, Stage

ROOT = Path(__file__).parents[3]
TURN: dict[str, Any] = {"role": "A", "text": "您好", "segment": "G", "start": 0.5, "end": 2}


def written(folder: Path, *calls: object) -> Path:
    file = folder / "calls.jsonl"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls), "utf-8")
    return file


def test_a_turn_has_its_labels() -> None:
    labels = {"greeting": ["hello"], "forbidden": "000-26.1", "interrupts": True}
    call = parse({"call_id": 7, "turns": [TURN | labels | {"backchannel": True, "cut_off": 1}]})
    assert call.call_id == "7"
    assert call.turns == (
        LabelledTurn(
            Role.AGENT,
            "您好",
            Stage.GREETING,
            Span(0.5, 2.0),
            greeting=("hello",),
            interrupts=True,
            forbidden="000-26.1",
            is_backchannel=True,
        ),
    )


def test_names_of_the_tables_mean_the_same_as_the_short_ones() -> None:
    long = {"role": "agent", "text": "您好", "segment": "greeting", "start_s": 0.5, "end_s": 2}
    assert parse({"turns": [long]}).turns == parse({"turns": [TURN]}).turns


def test_both_forms_that_ship_are_read() -> None:
    data = ROOT / "data_samples"
    assert len(read_for_evaluation(data / "truth")) == 21
    by_check = read_for_evaluation(data / "dialogues" / "listening.jsonl")
    assert all(call.fails is not None for call in by_check)
    assert len(read_for_training(data / "dialogues" / "stages_test.jsonl")) == 288


def test_the_sentence_leads_to_a_page_that_exists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"see labelled calls in docs/inputs\.md") as caught:
        read_for_evaluation(written(tmp_path, []))
    assert "calls.jsonl, line 1" in str(caught.value)
    assert "\n## Labelled calls\n" in (ROOT / "docs" / "inputs.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ([], "the call is not a JSON object"),
        ({"turns": [TURN]}, "call_id is missing"),
        ({"call_id": "1"}, "turns is missing"),
        ({"call_id": "1", "turns": []}, "no turns"),
        ({"call_id": "1", "turns": [3]}, "turn 0 is not a JSON object"),
        ({"call_id": "1", "turns": [TURN | {"role": "X"}]}, "role of turn 0 is 'X'; it must be"),
        ({"call_id": "1", "turns": [TURN | {"role": "unknown"}]}, "it must be A or C"),
        ({"call_id": "1", "turns": [TURN, TURN | {"segment": "Z"}]}, "segment of turn 1 is 'Z'"),
        ({"call_id": "1", "turns": [TURN | {"text": None}]}, "text of turn 0 is missing or not"),
        ({"call_id": "1", "turns": [TURN | {"start": None}]}, "turn 0 has no start and end"),
        ({"call_id": "1", "turns": [TURN | {"end": 0}]}, "turn 0 lasts from 0.5 to 0"),
        ({"call_id": "1", "turns": [TURN | {"end": "?"}]}, "not numbers"),
        ({"call_id": "1", "turns": [TURN | {"greeting": "hello"}]}, "not a list of strings"),
        ({"call_id": "1", "turns": [TURN | {"forbidden": True}]}, "must be the id of a clause"),
        ({"call_id": "1", "fails": 3}, "fails is not a list of strings"),
    ],
)
def test_what_is_not_valid_is_named(call: object, problem: str, tmp_path: Path) -> None:
    good = {"call_id": "0", "turns": [TURN]}
    with pytest.raises(UsageError, match=r"calls\.jsonl, line 2") as caught:
        read_for_evaluation(written(tmp_path, good, call))
    assert problem in str(caught.value)


def test_two_kinds_of_labels_are_not_mixed(tmp_path: Path) -> None:
    calls = {"call_id": "0", "turns": [TURN]}, {"call_id": "1", "fails": ["hold.length"]}
    with pytest.raises(UsageError, match="1 of the 2 calls"):
        read_for_evaluation(written(tmp_path, *calls))


def test_truth_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="do not exist"):
        read_for_evaluation(tmp_path / "none")
    with pytest.raises(UsageError, match="no labelled calls"):
        read_for_evaluation(tmp_path)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(UsageError, match=r"a\.json"):
        read_for_evaluation(tmp_path)
