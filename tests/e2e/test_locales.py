"""Started in any locale: names on disk are those that were typed, and printing never fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import NO_LOCALE, SCRIPT

SAID = [{"role": "agent", "text": "您好，请问有什么可以帮您？", "start_s": 0.2, "end_s": 3.0}]


def run(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "通话.jsonl"
    line = {"call_id": "甲1", "agent_id": "林静", "agent_name": "林静", "turns": SAID}
    path.write_text(json.dumps(line, ensure_ascii=False) + "\n", "utf-8")
    return path


@pytest.fixture
def gbk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A Chinese locale in GBK, made of the sources that Debian's package `locales` brings."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("no localedef")
    command = ["localedef", "-i", "zh_CN", "-f", "GBK", str(folder / "zh_CN.GBK")]
    subprocess.run(command, capture_output=True, check=False)
    if not (folder / "zh_CN.GBK" / "LC_CTYPE").is_file():
        pytest.skip("the package locales is not installed")
    return {"LOCPATH": str(folder), "LC_ALL": "zh_CN.GBK"}


def made_whole(out: Path, calls: Path, **environment: str) -> bytes:
    """Audit the calls into OUT, look for what was made, and return what was printed."""
    done = run("audit-transcripts", str(calls), "--out", str(out), **environment)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in out.parent.iterdir() if path.is_dir()] == [out.name]
    row = pd.read_parquet(out / "parquet" / "calls").iloc[0]
    assert (row["call_id"], row["agent_name"], row["agent_id"]) == ("甲1", "林静", "林静")
    assert row["source_file"] == "通话.jsonl:1"
    return done.stdout


def test_without_a_locale(tmp_path: Path, calls: Path) -> None:
    assert "报告".encode() in made_whole(tmp_path / "报告", calls, **NO_LOCALE)


def test_a_locale_of_another_encoding(tmp_path: Path, calls: Path, gbk: dict[str, str]) -> None:
    assert "报告".encode("gbk") in made_whole(tmp_path / "报告", calls, **gbk)


def test_a_terminal_that_cannot_show_it() -> None:
    done = run("rulebook", "show", "hotline", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert b"\\u60a8\\u597d" in done.stdout


def test_a_name_that_is_not_utf_8(tmp_path: Path, calls: Path) -> None:
    out = os.fsencode(tmp_path) + b"/" + "报告".encode("gbk")
    done = run("audit-transcripts", str(calls), "--out", out)
    assert done.returncode == 2
    assert "报告 is not written in UTF-8" in done.stderr.decode()
    assert not os.path.lexists(out)
