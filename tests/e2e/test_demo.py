"""The sample calls, audited for real: the contract's tables and the gates."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.tables import KEYS, table

ROOT = Path(__file__).parents[2]
TRUTH = ROOT / "data_samples" / "truth"
Script = Callable[..., subprocess.CompletedProcess[str]]

COLUMNS = {
    "calls": (
        "call_id agent_name started_at direction duration_s channels rulebook_id score grade "
        "auto_fail greeting_verdict no_interruption_verdict forbidden_language_verdict "
        "agent_talk_s customer_talk_s overlap_s silence_s agent_chars_per_min interruptions "
        "transcript_confidence audio_sha256 engine model model_sha256 rulebook_sha256 audit_version"
    ),
    "turns": (
        "call_id turn_index role channel speaker start_s end_s text segment asr_confidence "
        "role_confidence is_backchannel"
    ),
    "findings": (
        "finding_id call_id rule_id check_id clause_id verdict severity points confidence segment "
        "role start_s end_s evidence reason"
    ),
    "agents": (
        "agent_id audit_date agent_name calls mean_score score_ci_low score_ci_high auto_fails "
        "greeting_fail_rate interruption_rate forbidden_rate talk_ratio"
    ),
    "rejects": "source_file audit_date reason detail",
}
VERDICTS = {"pass", "fail", "cannot_tell"}
ENUMS = {
    ("calls", "channels"): {"stereo", "mono", "text"},
    ("calls", "direction"): {"in", "out"},
    ("calls", "greeting_verdict"): VERDICTS,
    ("calls", "no_interruption_verdict"): VERDICTS,
    ("calls", "forbidden_language_verdict"): VERDICTS,
    ("turns", "role"): {"agent", "customer", "unknown"},
    ("turns", "segment"): {"greeting", "handling", "closing"},
    ("findings", "verdict"): VERDICTS,
    ("findings", "severity"): {"minor", "major", "critical"},
    ("findings", "rule_id"): {
        "greeting",
        "no_interruption",
        "forbidden_language",
        "active_listening",
        "dead_air",
        "hold",
        "silent_call",
        "speech_rate",
        "answer_wait",
        "closing",
        "courtesy",
        "key_info_confirmed",
    },
    ("findings", "role"): {"agent", "customer", "unknown"},
    ("findings", "segment"): {"greeting", "handling", "closing"},
    ("rejects", "reason"): {"undecodable"},
}
ELEMENTS = {
    "greeting.hello",
    "greeting.organisation",
    "greeting.agent_identity",
    "greeting.offer_help",
}
OWN_ELEMENTS = {"greeting.job_number", "greeting.agent_name"}
"""What the hotline's own greeting has besides, in calls that come in."""

MONO = ["S12", "S15"]
NAMES = {"hello": "hello", "org": "organisation", "id": "agent_identity", "offer": "offer_help"}
"""Elements of the greeting as the truth names them."""


def manifest() -> list[dict[str, str]]:
    with (ROOT / "data_samples" / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def true_turns(call_id: str) -> list[dict[str, Any]]:
    return list(json.loads((TRUTH / f"{call_id}.json").read_text("utf-8"))["turns"])


def true_roles(call_id: str, turn: dict[str, Any]) -> set[str]:
    """Who really speaks half way through a turn."""
    middle_s = (turn["start_s"] + turn["end_s"]) / 2
    inside = [t for t in true_turns(call_id) if t["start"] <= middle_s <= t["end"]]
    return {{"A": "agent", "C": "customer"}[t["role"]] for t in inside}


# what the run says


def test_the_run_ends_with_rejects_and_no_traceback(audited: Any) -> None:
    assert audited.code == 3, audited.stderr
    assert "Traceback" not in audited.stderr
    assert "21 of 22" in audited.stderr
    assert "undecodable" in audited.stderr
    assert str(audited.out / "html" / "index.html") in audited.stdout


# tables


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_others_rely_on(audited: Any, name: str) -> None:
    found = table(audited.out, name)
    assert set(COLUMNS[name].split()) - set(found.columns) == set()
    assert {"schema_version", "run_id"} <= set(found.columns)
    if name not in {"agents"}:
        assert "call_id" in found.columns
    assert found["schema_version"].notna().all()


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_there(audited: Any, name: str) -> None:
    found = table(audited.out, name)
    assert len(found)
    assert not found.duplicated(KEYS[name]).any()
    assert found[KEYS[name]].notna().all().all()


@pytest.mark.parametrize(("name", "column"), ENUMS)
def test_enumerated_values(audited: Any, name: str, column: str) -> None:
    values = set(table(audited.out, name)[column].dropna())
    assert values
    assert values <= ENUMS[name, column]


def test_every_planned_recording_is_in_one_place(audited: Any) -> None:
    planned = {row["file"] for row in manifest()}
    calls, rejects = table(audited.out, "calls"), table(audited.out, "rejects")
    assert sorted([*calls["source_file"], *rejects["source_file"]]) == sorted(planned)
    assert list(rejects["call_id"]) == ["S21"]
    assert list(rejects["reason"]) == ["undecodable"]
    assert rejects["detail"].str.len().gt(10).all()


def test_agents_are_named_as_the_manifest_names_them(audited: Any) -> None:
    wanted = {row["call_id"]: row for row in manifest()}
    calls = table(audited.out, "calls")
    for call in calls.to_dict("records"):
        row = wanted[call["call_id"]]
        assert call["agent"] == row["agent_id"]
        assert isinstance(call["agent"], str)
        assert call["agent_name"] == row["agent_name"]
        assert call["direction"] == row["direction"]
        assert str(call["audit_date"]) == row["started_at"][:10]
        assert call["started_at"] == pd.Timestamp(row["started_at"])
        assert call["meta_queue"] == row["queue"]
        assert (call["meta_customer_satisfaction"] or "") == row["customer_satisfaction"]
    nights = {(row["agent_id"], row["started_at"][:10]) for row in manifest()}
    agents = table(audited.out, "agents")
    nights_found = set(zip(agents["agent"], agents["audit_date"].astype(str), strict=True))
    assert nights_found == nights - {("2001", "2026-11-18")}  # whose only call was rejected
    assert agents["calls"].sum() == len(calls)


def test_figures_are_within_their_bounds(audited: Any) -> None:
    calls = table(audited.out, "calls")
    assert calls["score"].dropna().between(0, 100).all()
    assert (calls.loc[calls["auto_fail"], "score"] == 0).all()
    assert calls["audio_sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert calls["model_sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert calls["engine"].isin(["faster-whisper", "openai-whisper"]).all()
    turns = table(audited.out, "turns").merge(calls[["call_id", "duration_s"]], on="call_id")
    assert (turns["end_s"] >= turns["start_s"]).all()
    assert (turns["end_s"] <= turns["duration_s"] + 0.05).all()
    findings = table(audited.out, "findings")
    assert findings["confidence"].between(0, 1).all()
    assert (findings.loc[findings["verdict"] != "fail", "points"] == 0).all()
    assert findings["reason"].str.len().gt(0).all()
    for _, own in turns.groupby("call_id"):
        order = own.sort_values("turn_index")
        assert list(order["turn_index"]) == list(range(len(own)))
        assert order["start_s"].is_monotonic_increasing


def test_each_call_has_its_contract_rows(audited: Any) -> None:
    findings = table(audited.out, "findings")
    for _, own in findings.groupby("call_id"):
        greeting = own[own["rule_id"] == "greeting"]
        assert set(greeting["check_id"]) - OWN_ELEMENTS == ELEMENTS
        assert not greeting["check_id"].duplicated().any()
        for rule in ("no_interruption", "forbidden_language"):
            verdicts = list(own.loc[own["rule_id"] == rule, "verdict"])
            assert verdicts
            assert "pass" not in verdicts or verdicts == ["pass"]
    events = findings[findings["verdict"] == "fail"]
    timed = events[events["rule_id"] != "greeting"]
    assert timed[["start_s", "end_s", "evidence"]].notna().all().all()


@pytest.mark.parametrize("call_id", MONO)
def test_mono_calls_cannot_tell_who_cut_in(audited: Any, call_id: str) -> None:
    call = table(audited.out, "calls").set_index("call_id").loc[call_id]
    assert call["channels"] == "mono"
    assert call["no_interruption_verdict"] == "cannot_tell"
    assert pd.isna(call["interruptions"])
    assert pd.isna(call["agent_talk_s"])
    assert len(call["doubts"])
    findings = table(audited.out, "findings").query("call_id == @call_id")
    interruptions = findings[findings["rule_id"] == "no_interruption"]
    assert set(interruptions["verdict"]) == {"cannot_tell"}


@pytest.mark.parametrize("call_id", MONO)
def test_mono_turns_say_whose_they_are_and_how_surely(audited: Any, call_id: str) -> None:
    call = table(audited.out, "calls").set_index("call_id").loc[call_id]
    turns = table(audited.out, "turns").query("call_id == @call_id")
    assert turns["speaker"].notna().all()
    assert turns["role_confidence"].between(0, 1).all()
    assert 0.5 <= call["role_confidence"] <= 1
    assert call["role_source"] == "content"
    for _, voice in turns.groupby("speaker"):
        assert voice["role"].nunique() == 1
    for turn in turns[turns["role_confidence"] >= 0.9].to_dict("records"):
        assert turn["role"] in {"unknown", *true_roles(call_id, turn)}, turn


@pytest.mark.parametrize("call_id", MONO)
def test_mono_calls_accuse_nobody_wrongly(audited: Any, call_id: str) -> None:
    said = true_turns(call_id)
    findings = table(audited.out, "findings").query("call_id == @call_id and verdict == 'fail'")
    forbidden = findings[findings["rule_id"] == "forbidden_language"]
    for finding in forbidden.to_dict("records"):
        assert any(
            "forbidden" in turn
            and turn["start"] < finding["end_s"]
            and turn["end"] > finding["start_s"]
            for turn in said
        ), finding
    greeted = {f"greeting.{NAMES[part]}" for turn in said for part in turn.get("greeting", ())}
    missing = findings.loc[findings["rule_id"] == "greeting", "check_id"]
    assert greeted.isdisjoint(missing)


def test_stereo_turns_need_no_voice_print(audited: Any) -> None:
    turns = table(audited.out, "turns")
    stereo = turns[~turns["call_id"].isin(MONO)]
    assert stereo["role_confidence"].isna().all()
    assert (stereo["speaker"] == stereo["channel"]).all()


def test_the_swapped_call_is_put_right(audited: Any) -> None:
    """S16 has the agent on channel 1, as its manifest row says."""
    call = table(audited.out, "calls").set_index("call_id").loc["S16"]
    assert call["agent_channel"] == 1
    turns = table(audited.out, "turns").query("call_id == 'S16'")
    assert set(turns.loc[turns["role"] == "agent", "channel"]) == {1}
    assert set(turns.loc[turns["role"] == "customer", "channel"]) == {0}
    assert turns["text"].str.len().sum() > 50


def test_pages_are_there(audited: Any) -> None:
    html = audited.out / "html"
    calls = table(audited.out, "calls")
    assert {p.stem for p in (html / "calls").glob("*.html")} == set(calls["call_id"])
    assert {p.stem for p in (html / "agents").glob("*.html")} == set(calls["agent"])
    index = (html / "index.html").read_text("utf-8")
    last = calls[calls["audit_date"].astype(str) == "2026-11-18"]
    assert all(name in index for name in set(last["agent_name"]))
    assert "S21_2001_20261118T174500.wav" in index


# how right it is


@pytest.fixture(scope="module")
def figures(audited: Any, callaudit: Script) -> dict[str, Any]:
    done = callaudit("evaluate", audited.out, TRUTH, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("rule", "figure", "least"),
    [
        ("greeting", "f1", 0.9),
        ("no_interruption", "precision", 0.9),
        ("no_interruption", "f1", 0.85),
        ("forbidden_language", "precision", 0.95),
        ("forbidden_language", "f1", 0.85),
    ],
)
def test_rules_are_right(figures: dict[str, Any], rule: str, figure: str, least: float) -> None:
    assert figures["rules"][rule][figure] >= least, figures["rules"][rule]


def test_stages_and_words_are_right(figures: dict[str, Any]) -> None:
    assert figures["calls"] == 21
    assert figures["not_audited"] == []
    assert figures["segment_accuracy"] >= 0.85
    assert figures["cer"] <= 0.22
