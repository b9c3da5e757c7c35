"""A Prefect server for one run, kept alive while it lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings


@contextmanager
def one_server() -> Iterator[None]:
    """A Prefect server for this run, unless there is one; started again if it dies."""
    if PREFECT_API_URL.value():
        yield
        return
    with SubprocessASGIServer() as server, temporary_settings({PREFECT_API_URL: server.api_url}):
        ended = threading.Event()
        keeper = threading.Thread(target=_keep_up, args=(server, ended), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()


def _keep_up(server: SubprocessASGIServer, ended: threading.Event) -> None:
    """Start a server that has died again, on its port: whoever asks it anything waits for it."""
    while not ended.wait(0.5):
        process = server.server_process
        if process is not None and process.poll() is not None:
            server.running = False
            with suppress(Exception):  # it is tried again
                server.start()
