"""Object stores through the protocol of S3, addressed as OSS and COS want it."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import fsspec
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler

from audit.intake import roots
from audit.intake.recordings import plan

NAME = "C1_007_20261116T090000.wav"


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, str]]]:
    """Method, host and path of every request to an S3 server, which is also its own proxy."""
    seen: list[tuple[str, str, str]] = []

    def log(self: WSGIRequestHandler, *_: Any) -> None:
        seen.append((self.command, self.headers.get("Host", ""), self.path))

    monkeypatch.setattr(WSGIRequestHandler, "log_request", log)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=True)
    server.start()
    host, port = server.get_host_and_port()
    reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "an-id",
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="calls-1250000000")
    s3.put_object(Bucket="calls-1250000000", Key=f"in/{NAME}", Body=b"RIFF")
    seen.clear()
    yield seen
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def planned(location: str) -> Any:
    return plan(
        roots.open_root(location),
        manifest=None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=1 << 20,
        today=date(2026, 11, 20),
    )


@pytest.mark.parametrize("style", ["virtual", "path"])
@pytest.mark.parametrize("by", ["AWS_CONFIG_FILE", "fsspec"])
def test_endpoint_and_addressing_are_configured(
    style: str,
    by: str,
    requests: list[tuple[str, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = fsspec.core.split_protocol(boto3.client("s3").meta.endpoint_url)[1]
    endpoint = f"http://{server}"
    if style == "virtual":  # the server is its own proxy, as no such name can be looked up
        monkeypatch.setenv("http_proxy", endpoint)
        endpoint = "http://cos.ap-guangzhou.myqcloud.example"
    if by == "fsspec":  # as FSSPEC_S3 in the environment is read when fsspec is imported
        kwargs = {"s3": {"addressing_style": style}}
        environment = {"FSSPEC_S3": json.dumps({"endpoint_url": endpoint, "config_kwargs": kwargs})}
        monkeypatch.setitem(fsspec.config.conf, "s3", {})
        fsspec.config.set_conf_env(fsspec.config.conf, environment)
    else:
        config = tmp_path / "config"
        config.write_text(f"[default]\ns3 =\n  addressing_style = {style}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    location = "s3://calls-1250000000/in"
    (recording,) = planned(location).recordings
    with roots.fetched(roots.locate(location), recording) as ((path,), _):
        assert path.read_bytes() == b"RIFF"
    name = endpoint.removeprefix("http://")
    wanted = f"calls-1250000000.{name}" if style == "virtual" else name
    assert requests and {host for _, host, _ in requests} == {wanted}


def test_thousands_of_objects_are_listed_once(requests: list[tuple[str, str, str]]) -> None:
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    for number in range(1499):  # without a request for each
        backend.put_object("calls-1250000000", f"in/D{number}_1_20261116T090000.wav", b"x")
    requests.clear()
    assert len(planned("s3://calls-1250000000/in").recordings) == 1500
    kinds = Counter(method for method, _, _ in requests)
    assert kinds["HEAD"] <= 1
    assert kinds["GET"] <= 3  # one to see the folder, and a page for each thousand
