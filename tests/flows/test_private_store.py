"""Who may read what is written, and what logs do not say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd

from tests.flows.nights import ROOT, SCRIPT


def test_output_is_for_owner_and_group(audited: Any) -> None:
    open_to_all = [path for path in audited.out.rglob("*") if path.stat().st_mode & 0o007]
    assert open_to_all == []


def test_logs_have_neither_names_nor_words(
    audited: Any, tmp_path: Path, prefect_server: str
) -> None:
    samples = ROOT / "data_samples"
    calls = tmp_path / "calls"
    calls.mkdir()
    row = pd.read_parquet(audited.out / "parquet" / "calls").set_index("call_id").loc["S06"]
    for name in (row["source_file"], "S21_2001_20261118T174500.wav"):
        (calls / name).symlink_to(calls / f"real-{name}.bin")
        (calls / f"real-{name}.bin").write_bytes((samples / "calls" / name).read_bytes())
    (tmp_path / "manifest.csv").write_text(
        "file,agent_id,agent_name,call_id\n"
        f"{row['source_file']},2006,{row['agent_name']},S06\n"
        "S21_2001_20261118T174500.wav,2001,王建国,S21\n",
        "utf-8",
    )
    ran = subprocess.run(
        [
            *(str(SCRIPT), "run", str(calls), "--manifest", str(tmp_path / "manifest.csv")),
            *("--out", str(tmp_path / "out"), "--verbose"),
        ],
        env={
            **os.environ,
            "PREFECT_API_URL": prefect_server,
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    turns = pd.read_parquet(tmp_path / "out" / "parquet" / "turns")["text"]
    said = {text for text in turns if len(text) > 3}
    assert said
    output = ran.stdout + ran.stderr
    # the table of agents is the answer to the person who asked; what is logged comes before it
    logged = output[: output.index("recordings audited")]
    assert "王建国" not in logged
    assert row["agent_name"] not in logged
    assert not [text for text in said if text in output]
