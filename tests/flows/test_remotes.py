"""Nights whose recordings are on another machine, which drops connections."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from audit.errors import UsageError
from flows import bucket
from tests import servers
from tests.flows.nights import ROOT, SCRIPT, write_clip
from tests.servers import PASSWORD, USER

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, prefect_server: str) -> Run:
    """Run the console script as a user whose credentials are where they belong."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (home / ".netrc").chmod(0o600)
    (tmp_path / "callaudit.yaml").write_text("transcription: {asr: {beam_size: 1}}\n")
    (tmp_path / "served" / "calls").mkdir(parents=True)
    for number in range(2):
        name = f"C{number}_2001_20261116T09000{number}.wav"
        write_clip(tmp_path / "served" / "calls" / name, number=number)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPT), *arguments, "--config", "callaudit.yaml", "--verbose"],
            env={
                **os.environ,
                "HOME": str(home),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "NETRC": str(home / ".netrc"),
                "FSSPEC_SFTP_PASSWORD": PASSWORD,
                "PREFECT_API_URL": prefect_server,
                "PYTHONPATH": str(ROOT),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("kind", ["sftp", "webdav"])
def test_a_night_on_another_machine(kind: str, run: Run, tmp_path: Path) -> None:
    with getattr(servers, kind)(tmp_path / "served") as server:
        if server.host_key:
            (tmp_path / "home/.ssh/known_hosts").write_text(servers.known_host(server))
        server.drops, server.broken = 1, "C1_"
        done = run("run", f"{server.url}/calls", "--out", "out")
        assert done.returncode == 3, done.stderr
        assert server.drops < 0  # one was cut off, and fetched again
    (call,) = pd.read_parquet(tmp_path / "out/parquet/calls").to_dict("records")
    assert call["source_uri"] == f"{server.url}/calls/C0_2001_20261116T090000.wav"
    (reject,) = pd.read_parquet(tmp_path / "out/parquet/rejects").to_dict("records")
    assert (reject["call_id"], reject["reason"]) == ("C1", "missing_file")
    assert "could not be fetched (3 tries)" in reject["detail"]
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert PASSWORD not in done.stdout + done.stderr
    assert PASSWORD.encode() not in written


def test_a_night_that_cannot_begin_is_one_sentence(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url, said in (
        (f"sftp://{USER}@127.0.0.1:{port}/calls", "no server answers there"),
        (f"sftp://{USER}:{PASSWORD}@127.0.0.1:{port}/calls", "put credentials into"),
    ):
        done = run("run", url, "--out", "out")
        assert done.returncode == 2
        assert said in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        assert not list((tmp_path / "out").rglob("*.json"))


def test_where_out_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLAUDIT_CACHE", str(tmp_path))
    for url, said in (("webdav://nas/out", "safely"), ("s3://id:key@b/out", "put credentials")):
        with pytest.raises(UsageError, match=said):
            bucket.folder(url)
