"""Written dialogues through the public commands: which checks fail, and which must not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Script = Callable[..., subprocess.CompletedProcess[str]]

LISTENING = Path(__file__).parents[2] / "data_samples" / "dialogues" / "listening.jsonl"


@pytest.fixture(scope="module")
def out(callaudit: Script, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dialogues")
    # the norm that asks for thanks and reasons of a wait
    done = callaudit("audit-transcripts", LISTENING, "--out", out, "--rulebook", "customer-service")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def figures(callaudit: Script, out: Path) -> dict[str, Any]:
    done = callaudit("evaluate", out, LISTENING, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_listening_accuses_nobody_wrongly(figures: dict[str, Any]) -> None:
    assert figures["calls"] == 225
    wrong = {check: counts["false_positives"] for check, counts in figures["rules"].items()}
    assert not any(wrong.values()), wrong


def test_most_of_what_is_wrong_is_found(figures: dict[str, Any]) -> None:
    rules = figures["rules"].values()
    found = sum(counts["true_positives"] for counts in rules)
    missed = sum(counts["false_negatives"] for counts in rules)
    assert found / (found + missed) >= 0.88


def test_labels_that_are_wrong_are_seen(callaudit: Script, out: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in LISTENING.read_text("utf-8").splitlines()]
    for line in lines:
        line["fails"] = [] if line["fails"] == ["hold.length"] else line["fails"]
    turned = tmp_path / "turned.jsonl"
    lines[0]["fails"] = ["hold.length"]
    turned.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    counts = json.loads(callaudit("evaluate", out, turned, "--json").stdout)["rules"]["hold.length"]
    assert counts["true_positives"] == 0
    assert counts["false_positives"] == 7
    assert counts["false_negatives"] == 1


@pytest.mark.parametrize(
    "text", ["", "{}\n", "[]\n", '{"call_id": "x", "fails": 3}\n', "no json\n"]
)
def test_labels_that_are_none(callaudit: Script, out: Path, tmp_path: Path, text: str) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(text, encoding="utf-8")
    done = callaudit("evaluate", out, labels)
    assert done.returncode == 2
    assert "labels.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_audit_without_any_of_the_labelled_calls(callaudit: Script, out: Path) -> None:
    done = callaudit("evaluate", out, LISTENING.parents[1] / "truth")
    assert done.returncode == 2
    assert "holds none of the 21 calls" in done.stderr
