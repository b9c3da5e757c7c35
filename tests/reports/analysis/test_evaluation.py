"""The figures of an evaluation on tables written by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.intake import labelled
from flows.cli import formatters
from reports.analysis.error_rates import Counts, ErrorRate, distance, plain
from reports.analysis.evaluation import Evaluation, evaluate


@pytest.mark.parametrize(
    ("text", "expected"),
    [("工号2001，您好 OK", "工号二零零一您好"), ("幺二幺两块", "一二一二块"), ("", "")],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_distance() -> None:
    assert distance("您好请问", "您好请问") == 0
    assert distance("您好请问", "你好问") == 2
    assert distance("", "三个字") == 3


def test_error_rates_are_added_not_averaged() -> None:
    total = ErrorRate.of_characters("您好", "您") + ErrorRate.of_characters("我要报修", "我要报修")
    assert total == ErrorRate(1, 6)
    assert total.rate == pytest.approx(1 / 6)
    assert ErrorRate().rate is None


def turn(role: str, start: float, end: float, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "start": start, "end": end, "text": text, "segment": "H", **more}


def heard(role: str, start_s: float, end_s: float, text: str, segment: str) -> dict[str, Any]:
    return {
        "call_id": "T1",
        "turn_index": round(start_s),
        "role": role,
        "start_s": start_s,
        "end_s": end_s,
        "text": text,
        "segment": segment,
    }


def finding(
    rule: str, verdict: str, start_s: float | None, check: str = "", clause: str = "000-26.3"
) -> dict[str, Any]:
    return {
        "call_id": "T1",
        "rule_id": rule,
        "check_id": check or rule,
        "clause_id": clause,
        "verdict": verdict,
        "start_s": start_s,
        "end_s": None if start_s is None else start_s + 1,
        "evidence": "",
    }


def compare(
    truth: list[dict[str, Any]],
    *,
    turns: list[dict[str, Any]] | None = None,
    findings: list[dict[str, Any]] | None = None,
) -> Evaluation:
    calls = [{"call_id": "T1", "channels": "stereo"}]
    tables = {"calls": calls, "turns": turns or [], "findings": findings or []}
    return evaluate(tables, [labelled.parse({"call_id": "T1", "turns": truth})])


def test_interruptions_are_matched_one_to_one() -> None:
    truth = [turn("A", 10, 12, "一", interrupts=True), turn("A", 20, 22, "二", interrupts=True)]
    rule = "no_interruption"
    found = [finding(rule, "fail", 10.2), finding(rule, "fail", 40), finding(rule, "pass", None)]
    counts = compare(truth, findings=found).rules[rule]
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (1, 1, 1)
    assert (counts.precision, counts.recall, counts.f1) == (0.5, 0.5, 0.5)


def test_mono_calls_are_counted_apart() -> None:
    calls = [{"call_id": "T1", "channels": "stereo"}, {"call_id": "T2", "channels": "mono"}]
    found = [finding("no_interruption", "fail", 10.2), finding("no_interruption", "fail", 10.2)]
    found[1]["call_id"] = "T2"
    said = [turn("A", 10, 12, "一", interrupts=True)]
    innocent = [turn("A", 10, 12, "一")]
    truths = [
        labelled.parse({"call_id": call_id, "turns": turns})
        for call_id, turns in (("T1", said), ("T2", innocent))
    ]
    told = evaluate({"calls": calls, "turns": [], "findings": found}, truths)
    assert told.rules["no_interruption"].precision == 0.5
    assert told.apart["stereo"].rules["no_interruption"].precision == 1.0
    assert told.apart["mono"].rules["no_interruption"].precision == 0.0
    assert "mono only:" in "\n".join(formatters.evaluation(told))
    data = json.loads(formatters.evaluation_json(told))
    assert data["apart"]["mono"]["rules"]["no_interruption"]["precision"] == 0.0


def test_one_finding_is_not_two_hits() -> None:
    truth = [
        turn("A", 10, 11, "一", interrupts=True),
        turn("A", 10.5, 12, "二", interrupts=True),
    ]
    counts = compare(truth, findings=[finding("no_interruption", "fail", 10.2)]).rules
    assert counts["no_interruption"].true_positives == 1
    assert counts["no_interruption"].false_negatives == 1


def test_forbidden_wording_is_counted_clause_by_clause() -> None:
    truth = [
        turn("A", 10, 12, "不归我管", forbidden="000-26.3"),
        turn("A", 20, 22, "你问我我问谁", forbidden="000-26.1"),
    ]
    found = [
        finding("forbidden_language", "fail", 10),
        finding("forbidden_language", "fail", 20, clause="000-26.2"),
    ]
    result = compare(truth, findings=found)
    assert result.rules["forbidden_language"] == Counts(2, 0, 0)
    assert result.clauses == {
        "000-26.1": Counts(0, 0, 1),
        "000-26.2": Counts(0, 1, 0),
        "000-26.3": Counts(1, 0, 0),
    }
    assert any("000-26.1" in line for line in formatters.evaluation(result))


def test_what_was_withheld_is_missed_and_said_so() -> None:
    truth = [turn("A", 10, 12, "不归我管", forbidden="000-26.3")]
    found = [finding("forbidden_language", "cannot_tell", 10)]
    counts = compare(truth, findings=found).rules["forbidden_language"]
    assert (counts.false_negatives, counts.withheld, counts.precision) == (1, 1, None)


def test_greeting_elements() -> None:
    truth = [turn("A", 0, 4, "您好", greeting=["hello", "org"]) | {"segment": "G"}]
    found = [
        finding("greeting", "pass", 0, "greeting.hello"),
        finding("greeting", "fail", 0, "greeting.organisation"),
        finding("greeting", "pass", 0, "greeting.offer_help"),
        finding("greeting", "fail", 0, "greeting.agent_identity"),
    ]
    counts = compare(truth, findings=found).rules["greeting"]
    assert (counts.true_positives, counts.false_negatives, counts.false_positives) == (1, 1, 1)


def test_stages_roles_and_character_errors() -> None:
    truth = [
        turn("A", 0, 4, "您好请问") | {"segment": "G"},
        turn("C", 5, 8, "我想查账单"),
        turn("C", 9, 10, "嗯", backchannel=True),
    ]
    turns = [
        heard("agent", 0.1, 4.1, "您好，请问", "handling"),
        heard("customer", 5.2, 8.1, "我想查张单", "handling"),
    ]
    result = compare(truth, turns=turns)
    assert result.segment_accuracy == pytest.approx(3 / 7)
    assert result.role_accuracy == 1.0
    assert result.cer == pytest.approx(2 / 10)  # one wrong, one 嗯 not heard
    assert json.loads(formatters.evaluation_json(result))["cer"] == result.cer
    assert any(
        "segment" in line or "stage" in line for line in formatters.evaluation(result, details=True)
    )


def test_nothing_found_is_no_figure() -> None:
    result = compare([turn("A", 0, 1, "您好")])
    assert result.rules["no_interruption"].f1 is None
    assert result.cer == 1.0
    assert result.not_audited == ()
