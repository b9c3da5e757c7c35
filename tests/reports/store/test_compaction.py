"""Merged months: the same answers, never half of anything, and never stale."""

from __future__ import annotations

import shutil
import threading
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import reports
from audit.errors import CallauditError
from flows.cli.main import main
from reports.store import Store, compaction, months, parquet, staging
from reports.store.layout import Layout
from reports.store.schema import CALLS, TABLES


def rows(out: Path, table: str) -> pd.DataFrame:
    definition = TABLES[table]
    order = list(dict.fromkeys([*definition.partitions, *definition.key]))
    read = Store(out)[table].arrow()
    return (
        read.select(sorted(read.schema.names))
        .sort_by([(n, "ascending") for n in order])
        .to_pandas()
    )


def answers(out: Path) -> list[pd.DataFrame]:
    store = reports.open(out)
    queries = (
        "SELECT agent, count(*), avg(score) FROM calls GROUP BY agent ORDER BY agent",
        "SELECT rule_id, verdict, count(*), sum(points) FROM findings GROUP BY ALL ORDER BY ALL",
        "SELECT audit_date, count(*) FROM turns GROUP BY ALL ORDER BY ALL",
        "SELECT * FROM agent_month ORDER BY ALL",
        "SELECT * FROM rule_trend ORDER BY ALL",
        "SELECT * FROM reviewed_precision ORDER BY ALL",
    )
    return [store.sql(query).df() for query in queries]


def change(out: Path, *, score: float) -> str:
    """Give one call of the first night another score; returns the call's id."""
    night = Store(out)["calls"].nights()[0]
    folder = Layout(out).night("calls", night)
    path = sorted(folder.glob("*/*.parquet"))[0]
    old = parquet.read_partition(path)
    assert old is not None
    at = old.schema.get_field_index("score")
    scores = pa.array([score, *old["score"].to_pylist()[1:]], pa.float64())
    Store(out).write(path, old.set_column(at, old.schema.field(at), scores))
    return str(old["call_id"][0].as_py())


def test_merging_changes_no_answer(month: Path, merged_month: Path) -> None:
    assert months.load(Layout(month)) == ()
    entries = months.load(Layout(merged_month))
    assert {entry.table for entry in entries} == set(TABLES) - {"rejects"}
    assert (
        sorted(n for e in entries if e.table == "calls" for n in e.nights)
        == (Store(month)["calls"].nights()[:-7])
    )
    for table in TABLES:
        pd.testing.assert_frame_equal(rows(merged_month, table), rows(month, table))
    for one, other in zip(answers(merged_month), answers(month), strict=True):
        pd.testing.assert_frame_equal(one, other, rtol=1e-12)


def test_what_is_asked_for_is_all_that_is_read(month: Path, merged_month: Path) -> None:
    wanted = {"nights": ("2026-10-28", "2026-11-02"), "agents": ["2003", "2007"]}
    for out in (month, merged_month):
        found = Store(out)["calls"].pandas(columns=["agent", "audit_date"], **wanted)
        assert set(found["agent"]) == {"2003", "2007"}
        assert set(found["audit_date"]) <= {str(d)[:10] for d in pd.date_range(*wanted["nights"])}
    everything = Store(month)["calls"].pandas()
    inside = everything["audit_date"].between(*wanted["nights"])
    assert len(found) == (inside & everything["agent"].isin(wanted["agents"])).sum()


def test_plain_readers_see_what_they_saw(month: Path, merged_month: Path) -> None:
    one, other = (pd.read_parquet(out / "parquet" / "findings") for out in (month, merged_month))
    assert len(one) == len(other)
    assert set(one["finding_id"]) == set(other["finding_id"])
    assert {"audit_date", "agent_id"} <= set(other.columns)


def test_a_night_that_is_written_again_is_read_from_there(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    list(compaction.compact(Store(out)))
    call = change(out, score=12.5)
    calls = Store(out)["calls"].pandas().set_index("call_id")
    assert calls.loc[call, "score"] == 12.5
    assert len(calls) == Store(month)["calls"].arrow().num_rows
    assert reports.open(out).sql(
        f"SELECT score FROM calls WHERE call_id = '{call}'"
    ).fetchall() == [(12.5,)]
    done = list(compaction.compact(Store(out)))
    assert [(c.table, c.month) for c in done] == [("calls", "2026-10")]
    calls = Store(out)["calls"].pandas().set_index("call_id")
    assert calls.loc[call, "score"] == 12.5
    assert list(compaction.compact(Store(out))) == []


def test_readers_never_see_half_of_anything(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    expected = Store(out)["calls"].arrow().num_rows
    problems: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                found = Store(out)["calls"].arrow(columns=["call_id"])["call_id"].to_pylist()
            except Exception as error:
                problems.append(repr(error))
                return
            if len(found) != expected or len(set(found)) != expected:
                problems.append(f"{len(found)} calls, {len(set(found))} different")

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        list(compaction.compact(Store(out), keep_nights=0))
        change(out, score=12.5)
        change(out, score=50.0)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert not list(out.rglob("*.tmp"))


def test_merged_files_that_nobody_names_go_a_generation_later(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    seen = []
    for _ in range(4):
        list(compaction.compact(Store(out), keep_nights=0))
        seen.append({path.name for path in (out / "compact").rglob("*.parquet")})
        change(out, score=12.5)
        change(out, score=50.0)
    assert len(seen[0]) == 2  # October and November
    assert all(len(names) == 3 for names in seen[1:])  # and the October of before
    assert not seen[0] & seen[2] - seen[1]


def test_a_merge_that_fails_leaves_what_was_there(
    month: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    before = rows(out, "calls")

    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("reports.store.compaction.pq.write_table", broken)
    with pytest.raises(OSError, match="no space"):
        list(compaction.compact(Store(out)))
    monkeypatch.undo()
    pd.testing.assert_frame_equal(rows(out, "calls"), before)
    assert list(compaction.compact(Store(out)))
    pd.testing.assert_frame_equal(rows(out, "calls"), before)


def test_a_damaged_index_is_named(merged_month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(merged_month / "parquet" / "calls", out / "parquet" / "calls")
    shutil.copytree(merged_month / "compact", out / "compact")
    (out / "compact" / "index.json").write_text("{", "utf-8")
    with pytest.raises(CallauditError, match=r"index\.json is damaged.*copies only"):
        Store(out)["calls"].arrow()
    shutil.rmtree(out / "compact")
    assert Store(out)["calls"].arrow().num_rows == 900


def test_a_merged_file_that_has_gone_is_named(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    list(compaction.compact(Store(out)))
    next((out / "compact" / "calls").glob("2026-10-*.parquet")).unlink()
    with pytest.raises(CallauditError, match="copies only"):
        Store(out)["calls"].arrow()


def test_the_command(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    first = CliRunner().invoke(main, ["compact", str(out)])
    assert first.exit_code == 0, first.output
    assert "calls 2026-10: 29 nights" in first.output
    again = CliRunner().invoke(main, ["compact", str(out)])
    assert again.output.strip() == "nothing to merge"
    nowhere = CliRunner().invoke(main, ["compact", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 2
    assert not (tmp_path / "nowhere").exists()


# batches that are exchanged together


def batch_of(out: Path) -> tuple[staging.Batch, list[Path]]:
    """Not used as a context, as by a process that dies."""
    folder = out / "parquet" / ".staged-test"
    folder.mkdir()
    batch = staging.Batch(Layout(out), folder)
    paths = sorted((out / "parquet" / "calls").rglob("*.parquet"))[:5]
    for path in paths:
        old = parquet.read_partition(path)
        assert old is not None
        at = old.schema.get_field_index("rulebook_id")
        renamed = pa.array(["other"] * len(old), pa.string())
        batch.put(path, old.set_column(at, old.schema.field(at), renamed))
    return batch, paths


def others(out: Path) -> int:
    return (
        Store(out)["calls"].arrow(columns=["rulebook_id"])["rulebook_id"].to_pylist().count("other")
    )


def test_a_batch_is_all_or_nothing(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    list(compaction.compact(Store(out)))
    batch, paths = batch_of(out)
    assert others(out) == 0
    expected = sum(len(parquet.read_partition(path) or ()) for path in paths)
    batch.commit()
    assert others(out) == expected
    assert not list((out / "parquet").glob(".staged-*"))


def test_a_batch_whose_process_died_takes_effect_later(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    batch, paths = batch_of(out)
    expected = sum(len(parquet.read_partition(path) or ()) for path in paths)
    (batch.folder / "commit").touch()
    (batch.folder / paths[0].relative_to(out / "parquet")).replace(paths[0])  # and then it died
    Store(out).recover()
    assert others(out) == expected
    assert not batch.folder.exists()


def test_a_batch_that_was_overtaken_changes_nothing(month: Path, tmp_path: Path) -> None:
    out = tmp_path
    shutil.copytree(month / "parquet" / "calls", out / "parquet" / "calls")
    with (
        pytest.raises(CallauditError, match="another run meanwhile"),
        Store(out).transaction() as batch,
    ):
        path = Layout(out).partition(CALLS, date(2026, 10, 1), "2001")
        old = parquet.read_partition(path)
        assert old is not None
        at = old.schema.get_field_index("rulebook_id")
        for name in ("mine", "theirs"):
            renamed = pa.array([name] * len(old), pa.string())
            new = old.set_column(at, old.schema.field(at), renamed)
            (batch.put if name == "mine" else Store(out).write)(path, new)
        batch.commit()
    assert parquet.read_partition(path)["rulebook_id"][0].as_py() == "theirs"  # type: ignore[index]
    assert not list((out / "parquet").glob(".staged-*"))
