"""The sample calls audited, re-scored and rendered again."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.tables import files, rows, table

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def copy(audited: Any, tmp_path: Path) -> Path:
    """The audit, to be changed."""
    return Path(shutil.copytree(audited.out, tmp_path / "out"))


def test_a_second_run_changes_nothing(audited: Any, callaudit: Script) -> None:
    files_before, rows_before = files(audited.out), rows(audited.out)
    runs_before = set((audited.out / "runs").iterdir())
    done = callaudit(*audited.arguments)
    assert done.returncode == 3, done.stderr
    assert "21 of 22" in done.stderr
    assert "林静" in done.stderr  # the table of agents shows what the run covered
    (run,) = set((audited.out / "runs").iterdir()) - runs_before
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    assert (summary["audited"], summary["resumed"], summary["rejected"]) == (21, 21, 1)
    assert rows(audited.out) == rows_before
    assert files(audited.out) == files_before


def test_rescoring_by_the_same_rulebook_changes_nothing(copy: Path, callaudit: Script) -> None:
    before = files(copy)
    for more in ([], ["--write"]):
        done = callaudit("rescore", copy, "--rulebook", "hotline", *more)
        assert done.returncode == 0, done.stderr
        assert "0 of 21 calls change" in done.stdout
        assert files(copy) == before


def test_rescoring_by_an_edited_rulebook(copy: Path, callaudit: Script, tmp_path: Path) -> None:
    turns = table(copy, "turns").query("call_id == 'S01' and role == 'agent'")
    said = max(turns["text"], key=len)[4:12].strip("，。？")
    own = tmp_path / "own.yaml"
    shown = yaml.safe_load(callaudit("rulebook", "show", "hotline").stdout)
    group = {"clause": "own-1", "severity": "major", "points": 15, "phrases": [said]}
    groups = [*shown["rules"]["forbidden_language"]["groups"], group]
    own.write_text(
        yaml.safe_dump(
            {
                "extends": "hotline",
                "id": "own",
                "rules": {"forbidden_language": {"groups": groups}},
            },
            allow_unicode=True,
        ),
        "utf-8",
    )
    before, scored = files(copy), table(copy, "calls").set_index("call_id")

    shown_only = callaudit("rescore", copy, "--rulebook", own)
    assert shown_only.returncode == 0, shown_only.stderr
    changed = [line.split("\t") for line in shown_only.stdout.splitlines() if "\t" in line]
    assert ["S01", "2001"] in [line[:2] for line in changed]
    assert "nothing written" in shown_only.stdout
    assert files(copy) == before

    written = callaudit("rescore", copy, "--rulebook", own, "--write")
    assert written.returncode == 0, written.stderr
    calls = table(copy, "calls").set_index("call_id")
    assert len(calls) == 21
    assert set(calls["rulebook_id"]) == {"own"}
    assert calls.loc["S01", "forbidden_language_verdict"] == "fail"
    assert calls.loc["S01", "score"] < scored.loc["S01", "score"]
    untouched = [c for c in calls.index if c not in {line[0] for line in changed}]
    assert calls.loc[untouched, "grade"].equals(scored.loc[untouched, "grade"])
    found = table(copy, "findings").query("call_id == 'S01' and clause_id == 'own-1'")
    assert list(found["verdict"]) == ["fail"]
    assert said in (copy / "html" / "calls" / "S01.html").read_text("utf-8")


def test_report_renders_the_pages_again(copy: Path, callaudit: Script) -> None:
    names = sorted(p.relative_to(copy) for p in copy.glob("html/**/*.html"))
    before = files(copy)
    shutil.rmtree(copy / "html")
    done = callaudit("report", copy)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(copy / "html" / "index.html")
    assert sorted(p.relative_to(copy) for p in copy.glob("html/**/*.html")) == names
    assert files(copy) == before
