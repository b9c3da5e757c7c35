"""Proxies that the environment names, and Prefect's own server on this machine, which needs none.

httpx, with which Prefect's clients talk, sends to a proxy even what is meant for this machine,
unless ``no_proxy`` says otherwise; and it fails, whatever it is asked for, where a variable holds
what it does not know: SOCKS 4, ``socks://`` as GNOME writes it, ``[::1]`` in ``no_proxy``.
"""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

_KINDS = ("http", "https", "all")
_SPARED = ("no_proxy", "NO_PROXY")
"""Which of them is read differs between libraries."""
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def spare_this_machine() -> None:
    """Have this process, and those it starts, reach this machine directly.

    Everything else stays with the user's proxies; those that httpx does not know, which nothing
    here could use, are taken out of the environment, and from ``no_proxy`` what it cannot read.
    Has to run before Prefect makes a client.
    """
    named = getproxies_environment()
    spared = _hosts(named.get("no", ""))
    if spared == ["*"] or not any(named.get(kind) for kind in (*_KINDS, "no")):
        return
    for kind in unknown():
        for variable in [name for name in os.environ if name.lower() == f"{kind}_proxy"]:
            del os.environ[variable]
    spared += [host for host in (*_HERE, *_prefect_here()) if host not in spared]
    if not _is_understood(*spared):
        spared = [host for host in spared if _is_understood(host)]
    _spare(*spared)


def named() -> dict[str, str]:
    """Schemes of the proxies that the environment names, by kind: ``http``, ``https``, ``all``."""
    found = getproxies_environment()
    schemes = {kind: found[kind].partition("://") for kind in _KINDS if found.get(kind)}
    return {kind: scheme if rest else "http" for kind, (scheme, rest, _) in schemes.items()}


def unknown() -> list[str]:
    """Kinds whose proxy is none that httpx knows."""
    import httpx

    found = getproxies_environment()
    kinds = []
    for kind in named():
        address = found[kind] if "://" in found[kind] else f"http://{found[kind]}"
        try:
            _ = urlsplit(address).port  # raises beyond 65535; httpx would only notice later
            httpx.HTTPTransport(proxy=httpx.Proxy(address)).close()
        except (ImportError, ValueError, httpx.InvalidURL):
            kinds.append(kind)
    return kinds


def unread() -> list[str]:
    """What ``no_proxy`` names and httpx cannot read."""
    before = {name: os.environ.get(name) for name in _SPARED}
    try:
        return [
            host
            for host in _hosts(getproxies_environment().get("no", ""))
            if not _is_understood(host)
        ]
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def prefect_elsewhere() -> str | None:
    """The host of ``PREFECT_API_URL`` where that is another machine."""
    host = urlsplit(os.environ.get("PREFECT_API_URL", "")).hostname
    return None if host is None or host in _HERE or _is_loopback(host) else host


def _prefect_here() -> list[str]:
    """The host of ``PREFECT_API_URL`` where that is this machine, such as ``127.0.1.1``."""
    host = urlsplit(os.environ.get("PREFECT_API_URL", "")).hostname
    return [host] if host and _is_loopback(host) else []


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _hosts(listed: str) -> list[str]:
    return [host.strip() for host in listed.split(",") if host.strip()]


def _is_understood(*spared: str) -> bool:
    """Whether httpx can read ``no_proxy`` with these hosts in it, which are left there."""
    import httpx

    _spare(*spared)
    try:
        httpx.Client().close()
    except (ValueError, httpx.InvalidURL):
        return False
    return True


def _spare(*hosts: str) -> None:
    for variable in _SPARED:
        os.environ[variable] = ",".join(hosts)
