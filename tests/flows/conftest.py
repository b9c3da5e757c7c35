"""A real Prefect server for tests of flows, and the count of injected faults at their end."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.flows.nights import LEDGER, SCRIPT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults the session has injected, and what came of them."""
    if LEDGER["faults injected"]:
        told = ", ".join(f"{name}: {count}" for name, count in LEDGER.items())
        terminalreporter.write_line(told)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API of a real Prefect server, started for this session."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    server = subprocess.Popen(
        [
            str(SCRIPT.with_name("prefect")),
            *("server", "start", "--host", "127.0.0.1", "--port", str(port)),
        ],
        env=environment,
        stdout=(home / "log").open("w"),
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    api = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=2):
                break
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.3)
    yield api
    server.terminate()
    server.wait(30)
