"""Output in a bucket, on an S3 server on this machine: the same guarantees as in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from audit.errors import OutputFailed
from flows import bucket
from tests.flows.nights import FAULTS, ROOT, SCRIPT, inject, write_clip

pytestmark = pytest.mark.faults

OUT = "s3://audit/night"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ThreadedMotoServer]:
    """An S3 server with two empty buckets."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "an-access-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    moto_reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    urllib.request.urlopen(moto_reset).close()  # what an earlier test left in this process
    for name in ("calls", "audit"):
        boto3.client("s3").create_bucket(Bucket=name)
    yield server
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def objects() -> dict[str, Any]:
    """Objects in the bucket and when they were written."""
    listed = boto3.client("s3").list_objects_v2(Bucket="audit").get("Contents", [])
    return {item["Key"].removeprefix("night/"): item["LastModified"] for item in listed}


def on(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on a machine that has this cache."""
    monkeypatch.setenv("CALLAUDIT_CACHE", str(machine))


def test_from_bucket_to_bucket(
    server: ThreadedMotoServer, tmp_path: Path, prefect_server: str
) -> None:
    s3 = boto3.client("s3")
    for number in range(2):
        name = f"C{number}_2001_20261116T09000{number}.wav"
        write_clip(tmp_path / name, number=number)
        s3.upload_file(str(tmp_path / name), "calls", f"in/{name}")
    (tmp_path / "callaudit.yaml").write_text("transcription: {asr: {beam_size: 1}}\n")

    def callaudit(*arguments: str) -> str:
        ran = subprocess.run(
            [str(SCRIPT), *arguments],
            env={
                **os.environ,
                "PREFECT_API_URL": prefect_server,
                "PYTHONPATH": str(ROOT),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert "a-secret-key" not in ran.stderr + ran.stdout
        return ran.stdout + ran.stderr

    command = ("run", "s3://calls/in", "--out", OUT, "--config", "callaudit.yaml", "--verbose")
    callaudit(*command)
    calls = pd.read_parquet(f"{OUT}/parquet/calls")
    assert set(calls["call_id"]) == {"C0", "C1"}
    assert {"html/index.html", "html/calls/C0.html"} <= set(objects())

    before = objects()
    callaudit(*command)
    after = objects()
    changed = {name for name in after if before.get(name) != after[name]}
    assert {name.partition("/")[0] for name in changed} == {"runs", "callaudit-index.json"}

    callaudit("purge", OUT, "--call-id", "C0")
    assert set(pd.read_parquet(f"{OUT}/parquet/calls")["call_id"]) == {"C1"}
    assert "html/calls/C0.html" not in objects()
    for name in objects():
        body = s3.get_object(Bucket="audit", Key=f"night/{name}")["Body"].read()
        assert b"C0_2001" not in body, name


def test_two_machines_and_one_that_dies_while_it_sends(
    server: ThreadedMotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    on(first, monkeypatch)
    with bucket.working(OUT) as local:
        (local / "parquet" / "calls").mkdir(parents=True)
        (local / "parquet" / "calls" / "a").write_text("1")
        (local / "parquet" / "calls" / "b").write_text("1")
    on(second, monkeypatch)
    script = (
        "from flows import bucket\n"
        f"with bucket.working({OUT!r}) as local:\n"
        "    (local / 'parquet/calls/a').write_text('2')\n"
        "    (local / 'parquet/calls/c').write_text('2')\n"
        "    (local / 'parquet/calls/b').unlink()\n"
    )
    paths = os.pathsep.join([str(FAULTS), str(ROOT)])
    # fetching renames three files and its index; sending begins with the index
    killed = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": paths, "CALLAUDIT_KILL_AT": "4"},
        check=False,
    )
    assert killed.returncode < 0
    inject()
    s3 = s3fs.S3FileSystem()
    assert s3.cat_file("audit/night/parquet/calls/a") == b"1"  # whole, old

    # the first machine is not disturbed by what was announced and not sent
    on(first, monkeypatch)
    with bucket.working(OUT) as local:
        assert (local / "parquet" / "calls" / "a").read_text() == "1"
        assert not (local / "parquet" / "calls" / "c").exists()
    # the second does its work again and everything is there
    on(second, monkeypatch)
    subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, check=True
    )
    on(tmp_path / "third", monkeypatch)
    with bucket.working(OUT) as local:
        names = {path.name: path.read_text() for path in (local / "parquet" / "calls").iterdir()}
    assert names == {"a": "2", "c": "2"}
    # and what the second has erased does not come back from the first
    on(first, monkeypatch)
    with bucket.working(OUT) as local:
        assert not (local / "parquet" / "calls" / "b").exists()
    assert "parquet/calls/b" not in objects()


def test_a_bucket_that_cannot_be_reached(
    server: ThreadedMotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(tmp_path, monkeypatch)
    inject(2)
    missing = bucket.working("s3://nowhere/night")
    with pytest.raises(OutputFailed, match="cannot be reached"):
        missing.__enter__()
    with pytest.raises(OutputFailed, match="kept") as failed, bucket.working(OUT) as local:
        (local / "kept").write_text("1")
        server.stop()
    assert "a-secret-key" not in str(failed.value)
    assert (local / "kept").read_text() == "1"


def test_an_index_may_not_lead_outside(
    server: ThreadedMotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(tmp_path, monkeypatch)
    s3 = s3fs.S3FileSystem()
    s3.pipe_file("audit/night/callaudit-index.json", json.dumps({"../../x": ""}).encode())
    with pytest.raises(OutputFailed, match="points outside"), bucket.working(OUT):
        pass
    assert not (tmp_path.parent / "x").exists()
