"""The tables' one door: whole files, enforced schemas, and rows that come back as they went."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit import rulebooks
from audit.errors import RejectReason
from audit.intake.recordings import Reject
from audit.reasons import because
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Direction,
    Origin,
    Recording,
    Span,
    Transcript,
    Turn,
)
from flows import wiring
from reports import publish
from reports.publish import Located
from reports.store import Store, parquet
from reports.store import rows as table_rows
from reports.store.layout import Layout
from reports.store.schema import CALLS, FINDINGS, REJECTS, TABLES, TURNS
from tests.calls import Said, turns

BEIJING = timezone(timedelta(hours=8))
NIGHT = date(2026, 11, 16)
HOSTILE = [
    "../../etc/passwd",
    "a/b\\c",
    "007",
    "agent_id=1",
    "林静 (值班)",
    ".",
    "..",
    "100%",
    "%2E%2E",
    "<script>alert(1)</script>",
    "a" * 60,
]


def audited(
    call_id: str,
    agent: str = "2001",
    *,
    day: int = 16,
    text: str = "你问我我去问谁",
    meta: Mapping[str, str] | None = None,
    timed: bool = True,
) -> AuditedCall:
    said: list[Said] = [
        ("A", "您好，远山软件服务热线，工号二零零一，请问有什么可以帮助您？", 0.99, 6.12),
        ("C", "我们办公室的打印机从今天早上开始连不上网络了", 6.5, 11.25),
        ("A", text, 9.5, 13.0),
    ]
    built = turns(said if timed else [one[:2] for one in said], asr_confidence=0.91)
    if timed:
        built = [replace(turn, speech=_with_a_pause(turn)) for turn in built]
    recording = Recording(
        source_file=f"{call_id}.wav",
        call_id=call_id,
        agent_id=agent,
        started_at=datetime(2026, 11, day, 23, 30, tzinfo=BEIJING),
        agent_name="林静",
        direction=Direction.IN,
        answer_wait_s=3.5,
        customer_vip=False,
        meta=dict(meta or {}),
    )
    transcript = Transcript(
        turns=tuple(built),
        channels=Channels.STEREO if timed else Channels.TEXT,
        origin=Origin("a" * 64, "faster-whisper", "base", "b" * 64),
        duration_s=14.0 if timed else None,
        confidence=0.91,
        doubts=(because("recording.damaged"),),
    )
    return wiring.judge(Call(recording, transcript), rulebooks.load("hotline"))


def _with_a_pause(turn: Turn) -> tuple[Span, ...]:
    return Span(turn.start_s, turn.start_s + 1.0), Span(turn.start_s + 1.2, turn.end_s)


def put(out: Path, *calls: AuditedCall, run_id: str = "r1") -> None:
    """Publish calls as a run does, each in its own partition."""
    places = {c.call.recording.call_id: place_of(c) for c in calls}
    publish.remove_moved(Store(out), places, keep=places, run_id=run_id)
    for place in sorted(set(places.values())):
        own = [Located(c, None) for c in calls if place_of(c) == place]
        publish.publish_calls(Store(out), place, own, run_id=run_id)


def place_of(one: AuditedCall) -> publish.Place:
    return one.call.recording.audit_date, one.call.recording.agent_id


def stored(out: Path, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in Store(out)[table].rows()]


def stamps(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.glob("parquet/**/*.parquet")}


# all or nothing


def test_readers_never_see_half_of_anything(tmp_path: Path) -> None:
    texts = ["版本甲" * 40, "版本乙" * 4000]
    versions = [[audited(f"C{n}", text=text) for n in range(8)] for text in texts]
    put(tmp_path, *versions[0])
    seen: set[str] = set()
    problems: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                turns = pd.read_parquet(tmp_path / "parquet" / "turns")
                ours = {row["text"] for row in stored(tmp_path, "turns") if row["turn_index"] == 2}
            except Exception as error:
                problems.append(repr(error))
                return
            last = turns.loc[turns["turn_index"] == 2, "text"]
            if len(last) != 8 or last.nunique() != 1 or len(ours) != 1:
                problems.append(f"{len(last)} rows of {last.nunique()} versions")
            seen.update(last)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 16):
        put(tmp_path, *versions[number % 2], run_id=f"r{number}")
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert len(seen) == 2
    assert not [p for p in tmp_path.rglob("*") if p.suffix == ".tmp"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    put(tmp_path, audited("C1"))
    before = stored(tmp_path, "calls")
    path = Layout(tmp_path).partition(CALLS, NIGHT, "2001")
    with pytest.raises(Exception, match=r".+"):
        Store(tmp_path).write(path, "no table at all")  # type: ignore[arg-type]
    assert stored(tmp_path, "calls") == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_same_rows_again_touch_nothing(tmp_path: Path) -> None:
    put(tmp_path, audited("C1"), audited("C2", "2002"))
    files, rows = stamps(tmp_path), {name: stored(tmp_path, name) for name in TABLES}
    put(tmp_path, audited("C1"), audited("C2", "2002"), run_id="r2")
    assert stamps(tmp_path) == files
    assert {name: stored(tmp_path, name) for name in TABLES} == rows
    put(tmp_path, audited("C2", "2002", text="请您稍等"), run_id="r3")
    changed = {path for path, stamp in stamps(tmp_path).items() if files[path] != stamp}
    assert changed
    assert all("agent_id=2002" in str(path) for path in changed)


# what is enforced


def row_of(table: str) -> dict[str, Any]:
    rows = table_rows.call_rows(audited("C1"), run_id="r1", source_uri=None)
    return {"calls": rows.call, "turns": rows.turns[0], "findings": rows.findings[0]}[table]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("calls", "call_id", None),
        ("calls", "channels", "quadraphonic"),
        ("calls", "auto_fail", None),
        ("calls", "duration_s", "long"),
        ("turns", "role", "supervisor"),
        ("turns", "turn_index", "first"),
        ("findings", "verdict", "maybe"),
        ("findings", "severity", "dire"),
        ("findings", "points", None),
        ("findings", "colour", "red"),
    ],
)
def test_rows_that_break_the_schema_are_refused(table: str, column: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError, pa.ArrowInvalid)):
        parquet.to_table(TABLES[table], [{**row_of(table), column: value}])
    parquet.to_table(TABLES[table], [row_of(table)])


def test_files_have_the_schema_they_promise(tmp_path: Path) -> None:
    put(tmp_path, audited("C1", meta={"meta_queue": "it"}))
    for table in (CALLS, TURNS, FINDINGS):
        path = Layout(tmp_path).partition(table, NIGHT, "2001")
        schema = pq.read_schema(path)
        for column in table.columns:
            field = schema.field(column.name)
            assert (field.type, field.nullable) == (column.type, column.nullable), column.name
    assert oct(path.stat().st_mode & 0o777) == "0o640"


def test_an_empty_out_reads_as_empty_tables(tmp_path: Path) -> None:
    for name, table in TABLES.items():
        found = Store(tmp_path)[name].arrow()
        assert found.num_rows == 0
        assert {*(c.name for c in table.columns), *table.partitions} <= set(found.schema.names)


# what moves and what goes


def test_a_call_that_moves_leaves_its_old_partition(tmp_path: Path) -> None:
    put(tmp_path, audited("C1"), audited("C2"))
    put(tmp_path, audited("C1", "2002"), run_id="r2")
    assert sorted((r["call_id"], r["agent"]) for r in stored(tmp_path, "calls")) == [
        ("C1", "2002"),
        ("C2", "2001"),
    ]
    assert {(r["agent"], r["calls"]) for r in stored(tmp_path, "agents")} == {
        ("2001", 1),
        ("2002", 1),
    }
    put(tmp_path, audited("C1", "2002", day=17), run_id="r3")
    assert [r["agent"] for r in stored(tmp_path, "agents")].count("2002") == 1
    for table in ("turns", "findings"):
        nights = {r["audit_date"] for r in stored(tmp_path, table) if r["call_id"] == "C1"}
        assert nights == {"2026-11-17"}
    assert len(pd.read_parquet(tmp_path / "parquet" / "calls")) == 2


def reject(name: str, reason: RejectReason = RejectReason.CRASHED, day: int = 16) -> Reject:
    return Reject(name, reason, "run it again", date(2026, 11, day), None)


def test_a_reject_that_later_succeeds_leaves_rejects(tmp_path: Path) -> None:
    first = [reject("C1.wav"), reject("C2.wav")]
    publish.publish_rejects(Store(tmp_path), first, planned={"C1.wav", "C2.wav"}, run_id="r1")
    elsewhere = [reject("other.wav", day=17)]
    publish.publish_rejects(Store(tmp_path), elsewhere, planned={"other.wav"}, run_id="r2")
    second = [reject("C2.wav", RejectReason.UNDECODABLE)]
    publish.publish_rejects(Store(tmp_path), second, planned={"C1.wav", "C2.wav"}, run_id="r3")
    left = {row["source_file"]: row["reason"] for row in stored(tmp_path, REJECTS.name)}
    assert left == {"C2.wav": "undecodable", "other.wav": "crashed"}


# names from outside


@pytest.mark.parametrize("agent", HOSTILE)
def test_hostile_agent_ids_go_through_paths(tmp_path: Path, agent: str) -> None:
    put(tmp_path, audited("C1", agent))
    for path in tmp_path.rglob("*.parquet"):
        inside = path.relative_to(tmp_path / "parquet")
        assert len(inside.parts) == 4  # table, night, agent, file
    assert stored(tmp_path, "calls")[0]["agent"] == agent
    assert stored(tmp_path, "calls")[0]["agent_id"] == agent
    plain = pd.read_parquet(tmp_path / "parquet" / "calls")
    assert list(plain["agent"]) == [agent]


def test_leading_zeros_survive_in_agent(tmp_path: Path) -> None:
    put(tmp_path, audited("C1", "007"), audited("C2", "0042"))
    found = pd.read_parquet(tmp_path / "parquet" / "calls")
    assert set(found["agent"]) == {"007", "0042"}
    put(tmp_path, audited("C3", "7"))  # which plain readers take for the same number as 007
    assert [r["agent_id"] for r in stored(tmp_path, "agents")] == ["0042", "007", "7"]
    plain = pd.read_parquet(tmp_path / "parquet" / "calls")
    assert list(plain["agent"]) == list(plain["agent_id"])
    assert sorted(plain["agent"]) == ["0042", "007", "7"]


def test_metadata_that_differs_between_nights(tmp_path: Path) -> None:
    put(tmp_path, audited("C1"), audited("C2", day=17, meta={"meta_queue": "it"}))
    put(tmp_path, audited("C3", day=18, meta={"meta_csat": "5", "meta_queue": "网络"}))
    put(tmp_path, audited("C4", meta={"meta_queue": "late"}))  # into the night without any
    rows = {row["call_id"]: row for row in stored(tmp_path, "calls")}
    assert [rows[c]["meta_queue"] for c in ("C1", "C2", "C3", "C4")] == [None, "it", "网络", "late"]
    assert [rows[c]["meta_csat"] for c in ("C1", "C2", "C3")] == [None, None, "5"]
    only = Store(tmp_path)["calls"].arrow(columns=["call_id", "meta_csat"])
    assert only.num_rows == 4


# there and back


@pytest.mark.parametrize("timed", [True, False])
def test_a_call_that_is_stored_is_judged_the_same(tmp_path: Path, timed: bool) -> None:
    original = audited("C1", "007", meta={"meta_queue": "it"}, timed=timed)
    of_queue = replace(original.call.recording, queue="it")  # as manifests are read
    original = replace(original, call=replace(original.call, recording=of_queue))
    put(tmp_path, original)
    (row,) = stored(tmp_path, "calls")
    again = table_rows.call(row, stored(tmp_path, "turns"))
    assert again.recording.started_at.isoformat() == "2026-11-16T23:30:00+08:00"
    assert again.recording == replace(original.call.recording, rulebook_id="hotline")
    judged = wiring.judge(again, rulebooks.load("hotline"))
    rows: Callable[[AuditedCall], table_rows.CallRows] = lambda one: table_rows.call_rows(  # noqa: E731
        one, run_id="r1", source_uri=None
    )
    assert rows(judged) == rows(original)


def test_finding_ids_follow_call_rulebook_and_model_only(tmp_path: Path) -> None:
    def ids(one: AuditedCall, run_id: str = "r") -> list[str]:
        rows = table_rows.call_rows(one, run_id=run_id, source_uri=run_id)
        return [row["finding_id"] for row in rows.findings]

    first = audited("C1")
    assert ids(first) == ids(audited("C1"), run_id="another")
    assert len(set(ids(first))) == len(first.findings)
    assert not set(ids(first)) & set(ids(audited("C2")))
    assert not set(ids(first)) & set(ids(replace(first, rulebook_sha256="c" * 64)))
    origin = replace(first.call.transcript.origin, model_sha256="d" * 64)
    other = replace(first.call, transcript=replace(first.call.transcript, origin=origin))
    assert not set(ids(first)) & set(ids(replace(first, call=other)))


def test_measures_of_a_call(tmp_path: Path) -> None:
    put(tmp_path, audited("C1"))
    (row,) = stored(tmp_path, "calls")
    # speech of the agent: 0.99–1.99, 2.19–6.12, 9.5–10.5, 10.7–13.0; of the customer 4.55 s
    assert row["agent_talk_s"] == pytest.approx(1 + 3.93 + 1 + 2.3)
    assert row["customer_talk_s"] == pytest.approx(1 + 3.55)
    assert row["overlap_s"] == pytest.approx(1.0 + 0.55)
    assert row["silence_s"] == pytest.approx(14 - (8.23 + 4.55 - 1.55))
    assert row["started_at"] == datetime(2026, 11, 16, 15, 30, tzinfo=UTC)
    assert row["started_local"] == datetime(2026, 11, 16, 23, 30)
    assert row["interruptions"] == 1
