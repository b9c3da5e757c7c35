"""Other vendors' transcripts: folders, manifests, and what cannot be read."""

from __future__ import annotations

import copy
import gzip
import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from audit.errors import RejectReason, UsageError
from audit.intake.recordings import Reject
from audit.types import Call
from flows.cli.main import main
from tests.audit.intake.foreign.samples import SAMPLES, lay, read, sample

HEADER = "file,agent_id\n"


def manifest(place: Path, *rows: str, header: str = HEADER) -> str:
    path = place / "manifest.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows), "utf-8")
    return str(path)


def changed(name: str, *keys: str | int, to: object) -> Any:
    """A sample with the value under some keys changed; None takes it out."""
    value = copy.deepcopy(sample(name))
    place = value
    for key in keys[:-1]:
        place = place[key]
    if to is None and isinstance(place, dict):
        del place[keys[-1]]
    else:
        place[keys[-1]] = to
    return value


RESULT = ("Result", "Sentences", 3)
DETAIL = ("Response", "Data", "ResultDetail", 3)
BAD: list[tuple[Any, str]] = [
    # funasr
    ([{"key": "x", "text": "您好", "timestamp": [[0, 200]]}], "spk_model"),
    (changed("funasr.json", 0, "sentence_info", to=[]), "no sentences"),
    (
        changed("funasr.json", 0, "sentence_info", 2, "start", to=None),
        "sentence_info[2].start is missing",
    ),
    (changed("funasr.json", 0, "sentence_info", 2, "end", to=10**9), "end is 1000000000"),
    (changed("funasr.json", 0, "sentence_info", 2, "start", to=-500), "start is -500"),
    (changed("funasr.json", 0, "sentence_info", 2, "start", to=10**400), "start is 1000"),
    (changed("funasr.json", 0, "sentence_info", 2, "start", to=True), "start is True"),
    (
        changed("funasr.json", 0, "sentence_info", 2, "text", to=None),
        "sentence_info[2].sentence is missing",
    ),
    (changed("funasr.json", 0, "sentence_info", 2, to="您好"), "sentence_info[2] is '您好'"),
    ([{"key": "x", "sentence_info": [{"text": "您好", "start": 0, "end": 900}]}], "spk_model"),
    # whisperx
    ({"segments": [], "language": "zh"}, "no sentences"),
    ({"segments": [{"start": 0, "end": 1, "text": "您好"}]}, "--diarize"),
    (changed("whisperx.json", "segments", 1, "end", to=float("nan")), "segments[1].end is nan"),
    (changed("whisperx.json", "segments", 1, "end", to=0.2), "end_s is before start_s"),
    (changed("whisperx.json", "segments", 1, "text", to=7), "segments[1].text is 7"),
    (changed("whisperx.json", "segments", 1, "words", 0, "score", to=3), "score is 3"),
    # aws-transcribe
    ({"JobName": "x", "JobStatus": "FAILED", "FailureReason": "no audio"}, "FAILED (no audio)"),
    ({"CallAnalyticsJob": {"CallAnalyticsJobStatus": "IN_PROGRESS"}}, "IN_PROGRESS"),
    ({"CallAnalyticsJob": {"CallAnalyticsJobStatus": "COMPLETED"}}, "download"),
    ({"jobName": "x", "results": {"transcripts": [], "items": []}}, "Call Analytics job"),
    (changed("aws_transcribe.json", "Transcript", to=[]), "empty"),
    (
        changed("aws_transcribe.json", "Transcript", 0, "ParticipantRole", to=None),
        "Transcript[0].ParticipantRole is missing",
    ),
    (
        changed("aws_transcribe.json", "Transcript", 0, "Content", to=None),
        "Transcript[0].Content is missing",
    ),
    (
        changed("aws_transcribe.json", "Transcript", 0, "BeginOffsetMillis", to="0"),
        "BeginOffsetMillis is '0'",
    ),
    # aliyun
    ({"TaskId": "x", "StatusText": "RUNNING", "StatusCode": 21050001}, "RUNNING"),
    ({"TaskId": "x", "StatusText": "FILE_DOWNLOAD_FAILED", "StatusCode": 41050002}, "41050002"),
    ({"TaskId": "x", "StatusText": "SUCCESS_WITH_NO_VALID_FRAGMENT"}, "no speech"),
    (changed("aliyun.json", "Result", "Sentences", to=[]), "no sentences"),
    (changed("aliyun.json", *RESULT, "EndTime", to=None), "Result.Sentences[3].EndTime is missing"),
    (changed("aliyun.json", *RESULT, "EndTime", to=10**9), "EndTime is 1000000000"),
    (changed("aliyun.json", *RESULT, "Text", to=None), "Text is missing"),
    ({"Sentences": [{"BeginTime": 0, "EndTime": 900, "Text": "您好"}]}, "auto_split"),
    ({"output": {"task_status": "FAILED", "code": "X"}}, "FAILED, X"),
    ({"output": {"task_status": "SUCCEEDED", "results": []}}, "transcription_url"),
    ({"Code": "403", "Message": "no", "RequestId": "r", "Success": False}, "403: no"),
    ({"Data": {"ResultInfo": []}, "Code": "200", "Success": True}, "no sentences"),
    # tencent
    (
        {"Response": {"Error": {"Code": "FailedOperation.NoSuchTask", "Message": "no"}}},
        "NoSuchTask",
    ),
    ({"Data": {"TaskId": 1, "Status": 1, "StatusStr": "doing"}}, "still running"),
    ({"Data": {"TaskId": 1, "StatusStr": "waiting"}}, "is waiting"),
    (
        {"Data": {"TaskId": 1, "Status": 3, "StatusStr": "failed", "ErrorMsg": "bad"}},
        "failed (bad)",
    ),
    (changed("tencent.json", *DETAIL, "StartMs", to=None), "StartMs is missing"),
    (changed("tencent.json", *DETAIL, "FinalSentence", to=None), "FinalSentence is missing"),
    ({"Data": {"Status": 2, "StatusStr": "success", "Result": "您好"}}, "line 1 of Data.Result"),
    (
        {"Data": {"Status": 2, "StatusStr": "success", "Result": "[0:0.1,0:2.0]  您好"}},
        "SpeakerDiarization",
    ),
]


@pytest.mark.parametrize(("value", "told"), BAD)
def test_what_cannot_be_read_is_a_reject_in_one_sentence(
    tmp_path: Path, value: Any, told: str
) -> None:
    place = lay(tmp_path / "in" / "x.json", value)
    listed = manifest(tmp_path, "x.wav,3017", "W1001.wav,3017", "F1001.wav,3017")
    reject, *others = read(place, manifest=listed)
    assert isinstance(reject, Reject) and len(others) == 2  # rows of other calls
    assert reject.reason is RejectReason.BAD_METADATA
    assert told in reject.detail and "\n" not in reject.detail
    assert reject.source_file.startswith("x.json:1")
    assert reject.call_id in {"x", "F1001", "W1001"}


def test_a_call_that_can_no_longer_be_read_leaves_the_tables(tmp_path: Path) -> None:
    place, listed = tmp_path / "x.json", manifest(tmp_path, "x.wav,3017")
    out = tmp_path / "out"
    command = ["audit-transcripts", str(place), "--out", str(out), "--manifest", listed]
    shutil.copy(SAMPLES / "tencent.json", place)
    assert CliRunner().invoke(main, command).exit_code == 0
    lay(place, {"Data": {"TaskId": 1, "Status": 1, "StatusStr": "doing"}})
    assert CliRunner().invoke(main, command).exit_code == 3
    assert not len(pd.read_parquet(out / "parquet" / "calls"))
    (told,) = pd.read_parquet(out / "parquet" / "rejects").detail
    assert "still running" in told


def test_the_end_of_a_file_may_be_missing(tmp_path: Path) -> None:
    text = (SAMPLES / "whisperx.json").read_text("utf-8")
    (tmp_path / "x.json").write_text(text[: len(text) // 2], "utf-8")
    (got,) = read(tmp_path / "x.json", manifest=manifest(tmp_path, "x.wav,3017"))
    assert isinstance(got, Reject) and "the file ends within it" in got.detail


# Who is the agent


def test_no_agent_says_what_to_do(tmp_path: Path) -> None:
    place = lay(tmp_path / "x.json", sample("tencent.json"))
    (got,) = read(place)
    assert isinstance(got, Reject) and got.reason is RejectReason.NO_AGENT
    assert "--manifest" in got.detail
    got, other = read(place, manifest=manifest(tmp_path, "y.wav,3017"))
    assert isinstance(got, Reject) and got.reason is RejectReason.NO_AGENT
    assert "x.json" in got.detail
    assert isinstance(other, Reject) and other.reason is RejectReason.MISSING_FILE
    assert other.source_file == "y.wav"


def test_the_file_s_name_may_tell_the_agent(tmp_path: Path) -> None:
    place = lay(tmp_path / "T9_3017_20261116T093000.json", sample("tencent.json"))
    (got,) = read(place)
    assert isinstance(got, Call)
    assert (got.recording.call_id, got.recording.agent_id) == ("T9", "3017")
    assert got.recording.audit_date == date(2026, 11, 16)


def test_the_analysis_names_the_agent_itself(tmp_path: Path) -> None:
    (got,) = read(lay(tmp_path / "x.json", sample("aliyun_analysis.json")))
    assert isinstance(got, Call)
    assert (got.recording.agent_id, got.recording.agent_name) == ("3017", "林静")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (("x.wav,3017", "x.mp3,3018"), "rows 1, 2"),
        (("x.wav,",), "agent_id"),
    ],
)
def test_a_wrong_row_is_told(tmp_path: Path, rows: tuple[str, ...], told: str) -> None:
    place = lay(tmp_path / "x.json", sample("tencent.json"))
    got = read(place, manifest=manifest(tmp_path, *rows))[0]
    assert isinstance(got, Reject) and told in got.detail


def test_an_agent_who_does_not_speak_is_told(tmp_path: Path) -> None:
    place = lay(tmp_path / "x.json", sample("whisperx.json"))
    header = "file,agent_id,agent_speaker\n"
    (got,) = read(place, manifest=manifest(tmp_path, "x.wav,1,SPEAKER_07", header=header))
    assert isinstance(got, Reject) and "SPEAKER_00, SPEAKER_01" in got.detail


def test_a_manifest_completes_our_own_lines(tmp_path: Path) -> None:
    ours = sample("ours.json")
    del ours["agent_id"]
    place = lay(tmp_path / "calls.jsonl", ours)
    header = "file,call_id,agent_id,agent_name,started_at,direction,answer_wait_s,queue\n"
    row = "a.wav,O1001,3017,林静,2026-11-16 09:00,out,12,宽带"
    (got,) = read(place, manifest=manifest(tmp_path, row, header=header))
    assert isinstance(got, Call)
    told = got.recording
    assert (told.agent_id, told.agent_name, told.direction) == ("3017", "林静", "out")
    assert told.answer_wait_s == 12 and told.meta == {"meta_queue": "宽带"}
    assert told.audit_date == date(2026, 11, 16)


# Several calls


def test_several_calls_of_one_file(tmp_path: Path) -> None:
    lines = [json.dumps(sample(name)) for name in ("tencent.json", "aliyun.json")]
    lines.append(json.dumps(sample("aws_transcribe.json")))
    (tmp_path / "night.jsonl").write_text("\n".join(lines), "utf-8")
    listed = manifest(
        tmp_path,
        "a.wav,1,night-1",
        "b.wav,1,night-2",
        "c.wav,1,W1001",
        header="file,agent_id,call_id\n",
    )
    got = read(tmp_path / "night.jsonl", manifest=listed)
    assert all(isinstance(one, Call) for one in got)
    assert [one.recording.call_id for one in got] == ["night-1", "night-2", "W1001"]  # type: ignore[union-attr]


def test_several_calls_of_one_answer(tmp_path: Path) -> None:
    value = sample("aliyun_analysis.json")
    (one,) = value["Data"]["ResultInfo"]
    value["Data"]["ResultInfo"] = [
        one,
        {**one, "Recording": {"CallId": "Q1002"}},
        {"Recording": {"CallId": "Q1003"}, "ErrorMessage": "asr failed"},
    ]
    first, second, third = read(lay(tmp_path / "x.json", value))
    assert isinstance(first, Call) and isinstance(second, Call) and isinstance(third, Reject)
    assert second.recording.call_id == "Q1002" and second.recording.source_file == "x.json:1.2"
    assert "asr failed" in third.detail and third.call_id == "Q1003"


def test_a_folder_is_read_with_all_that_is_in_it(tmp_path: Path) -> None:
    place = tmp_path / "in"
    names = ("whisperx.json", "tencent.json")
    for name in names:
        lay(place / "deep" / name, sample(name))
    (place / "empty.json").write_bytes(b"")
    (place / "table.json").write_bytes(b"file,agent_id,started_at\n")
    (place / "notes.txt").write_bytes(b"hello")
    (place / ".hidden.json").write_bytes(b"{}")
    (place / "sound.json").write_bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0")
    (place / "c.json.gz").write_bytes(gzip.compress(b"{}"))
    with zipfile.ZipFile(place / "d.zip", "w") as packed:
        packed.writestr("d.json", "{}")
    rows = [f"{Path(name).stem}.wav,3017" for name in (*names, "gone.json", "empty.json")]
    got = read(place, manifest=manifest(tmp_path, *rows))
    by_source = {
        one.recording.source_file if isinstance(one, Call) else one.source_file: one for one in got
    }
    assert len(by_source) == len(got)
    assert {source for source, one in by_source.items() if isinstance(one, Call)} == {
        "deep/tencent.json:1",
        "deep/whisperx.json:1",
    }
    rejects = {source: one.detail for source, one in by_source.items() if isinstance(one, Reject)}
    assert set(rejects) == {
        *("empty.json", "table.json", "sound.json", "c.json.gz", "d.zip", "gone.wav")
    }
    assert "unpack" in rejects["c.json.gz"] and "unpack" in rejects["d.zip"]
    assert by_source["empty.json"].reason is RejectReason.EMPTY  # type: ignore[union-attr]


def _files(place: Path) -> list[Path]:
    return [place / "a" / "x.json", place / "b" / "x.json"]


@pytest.mark.parametrize(
    "paths",
    [
        lambda place: [place / "*" / "x.json"],
        lambda place: [place / "**" / "*.json"],
        _files,
        lambda place: [place / "a", place / "b"],
    ],
)
def test_patterns_and_several_files(tmp_path: Path, paths: Callable[[Path], list[Path]]) -> None:
    for number, file in enumerate(_files(tmp_path)):
        lay(file, {**sample("ours.json"), "call_id": f"T{number}"})
    got = read(*paths(tmp_path))
    assert all(isinstance(one, Call) for one in got)
    assert [one.recording.source_file for one in got] == ["a/x.json:1", "b/x.json:1"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["gone.json", "*.json", "empty"])
def test_nothing_to_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="check the"):
        read(tmp_path / name)


@pytest.mark.parametrize("blob", [gzip.compress(b"{}"), b"PK\x03\x04rest"])
def test_a_compressed_file_is_to_be_unpacked(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "x.json").write_bytes(blob)
    with pytest.raises(UsageError, match="unpack it"):
        read(tmp_path / "x.json")


def test_the_same_call_twice_is_audited_once(tmp_path: Path) -> None:
    lay(tmp_path / "a" / "x.json", sample("ours.json"))
    lay(tmp_path / "b" / "y.json", sample("ours.json"))
    first, second = read(tmp_path)
    assert isinstance(first, Call) and isinstance(second, Reject)
    assert second.reason is RejectReason.DUPLICATE_CALL_ID
