"""File systems of other machines, through fsspec: how they are reached, and what goes wrong there.

A URL names a place and never a password, because it is written to job files, tables, pages and
logs. Credentials are where the respective clients look for them: keys, agent and configuration of
SSH, ``~/.netrc``, the cloud's own environment, fsspec's configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from audit.errors import UsageError

PATIENCE_S = 20
"""Seconds that a server may be silent."""

_SFTP = frozenset({"sftp", "ssh"})
_HTTP = frozenset({"http", "https"})
_WEBDAV = {"webdav": "http", "dav": "http", "webdavs": "https", "davs": "https"}
_SECRET = re.compile(r"[a-z][\w+.-]*://[^/@:\[]*:(?!\d+(?:/|$)).*@", re.IGNORECASE)
"""The beginning of a URL with a password; a number after the colon is a port."""
_USER = re.compile(r"^([a-z][\w+.-]*://)(?:[^/]*@|[^/@:\[]*:(?!\d+(?:/|$)).*@)", re.IGNORECASE)
_CREDENTIALS = {
    **dict.fromkeys(
        _SFTP, "an SSH key (ssh-agent, ~/.ssh, ~/.ssh/config) or in FSSPEC_SFTP_PASSWORD"
    ),
    **dict.fromkeys((*_HTTP, *_WEBDAV), "~/.netrc, or the file that NETRC names"),
}
"""Where credentials belong, by scheme."""
_ELSEWHERE = "the environment or configuration of the cloud's client, such as ~/.aws"


def scheme(location: str) -> str:
    """The scheme of a URL, ``file`` where there is none.

    >>> scheme("sftp://pbx/calls"), scheme("/calls"), scheme("file:///calls")
    ('sftp', 'file', 'file')
    """
    found = re.match(r"([A-Za-z][\w+.-]*):(?=//|/|:)", location)
    return found[1].lower() if found else "file"


def is_local(location: str) -> bool:
    """Whether a location is on this machine's own file system."""
    return scheme(location) in {"file", "local"}


def has_server(location: str) -> bool:
    """Whether a URL names a server, and a path on it."""
    return scheme(location) in _SFTP | _HTTP | _WEBDAV.keys()


def is_quoted(location: str) -> bool:
    """Whether the paths in such URLs are percent-encoded."""
    return scheme(location) in _HTTP | _WEBDAV.keys()


def without_credentials(url: str) -> str:
    """A URL as it may be shown: without user and password.

    >>> without_credentials("sftp://user:p4ss@pbx:2222/calls/a@b.wav")
    'sftp://pbx:2222/calls/a@b.wav'
    """
    return _USER.sub(r"\1", url)


def refuse_credentials(url: str) -> None:
    """Refuse a URL that holds a password or a signature.

    Raises:
        UsageError: it does; the sentence says where credentials belong, and does not show them.
    """
    signed = is_quoted(url) and "?" in url
    if not signed and not _SECRET.match(url):
        return
    shown = without_credentials(url).partition("?")[0] if signed else without_credentials(url)
    what = "anything after a question mark" if signed else "a password"
    place = _CREDENTIALS.get(scheme(url), _ELSEWHERE)
    raise UsageError(
        f"a URL may not hold {what}, because it is written to logs, tables and pages; "
        f"write {shown}, and put credentials into {place}"
    )


def connect(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path on it.

    Servers of SFTP are connected to, and their host keys verified; others are reached when first
    used. Each file system raises its own errors; :func:`cause` words them.

    Raises:
        UsageError: the URL holds credentials, or a package is missing.
    """
    refuse_credentials(url)
    try:
        if scheme(url) in _SFTP:
            return _sftp(url)
        if scheme(url) in _WEBDAV:
            return _webdav(url)
        if scheme(url) in _HTTP:
            return _http(url)
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
        return filesystem, str(path)
    except ImportError as error:
        raise UsageError(f"{scheme(url)}:// needs {_install(url)}") from error


def _install(url: str) -> str:
    extra = {**dict.fromkeys(_SFTP, "sftp"), **dict.fromkeys((*_HTTP, *_WEBDAV), "webdav")}
    extra |= {"s3": "s3", "s3a": "s3"}
    if scheme(url) in extra:
        return f"`pip install 'callaudit[{extra[scheme(url)]}]'`"
    return f"the package that fsspec uses for it; see fsspec's documentation of {scheme(url)}"


def _sftp(url: str) -> tuple[Any, str]:
    import fsspec
    from sshfs import SSHFileSystem

    place = SSHFileSystem._get_kwargs_from_urls(url)
    options = {
        "connect_timeout": PATIENCE_S,
        "login_timeout": PATIENCE_S,
        "keepalive_interval": PATIENCE_S / 2,
        "keepalive_count_max": 2,
        **fsspec.config.conf.get("sftp", {}),
        **{name: value for name, value in place.items() if name != "url_query"},
    }
    # empty: those of ~/.ssh/known_hosts; None, sshfs's own default, would trust any server
    options["known_hosts"] = options.get("known_hosts") or ()
    return SSHFileSystem(**options), SSHFileSystem._strip_protocol(url)


def _webdav(url: str) -> tuple[Any, str]:
    import httpx
    from webdav4.fsspec import WebdavFileSystem

    parts = urlsplit(url)
    netrc = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    filesystem = WebdavFileSystem(
        f"{_WEBDAV[parts.scheme]}://{parts.netloc.rpartition('@')[2]}",
        auth=httpx.NetRCAuth(str(netrc)) if netrc.is_file() else None,
        timeout=PATIENCE_S,
    )
    return filesystem, unquote(parts.path).strip("/")


def _http(url: str) -> tuple[Any, str]:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    timeout = aiohttp.ClientTimeout(sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
    options = {"trust_env": True, "timeout": timeout}  # trusted are ~/.netrc and proxies
    return HTTPFileSystem(simple_links=False, client_kwargs=options), quote(url, safe=":/%[]@")


def reconnected(filesystem: Any) -> Any:
    """The same file system through a new connection."""
    kind = type(filesystem)
    kind.clear_instance_cache()
    return kind(*filesystem.storage_args, **filesystem.storage_options)


def below(root: str, url: str) -> str | None:
    """The decoded path of a URL below that of a root on the same server; None elsewhere.

    >>> below("webdav://nas/calls", "webdav://nas/calls/%E9%80%9A.wav")
    '通.wav'
    >>> below("sftp://pbx/calls", "sftp://other/calls/a.wav")
    """
    mine, its = urlsplit(without_credentials(root)), urlsplit(without_credentials(url))
    if (mine.hostname, mine.port) != (its.hostname, its.port):
        return None
    folder, path = (unquote(p.path) if is_quoted(url) else p.path for p in (mine, its))
    folder = folder.rstrip("/") + "/"
    return path.removeprefix(folder) if path.startswith(folder) else None


def cause(error: BaseException, url: str) -> str:
    """What went wrong on a file system, in words that hold no secrets and say what to do."""
    chain = list(_chain(error))
    kinds = {kind.__name__ for one in chain for kind in type(one).__mro__}
    statuses = {getattr(one, name, None) for one in chain for name in ("status", "status_code")}
    if "HostKeyNotVerifiable" in kinds:
        return (
            "its host key is not in ~/.ssh/known_hosts, or another one is; compare it with what "
            "the server's owner says, and add it with `ssh-keyscan -p PORT HOST >> "
            "~/.ssh/known_hosts`"
        )
    if statuses & {401, 403} or kinds & {"PermissionError", "NoCredentialsError"}:
        place = _CREDENTIALS.get(scheme(url), _ELSEWHERE)
        return f"access is refused; put credentials that may read it into {place}"
    if any("timeout" in kind.lower() for kind in kinds):
        return "the server does not answer; try again when it does"
    if kinds & {"ConnectError", "ClientConnectorError", "EndpointConnectionError", "gaierror"} or (
        "ConnectionRefusedError" in kinds
    ):
        return "no server answers there; check the address, and that the server is up"
    return f"{type(error).__name__}; check the server"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
