"""Manifests of other systems are read as the configuration says."""

from __future__ import annotations

import io
import shutil
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest

from audit.errors import RejectReason, UsageError
from tests.audit.intake.tables import CALL, planned, saved, workbook

ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS = {"file": "录音文件", "agent_id": "坐席工号", "started_at": "开始时间"}
MOMENT = datetime(2026, 11, 16, 9, 2, 3, tzinfo=ZONE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    for name in ("k1.wav", "k2.wav", "k3.wav"):
        shutil.copy(CALL, root / name)
    return root


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_mapped_columns_below_a_title(folder: Path, encoding: str, mark: str) -> None:
    lines = [
        "通话记录, 导出于 2026; 共 1 条",
        mark.join(("序号", "坐席工号", "录音文件", "开始时间", "技能组")),
        mark.join(("1", "007", "k1.wav", "2026/11/16 9:02:03", "售后")),
    ]
    table = "\r\n".join(lines).encode(encoding)
    (recording,) = planned(folder, table, columns=COLUMNS).recordings
    assert (recording.source_file, recording.agent_id) == ("k1.wav", "007")
    assert recording.started_at == MOMENT
    assert dict(recording.meta) == {"meta_序号": "1", "meta_技能组": "售后"}


def test_an_encoding_and_a_delimiter_that_cannot_be_found_are_given(folder: Path) -> None:
    table = "file^agent_id^agent_name\nk1.wav^7^黃麗華\n".encode("big5")
    (recording,) = planned(folder, table, encoding="big5", delimiter="^").recordings
    assert recording.agent_name == "黃麗華"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("16.11.2026 09.02.03", {"time_format": "%d.%m.%Y %H.%M.%S"}, MOMENT),
        ("11/12/2026 9:02", {"time_format": "%m/%d/%Y %H:%M"}, datetime(2026, 11, 12, 9, 2)),
        ("1794790923", {"time_format": "unix", "timezone": "America/New_York"}, MOMENT),
        ("1794790923000", {"time_format": "unix_ms"}, MOMENT),
        ("2026-11-16 01:02:03", {"timezone": "UTC"}, MOMENT),
        ("16/Nov/2026:01:02:03 +0000", {"time_format": "%d/%b/%Y:%H:%M:%S %z"}, MOMENT),
        ("2026-11-16T09:02:03", {"time_format": "%d.%m.%Y"}, MOMENT),  # as Excel's dates come
    ],
)
def test_times_in_a_format_and_a_zone(
    folder: Path, text: str, options: dict[str, str], expected: datetime
) -> None:
    table = f"file,agent_id,started_at\nk1.wav,7,{text}\n"
    (recording,) = planned(folder, table, **options).recordings
    assert recording.started_at == (expected if expected.tzinfo else expected.replace(tzinfo=ZONE))


def test_values_are_ours_after_they_have_been_read(folder: Path) -> None:
    values = {
        "direction": {1: "in", 2: "out", "内部": ""},
        "agent_channel": {"A": 0, "B": 1},
        "hung_up_by": {"坐席": "agent"},
    }
    table = (
        "file,agent_id,direction,agent_channel,挂断方\n"
        "k1.wav,7,1,a,坐席\nk2.wav,7,2,B,\nk3.wav,7,内部,,坐席\n"
    )
    result = planned(folder, table, values=values, columns={"hung_up_by": "挂断方"})
    read = [
        (r.direction and str(r.direction), r.agent_channel, r.meta["meta_hung_up_by"])
        for r in result.recordings
    ]
    assert read == [("in", "0", "agent"), ("out", "1", ""), (None, None, "agent")]


def test_columns_of_a_csv_without_a_header(folder: Path) -> None:
    names = ["call_id", "agent_id", "_", "file"]
    for above in ("", "call_id;agent_id;_;file\n"):
        table = f"{above}c1;007;x;k1.wav\nc2;008;;k2.wav\n"
        result = planned(folder, table, header=names, keep=[])
        assert [r.call_id for r in result.recordings] == ["c1", "c2"]
        assert not result.rejects and not result.recordings[0].meta


def test_a_list_names_columns_of_which_one_may_be_there(folder: Path) -> None:
    columns = {"call_id": ("linkedid", "uniqueid"), "agent_name": ("cnam",)}
    (recording,) = planned(
        folder, "file,agent_id,uniqueid\nk1.wav,7,u1\n", columns=columns
    ).recordings
    assert (recording.call_id, recording.agent_name) == ("u1", None)


def test_their_own_column_of_our_name_is_kept(folder: Path) -> None:
    table = "file,agent_id,call_id,uuid\nk1.wav,7,internal,u1\n"
    (recording,) = planned(folder, table, columns={"call_id": "uuid"}).recordings
    assert recording.call_id == "u1"
    assert dict(recording.meta) == {"meta_original_call_id": "internal"}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_wide_exports_keep_what_is_named(folder: Path, form: str) -> None:
    frame = pd.DataFrame(
        {"file": ["k1.wav"], "agent_id": ["007"], "Hung Up By": ["agent"], "队列": ["售后"]}
        | {f"c{n}": [n] for n in range(3_000)}
    )
    frame = frame.rename(columns={"Hung Up By": "hung_up_by"})
    file = io.BytesIO()
    frame.to_parquet(file) if form == "parquet" else frame.to_csv(file, index=False)
    table = file.getvalue()
    (recording,) = planned(folder, table).recordings
    assert dict(recording.meta) == {"meta_hung_up_by": "agent"}
    (recording,) = planned(folder, table, keep=["c7", "队列", "absent"]).recordings
    assert dict(recording.meta) == {
        "meta_hung_up_by": "agent",
        "meta_队列": "售后",
        "meta_c7": "7",
    }


# workbooks


def test_a_workbook_as_people_make_them(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.append(["请勿修改"])
    sheet = book.create_sheet("通话")
    sheet["B1"] = "十一月通话记录"
    sheet.merge_cells("B1:G1")
    rows = [
        ["file", "agent_id", "started_at", "answer_wait_s", "customer_vip", "电话"],
        ["k1.wav", 7, datetime(2026, 11, 16, 9, 2, 3), 12.5, True, 13800138000],
        ["k2.wav", "0042", datetime(2026, 11, 16), time(0, 0, 12), False, None],
        ["k3.wav", None, "2026/11/16 9:02:03", None, None, 123456789012345678],
    ]
    for line, row in enumerate(rows, start=3):
        for place, value in enumerate(row, start=2):
            sheet.cell(line, place, value)
    sheet["C4"].number_format = "000"
    sheet.merge_cells("C5:C6")
    sheet.row_dimensions[5].hidden = True
    hidden = book.create_sheet("旧")
    hidden.append(["file", "agent_id"])
    hidden.sheet_state = "hidden"
    result = planned(folder, saved(book))
    assert not result.rejects
    first, second, third = result.recordings
    assert [r.agent_id for r in result.recordings] == ["007", "0042", "0042"]
    assert first.started_at == third.started_at == MOMENT
    assert second.started_at == datetime(2026, 11, 16, tzinfo=ZONE)
    assert (first.answer_wait_s, second.answer_wait_s) == (12.5, 12.0)
    assert (first.customer_vip, second.customer_vip) == (True, False)
    assert [r.meta["meta_电话"] for r in result.recordings] == [
        "13800138000",
        "",
        "1.23456789012346E+17",
    ]


def test_a_header_of_two_rows(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["file", "agent_id", "通话", None])
    book.active.append([None, None, "started_at", "direction"])
    for area in ("A1:A2", "B1:B2", "C1:D1"):
        book.active.merge_cells(area)
    book.active.append(["k1.wav", "7", MOMENT.replace(tzinfo=None), "呼入"])
    (recording,) = planned(folder, saved(book)).recordings
    assert (recording.started_at, str(recording.direction)) == (MOMENT, "in")


def test_mapped_columns_of_a_workbook(folder: Path) -> None:
    table = workbook(["坐席工号", "录音文件", "开始时间"], ["007", "k1.wav", "2026/11/16 9:02:03"])
    (recording,) = planned(
        folder, table, columns=COLUMNS, time_format="%Y/%m/%d %H:%M:%S"
    ).recordings
    assert (recording.agent_id, recording.started_at) == ("007", MOMENT)


# names of files


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("c1_007_20261116090203.wav", "{call_id}_{agent_id}_{time:%Y%m%d%H%M%S}"),
        ("007/2026-11-16/c1-090203.wav", "{agent_id}/{time:%Y-%m-%d}/{call_id}-{time:%H%M%S}"),
        ("a/b/007/c1-1794790923.wav", "{agent_id}/{call_id}-{time:unix}"),
        ("q-600-20261116-090203-c1-007.wav", "{_}-{_}-{time:%Y%m%d-%H%M%S}-{call_id}-{agent_id}"),
        ("[007] c1 16Nov2026 09.02.03.wav", "[{agent_id}] {call_id} {time:%d%b%Y %H.%M.%S}"),
    ],
)
def test_names_by_a_pattern(tmp_path: Path, name: str, pattern: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CALL, path)
    (recording,) = planned(tmp_path, None, file_name=pattern).recordings
    assert (recording.call_id, recording.agent_id) == ("c1", "007")
    assert recording.started_at == MOMENT


def test_names_in_another_zone_and_with_more_columns(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "q-售后-007-20261116010203.wav")
    (recording,) = planned(
        tmp_path,
        None,
        file_name="{direction}-{queue}-{agent_id}-{time:%Y%m%d%H%M%S}",
        values={"direction": {"q": "in"}},
        timezone="UTC",
    ).recordings
    assert recording.call_id == "q-售后-007-20261116010203"
    assert (recording.started_at, str(recording.direction)) == (MOMENT, "in")
    assert dict(recording.meta) == {"meta_queue": "售后"}


def test_a_pattern_fills_what_the_manifest_leaves_empty(tmp_path: Path) -> None:
    for name in ("c1-007.wav", "c2-008.wav", "other.wav"):
        shutil.copy(CALL, tmp_path / name)
    table = "file,call_id\nc1-007.wav,\nc2-008.wav,own\nother.wav,x\n"
    result = planned(tmp_path, table, file_name="{call_id}-{agent_id}")
    assert [(r.call_id, r.agent_id) for r in result.recordings] == [("c1", "007"), ("own", "008")]
    assert [reject.reason for reject in result.rejects] == [RejectReason.NO_AGENT]


def test_names_that_are_not_of_the_pattern(tmp_path: Path) -> None:
    for name in ("c1_007_20261316090203.wav", "c1_20261116090203.wav"):
        shutil.copy(CALL, tmp_path / name)
    result = planned(tmp_path, None, file_name="{call_id}_{agent_id}_{time:%Y%m%d%H%M%S}")
    told = {reject.source_file: reject for reject in result.rejects}
    assert "does not exist" in told["c1_007_20261316090203.wav"].detail
    assert told["c1_20261116090203.wav"].reason is RejectReason.NO_AGENT
    assert "not named {call_id}_{agent_id}" in told["c1_20261116090203.wav"].detail


def test_an_unreadable_workbook_is_one_sentence(folder: Path) -> None:
    whole = workbook(["file", "agent_id"], ["k1.wav", "7"])
    for damaged in (whole[:300], whole[: len(whole) // 2], b"PK\x03\x04" + bytes(100)):
        with pytest.raises(UsageError, match="damaged, or an archive"):
            planned(folder, damaged)
