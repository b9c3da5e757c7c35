"""The one place that holds what customers said in full: ``OUT/private``, for its owner only.

Transcripts are compressed, and encrypted where ``CALLAUDIT_PRIVATE_KEY`` is set (Fernet:
AES-128 in CBC mode with an HMAC; https://cryptography.io). A name begins with the first
``PREFIX`` characters of the hash of what it is a transcript of, so all of one recording are found
without reading any. Whoever reads them for a person is noted in ``access.jsonl``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pwd
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import OutputFailed, UsageError
from reports.store.atomic import write_whole
from reports.store.layout import KEY_PROOF, Layout

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY = "CALLAUDIT_PRIVATE_KEY"
"""Names the variable of the environment that has the key; several, by commas, while it changes:
the first one encrypts, all of them decrypt."""
PREFIX = 16

_PLAIN, _ENCRYPTED = ".json.gz", ".fernet"
_OWNER, _OWNER_FOLDER = 0o600, 0o700


def may_leave(name: str) -> bool:
    """Whether a file of the store, by its name, may be copied to another machine."""
    return name.endswith((_ENCRYPTED, KEY_PROOF))


@dataclass(frozen=True, slots=True)
class PrivateStore:
    """The full transcripts, and the note of who read them."""

    layout: Layout

    def prepare(self) -> None:
        """Make sure, before a night begins, that what it holds can be read and added to.

        With a key, what is there in plain is encrypted with it; a store that is encrypted stays
        so.

        Raises:
            UsageError: there is no key for a store that is encrypted, or another one.
            OutputFailed: it cannot be written.
        """
        self.check_key()
        keys, proof = _keys(), self.layout.key_proof
        if keys is None:
            return
        if not proof.is_file():
            self._write(proof, keys.encrypt(b"callaudit"))
        for path in self._files(_PLAIN):
            self._write(path.with_name(_name(path) + _ENCRYPTED), keys.encrypt(path.read_bytes()))
            path.unlink()
        first = _of(os.environ[KEY].partition(",")[0].strip())
        if _decrypted(first, proof.read_bytes()) is None:  # the key changes
            for path in (*self._files(_ENCRYPTED), proof):
                data = _decrypted(keys, path.read_bytes())
                if data is None:
                    path.unlink()  # damaged: it is made again
                else:
                    self._write(path, keys.encrypt(data))

    def check_key(self) -> None:
        """Make sure that the store may be read, and that there is the key where it is encrypted.

        Raises:
            UsageError: it may not, or there is no key, or another one.
        """
        keys, proof = _keys(), self.layout.key_proof
        self._look()
        if not proof.is_file():
            return
        folder = self.layout.private
        transcripts = self.layout.all_transcripts
        lost = f"if it is lost, remove {transcripts} and {proof}: nothing else is lost"
        if keys is None:
            raise UsageError(f"{folder} is encrypted; set {KEY} to its key; {lost}")
        if _decrypted(keys, proof.read_bytes()) is None:
            raise UsageError(
                f"{folder} was encrypted with another key; set {KEY} to the right one, or to "
                f"both, by a comma, the new one first; {lost}"
            )

    def _look(self) -> None:
        """Make sure that this user may look into the store, if there is one."""
        folder = self.layout.private
        try:
            os.listdir(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(
                f"{folder} cannot be read ({os.strerror(error.errno or 0)}); it is for its owner "
                "only: run this as the user that owns it"
            ) from error

    def names(self) -> Iterator[str]:
        """The names of all transcripts."""
        for path in self._files(_PLAIN, _ENCRYPTED):
            yield _name(path)

    def read(self, name: str) -> bytes | None:
        """A transcript, or None if there is none that can be read.

        Raises:
            UsageError: it is encrypted, and there is no key, or another one.
        """
        place = self.layout.full_transcripts(name)
        data: bytes | None = None
        with contextlib.suppress(OSError):
            data = (place / f"{name}{_PLAIN}").read_bytes()
        with contextlib.suppress(OSError):
            encrypted = (place / f"{name}{_ENCRYPTED}").read_bytes()
            self.check_key()
            keys = _keys()
            data = None if keys is None else _decrypted(keys, encrypted)
        try:
            return gzip.decompress(data) if data else None
        except (OSError, EOFError):
            return None

    def write(self, name: str, data: bytes) -> None:
        """Keep a transcript, all or nothing; encrypted where there is a key.

        Raises:
            UsageError: the store is encrypted, and there is no key, or another one.
            OutputFailed: it cannot be written.
        """
        self.check_key()
        keys, place = _keys(), self.layout.full_transcripts(name)
        packed = gzip.compress(data, compresslevel=5, mtime=0)
        if keys is None:
            self._write(place / f"{name}{_PLAIN}", packed)
        else:
            self._write(place / f"{name}{_ENCRYPTED}", keys.encrypt(packed))

    def remove(self, name: str) -> None:
        """Erase a transcript, if there is one."""
        for suffix in (_PLAIN, _ENCRYPTED):
            (self.layout.full_transcripts(name) / f"{name}{suffix}").unlink(missing_ok=True)

    def written_on(self, name: str) -> date | None:
        """The day, by UTC, on which a transcript was written; None if there is none."""
        for suffix in (_PLAIN, _ENCRYPTED):
            with contextlib.suppress(OSError):
                seconds = (self.layout.full_transcripts(name) / f"{name}{suffix}").stat().st_mtime
                return datetime.fromtimestamp(seconds, UTC).date()
        return None

    def note_access(self, command: str, call_ids: Iterable[str]) -> None:
        """Note that a command read these calls in full: who, when, which."""
        listed = sorted(call_ids)
        if not listed:
            return
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": _user(),
            "sudo_user": os.environ.get("SUDO_USER"),
            "command": command,
            "calls": listed,
        }
        data = (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        try:
            self._make()
            handle = os.open(self.layout.access_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _OWNER)
            with os.fdopen(handle, "ab") as file:
                file.write(data)
        except OSError as error:  # what cannot be noted shall not be read
            raise OutputFailed.at(self.layout.private, error) from error

    def forget_access(self, call_ids: Iterable[str]) -> None:
        """Take erased calls out of what is noted; that somebody read some stays."""
        gone = set(call_ids)
        if not self.layout.access_log.is_file():
            return
        lines = []
        for line in self.layout.access_log.read_bytes().split(b"\n"):
            try:
                noted = json.loads(line)
            except ValueError:
                continue  # the line a process died in
            noted["calls"] = ["erased" if call in gone else call for call in noted["calls"]]
            lines.append(json.dumps(noted, ensure_ascii=False) + "\n")
        write_whole(self.layout.access_log, "".join(lines).encode("utf-8"), mode=_OWNER)

    def place_file(self, path: Path, data: bytes) -> None:
        """Put a file of the store that came from another machine into its place."""
        self._write(path, data)

    def _files(self, *suffixes: str) -> list[Path]:
        self._look()
        return sorted(
            path
            for path in self.layout.all_full_transcripts()
            if path.name.endswith(suffixes) and not path.name.startswith(".")
        )

    def _make(self) -> None:
        place = self.layout.private
        place.mkdir(parents=True, exist_ok=True)
        if place.stat().st_mode & 0o777 != _OWNER_FOLDER:
            place.chmod(_OWNER_FOLDER)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            self._make()
        except OSError as error:
            raise OutputFailed.at(self.layout.root, error) from error
        write_whole(path, data, mode=_OWNER)


def _user() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _name(path: Path) -> str:
    return path.name.removesuffix(_PLAIN).removesuffix(_ENCRYPTED)


def _decrypted(keys: MultiFernet, data: bytes) -> bytes | None:
    from cryptography.fernet import InvalidToken

    try:
        return keys.decrypt(data)
    except InvalidToken:
        return None


def _keys() -> MultiFernet | None:
    return _of(os.environ[KEY].strip()) if KEY in os.environ else None


@lru_cache(maxsize=4)
def _of(value: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(part.strip()) for part in value.split(",")])
    except ValueError as error:
        raise UsageError(
            f"{KEY} is not a valid key; make one with "
            '`python -c "from cryptography.fernet import Fernet; '
            'print(Fernet.generate_key().decode())"`'
        ) from error
