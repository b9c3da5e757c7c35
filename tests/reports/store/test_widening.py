"""Readers that know nothing of callaudit see every column, whichever file they read first."""

from __future__ import annotations

import json
import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import reports
from audit.errors import UsageError
from flows import bucket
from flows.commands import purge as purging
from reports.store import Store, compaction, parquet
from reports.store.layout import Layout
from reports.store.schema import CALLS, REJECTS
from tests.reports.conftest import Sample, lay_out


def lay(out: Path, call_id: str, night: str, agent: str = "2001", **meta: str) -> None:
    """A call, with columns of its own, as a night of its own writes it."""
    lay_out(out, [Sample(call_id, agent=agent, night=night)])
    path = Layout(out).partition(CALLS, date.fromisoformat(night), agent)
    (row,) = (r for r in stored(path) if r["call_id"] == call_id)
    row = {name: value for name, value in row.items() if not name.startswith("meta_")}
    Store(out).write(path, parquet.to_table(CALLS, [row | {f"meta_{k}": meta[k] for k in meta}]))


def stored(path: Path) -> list[dict[str, Any]]:
    rows = parquet.read_partition(path)
    return [] if rows is None else rows.to_pylist()


def plainly(out: Path, table: str = "calls") -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table as pandas and as DuckDB take it, without options, by call."""
    folder = out / "parquet" / table
    queried = duckdb.sql(f"SELECT * FROM read_parquet('{folder}/**/*.parquet')").df()
    frames = (pd.read_parquet(folder), queried)
    one, other = (frame.set_index("call_id").sort_index() for frame in frames)
    return one, other


def cells(out: Path, column: str) -> dict[str, str | None]:
    """What both of them find in a column."""
    told = [
        {call: value if isinstance(value, str) else None for call, value in frame[column].items()}
        for frame in plainly(out)
    ]
    assert told[0] == told[1]
    return told[0]


def test_columns_of_later_and_of_earlier_nights(tmp_path: Path) -> None:
    lay(tmp_path, "K2", "2026-11-17", channel="app")
    lay(tmp_path, "K3", "2026-11-19", "2002", ticket="91", 满意度="5")
    lay(tmp_path, "K1", "2026-11-12")  # comes late, with none, and is read first
    lay(tmp_path, "K0", "2026-10-30", "007", branch="east")
    assert cells(tmp_path, "meta_channel") == {"K0": None, "K1": None, "K2": "app", "K3": None}
    assert cells(tmp_path, "meta_ticket")["K3"] == "91"
    assert cells(tmp_path, "meta_满意度")["K3"] == "5"
    assert cells(tmp_path, "meta_branch")["K0"] == "east"
    for frame in plainly(tmp_path):
        assert len(frame) == 4
        nights = sorted(str(night)[:10] for night in frame["audit_date"])
        assert nights == ["2026-10-30", "2026-11-12", "2026-11-17", "2026-11-19"]
    assert len(Store(tmp_path)["calls"].nights()) == 4
    store = reports.open(tmp_path)
    assert store.sql("SELECT count(*), count(meta_ticket) FROM calls").fetchall() == [(4, 1)]


def test_columns_that_differ_by_letter_case_are_one(tmp_path: Path) -> None:
    lay(tmp_path, "K2", "2026-11-17", Branch="east")
    lay(tmp_path, "K3", "2026-11-19", "2002", branch="west")
    lay(tmp_path, "K1", "2026-11-12", BRANCH="north", 分行="甲")
    assert cells(tmp_path, "meta_Branch") == {"K1": "north", "K2": "east", "K3": "west"}
    for frame in plainly(tmp_path):
        own = [name for name in frame.columns if name.startswith("meta_")]
        assert [name.lower() for name in own if "ranch" in name.lower()] == ["meta_branch"]
    path = Layout(tmp_path).partition(CALLS, date(2026, 11, 19), "2002")
    (row,) = stored(path)
    row = {name: value for name, value in row.items() if not name.startswith("meta_")}
    mixed = [
        row | {"meta_desk": "3"},
        row | {"call_id": "K4", "meta_Desk": "5", "meta_branch": "s"},
    ]
    Store(tmp_path).calls.provide(["meta_desk", "meta_Desk"])
    Store(tmp_path).write(path, parquet.to_table(CALLS, mixed))
    assert cells(tmp_path, "meta_desk") == {"K1": None, "K2": None, "K3": "3", "K4": "5"}
    assert cells(tmp_path, "meta_Branch")["K4"] == "s"


def test_only_a_new_column_makes_anybody_write_earlier_nights(tmp_path: Path) -> None:
    def stamps() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}

    lay(tmp_path, "K1", "2026-11-12", channel="app")
    lay(tmp_path, "K2", "2026-11-13")
    before = stamps()
    lay(tmp_path, "K3", "2026-11-14", channel="web")
    assert stamps() | before == stamps()
    lay(tmp_path, "K4", "2026-11-15", ticket="91")
    after = stamps()
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {path for path in before if "calls" in path.parts}
    only = Store(tmp_path)["calls"].rows(columns=["call_id", "run_id"])
    assert {row["run_id"] for row in only} == {"r1"}


def test_tables_of_before_get_them_at_the_next_writing(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-11-12")
    lay(tmp_path, "K2", "2026-11-13", channel="app")
    (tmp_path / "parquet" / "columns.json").unlink()
    for path in (tmp_path / "parquet" / "calls").rglob("*.parquet"):  # as an earlier version
        rows = parquet.read_partition(path)
        assert rows is not None
        late = ["private", *(["meta_channel"] if "11-12" in str(path) else [])]
        parquet.write_file(rows.drop_columns(late), path)
    lay(tmp_path, "K3", "2026-11-11")
    assert cells(tmp_path, "meta_channel") == {"K1": None, "K2": "app", "K3": None}
    for frame in plainly(tmp_path):
        assert "private" in frame.columns


def test_merged_months_and_their_partitions(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-10-01", channel="app")
    lay(tmp_path, "K2", "2026-10-02")
    list(compaction.compact(Store(tmp_path), keep_nights=0))
    lay(tmp_path, "K3", "2026-11-15", ticket="91")
    assert cells(tmp_path, "meta_ticket") == {"K1": None, "K2": None, "K3": "91"}
    assert not any(
        "2026-10" in str(c.month) for c in compaction.compact(Store(tmp_path))
    )  # still good
    rows = Store(tmp_path)["calls"].arrow(columns=["call_id", "meta_ticket", "meta_channel"])
    assert sorted(map(tuple, (row.values() for row in rows.to_pylist()))) == [
        ("K1", None, "app"),
        ("K2", None, None),
        ("K3", "91", None),
    ]


def test_a_batch_that_is_exchanged_together(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-11-12")
    path = Layout(tmp_path).partition(CALLS, date(2026, 11, 12), "2001")
    (row,) = stored(path)
    lay(tmp_path, "K2", "2026-11-13")
    with Store(tmp_path).transaction() as batch:
        batch.put(path, parquet.to_table(CALLS, [row | {"meta_queue": "vip"}]))
        batch.commit()
    assert cells(tmp_path, "meta_queue") == {"K1": "vip", "K2": None}


def test_readers_never_fail_while_columns_come(tmp_path: Path) -> None:
    for number in range(12):
        lay(tmp_path, f"K{number}", f"2026-11-{10 + number}")
    problems: list[str] = []
    done = threading.Event()
    folder = tmp_path / "parquet" / "calls"

    def look() -> None:
        connection = duckdb.connect()
        query = f"SELECT * FROM read_parquet('{folder}/**/part-*.parquet')"
        while not done.is_set():
            try:
                found = len(connection.execute(query).fetchall())
                if found != 12 or len(pd.read_parquet(folder)) != 12:
                    problems.append(f"{found} rows")
            except Exception as error:
                problems.append(repr(error))
                return

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(4):
        Store(tmp_path).calls.provide({f"meta_new{number}"})
    done.set()
    reader.join()
    assert problems == []
    assert {f"meta_new{number}" for number in range(4)} <= set(plainly(tmp_path)[0].columns)


def test_ids_that_readers_take_for_one_number_stay_apart(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-11-12", "7")
    empty = Layout(tmp_path).partition(CALLS, date(2026, 11, 12), "_")
    Store(tmp_path).write(empty, parquet.to_table(CALLS, []))
    lay(tmp_path, "K2", "2026-11-13", "007", channel="app")
    for frame in plainly(tmp_path):
        assert sorted(frame["agent_id"].astype(str)) == ["007", "7"]
    assert cells(tmp_path, "meta_channel") == {"K1": None, "K2": "app"}


def test_erasing_forgets_them(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-11-12", 住址="x")
    purging.purge(tmp_path, before=date(2030, 1, 1))
    lay(tmp_path, "K2", "2026-11-13", channel="app")
    assert "meta_住址" not in plainly(tmp_path)[0].columns
    assert cells(tmp_path, "meta_channel") == {"K2": "app"}
    with pytest.raises(UsageError):
        purging.purge(tmp_path, call_ids=["K1"])


def test_a_bucket_gets_the_first_file_of_a_table_last(tmp_path: Path) -> None:
    for number in range(3):
        lay(tmp_path, f"K{number}", f"2026-11-{10 + number}", channel="app")
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")]
    sent = [name for name in bucket._in_order(names) if "/calls/" in name]
    assert sent == sorted(sent, reverse=True) and len(sent) == 3


def test_what_is_noted(tmp_path: Path) -> None:
    lay(tmp_path, "K1", "2026-11-12", channel="app")
    note = tmp_path / "parquet" / "columns.json"
    noted = json.loads(note.read_text("utf-8"))
    assert {*CALLS.arrow_schema().names, "meta_channel"} <= set(noted["calls"])
    note.write_text("{")  # damaged: looked for in the files
    path = Layout(tmp_path).partition(REJECTS, date(2026, 11, 12), None)
    Store(tmp_path).write(path, parquet.to_table(REJECTS, []))
    lay(tmp_path, "K2", "2026-11-11")
    assert cells(tmp_path, "meta_channel") == {"K1": "app", "K2": None}
