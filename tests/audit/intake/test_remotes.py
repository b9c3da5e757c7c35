"""Recordings on servers of SFTP, WebDAV and HTTP: real ones, on this machine."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import fsspec
import pytest

from audit.errors import RejectedRecording, RejectReason, UsageError
from audit.intake import manifests, presets, remotes, roots, sources
from audit.intake.manifest_options import ManifestOptions
from audit.intake.recordings import Plan, plan
from tests import servers
from tests.servers import PASSWORD, USER, Server

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
CALL = CALLS / "S06_2006_20261116T153312.wav"
TODAY = date(2026, 11, 20)
NAMES = ("夜/C1_007_20261116T090000.wav", "夜/C 2%_007_20261116T091000.wav", "夜/note.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, and something else."""
    base = tmp_path / "served" / "calls"
    (base / "夜").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(CALL, base / name)
    return base


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, with credentials in the places that are documented."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": PASSWORD})
    return home


@pytest.fixture(params=["sftp", "webdav", "pages"])
def server(request: pytest.FixtureRequest, folder: Path, home: Path) -> Iterator[Server]:
    """A server of each kind in turn, which the user may use."""
    with getattr(servers, request.param)(folder.parent) as started:
        if started.host_key:
            (home / ".ssh" / "known_hosts").write_text(servers.known_host(started))
        yield started


def planned(location: str, manifest: Path | None = None) -> Plan:
    return plan(
        roots.open_root(location),
        manifest=str(manifest) if manifest else None,
        timezone="Asia/Shanghai",
        rulebooks=("hotline",),
        max_bytes=10 << 20,
        today=TODAY,
    )


def test_recordings_are_listed_and_fetched(server: Server) -> None:
    location = f"{server.url}/calls"
    found = planned(location)
    assert [r.call_id for r in found.recordings] == ["C 2%", "C1"]
    assert found.ignored == 1 and not found.rejects
    root = roots.locate(location)
    for recording in found.recordings:
        with roots.fetched(root, recording) as ((path,), _):
            assert path.read_bytes() == CALL.read_bytes()
        filesystem, path_there = remotes.connect(root.uri(recording.source_file))
        assert filesystem.cat_file(path_there) == CALL.read_bytes()  # as a page's copy is made


def test_thousands_of_files_are_listed_once(server: Server, folder: Path) -> None:
    for number in range(1500):
        (folder / f"D{number}_1_20261116T090000.wav").write_bytes(b"x")
    found = planned(f"{server.url}/calls")
    assert len(found.recordings) == 1502
    requests = server.requests
    if server.host_key:
        assert requests["list"] == 2  # one of each folder
        assert requests["stat"] + requests["lstat"] < 10
    else:
        assert sum(requests.values()) < 12, requests


def test_a_manifest_names_urls_of_the_server_only(server: Server, tmp_path: Path) -> None:
    address = server.url.rpartition("@")[2].rpartition("/")[2]
    scheme = remotes.scheme(server.url)
    name = "夜/C1_007_20261116T090000.wav"
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "file,agent_id,call_id\n"
        f"{scheme}://{USER}:{PASSWORD}@{address}/calls/{name},1,A\n"
        f"{scheme}://{USER}:{PASSWORD}@other/calls/{name},1,B\n"
        f"{scheme}://{address}/other/x.wav,1,C\n"
    )
    found = planned(f"{server.url}/calls", manifest)
    assert [(r.call_id, r.source_file) for r in found.recordings] == [("A", name)]
    assert [r.reason for r in found.rejects] == [RejectReason.OUTSIDE_ROOT] * 2
    assert PASSWORD not in repr(found)


def test_a_connection_that_drops_is_taken_up_again(server: Server) -> None:
    location = f"{server.url}/calls"
    one = planned(location).recordings[1]
    root = roots.locate(location)
    server.drops = 1
    with roots.fetched(root, one) as ((path,), _):
        assert path.read_bytes() == CALL.read_bytes()
    assert server.drops <= 0
    server.drops = 1000
    refused = pytest.raises(RejectedRecording, match="could not be fetched")
    with refused as failed, roots.fetched(root, one):
        pass
    assert failed.value.reason is RejectReason.MISSING_FILE
    assert PASSWORD not in str(failed.value)
    server.drops = 0
    with roots.fetched(root, one) as ((path,), _):
        assert path.read_bytes() == CALL.read_bytes()


def test_sizes_that_a_page_does_not_tell_are_found_on_fetching(folder: Path) -> None:
    (folder / "E_1_20261116T090000.wav").write_bytes(b"")
    with servers.pages(folder.parent) as server:
        location = f"{server.url}/calls"
        found = planned(location)
        root, by_call = roots.locate(location), {r.call_id: r for r in found.recordings}
        for call, limit, reason in (("E", 99, RejectReason.EMPTY), ("C1", 99, "too_large")):
            fetching = roots.fetched(root, by_call[call], max_bytes=limit)
            with pytest.raises(RejectedRecording) as failed, fetching:
                pass
            assert failed.value.reason == reason


def test_what_cannot_be_opened_is_one_sentence(server: Server, home: Path, folder: Path) -> None:
    for path, said in (
        ("/nowhere", "does not exist; check the path"),
        ("/calls/夜/note.txt", "is a file; give the folder"),
    ):
        with pytest.raises(UsageError, match=said):
            roots.open_root(server.url + path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    down = f"{remotes.scheme(server.url)}://127.0.0.1:{port}/calls"
    with pytest.raises(UsageError, match="no server answers there"):
        roots.open_root(down)
    with pytest.raises(UsageError, match="no server answers there"):
        manifests.read(f"{down}/m.csv")


def test_exports_for_presets_are_read_as_manifests_are(server: Server, home: Path) -> None:
    options = presets.applied(ManifestOptions(preset="asterisk"))
    with_password = server.url.replace("://", f"://{USER}:{PASSWORD}@", 1)
    for url, said in ((with_password, "put credentials into"), (server.url, "does not exist")):
        with pytest.raises(UsageError, match=said) as refused:
            sources.check(f"{url}/nowhere/Master.csv", options)
        assert PASSWORD not in str(refused.value)


def test_logins_that_are_refused(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").unlink()
    monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": "not-this-one"})
    refused = pytest.raises(UsageError, match=r"access is refused; .*netrc")
    with servers.webdav(folder.parent) as server, refused:
        roots.open_root(f"{server.url}/calls")
    with servers.sftp(folder.parent) as server:
        (home / ".ssh" / "known_hosts").write_text(servers.known_host(server))
        with pytest.raises(UsageError, match=r"access is refused; .*SSH key") as failed:
            roots.open_root(f"{server.url}/calls")
        assert "not-this-one" not in str(failed.value)


def test_host_keys_are_verified(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusting = {"password": PASSWORD, "known_hosts": None}
    with servers.sftp(folder.parent) as server, servers.sftp(folder.parent) as other:
        for line in ("", servers.known_host(server).split()[0] + f" {other.host_key}\n"):
            (home / ".ssh" / "known_hosts").write_text(line)
            for options in ({"password": PASSWORD}, trusting):
                monkeypatch.setitem(fsspec.config.conf, "sftp", options)
                with pytest.raises(UsageError, match="host key"):
                    roots.open_root(f"{server.url}/calls")


@pytest.mark.parametrize(
    "url",
    [
        "sftp://user:geheim@pbx/calls",
        "sftp://user:geheim@pbx:22/calls",
        "webdav://user:ge/geheim@nas/calls",
        "https://user:12geheim@nas/calls",
        "s3://key:geheim@bucket/calls",
        "https://nas/calls/?token=geheim",
    ],
)
def test_urls_with_credentials_are_refused(url: str) -> None:
    for opening in (roots.open_root, roots.locate, manifests.read):
        with pytest.raises(UsageError, match="put credentials into") as refused:
            opening(url)
        assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["sftp://user@pbx:22/calls/a@b", "s3://bucket/a:b@c", "/calls/a:b@c", "webdav://n:80/x@y"],
)
def test_urls_without_credentials_are_not(url: str) -> None:
    remotes.refuse_credentials(url)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("sftp://h/c", "sshfs", "sftp"),
        ("webdav://h/c", "webdav4.fsspec", "webdav"),
        ("http://h/c", "aiohttp", "webdav"),
    ],
)
def test_a_missing_extra(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(UsageError, match=rf"pip install 'callaudit\[{extra}\]'"):
        roots.open_root(url)
