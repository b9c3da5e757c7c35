"""One module knows where things are under OUT."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from reports.store.layout import Layout
from reports.store.schema import CALLS, REJECTS

ROOT = Path(__file__).parents[3]
OWN = {
    *("parquet", "html", "private", "compact", "peaks", "attempts", "rulebooks", "runs", "cases"),
    *("checkpoints", "job.json", "summary.json", "index.json", "columns.json", "access.jsonl"),
    *("key.proof", ".lock", "nights", "queue", "agents", "calls", "audio"),
}
"""Names that callaudit gives to folders and files under OUT."""
BEGINNINGS = (".staged", "shard-", "audit_date=", "agent_id=")


def joined(tree: ast.AST) -> Iterator[str]:
    """Text that a path is made of: what follows a slash, and patterns of ``glob``."""
    for node in ast.walk(tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            given = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = node.args if node.func.attr in {"glob", "rglob", "joinpath"} else []
        for part in given:
            if isinstance(part, ast.JoinedStr) and part.values:
                part = part.values[0]
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


@pytest.mark.parametrize("package", ["reports", "flows"])
def test_no_other_module_spells_the_name_of_a_folder(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "layout.py"
        for text in joined(ast.parse(path.read_text("utf-8")))
        if text.strip("/").split("/")[0] in OWN or text.startswith(BEGINNINGS)
    ]
    assert found == []


def test_everything_is_under_the_root(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for name in ("../../etc", "S01", "..", "a/b"):
        for path in (
            layout.call_page(name),
            layout.agent_page(name),
            layout.audio_copy(name),
            layout.case_file(name),
            layout.partition(CALLS, date(2026, 11, 16), name),
        ):
            assert path.resolve().is_relative_to(tmp_path.resolve())
            assert ".." not in path.parts


def test_partitions_are_found_by_table_and_night(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.nights("calls") == []
    for table, agent in ((CALLS, "2001"), (CALLS, "a/b"), (REJECTS, None)):
        path = layout.partition(table, date(2026, 11, 16), agent)
        path.parent.mkdir(parents=True)
        path.touch()
        assert layout.table_and_night(path) == (table.name, "2026-11-16")
        assert path in set(layout.partitions(table.name))
    assert layout.nights("calls") == layout.nights("rejects") == ["2026-11-16"]
