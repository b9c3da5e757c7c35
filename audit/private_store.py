"""The one place that holds what customers said in full: ``OUT/private``, for its owner only.

Transcripts lie there as compressed JSON, encrypted where ``CALLAUDIT_PRIVATE_KEY`` is set (Fernet:
AES-128 in CBC mode with an HMAC; https://cryptography.io). Whoever reads them for a person is noted
in ``access.jsonl``.
"""

from __future__ import annotations

import getpass
import gzip
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import OutputFailed, UsageError
from audit.files import write_whole

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY = "CALLAUDIT_PRIVATE_KEY"
"""Names the variable of the environment that has the key; several, by commas, while it changes:
the first one encrypts, all of them decrypt."""

_OWNER, _OWNER_FOLDER = 0o600, 0o700
_PROOF = b"callaudit"
_GZIP = b"\x1f\x8b"


def folder(out: Path) -> Path:
    """Where the store lies."""
    return out / "private"


def is_encrypted(out: Path) -> bool:
    """Whether a key was set when the store was opened first."""
    return _proof(out).is_file()


def open_store(out: Path) -> None:
    """Make sure, before a night begins, that what it holds can be read and added to.

    A store that is encrypted from the first transcript on stays so.

    Raises:
        UsageError: there is no key for a store that is encrypted, or another one.
        OutputFailed: it cannot be written.
    """
    check_key(out)
    _earlier(out)
    keys = _keys()
    proof = _proof(out)
    if proof.is_file():
        return
    if keys is not None:
        for name in list(names(out)):  # written before there was a key
            data = read(out, name)
            if data is not None:
                write(out, name, data)
        _write(out, proof, keys.encrypt(_PROOF))


def check_key(out: Path) -> None:
    """Make sure that there is the key, where the store is encrypted.

    Raises:
        UsageError: there is none, or another one.
    """
    keys, proof = _keys(), _proof(out)
    if not proof.is_file():
        return
    if keys is None:
        raise UsageError(f"{folder(out)} is encrypted; set {KEY} to its key")
    if _decrypted(keys, proof.read_bytes()) is None:
        raise UsageError(
            f"{folder(out)} was encrypted with another key; set {KEY} to the right one, or to "
            "both, by a comma, the new one first"
        )


def _earlier(out: Path) -> None:
    """Take over transcripts that versions before 1.5 of the schema kept for the group to read."""
    old, new = out / "checkpoints", folder(out) / "transcripts"
    if old.is_dir() and not new.exists():
        _make(out)
        old.rename(new)
        for path in new.rglob("*.json.gz"):
            path.chmod(_OWNER)


def names(out: Path) -> Iterator[str]:
    """The names of all transcripts."""
    for path in sorted(folder(out).glob("transcripts/*/*.json.gz")):
        yield path.name.removesuffix(".json.gz")


def read(out: Path, name: str) -> bytes | None:
    """A transcript, or None if there is none that can be read.

    Raises:
        UsageError: it is encrypted, and there is no key, or another one.
    """
    try:
        data: bytes | None = _path(out, name).read_bytes()
    except OSError:
        return None
    if data and not data.startswith(_GZIP):
        check_key(out)
        keys = _keys()
        data = None if keys is None else _decrypted(keys, data)
    try:
        return gzip.decompress(data) if data else None
    except (OSError, EOFError):
        return None


def write(out: Path, name: str, data: bytes) -> None:
    """Keep a transcript, all or nothing; encrypted where there is a key."""
    packed = gzip.compress(data, compresslevel=5, mtime=0)
    keys = _keys()
    _write(out, _path(out, name), packed if keys is None else keys.encrypt(packed))


def remove(out: Path, name: str) -> None:
    """Erase a transcript, if there is one."""
    _path(out, name).unlink(missing_ok=True)


def note_access(out: Path, command: str, call_ids: Iterable[str]) -> None:
    """Note that a command read these calls in full: who, when, which."""
    listed = sorted(call_ids)
    if not listed:
        return
    _make(out)
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": os.environ.get("SUDO_USER") or getpass.getuser(),
        "command": command,
        "calls": listed,
    }
    data = (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    handle = os.open(_log(out), flags, _OWNER)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)


def forget_access(out: Path, call_ids: Iterable[str]) -> None:
    """Take erased calls out of what is noted; that somebody read some stays."""
    gone = set(call_ids)
    if not _log(out).is_file():
        return
    lines = []
    for line in _log(out).read_text("utf-8").splitlines():
        noted = json.loads(line)
        noted["calls"] = ["erased" if call in gone else call for call in noted["calls"]]
        lines.append(json.dumps(noted, ensure_ascii=False) + "\n")
    write_whole(_log(out), "".join(lines).encode("utf-8"), mode=_OWNER)


def _proof(out: Path) -> Path:
    return folder(out) / "key.proof"


def _log(out: Path) -> Path:
    return folder(out) / "access.jsonl"


def _path(out: Path, name: str) -> Path:
    return folder(out) / "transcripts" / name[:2] / f"{name}.json.gz"


def _make(out: Path) -> None:
    place = folder(out)
    if not place.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(_OWNER_FOLDER)


def _write(out: Path, path: Path, data: bytes) -> None:
    try:
        _make(out)
    except OSError as error:
        raise OutputFailed.at(out, error) from error
    write_whole(path, data, mode=_OWNER)


def _decrypted(keys: MultiFernet, data: bytes) -> bytes | None:
    from cryptography.fernet import InvalidToken

    try:
        return keys.decrypt(data)
    except InvalidToken:
        return None


def _keys() -> MultiFernet | None:
    return _of(os.environ.get(KEY, "").strip())


@lru_cache(maxsize=4)
def _of(value: str) -> MultiFernet | None:
    if not value:
        return None
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(part.strip()) for part in value.split(",")])
    except ValueError as error:
        raise UsageError(
            f'{KEY} is no key; make one with `python -c "from cryptography.fernet import Fernet; '
            'print(Fernet.generate_key().decode())"`'
        ) from error
