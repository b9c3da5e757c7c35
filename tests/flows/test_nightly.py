"""A night in two processes, shards by themselves, and a night that lies in a bucket."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import av
import pandas as pd
import pytest

from audit.config import BatchConfig, Config
from audit.errors import RejectReason
from audit.intake.recordings import plan
from audit.intake.roots import open_root
from audit.transcription import waveform
from flows import jobs, lineage
from flows.workers import shards
from flows.workers.transcriber import MESSAGE, Message
from models.asr import engines
from reports.pages import playback
from reports.store import Store
from reports.store.layout import Layout

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data_samples"
FILES = {
    "S06": "S06_2006_20261116T153312.wav",
    "S14": "S14_2002_20261117T172055.wav",
    "S16": "S16_2006_20261118T100328.wav",
}
Script = Callable[..., subprocess.CompletedProcess[str]]


# two processes


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A night of three sample calls in two processes, one recording a shard."""
    folder = tmp_path_factory.mktemp("night")
    for name in FILES.values():
        (folder / "calls").mkdir(exist_ok=True)
        shutil.copy(SAMPLES / "calls" / name, folder / "calls" / name)
    with (SAMPLES / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["call_id"] in FILES]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "callaudit.yaml").write_text("batch: {shard_size: 1}\n")
    return (
        "run",
        str(folder / "calls"),
        "--manifest",
        str(folder / "manifest.csv"),
        "--config",
        str(folder / "callaudit.yaml"),
        "--workers",
        "2",
        "--out",
        str(folder / "out"),
    )


def children(pid: int) -> list[int]:
    """Processes below one, the youngest generation included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == pid:
            child = int(stat.parent.name)
            found += [child, *children(child)]
    return found


def hearing(pid: int) -> bool:
    """Whether a process has the recogniser loaded: only workers have."""
    try:
        return "ctranslate2" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False


def calls(out: Path, ids: set[str] | None = None) -> list[dict[str, Any]]:
    found = pd.read_parquet(out / "parquet" / "calls").drop(columns=["run_id", "source_uri"])
    found = found if ids is None else found[found["call_id"].isin(ids)]
    return list(json.loads(found.sort_values("call_id").to_json(orient="records")))


def test_two_processes_one_of_which_dies_find_what_one_did(
    night: tuple[str, ...], audited: Any, tmp_path: Path
) -> None:
    out = Path(night[-1])
    script = Path(sys.executable).parent / "callaudit"
    killed = 0
    with (tmp_path / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            [str(script), *night], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stderr
        )
        deadline = time.monotonic() + 300
        while process.poll() is None:
            assert time.monotonic() < deadline
            for pid in children(process.pid) if not killed else ():
                if hearing(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                    break
            time.sleep(0.05)
        stderr.seek(0)
        output = stderr.read()
    assert killed == 1
    assert process.returncode == 0, output
    assert "Traceback" not in output
    # two processes find what one did
    assert calls(out) == calls(audited.out, set(FILES))
    for table in ("turns", "findings"):
        one, two = (
            pd.read_parquet(folder / "parquet" / table).query("call_id in @FILES")
            for folder in (audited.out, out)
        )
        key = ["call_id", "turn_index"] if table == "turns" else ["finding_id"]
        assert len(one)
        assert one[key].sort_values(key).to_numpy().tolist() == (
            two[key].sort_values(key).to_numpy().tolist()
        )


# a shard by itself


def job_of(
    location: str,
    out: Path,
    *,
    manifest: str | None = None,
    resume: bool = True,
    bundle_audio: bool = False,
) -> jobs.Job:
    config = Config(batch=BatchConfig(bundle_audio=bundle_audio))
    planned = plan(
        open_root(location),
        manifest=manifest,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 30,
        today=date(2026, 11, 20),
    )
    choice = engines.choose(config.transcription.asr)
    return jobs.Job(
        run_id=jobs.new_run_id(),
        out=out,
        root=location,
        config=config,
        fingerprint=lineage.transcription_fingerprint(
            config, engine=choice.engine, model_sha256=choice.weights.sha256
        ),
        resume=resume,
        recordings=planned.recordings,
        rejects=planned.rejects,
    )


@pytest.fixture
def two_calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    for name in (FILES["S06"], "S21_2001_20261118T174500.wav"):
        shutil.copy(SAMPLES / "calls" / name, folder / name)
    return folder


def test_a_shard_notes_what_became_of_each_recording(two_calls: Path, tmp_path: Path) -> None:
    job = job_of(str(two_calls), tmp_path / "out")
    path = jobs.save_job(job)
    assert jobs.load_job(path) == job
    assert jobs.finished(job) == 0
    first, second = shards.run(path, 0)
    assert (first.call_id, first.reason, first.resumed) == ("S06", None, False)
    assert first.audio_s == pytest.approx(30.8, abs=0.1)
    assert (second.call_id, second.reason) == ("S21", RejectReason.UNDECODABLE)
    assert jobs.finished(job) == 2
    assert [outcome for _, outcome in jobs.outcomes(job)] == [first, second]

    again, _ = shards.run(path, 0)
    assert again.resumed
    assert again.transcript_key == first.transcript_key


def test_a_transcript_key_has_the_name_of_earlier_versions_on_disk(tmp_path: Path) -> None:
    outcome = jobs.RecordingOutcome("C1", transcript_key="a" * 32, audio_s=2.5)
    line = jobs.outcome_line(outcome)
    assert json.loads(line)["checkpoint"] == "a" * 32
    path = tmp_path / "0.jsonl"
    path.write_bytes(line)
    assert jobs.read_outcomes(path) == [outcome]
    message = Message(outcome=outcome)
    assert MESSAGE.validate_json(MESSAGE.dump_json(message, by_alias=True)) == message


@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "empty"])
def test_a_shard_that_died_half_way(two_calls: Path, tmp_path: Path, damage: str) -> None:
    job = job_of(str(two_calls), tmp_path / "out")
    jobs.save_job(job)
    noted = jobs.outcome_file(job, 0)
    whole = b"".join(
        jobs.outcome_line(jobs.RecordingOutcome(recording.call_id, transcript_key="c" * 32))
        for recording in job.recordings
    )
    if damage != "gone":
        noted.write_bytes(
            {"cut": whole[: -len(whole) // 4], "garbage": b"\x00\xff{}\n", "empty": b""}[damage]
        )
    outcomes = {recording.call_id: outcome for recording, outcome in jobs.outcomes(job)}
    assert set(outcomes) == {"S06", "S21"}
    assert outcomes["S21"].reason is RejectReason.CRASHED
    assert "again" in outcomes["S21"].detail
    kept = outcomes["S06"].transcript_key is not None
    assert kept == (damage == "cut")


def test_shards_hold_every_recording_once() -> None:
    recordings = job_of(str(SAMPLES / "calls"), Path("out")).recordings
    for size in (1, 4, 21, 25):
        config = Config.model_validate({"batch": {"shard_size": size}})
        job = jobs.Job("r", Path("out"), "x", config, "f", True, recordings, ())
        cut = [job.shard(number) for number in range(job.shards)]
        assert tuple(recording for shard in cut for recording in shard) == recordings
        assert all(0 < len(shard) <= size for shard in cut)


# a bucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 server on this machine with two recordings and a manifest."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="calls")
    for name in (FILES["S06"], "S21_2001_20261118T174500.wav"):
        s3.upload_file(str(SAMPLES / "calls" / name), "calls", f"2026/11/{name}")
    s3.put_object(
        Bucket="calls",
        Key="manifest.csv",
        Body=f"file,agent_id,call_id\n2026/11/{FILES['S06']},007,C1\nnowhere.wav,007,C2\n".encode(),
    )
    s3fs.S3FileSystem.clear_instance_cache()
    yield "s3://calls"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_recordings_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    job = job_of(bucket, tmp_path / "out", manifest=f"{bucket}/manifest.csv")
    assert [(r.call_id, r.agent_id) for r in job.recordings] == [("C1", "007")]
    assert [reject.reason for reject in job.rejects] == [RejectReason.MISSING_FILE]
    (heard,) = shards.run(jobs.save_job(job), 0)
    assert heard.reason is None
    assert heard.audio_s == pytest.approx(30.8, abs=0.1)
    transcript = Store(job.out).transcripts.load(heard.transcript_key or "")
    assert transcript is not None
    wave = Store(job.out).waveforms.load(transcript.origin.audio_sha256 or "")
    assert wave is not None and wave.shape == (2, pytest.approx(30.8 * waveform.PEAKS_PER_S, abs=2))
    assert not Layout(job.out).audio_copy("C1").exists()
    assert open_root(bucket).uri(job.recordings[0].source_file) == (
        f"s3://calls/2026/11/{FILES['S06']}"
    )

    by_name = job_of(f"{bucket}/2026", tmp_path / "out", bundle_audio=True)
    assert [r.call_id for r in by_name.recordings] == ["S06", "S21"]
    resumed, broken = shards.run(jobs.save_job(by_name), 0)
    assert resumed.resumed  # the same bytes, whatever they are called
    assert broken.reason is RejectReason.UNDECODABLE
    with av.open(
        str(Layout(job.out).audio_copy("S06"))
    ) as copied:  # which plays where the bucket is not
        assert copied.streams.audio[0].channels == 2
        assert copied.duration is not None and abs(copied.duration / 1e6 - 30.8) < 0.3
    call = {"call_id": "S06", "source_uri": f"{bucket}/2026/11/{FILES['S06']}"}
    assert playback.locate(Store(job.out), call).href == "./../audio/S06.ogg"
