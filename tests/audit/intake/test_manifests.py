"""Manifests as people have them: read right, or one sentence that says what to do."""

from __future__ import annotations

import os
import shutil
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from audit.errors import RejectReason, UsageError
from audit.intake import cells
from audit.intake.recordings import Plan, plan
from audit.intake.roots import open_root

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S21_2001_20261118T174500.wav"
ZONE = ZoneInfo("Asia/Shanghai")
NIGHT = "2026-11-17T20:15:00"
HEADER = "file,agent_id,agent_name,started_at,direction,note"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    (root / "晚班").mkdir()
    for name in ("k1.wav", "k2.wav", "k3.wav", "k4.wav", "晚班/K5.WAV"):
        shutil.copy(CALL, root / name)
    (root / "readme.txt").write_text("no recording")
    return root


def planned(folder: Path, manifest: Path | str | bytes) -> Plan:
    """A plan from a manifest, given as a path or as what stands in it."""
    if not isinstance(manifest, Path):
        path = folder.with_name("manifest.csv")
        path.write_bytes(manifest.encode() if isinstance(manifest, str) else manifest)
        manifest = path
    return plan(
        open_root(str(folder)),
        manifest=str(manifest),
        timezone=ZONE.key,
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
    )


def row(name: str, note: str, *, agent: str = "3001") -> str:
    return f"{name},{agent},周涛,{NIGHT},in,{note}"


# nothing is lost silently


@pytest.mark.parametrize(
    "lines",
    [
        [row("k1.wav", '"要求回电'), row("k2.wav", "好"), row("k3.wav", "好")],
        [row("k1.wav", "好"), row("k2.wav", "好"), row("k3.wav", '"要求回电')],
        [row("k1.wav", '"要求回电'), row("k2.wav", "好"), row("k3.wav", '要求退款"')],
        [row("k1.wav", '"要求回电'), row("k2.wav", '"好"'), row("k3.wav", "好")],
        [row("k1.wav", '"要求回电'), "k2.wav,3002", row("k3.wav", '要求退款"')],
        [row("k1.wav", '"要求"回电'), row("k2.wav", "好")],
        [row('"k1.wav', "好"), row("k2.wav", "好")],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quotation_that_takes_rows_in_is_refused(
    folder: Path, lines: list[str], end: str
) -> None:
    with pytest.raises(UsageError, match=r"quotation mark.* line \d"):
        planned(folder, end.join([HEADER, *lines, ""]))


def test_an_open_quotation_in_the_header_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="line 1"):
        planned(folder, 'file,agent_id,"note\nk1.wav,3001,好\nk2.wav,3001,"好"\n')


def test_notes_of_several_lines_and_marks_within_are_text(folder: Path) -> None:
    notes = ['"第一行\n第二行"', '"他说""不用了"", 挂断"', '说"不用了"', '5" 屏']
    lines = [row(f"k{number}.wav", note) for number, note in enumerate(notes, start=1)]
    result = planned(folder, "\n".join([HEADER, *lines]))
    assert [recording.meta["meta_note"] for recording in result.recordings] == [
        "第一行\n第二行",
        '他说"不用了", 挂断',
        '说"不用了"',
        '5" 屏',
    ]


def test_rows_of_another_length_than_the_header(folder: Path) -> None:
    lines = [
        row("k1.wav", "贵, 太慢"),
        row("k2.wav", "好,,,"),
        "k3.wav,3001",
        f"k4.wav,3001,周涛,{NIGHT}",
        ",,,,,",
        "",
        " , ,,,,",
    ]
    result = planned(folder, "\n".join([HEADER, *lines]))
    assert [recording.source_file for recording in result.recordings] == ["k2.wav", "k4.wav"]
    told = {reject.source_file: reject for reject in result.rejects}
    assert set(told) == {"k1.wav", "k3.wav"}
    assert {reject.reason for reject in told.values()} == {RejectReason.BAD_METADATA}
    assert "7 cells" in told["k1.wav"].detail and "6 columns" in told["k1.wav"].detail
    assert "before started_at" in told["k3.wav"].detail


def test_recordings_that_no_row_names_are_counted(folder: Path) -> None:
    result = planned(folder, f"file,agent_id\nk1.wav,1\n./k2.wav,1\ngone.wav,1\n{folder}/k3.wav,1")
    assert (len(result.recordings), len(result.rejects), result.unlisted) == (3, 1, 2)
    assert [r.source_file for r in result.recordings] == ["k1.wav", "./k2.wav", "k3.wav"]


# headers


@pytest.mark.parametrize(
    "header",
    [
        "File,Agent ID,Agent_Name,STARTED_AT",
        " file , agent-id , agent name ,started at",
        '\ufefffile,"agent_id",AgentName,StartedAt',
        "file;agent_id;agent_name;started_at",
        "file\tagent_id\tagent_name\tstarted_at",
        "sep=;\nfile;agent_id;agent_name;started_at",
        "\n\nfile,agent_id,agent_name,started_at,,",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_headers_and_delimiters_of_spreadsheets(folder: Path, header: str, encoding: str) -> None:
    if encoding == "gb18030":
        header = header.lstrip("\ufeff")
    mark = next(mark for mark in ";\t," if mark in header)
    lines = [header, mark.join(("k1.wav", "007", "欧阳静", "2026/11/17 8:05")), mark * 3]
    (recording,) = planned(folder, "\r\n".join(lines).encode(encoding)).recordings
    assert (recording.agent_id, recording.agent_name) == ("007", "欧阳静")
    assert recording.started_at == datetime(2026, 11, 17, 8, 5, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"file,agent_id,note,note\nk1.wav,1,a,b\n", "more than one column 'note'"),
        (b"file,agent_id,Desk,desk\nk1.wav,1,a,b\n", "more than one column 'Desk'"),
        (b"file,agent_id,Agent Id\nk1.wav,1,2\n", None),  # its exact name is meant
        (b"PK\x03\x04 and more", "Excel workbook"),
        ("file,agent_id\nk1.wav,周涛\n".encode().replace(b"\x91", b"\xff", 1), "line 2"),
        (b"file,agent\nk1.wav,1\n", "names file, agent"),
    ],
)
def test_a_header_that_would_lose_something(folder: Path, content: bytes, told: str | None) -> None:
    if told is None:
        (recording,) = planned(folder, content).recordings
        assert (recording.agent_id, dict(recording.meta)) == ("1", {"meta_Agent Id": "2"})
        return
    with pytest.raises(UsageError, match=told):
        planned(folder, content)


def test_a_number_of_rows_without_a_name_is_kept(folder: Path) -> None:
    """As ``pandas.DataFrame.to_csv`` writes its index."""
    (recording,) = planned(folder, ",file,agent_id\n0,k1.wav,1\n").recordings
    assert dict(recording.meta) == {"meta_unnamed_1": "0"}


# cells


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026/3/7 8:04", "2026-03-07T08:04:00"),
        ("2026-3-7 8:04", "2026-03-07T08:04:00"),
        ("2026/03/07 08:04:09", "2026-03-07T08:04:09"),
        ("2026.3.7 8:04", "2026-03-07T08:04:00"),
        ("2026年3月7日 8:04", "2026-03-07T08:04:00"),
        ("2026年3月7日 8时4分", "2026-03-07T08:04:00"),
        ("2026年3月7日星期六 下午8时4分9秒", "2026-03-07T20:04:09"),
        ("２０２６／３／７　８：０４", "2026-03-07T08:04:00"),
        ("2026/3/7 下午 12:04", "2026-03-07T12:04:00"),
        ("2026/3/7 上午 12:04", "2026-03-07T00:04:00"),
        ("3/27/2026 8:04 PM", "2026-03-27T20:04:00"),
        ("27/3/2026 8:04", "2026-03-27T08:04:00"),
        ("7-Mar-2026 08:04", "2026-03-07T08:04:00"),
        ("20260307080409", "2026-03-07T08:04:09"),
        ("202603070804", "2026-03-07T08:04:00"),
        ("2026/3/7", "2026-03-07T00:00:00"),
        ("46088.3361111", "2026-03-07T08:04:00"),
        ("1772841840", "2026-03-07T08:04:00+08:00"),
        ("1772841840000", "2026-03-07T08:04:00+08:00"),
        ("1772841840.5", "2026-03-07T08:04:00.500000+08:00"),
        ("2026-03-07 00:04:00 UTC", "2026-03-07T00:04:00+00:00"),
        ("2026-03-07 08:04:00 +0800", "2026-03-07T08:04:00+08:00"),
        ("2026/3/7 8:04 GMT+8", "2026-03-07T08:04:00+08:00"),
    ],
)
def test_times_as_people_write_them(text: str, expected: str) -> None:
    assert cells.moment(text, ZONE).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3/7/2026 8:04", "year first"),
        ("07.03.2026", "year first"),
        ("2.02603E+13", "shortened"),
        ("26/3/7 8:04", "a time such as"),
        ("2026/13/7 8:04", "a time such as"),
        ("2026/2/29", "a time such as"),
        ("2026/3/7 25:04", "a time such as"),
        ("2026-03-07 08.04", "a time such as"),
        ("8:04", "a time such as"),
        ("31", "a time such as"),
        ("前天", "a time such as"),
    ],
)
def test_times_of_more_than_one_reading_or_none(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        cells.moment(text, ZONE)


@pytest.mark.parametrize(
    ("column", "texts", "attribute", "expected"),
    [
        ("direction", "in IN inbound Incoming 呼入 来电 call-in 呼入电话", "direction", "in"),
        ("direction", "out OUTBOUND 呼出 去电 外呼 outgoing", "direction", "out"),
        ("agent_channel", "0 0.0 left L 左 左声道", "agent_channel", "0"),
        ("agent_channel", "1 1.0 Right r 右 右声道", "agent_channel", "1"),
        ("agent_channel", "mono MONO 单声道", "agent_channel", "mono"),
        ("customer_vip", "1 1.0 TRUE Yes 是 y", "customer_vip", "True"),
        ("customer_vip", "0 0.0 False no 否", "customer_vip", "False"),
        ("answer_wait_s", "62 62.0 0:01:02 62s 62秒", "answer_wait_s", "62.0"),
    ],
)
def test_words_for_one_thing(
    folder: Path, column: str, texts: str, attribute: str, expected: str
) -> None:
    for text in texts.split():
        (recording,) = planned(folder, f"file,agent_id,{column}\nk1.wav,1,{text}\n").recordings
        assert str(getattr(recording, attribute)) == expected, text


@pytest.mark.parametrize(
    ("header", "line", "told"),
    [
        ("file,agent_id,direction", "k1.wav,1,sideways", "in, out or nothing"),
        ("file,agent_id,agent_channel", "k1.wav,1,2", "0 (left), 1 (right)"),
        ("file,agent_id,agent_channel", "k1.wav,1,channel 1", "0 (left), 1 (right)"),
        ("file,agent_id,answer_wait_s", "k1.wav,1,1:02", "seconds"),
        ("file,agent_id,started_at", "k1.wav,1,3/7/2026", "year first"),
        ("file,agent_id", "k1.wav,1.00001E+17", "format the column as text"),
        ("file,agent_id", "K1.wav,1", "but k1.wav is"),
        ("file,agent_id", "k2,1", "but k2.wav is"),
        ("file,agent_id", "k5.wav,1", "but 晚班/K5.WAV is"),
        ("file,agent_id", "晚班\\K5.WAV,1", "but 晚班/K5.WAV is"),
        ("file,agent_id", "k9.wav,1", "copy it there"),
        ("file,agent_id", "D:\\calls\\k1.wav,1", "relative to it"),
        ("file,agent_id", "/srv/other/k1.wav,1", "put the recording inside it"),
    ],
)
def test_a_cell_that_says_nothing_known(folder: Path, header: str, line: str, told: str) -> None:
    (reject,) = planned(folder, f"{header}\n{line}\n").rejects
    assert told in reject.detail


def test_a_frame_as_pandas_writes_it(folder: Path, tmp_path: Path) -> None:
    moment = pd.Timestamp("2026-11-17 20:15:30.123456789")
    frame = pd.DataFrame(
        {
            "File": ["k1.wav", "k2.wav", None],
            "agent_id": [3001.0, 3002.0, None],
            "started_at": [moment, moment.tz_localize("UTC").tz_localize(None), pd.NaT],
            "direction": pd.Categorical(["inbound", "呼出", None]),
            "agent_channel": [0.0, 1.0, None],
            "customer_vip": [True, False, None],
            "answer_wait_s": pd.to_timedelta([12.0, 3.0, None], unit="s"),
            "shift": [date(2026, 11, 17), date(2026, 11, 18), None],
        }
    )
    frame.to_parquet(tmp_path / "m.parquet")
    result = planned(folder, tmp_path / "m.parquet")
    assert not result.rejects
    first, second = result.recordings
    assert (first.agent_id, first.agent_channel, first.customer_vip) == ("3001", "0", True)
    assert (str(first.direction), str(second.direction)) == ("in", "out")
    assert (first.answer_wait_s, second.answer_wait_s) == (12.0, 3.0)
    assert first.started_at == datetime(2026, 11, 17, 20, 15, 30, 123456, tzinfo=ZONE)
    assert dict(first.meta) == {"meta_shift": "2026-11-17"}


# names in another encoding


def test_a_name_that_is_no_utf_8_is_told_as_such(tmp_path: Path) -> None:
    gbk = os.fsdecode("早班_3001_20261117T081500.wav".encode("gb18030"))
    shutil.copy(CALL, tmp_path / gbk)
    root = open_root(str(tmp_path))
    listed = plan(
        root,
        manifest=None,
        timezone=ZONE.key,
        rulebooks=(),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
    )
    (reject,) = listed.rejects
    assert "not in UTF-8; rename it" in reject.detail and "manifest" not in reject.detail
    manifest = tmp_path / "m.csv"
    manifest.write_text("file,agent_id\n早班_3001_20261117T081500.wav,1\n")
    (reject,) = planned(tmp_path, manifest).rejects
    assert reject.reason is RejectReason.MISSING_FILE
    assert "under a name that is not in UTF-8" in reject.detail
