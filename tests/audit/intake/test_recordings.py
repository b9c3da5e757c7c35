"""What a folder, a bucket or a manifest makes of a night's plan."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake.recordings import Plan, plan
from audit.intake.roots import fetched, open_root
from audit.raw_forms import RawForm

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
CALL = CALLS / "S21_2001_20261118T174500.wav"
TODAY = date(2026, 11, 20)


def planned(location: str | Path, manifest: str | Path | None = None) -> Plan:
    return plan(
        open_root(str(location)),
        manifest=None if manifest is None else str(manifest),
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=TODAY,
    )


def listed(tmp_path: Path, header: Sequence[str], *rows: Sequence[str]) -> Plan:
    """A plan from a manifest, over recordings that are all there."""
    folder = tmp_path / "calls"
    folder.mkdir(exist_ok=True)
    for row in rows:
        if row[0] and "/" not in row[0]:
            shutil.copy(CALL, folder / row[0])
    manifest = tmp_path / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return planned(folder, manifest)


# file names


def test_names_tell_call_agent_and_time(tmp_path: Path) -> None:
    for name in ("b_007_20261116T090510.wav", "a_x_0042_20261117T235959.MP3"):
        shutil.copy(CALL, tmp_path / name)
    first, second = planned(tmp_path).recordings  # in the order of their names
    assert (first.call_id, first.agent_id) == ("a_x", "0042")
    assert (second.call_id, second.agent_id) == ("b", "007")
    assert first.started_at.isoformat() == "2026-11-17T23:59:59+08:00"
    assert first.audit_date == date(2026, 11, 17)


def test_a_name_that_tells_nothing_is_a_reject(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "recording one.wav")
    shutil.copy(CALL, tmp_path / "c_1_20261399T000000.wav")
    result = planned(tmp_path)
    assert not result.recordings
    reasons = {reject.source_file: reject.reason for reject in result.rejects}
    assert reasons == {
        "recording one.wav": RejectReason.NO_AGENT,
        "c_1_20261399T000000.wav": RejectReason.BAD_METADATA,
    }
    assert all(reject.detail for reject in result.rejects)


def test_listing_order_and_what_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    names = ["b_1_20261116T090000.wav", "sub/a_1_20261116T090000.ogg", "a_1_20261116T080000.wav"]
    for name in names[::-1]:
        shutil.copy(CALL, tmp_path / name)
    for name in ("notes.txt", "manifest.csv", ".hidden_1_20261116T090000.wav"):
        (tmp_path / name).write_text("x")
    result = planned(tmp_path)
    found = [item.source_file for item in (*result.recordings, *result.rejects)]
    assert sorted(found) == sorted(names)
    assert [item.source_file for item in result.recordings] == sorted(
        item.source_file for item in result.recordings
    )
    assert result.ignored == 2
    # sub/a_… and a_… name the same call
    assert [reject.reason for reject in result.rejects] == [RejectReason.DUPLICATE_CALL_ID]


def test_files_without_a_header_are_recordings_of_the_form_that_is_set(tmp_path: Path) -> None:
    endings = ("sln", "ULAW", "vox", "v3", "rec", "wav")
    for ending in endings:
        shutil.copy(CALL, tmp_path / f"{ending}_1_20261116T090000.{ending}")
    result = planned(tmp_path)
    found = {item.call_id: item.raw_form for item in result.recordings}
    assert found == {
        "sln": RawForm("s16le", 8000),
        "ULAW": RawForm("mulaw", 8000),
        "vox": None,
        "v3": None,
        "wav": None,
    }
    assert result.ignored == 1
    rec = RawForm("alaw", 8000, 2)
    set_ = plan(
        open_root(str(tmp_path)),
        manifest=None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=TODAY,
        raw_forms={".rec": rec},
    )
    assert {r.call_id: r.raw_form for r in set_.recordings}["rec"] == rec and set_.ignored == 0


# manifests


def test_a_manifest_tells_everything(tmp_path: Path) -> None:
    header = [
        "file",
        "agent_id",
        "call_id",
        "agent_name",
        "started_at",
        "direction",
        "rulebook",
        "agent_channel",
        "answer_wait_s",
        "customer_vip",
        "queue",
        "队列",
    ]
    row = [
        "a.wav",
        "007",
        "C-1",
        "林静",
        "2026-11-16T01:00:00+00:00",
        "out",
        "hotline",
        "1",
        "3.5",
        "是",
        "it",
        "网络",
    ]
    (recording,) = listed(tmp_path, header, row).recordings
    assert (recording.call_id, recording.agent_id, recording.agent_name) == ("C-1", "007", "林静")
    assert recording.started_at.isoformat() == "2026-11-16T09:00:00+08:00"
    assert str(recording.direction) == "out"
    assert (recording.rulebook_id, recording.agent_channel) == ("hotline", "1")
    assert (recording.answer_wait_s, recording.customer_vip) == (3.5, True)
    assert dict(recording.meta) == {"meta_queue": "it", "meta_队列": "网络"}


def test_only_file_and_agent_are_required(tmp_path: Path) -> None:
    (recording,) = listed(
        tmp_path, ["file", "agent_id"], ["x_1_20261116T090000.wav", "9"]
    ).recordings
    assert recording.call_id == "x_1_20261116T090000"
    assert recording.agent_id == "9"
    assert recording.audit_date == date(2026, 11, 16)
    assert recording.started_at.utcoffset() is not None


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        ("file,agent_id", "a.wav,", RejectReason.NO_AGENT),
        ("file,agent_id", "sub/no.wav,1", RejectReason.MISSING_FILE),
        ("file,agent_id", "../calls/a.wav,1", RejectReason.OUTSIDE_ROOT),
        ("file,agent_id", "/etc/passwd,1", RejectReason.OUTSIDE_ROOT),
        ("file,agent_id,rulebook", "a.wav,1,nowhere", RejectReason.UNKNOWN_RULEBOOK),
        ("file,agent_id,started_at", "a.wav,1,yesterday", RejectReason.BAD_METADATA),
        ("file,agent_id,direction", "a.wav,1,up", RejectReason.BAD_METADATA),
        ("file,agent_id,agent_channel", "a.wav,1,2", RejectReason.BAD_METADATA),
        ("file,agent_id,answer_wait_s", "a.wav,1,-3", RejectReason.BAD_METADATA),
        ("file,agent_id,answer_wait_s", "a.wav,1,nan", RejectReason.BAD_METADATA),
        ("file,agent_id,customer_vip", "a.wav,1,maybe", RejectReason.BAD_METADATA),
    ],
)
def test_what_is_wrong_with_a_row(
    tmp_path: Path, header: str, row: str, reason: RejectReason
) -> None:
    columns = header.split(",")
    good = ["good.wav", "2", ""][: len(columns)]
    result = listed(tmp_path, columns, row.split(","), good)
    (reject,) = result.rejects
    assert reject.reason is reason
    assert len(reject.detail.split()) > 3
    assert [recording.agent_id for recording in result.recordings] == ["2"]


def test_each_row_ends_in_one_place(tmp_path: Path) -> None:
    rows = [["a.wav", "1", "C1"], ["a.wav", "1", "C1"], ["b.wav", "1", "C1"], ["c.wav", "1", "C2"]]
    result = listed(tmp_path, ["file", "agent_id", "call_id"], *rows)
    assert len(result.recordings) + len(result.rejects) == len(rows)
    assert {reject.reason for reject in result.rejects} == {RejectReason.DUPLICATE_CALL_ID}


def test_a_spreadsheets_manifest(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "a.wav")
    manifest = tmp_path / "m.csv"
    for encoding in ("utf-8-sig", "gb18030"):
        manifest.write_bytes("file,agent_id,agent_name\r\na.wav, 007 ,林静\r\n".encode(encoding))
        (recording,) = planned(tmp_path, manifest).recordings
        assert (recording.agent_id, recording.agent_name) == ("007", "林静")


def test_a_parquet_manifest(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "a.wav")
    rows = {"file": ["a.wav"], "agent_id": [2001], "answer_wait_s": [None], "score": [4.0]}
    pq.write_table(pa.table(rows), tmp_path / "m.parquet")
    (recording,) = planned(tmp_path, tmp_path / "m.parquet").recordings
    assert (recording.agent_id, recording.answer_wait_s) == ("2001", None)
    assert dict(recording.meta) == {"meta_score": "4"}


@pytest.mark.parametrize("content", [b"", b"name;agent\na;1\n", b"agent_id\n1\n", b"\xff\xfe\x00"])
def test_a_manifest_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(UsageError):
        planned(tmp_path, tmp_path / "m.csv")


def test_places_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "file.wav").write_bytes(b"x")
    for location in (tmp_path / "nowhere", tmp_path / "file.wav", "memory://nowhere"):
        with pytest.raises(UsageError, match="recordings"):
            open_root(str(location))
    with pytest.raises(UsageError, match="manifest"):
        planned(tmp_path, tmp_path / "nowhere.csv")


# other file systems


def test_a_root_that_is_no_folder_of_this_machine() -> None:
    bucket = f"/bucket-{uuid4().hex}"
    memory = fsspec.filesystem("memory")
    with memory.open(f"{bucket}/night/c1_007_20261116T090000.wav", "wb") as file:
        file.write(CALL.read_bytes())
    with memory.open(f"{bucket}/night/empty_007_20261116T090000.wav", "wb"):
        pass
    with memory.open(f"{bucket}/m.csv", "wb") as file:
        file.write(b"file,agent_id\nnight/c1_007_20261116T090000.wav,007\n../x.wav,1\n")
    location = f"memory:/{bucket}"

    result = planned(location)
    assert [reject.reason for reject in result.rejects] == [RejectReason.EMPTY]
    (recording,) = result.recordings
    assert recording.source_file == "night/c1_007_20261116T090000.wav"
    root = open_root(location)
    assert not root.local
    with fetched(root, recording) as ((path,), digest):
        assert path.read_bytes() == CALL.read_bytes()
        assert digest == hashlib.sha256(CALL.read_bytes()).hexdigest()
    assert not path.exists()

    with_manifest = planned(location, f"{location}/m.csv")
    assert [r.source_file for r in with_manifest.recordings] == [recording.source_file]
    assert [r.reason for r in with_manifest.rejects] == [RejectReason.OUTSIDE_ROOT]

    memory.rm(f"{bucket}/night", recursive=True)
    with pytest.raises(RejectedRecording, match="was removed"), fetched(root, recording):
        pass


def test_a_local_recording_is_read_where_it_lies(tmp_path: Path) -> None:
    shutil.copy(CALL, tmp_path / "c1_007_20261116T090000.wav")
    (recording,) = planned(tmp_path).recordings
    with fetched(open_root(str(tmp_path)), recording) as ((path,), digest):
        assert path == (tmp_path / "c1_007_20261116T090000.wav").resolve()
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.exists()
