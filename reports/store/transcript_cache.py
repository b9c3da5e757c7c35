"""Transcripts kept by what they depend on, so that a batch that is run again hears nothing twice.

A checkpoint's name begins with the hash of the audio's bytes; the rest is a hash of everything
configured that decides what a transcript looks like, of what the manifest says of the speakers, and
of the code that hears. It is never changed; only a transcript that came ready is, with its call.
All lie in the private store.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

import models
from audit.types import Recording, Transcript
from models.voice import embeddings
from reports.store import private_store

_ADAPTER = TypeAdapter(Transcript)
_HEARS = (
    *(
        f"{name}.py"
        for name in (
            "audio",
            "media",
            "wav",
            "levels",
            "crosstalk",
            "speech",
            "hearing",
            "diarisation",
        )
    ),
    *(
        f"{name}.py"
        for name in ("intelligibility", "roles", "turns", "phrases", "pipeline", "text", "types")
    ),
)


def key(recording: Recording, *, audio_sha256: str, fingerprint: str) -> str:
    """Name of the checkpoint of one recording under one configuration."""
    voices = "voice prints" if embeddings.weights() else ""
    said = [recording.agent_channel or "", recording.direction or "", voices]
    if recording.raw_form is not None:
        said.append(str(recording.raw_form))
    basis = "|".join([_code(), audio_sha256, fingerprint, *said])
    return f"{of_recording(audio_sha256)}-{hashlib.sha256(basis.encode()).hexdigest()[:24]}"


def of_recording(audio_sha256: str) -> str:
    """How the names of all checkpoints of one recording begin."""
    return audio_sha256[: private_store.PREFIX]


def of_ready(call_id: str) -> str:
    """Name of the checkpoint of a call's transcript that came without a recording: its latest."""
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[: private_store.PREFIX]}-ready"


@cache
def _code() -> str:
    """Hash of the sources that decide what a transcript looks like."""
    here = Path(__file__).parents[2] / "audit"
    learned = Path(models.__file__).parent
    sources = [here / name for name in _HEARS]
    sources += sorted(path for path in learned.glob("*.py") if "forbidden" not in path.stem)
    sources.append(learned / "artifacts" / "voices.npz")
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def load(out: Path, name: str) -> Transcript | None:
    """The transcript under that name, or None if there is none that can be read.

    Raises:
        UsageError: it is encrypted, and the key is missing or another one.
    """
    data = private_store.read(out, name)
    try:
        return None if data is None else _ADAPTER.validate_json(data)
    except ValidationError:
        return None  # damaged: it is made again


def save(out: Path, name: str, transcript: Transcript) -> None:
    """Keep a transcript; all or nothing."""
    private_store.write(out, name, _ADAPTER.dump_json(transcript))
