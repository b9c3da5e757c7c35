"""Rows of a manifest that are files of one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audit.errors import RejectReason
from audit.legs import Leg
from audit.types import Recording
from tests.audit.intake.test_recordings import listed

AT = "2026-11-16T09:05:1"


def only(tmp_path: Path, header: Sequence[str], *rows: Sequence[str]) -> Recording:
    result = listed(tmp_path, header, *rows)
    assert not result.rejects
    (recording,) = result.recordings
    return recording


def test_two_sides_are_one_call(tmp_path: Path) -> None:
    header = ("file", "call_id", "leg", "agent_id", "agent_name", "started_at")
    recording = only(
        tmp_path,
        header,
        ("b.wav", "c1", "客户", "", "", AT + "2"),
        ("a.wav", "c1", "坐席", "007", "林静", AT + "4.5"),
    )
    assert (recording.agent_id, recording.agent_name) == ("007", "林静")
    assert recording.source_files == ("a.wav", "b.wav") and recording.source_file == "a.wav"
    assert recording.agent_channel == "0"
    assert recording.started_at.second == 12
    assert [(leg.side, leg.begins_s) for leg in recording.legs] == [
        ("agent", 2.5),
        ("customer", 0.0),
    ]


def test_two_files_in_one_row(tmp_path: Path) -> None:
    for name in ("x.wav", "y.wav"):
        (tmp_path / "calls").mkdir(exist_ok=True)
        (tmp_path / "calls" / name).write_bytes(b"RIFF")
    header = ("file_agent", "file_customer", "call_id", "agent_id", "started_at_customer")
    result = listed(tmp_path, header, ("x.wav", "y.wav", "c1", "007", AT + "0"))
    (recording,) = result.recordings
    assert recording.source_files == ("x.wav", "y.wav") and not result.rejects
    assert result.unlisted == 0
    assert recording.legs == (
        Leg("x.wav", side="agent"),
        Leg("y.wav", side="customer", begins_s=0.0),
    )


def test_parts_after_a_transfer_belong_to_the_first_agent(tmp_path: Path) -> None:
    header = ("file", "call_id", "leg", "agent_id", "started_at")
    recording = only(
        tmp_path,
        header,
        ("2.wav", "c1", "2", "008", "2026-11-16T09:06:00"),
        ("1.wav", "c1", "1", "007", "2026-11-16T09:05:00"),
    )
    assert recording.agent_id == "007" and recording.meta["meta_leg_agents"] == "007, 008"
    assert [(leg.file, leg.part, leg.begins_s, leg.agent_id) for leg in recording.legs] == [
        ("1.wav", 1, 0.0, None),
        ("2.wav", 2, 60.0, "008"),
    ]
    assert recording.meta["meta_leg"] == "1"


def test_parts_without_times_are_joined_by_number(tmp_path: Path) -> None:
    header = ("file", "call_id", "分段", "agent_id")
    rows = [(f"{n}.wav", "c1", str(n), "007") for n in (10, 2, 1)]
    recording = only(tmp_path, header, *rows)
    assert recording.source_files == ("1.wav", "2.wav", "10.wav")
    assert all(leg.begins_s is None for leg in recording.legs)


def test_one_part_alone_is_a_recording_like_any_other(tmp_path: Path) -> None:
    recording = only(tmp_path, ("file", "call_id", "part", "agent_id"), ("a.wav", "c1", "2", "007"))
    assert recording.legs == () and recording.meta == {"meta_part": "2"}


def test_one_side_alone_is_said_to_be_one(tmp_path: Path) -> None:
    recording = only(
        tmp_path, ("file", "call_id", "leg", "agent_id"), ("a.wav", "c1", "customer", "007")
    )
    assert recording.legs == (Leg("a.wav", side="customer"),)


def test_a_second_file_for_the_same_place_is_rejected(tmp_path: Path) -> None:
    header = ("file", "call_id", "leg", "agent_id")
    result = listed(
        tmp_path,
        header,
        ("a.wav", "c1", "agent", "007"),
        ("b.wav", "c1", "agent", "007"),
        ("c.wav", "c1", "customer", ""),
        ("d.wav", "c1", "", "007"),
    )
    (recording,) = result.recordings
    assert recording.source_files == ("a.wav", "c.wav")
    assert {reject.source_file: reject.reason for reject in result.rejects} == {
        "b.wav": RejectReason.DUPLICATE_CALL_ID,
        "d.wav": RejectReason.DUPLICATE_CALL_ID,
    }
    assert "leg" in result.rejects[0].detail


def test_a_missing_side_rejects_the_call_once(tmp_path: Path) -> None:
    header = ("file", "call_id", "leg", "agent_id")
    result = listed(
        tmp_path, header, ("a.wav", "c1", "agent", "007"), ("no/b.wav", "c1", "customer", "")
    )
    (reject,) = result.rejects
    assert not result.recordings
    assert (reject.source_file, reject.reason) == ("a.wav", RejectReason.MISSING_FILE)
    assert "no/b.wav" in reject.detail
