"""Thresholds from a team's own calls: as many are accused as was asked for, and no more."""

from __future__ import annotations

import json
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from audit import config, rulebooks
from audit.errors import UsageError
from audit.rules import forbidden_language
from audit.rules.forbidden_language import Likeliest
from audit.rules.meanings import ForbiddenMeaning
from flows.cli.main import main
from flows.commands import audit_transcripts, own_thresholds
from flows.commands import rescore as rescoring
from models.training.turns import SERVICE, dialogues
from reports.store import Store

CALLS = 120
ACCUSED, DOUBTED = 0.05, 0.1
ROLES = {"坐": "agent", "客": "customer"}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written dialogues, half of them with faults, audited with the thresholds that ship."""
    place = tmp_path_factory.mktemp("own")
    calls = []
    written = (one for file in sorted(SERVICE.glob("*.txt")) for one in dialogues(file))
    for name, lines in islice(written, CALLS):
        turns: list[dict[str, Any]] = [
            {
                "role": ROLES[line.speaker],
                "text": line.text,
                "start_s": 20.0 * at,
                "end_s": 20.0 * at + 15.0,
            }
            for at, line in enumerate(lines)
        ]
        calls.append(
            {"call_id": name, "agent_id": "2001", "started_at": "2026-11-16T10:00:00+08:00"}
            | {"turns": turns}
        )
    file = place / "calls.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in calls), "utf-8")
    audit_transcripts.audit_transcripts(file, place / "out", config=config.Config())
    return place / "out"


@pytest.fixture
def out(audited: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(audited, tmp_path / "out"))


def calibrate(*options: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", "--unlabelled", *options])


def test_as_many_are_accused_and_doubted_as_was_asked_for(out: Path, tmp_path: Path) -> None:
    """What the written rulebook does to the same calls; dialect is put before a person instead."""
    file = tmp_path / "ours.yaml"
    shares = ("--accused", str(ACCUSED), "--doubted", str(DOUBTED))
    done = calibrate(str(out), *shares, "--write", str(file))
    assert done.exit_code == 0, done.output
    assert f"{CALLS} conversations" in done.output
    rescoring.rescore(out, rulebook_id=str(file), write=True)
    findings = Store.open(out).findings.pandas()
    ours = findings[findings["rule_id"] == "forbidden_language"]
    # a flat no, an act, stands for the meaning of the same turn
    reasons = ["wording.by_meaning", "wording.act", "wording.suspected"]
    by_meaning = ours[ours["reason_id"].isin(reasons)]
    calls = {
        verdict: by_meaning[by_meaning["verdict"] == verdict]["call_id"].nunique()
        for verdict in ("fail", "cannot_tell")
    }
    assert ACCUSED * CALLS - 2 <= calls["fail"] <= ACCUSED * CALLS
    assert 0 < calls["cannot_tell"] <= DOUBTED * CALLS


def test_a_file_that_is_there_is_left_alone(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("mine", "utf-8")
    done = calibrate(str(out), "--accused", "0.05", "--write", str(file))
    assert done.exit_code == 2
    assert "is there already" in done.output
    assert file.read_text("utf-8") == "mine"


def test_too_few_calls_are_said_to_be_too_few(out: Path) -> None:
    done = calibrate(str(out))
    assert done.exit_code == 2
    assert f"holds {CALLS} with" in done.output
    assert "at least 200 conversations" in done.output


def test_a_rulebook_that_does_not_judge_meaning_is_refused(out: Path, tmp_path: Path) -> None:
    book = tmp_path / "plain.yaml"
    book.write_text(
        "id: plain\nextends: hotline\nrules: {forbidden_language: {meaning: null}}\n", "utf-8"
    )
    with pytest.raises(UsageError, match="does not judge wording by its meaning"):
        own_thresholds.suggest(out, rulebook_id=str(book), accused=0.05, doubted=0.1)


def test_its_options_are_only_taken_with_unlabelled(out: Path) -> None:
    done = CliRunner().invoke(main, ["calibrate", str(out), "--rulebook", "hotline"])
    assert done.exit_code == 2
    assert "--rulebook works only with --unlabelled" in done.output


def meaning() -> ForbiddenMeaning:
    rule = rulebooks.load("hotline").rules.of(forbidden_language.RULE)
    assert rule.meaning is not None
    return rule.meaning


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda two: Likeliest(min(two), max(two))),
        min_size=20,
        max_size=60,
    ),
    st.sampled_from([0.05, 0.1, 0.5]),
    st.sampled_from([0.01, 0.05, 0.3]),
)
def test_whatever_the_calls_the_thresholds_make_a_rulebook(
    found: list[Likeliest], accused: float, doubted: float
) -> None:
    accuse, doubt = own_thresholds.thresholds(found, meaning(), accused=accused, doubted=doubted)
    assert meaning().suspect_from <= doubt.value <= accuse.value <= 1
    reached = sum(one.accused >= accuse.value for one in found)
    assert reached == accuse.calls
    assert reached <= accused * len(found) or accuse.value == 1
    asked = sum(one.accused < accuse.value and one.doubted >= doubt.value for one in found)
    assert asked == doubt.calls
    assert asked <= doubted * len(found) or doubt.value == 1
    for threshold in (accuse, doubt):
        low, high = threshold.share
        assert 0 <= low <= threshold.calls / len(found) <= high <= 1


def test_polite_calls_lower_no_threshold_below_what_is_suspicious() -> None:
    """Nobody is accused, nor asked about, only because somebody has to be."""
    polite = [Likeliest(0.0, 0.01)] * 300
    accuse, doubt = own_thresholds.thresholds(polite, meaning(), accused=0.005, doubted=0.05)
    assert accuse.value == doubt.value == meaning().suspect_from
    assert accuse.calls == doubt.calls == 0


def test_who_cannot_be_accused_does_not_set_what_is_doubted() -> None:
    """Calls in which nobody knows who speaks: many doubts, no accusation."""
    unknown = [Likeliest(0.0, 0.75 + 0.0005 * n) for n in range(400)]
    accuse, doubt = own_thresholds.thresholds(unknown, meaning(), accused=0.005, doubted=0.05)
    assert (accuse.calls, doubt.calls) == (0, 20)


@pytest.mark.parametrize(
    "name", ["our_rules.yaml", "Ours.yaml", "我们.yaml", "ours.txt", "ours", "hotline.yaml", ""]
)
def test_names_that_no_rulebook_can_have(out: Path, tmp_path: Path, name: str) -> None:
    done = calibrate(str(out), "--accused", "0.05", "--write", str(tmp_path / name) if name else "")
    assert done.exit_code == 2
    assert not list(tmp_path.glob("*.*"))


@pytest.mark.parametrize(
    "options",
    [
        ("--accused", "nan"),
        ("--accused", "1e-310"),
        ("--doubted", "1"),
        ("--labels", "labels"),
        ("--precision", "0.9"),
        ("--write", "/nowhere/ours.yaml"),
        ("--write", f"/tmp/{'a' * 300}.yaml"),
    ],
)
def test_wrong_use_is_one_sentence(out: Path, options: tuple[str, ...]) -> None:
    done = calibrate(str(out), *options)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert "run again with --verbose" not in done.output


def test_calls_without_a_conversation_do_not_count(tmp_path: Path) -> None:
    """Nobody picks up; the agent mutters."""
    call: dict[str, Any] = {
        "agent_id": "2001",
        "direction": "outbound",
        "turns": [{"role": "agent", "text": "又没人接，烦死了", "start_s": 20.0, "end_s": 22.0}],
    }
    lines = [json.dumps({"call_id": f"N{n}"} | call, ensure_ascii=False) for n in range(30)]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    audit_transcripts.audit_transcripts(
        tmp_path / "calls.jsonl", tmp_path / "none", config=config.Config()
    )
    done = calibrate(str(tmp_path / "none"), "--accused", "0.05")
    assert done.exit_code == 2
    assert "holds 0 with" in done.output
