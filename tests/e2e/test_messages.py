"""Situations that a user gets into, and the sentence that has to lead out of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.errors import OutputFailed
from flows.cli.main import main

TRUTH = Path(__file__).parents[2] / "data_samples" / "truth"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with recordings (none of them called), an empty folder and a few files."""
    (tmp_path / "calls").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "call.wav").write_bytes(b"no sound")
    (tmp_path / "gbk.yaml").write_bytes("batch: {timezone: 北京}".encode("gb18030"))
    (tmp_path / "typo.yaml").write_text("limits: {max_byte: 3}")
    (tmp_path / "word.yaml").write_text("limits: {max_bytes: many}")
    (tmp_path / "list.yaml").write_text("- batch")
    (tmp_path / "calls.jsonl").write_text('{"call_id": "1", "agent_id": "2", "turns": []}\n')
    return tmp_path


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("run {}/nowhere --out {}/out", "folder {}/nowhere does not exist; check the path"),
        ("run {}/call.wav --out {}/out", "is a file; give the folder"),
        ("run {}/calls --out {}/out --manifest {}/m.csv", "{}/m.csv does not exist"),
        ("run {}/calls --out {}/out --manifest {}/empty", "is a folder; name a file in it"),
        ("run {}/calls --out {}/out --config {}/c.yaml", "{}/c.yaml does not exist"),
        ("run {}/calls --out {}/out --config {}/gbk.yaml", "no time zone '北京'"),
        ("run {}/calls --out {}/out --config {}/typo.yaml", "max_byte: there is no such setting"),
        ("run {}/calls --out {}/out --config {}/word.yaml", "not 'many'"),
        ("run {}/calls --out {}/out --config {}/list.yaml", "such as `batch:"),
        ("run {}/calls --out {}/out --rulebook {}/b.yaml", "file {}/b.yaml; check the path"),
        ("run {}/calls --out {}/out --rulebook nobodys", "choose one of"),
        ("rulebook check {}/b.yaml", "{}/b.yaml; check the path"),
        ("audit-transcripts {}/t.jsonl --out {}/out", "{}/t.jsonl do not exist"),
        ("audit-transcripts {}/calls --out {}/out", "has no .json or .jsonl files"),
        ("audit-transcripts {}/calls.jsonl --out s3://b/out", "is a URL"),
        ("report {}/nowhere", "{}/nowhere does not exist; check the path"),
        ("report {}/empty", "{}/empty holds no audit; name the folder"),
        ("report s3://bucket/out", "is a URL; copy the audit"),
        ("compact {}/nowhere", "does not exist; check the path"),
        ("calibrate {}/nowhere", "does not exist; check the path"),
        ("calibrate {}/empty", "holds no audit"),
        (f"evaluate {{}}/empty {TRUTH}", "holds no audit"),
        ("rescore {}/nowhere --rulebook hotline", "does not exist; check the path"),
        ("case-file {}/nowhere C1", "does not exist; check the path"),
        ("transcript {}/empty C1", "holds no audit"),
        ("purge {}/nowhere --call-id C1", "does not exist; check the path"),
        ("review import {}/reviews.json --out {}/empty", "{}/empty holds no audit"),
        ("train stages --data {}/d.jsonl --out {}/m.npz", "{}/d.jsonl do not exist"),
        ("train stages --data {}/empty --out {}/m.npz", "end in .json"),
    ],
)
def test_a_sentence_names_the_cause_and_the_way_out(place: Path, command: str, told: str) -> None:
    before = sorted(place.rglob("*"))
    result = CliRunner().invoke(main, [part.replace("{}", str(place)) for part in command.split()])
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.startswith("callaudit: ") and result.stderr.count("\n") == 1
    assert told.replace("{}", str(place)) in result.stderr
    assert sorted(place.rglob("*")) == before


def _below_a_file(folder: Path) -> Path:
    (folder / "file").write_bytes(b"")
    return folder / "file" / "out"


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (_below_a_file, "not below a file"),
        (lambda folder: folder / ("o" * 300), "shorter path"),
    ],
)
def test_what_cannot_be_written_says_why(
    place: Path, where: Callable[[Path], Path], told: str
) -> None:
    out = str(where(place))
    result = CliRunner().invoke(main, ["audit-transcripts", f"{place}/calls.jsonl", "--out", out])
    assert result.exit_code == 1
    assert told in result.stderr


def test_each_error_of_the_system_has_its_own_advice() -> None:
    said = {
        number: str(OutputFailed.at(Path("/data"), OSError(number, "")))
        for number in (28, 13, 30, 5)
    }
    assert "free some space" in said[28]
    assert "let this user write" in said[13]
    assert "mount it" in said[30]
    assert "fix that" in said[5]
