"""The clock that tells a call's night: that of ``batch.timezone``, however inputs are written."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import reports
from audit.intake import manifests, time_formats, transcripts
from audit.intake.recordings import plan
from audit.intake.roots import open_root
from audit.types import Call
from flows.cli.main import main

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"
SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
TURNS = [
    {"role": "agent", "text": "您好，请问有什么可以帮您？", "start_s": 0.5, "end_s": 4.0},
    {"role": "customer", "text": "查一下宽带什么时候装。", "start_s": 4.5, "end_s": 7.0},
]


def ready(folder: Path, *starts: str) -> Path:
    """Ready transcripts that begin then, of calls T0, T1, …"""
    path = folder / "calls.jsonl"
    calls = [
        {"call_id": f"T{n}", "agent_id": "31", "started_at": start, "turns": TURNS}
        | {"direction": "in", "answer_wait_s": 9}
        for n, start in enumerate(starts)
    ]
    path.write_text("".join(json.dumps(call) + "\n" for call in calls), "utf-8")
    return path


@pytest.mark.parametrize(
    ("zone", "written", "local"),
    [
        (SHANGHAI, "2026-11-30T15:59:59Z", "2026-11-30T23:59:59+08:00"),
        (SHANGHAI, "2026-11-30T16:00:00+00:00", "2026-12-01T00:00:00+08:00"),
        (SHANGHAI, "2026-12-01T00:30:00+09:00", "2026-11-30T23:30:00+08:00"),
        (SHANGHAI, "2026-12-31T23:45:00-03:30", "2027-01-01T11:15:00+08:00"),
        (SHANGHAI, "2026-12-01T07:10:00+08:00", "2026-12-01T07:10:00+08:00"),
        (SHANGHAI, "2026-12-01T07:10:00", "2026-12-01T07:10:00+08:00"),
        (NEW_YORK, "2026-12-01T04:59:00Z", "2026-11-30T23:59:00-05:00"),
        (BERLIN, "2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),  # an hour left out
        (BERLIN, "2026-03-29T01:30:00Z", "2026-03-29T03:30:00+02:00"),
        (BERLIN, "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),  # the first of two
        (BERLIN, "2026-10-25T01:30:00Z", "2026-10-25T02:30:00+01:00"),  # the second
        ("Africa/Cairo", "2026-04-24T00:20:00", "2026-04-24T01:20:00+03:00"),  # at midnight
    ],
)
def test_manifests_and_transcripts_read_the_same_clock(
    tmp_path: Path, zone: str, written: str, local: str
) -> None:
    row = {"file": "a.wav", "agent_id": "31", "started_at": written}
    by_row = manifests.from_row(row, ZoneInfo(zone))
    (by_line,) = transcripts.read(
        ready(tmp_path, written), timezone=zone, rulebooks=frozenset({"hotline"})
    )
    assert isinstance(by_line, Call)
    for recording in (by_row, by_line.recording):
        assert recording.started_at.isoformat() == local
        assert recording.audit_date.isoformat() == local[:10]
    assert manifests.date_of(row, ZoneInfo(zone)) == by_row.audit_date  # that of its reject


@pytest.mark.parametrize(
    ("zone", "day", "hours"), [(BERLIN, date(2026, 3, 29), 23), (NEW_YORK, date(2026, 11, 1), 25)]
)
def test_nights_in_which_the_clock_is_changed(zone: str, day: date, hours: int) -> None:
    first = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=36)
    nights = Counter(
        time_formats.in_zone(first + timedelta(minutes=20 * n), ZoneInfo(zone)).date()
        for n in range(5 * 24 * 3)
    )
    assert nights[day] == hours * 3
    assert nights[day - timedelta(1)] == nights[day + timedelta(1)] == 24 * 3


def test_times_with_a_zone_in_parquet_and_times_of_files(tmp_path: Path) -> None:
    calls, manifest = tmp_path / "calls", tmp_path / "m.parquet"
    calls.mkdir()
    began = [
        pd.Timestamp("2026-11-16T17:05:00", tz="UTC"),
        pd.Timestamp("2026-11-16T10:30:00", tz=NEW_YORK).tz_convert("UTC"),
        None,  # as its file's own time
    ]
    copied = [shutil.copy(CALL, calls / f"{name}.wav") for name in "abc"]
    written_s = datetime(2026, 11, 16, 16, 30, tzinfo=UTC).timestamp()
    os.utime(copied[-1], (written_s, written_s))
    table = pd.DataFrame({"file": ["a.wav", "b.wav", "c.wav"], "agent_id": "31"})
    pq.write_table(pa.Table.from_pandas(table.assign(started_at=began)), manifest)
    planned = plan(
        open_root(str(calls)),
        manifest=str(manifest),
        timezone=SHANGHAI,
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
    )
    assert [recording.started_at.isoformat() for recording in planned.recordings] == [
        "2026-11-17T01:05:00+08:00",
        "2026-11-16T23:30:00+08:00",
        "2026-11-17T00:30:00+08:00",
    ]


def test_tables_pages_and_commands_tell_the_same_night(tmp_path: Path) -> None:
    out = tmp_path / "out"
    starts = ("2026-11-16T15:20:00Z", "2026-11-16T16:40:00Z", "2026-11-17T10:05:00+09:00")
    commands = CliRunner()
    file = ready(tmp_path, *starts)
    done = commands.invoke(main, ["audit-transcripts", str(file), "--out", str(out)])
    assert done.exit_code == 0, done.output
    book = tmp_path / "own.yaml"
    book.write_text("extends: customer-service\nid: own\n", "utf-8")
    rescored = commands.invoke(main, ["rescore", str(out), "--rulebook", str(book), "--write"])
    assert rescored.exit_code == 0, rescored.output  # which moves no call

    rows = reports.open(out).calls.pandas().sort_values("call_id")
    assert [str(night)[:10] for night in rows["audit_date"]] == [
        "2026-11-16",
        "2026-11-17",
        "2026-11-17",
    ]
    local = [str(moment) for moment in rows["started_local"]]
    assert local == ["2026-11-16 23:20:00", "2026-11-17 00:40:00", "2026-11-17 09:05:00"]
    hours = reports.open(out).sql("SELECT hour FROM service_level ORDER BY audit_date, hour")
    assert hours.fetchall() == [(23,), (0,), (9,)]
    assert "2026-11-17 00:40" in (out / "html" / "calls" / "T1.html").read_text("utf-8")

    erased = commands.invoke(main, ["purge", str(out), "--before", "2026-11-17"])
    assert erased.output.startswith("1 calls erased")
    assert set(reports.open(out).calls.pandas()["call_id"]) == {"T1", "T2"}


def test_a_night_that_an_earlier_version_took_for_another(tmp_path: Path) -> None:
    """What was published by the date as written moves when it is audited again: once, whole."""
    out, file = tmp_path / "out", ready(tmp_path, "2026-11-16T17:05:00Z")
    commands = CliRunner()
    utc = tmp_path / "utc.yaml"
    utc.write_text("batch: {timezone: UTC}\n", "utf-8")
    arguments = ["audit-transcripts", str(file), "--out", str(out)]
    assert commands.invoke(main, [*arguments, "--config", str(utc)]).exit_code == 0
    assert commands.invoke(main, arguments).exit_code == 0
    rows = reports.open(out).calls.pandas()
    assert [str(night)[:10] for night in rows["audit_date"]] == ["2026-11-17"]
