"""Turns said and turns heard, paired through a store that audit-transcripts wrote."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

import reports
from data_samples.generate.heard import rows
from flows.cli.main import main

SAID = [
    {"role": "C", "text": "我的网断了。", "start": 1.0, "end": 3.0},
    {"role": "A", "text": "您别急，我来查。", "start": 4.0, "end": 8.0},
    {"role": "C", "text": "快点儿。", "start": 9.0, "end": 10.0},
    {"role": "A", "text": "马上好。", "start": 11.0, "end": 12.0},
]
HEARD = [
    {"role": "customer", "text": "我的王断了", "start_s": 1.1, "end_s": 3.1},
    {"role": "agent", "text": "您别急", "start_s": 4.1, "end_s": 5.5},
    {"role": "agent", "text": "我来茶", "start_s": 5.9, "end_s": 8.2},
    {"role": "agent", "text": "啊", "start_s": 9.2, "end_s": 9.8},  # crosstalk: nobody's turn
    {"role": "customer", "text": "快点", "start_s": 9.0, "end_s": 10.0},
]


def test_turns_are_paired_by_side_and_time_and_missed_ones_are_empty(tmp_path: Path) -> None:
    call = {"call_id": "c1", "agent_id": "2001", "duration_s": 13.0, "turns": HEARD}
    (tmp_path / "calls.jsonl").write_text(json.dumps(call, ensure_ascii=False) + "\n", "utf-8")
    labels = {"call_id": "c1", "codec": "amr", "voice": "lin", "turns": SAID}
    (tmp_path / "c1.json").write_text(json.dumps(labels), "utf-8")
    out = tmp_path / "out"
    command = ["audit-transcripts", str(tmp_path / "calls.jsonl"), "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output

    found = list(rows(reports.open(out), tmp_path))

    assert [row["turn"] for row in found] == [1, 2, 3, 4]
    assert [row["heard"] for row in found] == ["我的王断了", "您别急我来茶", "快点", ""]
    assert [row["voice"] for row in found] == ["customer", "lin", "customer", "lin"]
    assert found[3]["confidence"] == ""
    assert {row["codec"] for row in found} == {"amr"}


def test_calls_without_labels_are_left_out(tmp_path: Path) -> None:
    call = {"call_id": "c2", "agent_id": "2001", "duration_s": 13.0, "turns": HEARD}
    (tmp_path / "calls.jsonl").write_text(json.dumps(call, ensure_ascii=False) + "\n", "utf-8")
    out = tmp_path / "out"
    command = ["audit-transcripts", str(tmp_path / "calls.jsonl"), "--out", str(out)]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert list(rows(reports.open(out), tmp_path)) == []
