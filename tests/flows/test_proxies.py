"""Proxies of the environment: not for this machine, still for the rest, and never a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from audit.config import Config
from flows import doctor

ASK = """
import sys, httpx, urllib.request
from flows import proxies
proxies.spare_this_machine()
here, elsewhere = sys.argv[1:]
for host in ("127.0.0.1", "localhost"):
    assert httpx.get(f"http://{host}:{here}/direct").text == "/direct"
    assert urllib.request.urlopen(f"http://{host}:{here}/direct").read() == b"/direct"
if elsewhere:
    assert httpx.get(elsewhere).text == urllib.request.urlopen(elsewhere).read().decode()
    print(httpx.get(elsewhere).text)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a server on this machine that answers with what it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def asked(port: int, elsewhere: str = "", **variables: str) -> str:
    """Ask this machine, and another by name, in a process that has these variables."""
    plain = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(port), elsewhere],
        env={**plain, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_elsewhere_is_reached_through_the_proxy(server: int) -> None:
    proxy, elsewhere = f"http://127.0.0.1:{server}", "http://hub.callaudit.invalid/weights"
    for variables in (
        {"http_proxy": proxy},
        {"HTTP_PROXY": proxy, "NO_PROXY": ".corp.example, [::1]"},
        {"http_proxy": proxy, "all_proxy": "socks://127.0.0.1:9", "no_proxy": ""},
    ):
        assert asked(server, elsewhere, **variables) == elsewhere  # as a proxy is asked


@pytest.mark.parametrize(
    "variables",
    [
        {"http_proxy": "127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
        {"ALL_PROXY": "socks5h://127.0.0.1:9", "NO_PROXY": "*.corp.example"},
        {"all_proxy": "socks4://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:nine"},
        {"http_proxy": "http://127.0.0.1:9", "no_proxy": "fe80::/10,局域网.cn"},
        {"http_proxy": "http://127.0.0.1:9", "no_proxy": "*"},
    ],
)
def test_this_machine_is_reached_directly(server: int, variables: dict[str, str]) -> None:
    asked(server, **variables)


def test_doctor_tells_which_proxies_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "http://clerk:secret@127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:9")
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example:4200/api")
    (check,) = [check for check in doctor.examine(Config()) if check.name == "proxies"]
    assert "http_proxy (http) for other machines" in check.detail
    assert "all_proxy (socks4) ignored" in check.detail
    assert "on prefect.example" in check.detail
    assert "secret" not in check.detail


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"https_proxy": "http://127.0.0.1:70000"}, "https_proxy (http) ignored"),
        ({"no_proxy": "intra.example,[fe80::1"}, "; [fe80::1 in no_proxy ignored"),
    ],
)
def test_doctor_names_what_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (check,) = [check for check in doctor.examine(Config()) if check.name == "proxies"]
    assert expected in check.detail
    assert {name: os.environ[name] for name in variables} == variables
