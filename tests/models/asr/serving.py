"""A real transcription server on this machine, started, killed and given orders by tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("whisper_server.py")


@dataclass
class Serving:
    """The server and its files."""

    base: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def order(self, **order: Any) -> None:
        """What the server is to do with requests from now on; nothing unusual without arguments."""
        part = self.base / "orders.part"
        part.write_text(json.dumps(order))
        part.rename(self.base / "orders.json")

    def requests(self) -> list[dict[str, Any]]:
        """All that it was sent since :meth:`forget`."""
        return [json.loads(line) for line in (self.base / "log.jsonl").read_text().splitlines()]

    def forget(self) -> None:
        (self.base / "log.jsonl").write_text("")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        ready = self.base / "log.ready"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                *(sys.executable, str(SCRIPT), str(self.port)),
                *(str(self.base / "orders.json"), str(self.base / "log.jsonl")),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as the system does where memory runs out."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Keeper:
    """Starts the server again whenever it has died."""

    def __init__(self, server: Serving) -> None:
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stop.wait(0.1):
            if self._server.process is not None and self._server.process.poll() is not None:
                self._server.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def serving(base: Path) -> Iterator[Serving]:
    """A server that is at work."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Serving(base, port)
    server.order()
    server.forget()
    server.start()
    try:
        yield server
    finally:
        server.kill()
