"""Which code made a transcript, and which code judged a call: hashes of whole folders.

A folder is a set that nobody can forget to extend. The transcript cache and the column
``code_sha256`` depend on these hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from audit.config import Config
from models.voice import embeddings

ROOT = Path(__file__).parents[1]

TRANSCRIBES = (
    "audit/legs.py",
    "audit/raw_forms.py",
    "audit/reasons.py",
    "audit/types.py",
    "audit/language",
    "audit/transcription",
    "models/asr",
    "models/voice",
    "models/text/linear.py",
    "models/text/roles.py",
    "models/text/roles.npz",
    "models/text/tokens.py",
    "models/text/words.txt",
)
"""What decides how a transcript comes out, beside the configuration and the weights."""

JUDGES = ("audit", "models/asr", "models/voice", "models/text")
"""What decides how a call is judged: all of the domain and all models, not how they are trained."""

_SUFFIXES = {".py", ".yaml", ".npz", ".onnx", ".txt"}


@cache
def transcription_sha256() -> str:
    """Hash of the code and data that turn audio into a transcript."""
    return sha256_of(ROOT, TRANSCRIBES)


def transcription_fingerprint(config: Config, *, engine: str, model_sha256: str | None) -> str:
    """Hash of all that decides what a run's transcripts look like, the audio itself left out.

    Args:
        config: of the run.
        engine: the speech recognition engine that was chosen.
        model_sha256: hash of its weights; None where the engine loads them by name.
    """
    configured = config.transcription_fingerprint(engine=engine, model_sha256=model_sha256)
    speakers = "speaker embeddings" if embeddings.weights() else ""
    basis = "|".join([transcription_sha256(), configured, speakers])
    return hashlib.sha256(basis.encode()).hexdigest()[:16]


@cache
def code_sha256() -> str:
    """Hash of the code and data that transcribe and judge.

    A stored call that is judged again by code of the same hash, under the same rulebook, comes
    out the same.
    """
    return sha256_of(ROOT, JUDGES)


def sha256_of(root: Path, places: Iterable[str]) -> str:
    """Hash of the names and the bytes of all sources and data files in some folders.

    Args:
        root: the folder that holds the packages.
        places: files and folders under it.
    """
    digest = hashlib.sha256()
    for path in sorted({path for place in places for path in _files(root / place)}):
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    found = [place] if place.is_file() else place.rglob("*")
    return [path for path in found if path.is_file() and path.suffix in _SUFFIXES]
