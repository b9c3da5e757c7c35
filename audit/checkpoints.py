"""Transcripts kept by what they depend on, so that a batch that is run again hears nothing twice.

A checkpoint's name is a hash of the audio's bytes, of everything configured that decides what a
transcript looks like, of what the manifest says of the speakers, and of the code that hears. It
is never changed.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

import models
from audit.files import write_whole
from audit.types import Recording, Transcript
from models import speakers

_ADAPTER = TypeAdapter(Transcript)
_HEARS = (
    *(
        f"{name}.py"
        for name in ("audio", "levels", "crosstalk", "speech", "hearing", "diarisation")
    ),
    *(f"{name}.py" for name in ("roles", "turns", "phrases", "pipeline", "text", "types")),
)


def key(recording: Recording, *, audio_sha256: str, fingerprint: str) -> str:
    """Name of the checkpoint of one recording under one configuration."""
    voices = "voice prints" if speakers.weights() else ""
    said = (recording.agent_channel or "", recording.direction or "", voices)
    basis = "|".join([_code(), audio_sha256, fingerprint, *said])
    return hashlib.sha256(basis.encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """Hash of the sources that decide what a transcript looks like."""
    here = Path(__file__).parent
    learned = Path(models.__file__).parent
    sources = [here / name for name in _HEARS]
    sources += sorted(path for path in learned.glob("*.py") if "forbidden" not in path.stem)
    sources.append(learned / "artifacts" / "voices.npz")
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


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
    data = gzip.compress(_ADAPTER.dump_json(transcript), compresslevel=5, mtime=0)
    write_whole(_path(out, name), data)
