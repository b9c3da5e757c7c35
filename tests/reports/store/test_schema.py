"""The tables' definition: documented, versioned, and kept for files of earlier versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit import rulebooks
from audit.errors import CallauditError
from flows.commands import rescore as rescoring
from reports.store import Store, compaction, dictionary
from reports.store.columns import CHANGES, SCHEMA_VERSION
from reports.store.schema import CALLS, TABLES

ROOT = Path(__file__).parents[3]
OLD = ROOT / "tests" / "data"
VERSIONS = sorted(path.name.removeprefix("schema-") for path in OLD.glob("schema-*"))


def old(version: str, place: Path) -> Path:
    """A copy of the tables that the code of an earlier version wrote."""
    return Path(shutil.copytree(OLD / f"schema-{version}", place / "out"))


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "schema.md").read_text("utf-8")
    assert page == dictionary.page(), "run python -m reports.store.dictionary > docs/schema.md"


def test_every_column_is_documented() -> None:
    page = dictionary.page()
    for table in TABLES.values():
        assert f"## {table.name}\n" in page
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert set(table.key) <= {*names, *table.partitions}
        for column in table.columns:
            assert column.meaning
            assert f"| `{column.name}` |" in page


def test_the_version_has_its_entry_in_the_log() -> None:
    versions = [tuple(map(int, version.split("."))) for version, _ in CHANGES]
    assert versions == sorted(set(versions))
    assert CHANGES[-1][0] == SCHEMA_VERSION


def test_lineage_stands_on_every_call() -> None:
    names = {column.name for column in CALLS.columns}
    wanted = {"run_id", "audio_sha256", "model_sha256", "rulebook_sha256", "code_sha256"}
    assert wanted | {"audit_version", "schema_version"} <= names


def test_there_are_files_of_earlier_versions() -> None:
    assert VERSIONS == ["1.0", "1.2"]
    for version in VERSIONS:
        for path in (OLD / f"schema-{version}").rglob("*.parquet"):
            stored = pq.read_schema(path).metadata[b"callaudit.schema_version"]
            assert stored.decode() == version


@pytest.mark.parametrize("version", VERSIONS)
def test_readers_take_earlier_versions(version: str, tmp_path: Path) -> None:
    out = old(version, tmp_path)
    for name, table in TABLES.items():
        rows = Store(out)[name].arrow()
        assert {c.name for c in table.columns} | set(table.partitions) <= set(rows.schema.names)
        for column in table.columns:
            assert rows.schema.field(column.name).type == column.type
    calls = Store(out)["calls"].pandas()
    assert set(calls["schema_version"]) == {version}
    assert calls["code_sha256"].isna().all()
    assert calls["score"].notna().any()
    assert set(pd.read_parquet(out / "parquet" / "calls")["call_id"]) == set(calls["call_id"])
    some = Store(out)["turns"].arrow(columns=["level_db", "call_id"])
    assert some.schema.names == ["level_db", "call_id"]
    assert some.num_rows == Store(out)["turns"].arrow().num_rows


@pytest.mark.parametrize("version", VERSIONS)
def test_calls_of_earlier_versions_are_judged_again(version: str, tmp_path: Path) -> None:
    out = old(version, tmp_path)
    before = Store(out)["calls"].arrow().num_rows
    difference = rescoring.rescore(out, rulebook_id="hotline", write=True)
    assert difference.calls == before
    calls = Store(out)["calls"].pandas()
    assert len(calls) == before
    assert set(calls["schema_version"]) == {SCHEMA_VERSION}
    assert set(calls["rulebook_sha256"]) == {rulebooks.load("hotline").sha256}
    assert calls["code_sha256"].notna().all()


def test_versions_lie_side_by_side(tmp_path: Path) -> None:
    out = old("1.0", tmp_path)
    shutil.copytree(OLD / "schema-1.2", out, dirs_exist_ok=True)
    calls = Store(out)["calls"].pandas()
    assert set(calls["schema_version"]) == {"1.0", "1.2"}
    list(compaction.compact(Store(out), keep_nights=0))
    again = Store(out)["calls"].pandas()[calls.columns]
    order = ["audit_date", "call_id"]
    pd.testing.assert_frame_equal(
        again.sort_values(order, ignore_index=True), calls.sort_values(order, ignore_index=True)
    )


def test_a_newer_major_version_is_refused(tmp_path: Path) -> None:
    out = old("1.2", tmp_path)
    path = next((out / "parquet" / "calls").rglob("*.parquet"))
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.replace_schema_metadata({"callaudit.schema_version": "2.0"}), path)
    for columns in (None, ["call_id"]):
        with pytest.raises(CallauditError, match=r"schema 2\.0.*newer callaudit"):
            Store(out)["calls"].arrow(columns=columns)
    Store(out)["turns"].arrow()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    out = old("1.2", tmp_path)
    path = next((out / "parquet" / "calls").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CallauditError, match=r"part-0\.parquet is not a valid Parquet file"):
        Store(out)["calls"].arrow()
