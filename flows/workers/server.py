"""A Prefect server for one run, in a process of its own that is kept alive while the run lasts.

It is started before Prefect is imported here, which takes a second, and listens on a socket that
this process holds: whoever asks a server that has died waits for the next one.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from audit.errors import CallauditError
from flows.workers import processes

_START_S = 120.0
"""Limit for a start; the first one on a machine makes the database."""
_STOP_S = 5.0
_SETTINGS = {
    "PREFECT__SERVER_EPHEMERAL": "1",  # only the services that a run needs, as Prefect's own does
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",  # a run has none
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",  # to remember them imports Dask
}


class Server:
    """Prefect's server, on a free port of this machine."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._process = self._start()
        self._ended = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _close(self._process)
        self._socket.close()

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/api"

    def wait(self) -> None:
        """Wait until it answers, and start it again from now on when it has died.

        Raises:
            CallauditError: it does not start.
        """
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_S)
        if not ready or not self._process.stdout.readline():
            self._process.kill()
            how = processes.ending(self._process.wait())
            raise CallauditError(
                f"Prefect's server does not start ({how}); run `prefect server start` to see why"
            )
        self._keeper = threading.Thread(target=self._keep_up, daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Have it stop, which takes a second, and is waited for at the end of the context."""
        self._ended.set()
        if self._keeper is not None:
            self._keeper.join()
        self._process.terminate()

    def _keep_up(self) -> None:
        while not self._ended.wait(0.5):
            if self._process.poll() is not None:
                _close(self._process)
                self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        listening = self._socket.fileno()
        return subprocess.Popen(
            processes.command("flows.workers.server_process", str(listening)),
            pass_fds=[listening],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=processes.environment() | _SETTINGS,
            process_group=0,  # Ctrl-C ends the parent, which has to tell this one of it first
        )


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.stdout.close()


@contextmanager
def started() -> Iterator[Server | None]:
    """A server that is on its way, unless the environment names one."""
    if os.environ.get("PREFECT_API_URL"):
        yield None
        return
    with Server() as server:
        yield server


@contextmanager
def one_server(server: Server | None) -> Iterator[None]:
    """Use a server that was started for this run, unless Prefect's settings name another."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if server is None or PREFECT_API_URL.value():
        yield
        return
    server.wait()
    try:
        with temporary_settings({PREFECT_API_URL: server.api_url}):
            yield
    finally:
        server.stop()
