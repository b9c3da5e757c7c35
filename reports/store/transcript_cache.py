"""Transcripts kept by what they depend on, so that a repeated batch transcribes nothing twice.

A transcript's name begins with the hash of the audio's bytes; the rest is a hash of everything
that decides what it looks like: configuration, weights and code (the run's fingerprint), and what
the manifest says of the speakers. It is never changed; only a transcript that came ready is, with
its call. All of them are in the private store.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from audit.reasons import verbatim
from audit.types import Recording, Transcript
from reports.store.private import PREFIX, PrivateStore

_ADAPTER = TypeAdapter(Transcript)


def key(recording: Recording, *, audio_sha256: str, fingerprint: str) -> str:
    """Name of the transcript of one recording under one configuration.

    Args:
        recording: what the manifest says of it.
        audio_sha256: hash of the recording's bytes.
        fingerprint: of the run, see ``flows.lineage.transcription_fingerprint``.
    """
    given = [recording.agent_channel or "", recording.direction or ""]
    if recording.raw_form is not None:
        given.append(str(recording.raw_form))
    given += [str(replace(leg, file="")) for leg in recording.legs]
    basis = "|".join([audio_sha256, fingerprint, *given])
    return f"{of_recording(audio_sha256)}-{hashlib.sha256(basis.encode()).hexdigest()[:24]}"


def of_recording(audio_sha256: str) -> str:
    """How the names of all transcripts of one recording begin."""
    return audio_sha256[:PREFIX]


def of_ready(call_id: str) -> str:
    """Name of a call's latest ready transcript, which came without a recording."""
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:PREFIX]}-ready"


@dataclass(frozen=True, slots=True)
class TranscriptCache:
    """The transcripts in the private store."""

    private: PrivateStore

    def load(self, name: str) -> Transcript | None:
        """The transcript under that name, or None if there is none that can be read.

        Raises:
            UsageError: it is encrypted, and the key is missing or another one.
        """
        data = self.private.read(name)
        try:
            return None if data is None else _ADAPTER.validate_python(_current(json.loads(data)))
        except ValueError:
            return None  # damaged: it is made again

    def save(self, name: str, transcript: Transcript) -> None:
        """Keep a transcript; all or nothing."""
        self.private.write(name, _ADAPTER.dump_json(transcript))


def _current(transcript: Any) -> Any:
    """A transcript as it is kept now; earlier ones have sentences for doubts."""
    if isinstance(transcript, dict):
        transcript["doubts"] = [
            asdict(verbatim(doubt)) if isinstance(doubt, str) else doubt
            for doubt in transcript.get("doubts", ())
        ]
    return transcript
