"""Measures the tables: many small files, merged months, the notebook, replay.

``python -m tests.benchmarks.tables`` draws a month (100,000 calls of 1,000 agents), reads it
with callaudit, pandas and DuckDB, merges it, and runs the notebook on it. ``--year`` draws the
table ``calls`` of 365 nights instead and looks up where calls are stored, before and after.
``--replay`` judges the sample calls again, in other words each. Times are seconds on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import reports
from data_samples.generate import months
from reports.store import Store, compaction
from tests.benchmarks import rules

_NOTEBOOK = Path("reports/notebooks/analysis.ipynb")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{what:<58}{time.perf_counter() - started:>9.2f} s", flush=True)


def month(out: Path, plan: months.Plan) -> None:
    """Read, merge and question a month."""
    import duckdb

    with _timed("write"):
        files = months.write(out, plan)
    print(f"{files} files, {_megabytes(out / 'parquet'):.0f} MB")
    places = ["call_id", "agent", "audit_date"]
    findings = out / "parquet" / "findings"
    with _timed("calls, 3 columns, as written"):
        Store(out)["calls"].arrow(columns=places)
    with _timed("findings, pandas.read_parquet"):
        pd.read_parquet(findings)
    with _timed("findings counted, DuckDB on the partitions"):
        duckdb.execute(f"SELECT agent, count(*) FROM '{findings}/**/*.parquet' GROUP BY 1").df()
    with _timed("compact"):
        for done in compaction.compact(Store(out), keep_nights=0):
            print(f"  {done.table}: {done.rows} rows, {done.bytes / 1e6:.1f} MB")
    with _timed("calls, 3 columns, merged"):
        Store(out)["calls"].arrow(columns=places)
    with _timed("findings, reports.open(OUT).findings.pandas()"):
        reports.open(out).findings.pandas()
    print("the notebook's questions, seconds each:", json.dumps(questions(out)))


def year(out: Path, plan: months.Plan) -> None:
    """Find the places of all calls of a year of small files."""
    plan = replace(plan, nights=365, calls=plan.calls * 365 // 30, tables=("calls",))
    with _timed("write"):
        files = months.write(out, plan)
    print(f"{files} files, {_megabytes(out / 'parquet'):.0f} MB")
    places = ["call_id", "agent", "audit_date"]
    with _timed("places of all calls, as written"):
        Store(out)["calls"].arrow(columns=places)
    with _timed("compact all but 7 nights"):
        list(compaction.compact(Store(out)))
    print(f"{_megabytes(out / 'compact'):.0f} MB merged")
    with _timed("places of all calls, 7 nights as written"):
        Store(out)["calls"].arrow(columns=places)


def replay(out: Path) -> None:
    """Judge the sample calls again, each a dozen times in other words."""
    from flows.commands import rescore as rescoring

    first, rest = out / "first.jsonl", out / "rest.jsonl"
    written = [
        json.loads(file.read_text("utf-8"))["turns"] for file in sorted(rules.TRUTH.iterdir())
    ]
    first.write_text(
        "".join(_line(f"first-{i}", turns) for i, turns in enumerate(written)), "utf-8"
    )
    rest.write_text(
        "".join(
            _line(f"{word}-{i}", turns, before=word)
            for word in rules.BEFORE
            for i, turns in enumerate(written)
        ),
        "utf-8",
    )
    cli = [sys.executable, "-c", "from flows.cli.main import main; main()"]
    for file in (first, rest):
        store = str(file.with_suffix(""))
        subprocess.run([*cli, "audit-transcripts", str(file), "--out", store], check=True)
    rescoring.rescore(out / "first", rulebook_id="hotline", write=False)  # loads what is learned
    turns = Store(out / "rest")["turns"].arrow(columns=["call_id"]).num_rows
    started = time.process_time()
    result = rescoring.rescore(out / "rest", rulebook_id="hotline", write=False)
    spent = time.process_time() - started
    print(
        f"rescore: {result.calls / spent:.0f} calls, {turns / spent:.0f} turns a second of a core"
    )


def _line(call_id: str, turns: list[dict[str, Any]], *, before: str = "") -> str:
    roles = {"A": "agent", "C": "customer"}
    said = [
        {
            "role": roles[turn["role"]],
            "start_s": turn["start"],
            "end_s": turn["end"],
            "text": before + turn["text"],
        }
        for turn in turns
    ]
    call = {"call_id": call_id, "agent_id": "1001", "direction": "in", "turns": said}
    return json.dumps(call, ensure_ascii=False) + "\n"


def questions(out: Path) -> dict[str, float]:
    """Run the notebook on an output; seconds that each of its questions took."""
    import nbformat
    from nbclient import NotebookClient

    read: Any = nbformat.read
    notebook = read(_NOTEBOOK, as_version=4)
    before = os.environ.get("CALLAUDIT_OUT")
    os.environ["CALLAUDIT_OUT"] = str(out.resolve())
    try:
        NotebookClient(notebook, timeout=600).execute()
    finally:
        if before is None:
            del os.environ["CALLAUDIT_OUT"]
        else:
            os.environ["CALLAUDIT_OUT"] = before
    last = notebook.cells[-1].outputs[0].text
    return {str(name): float(took) for name, took in json.loads(last).items()}


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*.parquet")) / 1e6


def main() -> None:
    """Measure in a temporary folder, which is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--year", action="store_true")
    kind.add_argument("--replay", action="store_true")
    parser.add_argument("--calls", type=int, default=100_000, help="in a month")
    parser.add_argument("--agents", type=int, default=1_000)
    given = parser.parse_args()
    plan = months.Plan(calls=given.calls, agents=given.agents)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        if given.replay:
            replay(out)
        elif given.year:
            year(out, plan)
        else:
            month(out, plan)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
