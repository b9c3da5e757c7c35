"""The analysts' notebook runs from top to bottom, and finds what was put into the data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from data_samples.generate import months

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "reports" / "notebooks" / "analysis.ipynb"


def executed(out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int, dict[str, float]]:
    """What the notebook prints and shows as text, its pictures, and seconds by question."""
    monkeypatch.setenv("CALLAUDIT_OUT", str(out))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs: list[Any] = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    pictures = sum("image/png" in o.get("data", {}) for o in outputs)
    return "\n".join(texts), pictures, json.loads(texts[-1])


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert NOTEBOOK.stat().st_size < 30_000


def test_on_the_sample_calls(audited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text, pictures, _ = executed(audited.out, monkeypatch)
    assert "0 of 6 agents are worse" in text
    assert "too few for a regression" in text
    assert "nobody has reviewed a finding yet" in text
    assert "no column trained_on" in text
    assert pictures >= 3


def test_on_a_drawn_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = ("calls", "findings", "agents", "reviews")
    months.write(tmp_path, months.Plan(calls=15_000, agents=12, nights=20, tables=tables))
    text, pictures, seconds = executed(tmp_path, monkeypatch)
    odds = {name: float(value) for name, value in re.findall(r"^(\w+) +(\d\.\d+) ", text, re.M)}
    assert odds["evening"] > 1.3  # e^0.9 was drawn
    assert odds["held"] > 1.3  # and e^0.7
    change = re.search(r"training changed the share by (\S+)", text)
    assert change is not None
    assert float(change[1]) < 0
    assert "forbidden_language" in text
    assert pictures >= 5
    assert len(seconds) >= 6
