"""Real servers on this machine that hold a folder: SFTP, WebDAV and index pages."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncssh
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

USER, PASSWORD = "recorder", "s3same-Opens"


@dataclass
class Server:
    """A running server: its URL, the requests it got by kind, and faults to come."""

    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    drops: int = 0
    """Downloads still to be cut off in the middle."""
    broken: str = "\0"
    """Downloads of files with this in their names are always cut off."""
    host_key: str = ""

    def drop(self, name: str) -> bool:
        """Whether this download is to be cut off."""
        if self.broken in name:
            return True
        self.drops -= 1
        return self.drops >= 0


class _Accounts(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextmanager
def sftp(folder: Path, *, port: int = 0) -> Iterator[Server]:
    """An SSH server whose root is a folder; ``url`` names the user, and no password."""
    state = Server()
    key = asyncssh.generate_private_key("ssh-ed25519")
    state.host_key = key.export_public_key().decode().strip()

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            self._connection = channel.get_connection()
            super().__init__(channel, chroot=str(folder).encode())

        def scandir(self, path: bytes) -> Any:
            state.requests["list"] += 1
            return super().scandir(path)

        def stat(self, path: bytes) -> Any:
            state.requests["stat"] += 1
            return super().stat(path)

        def lstat(self, path: bytes) -> Any:
            state.requests["lstat"] += 1
            return super().lstat(path)

        def read(self, file: Any, offset: int, size: int) -> Any:
            state.requests["read"] += 1
            if offset >= 1 << 15 and state.drop(os.fsdecode(file.name)):
                self._connection.abort()
            return super().read(file, offset, size)

    loop = asyncio.new_event_loop()

    async def serve() -> None:
        listening = await asyncssh.create_server(
            _Accounts, "127.0.0.1", port, server_host_keys=[key], sftp_factory=Files
        )
        state.url = f"sftp://{USER}@127.0.0.1:{listening.get_port()}"

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield state
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def known_host(server: Server) -> str:
    """The line of ``known_hosts`` for an SFTP server."""
    host, _, port = server.url.rpartition("@")[2].rpartition(":")
    return f"[{host}]:{port} {server.host_key}\n"


@contextmanager
def webdav(folder: Path) -> Iterator[Server]:
    """A WebDAV server with a user and a password."""
    state = Server()
    dav = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "http_authenticator": {"domain_controller": None, "accept_digest": False},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        state.requests[f"{environ['REQUEST_METHOD']} {environ.get('HTTP_DEPTH', '')}".strip()] += 1
        cut = environ["REQUEST_METHOD"] == "GET" and state.drop(environ["PATH_INFO"])
        body = dav(environ, start)
        return _cut(body) if cut else body

    server = wsgi.Server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    state.url = f"webdav://127.0.0.1:{server.bind_addr[1]}"
    try:
        yield state
    finally:
        server.stop()
        thread.join(10)


def _cut(body: Any) -> Iterator[bytes]:
    for piece in body:
        yield piece[:1000]
        raise ConnectionAbortedError(errno.ECONNABORTED, "cut off on purpose")


@contextmanager
def pages(folder: Path) -> Iterator[Server]:
    """A web server that lists its folders as index pages."""
    state = Server()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests["GET"] += 1
            if not self.path.endswith("/") and state.drop(self.path):
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(b"RIFF")
                return
            super().do_GET()

        def do_HEAD(self) -> None:
            state.requests["HEAD"] += 1
            super().do_HEAD()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
