"""Transcripts kept by what they depend on, so that a batch that is run again hears nothing twice.

A checkpoint's name is a hash of the audio's bytes, of everything configured that decides what a
transcript looks like, and of the channel the manifest gives the agent. It is never changed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from audit.types import Transcript

_ADAPTER = TypeAdapter(Transcript)
_VERSION = "2"  # of the code that hears; raised when transcripts come out differently


def key(*, audio_sha256: str, fingerprint: str, agent_channel: str | None) -> str:
    """Name of the checkpoint of one recording under one configuration."""
    basis = "|".join([_VERSION, audio_sha256, fingerprint, agent_channel or ""])
    return hashlib.sha256(basis.encode()).hexdigest()[:32]


def _path(out: Path, name: str) -> Path:
    return out / "checkpoints" / name[:2] / f"{name}.json.gz"


def load(out: Path, name: str) -> Transcript | None:
    """The transcript under that name, or None if there is none that can be read."""
    try:
        return _ADAPTER.validate_json(gzip.decompress(_path(out, name).read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValidationError, gzip.BadGzipFile):
        return None  # damaged: it is made again


def save(out: Path, name: str, transcript: Transcript) -> None:
    """Keep a transcript; all or nothing."""
    path = _path(out, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(gzip.compress(_ADAPTER.dump_json(transcript), compresslevel=5, mtime=0))
        os.chmod(temporary, 0o640)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
