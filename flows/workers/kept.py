"""Recordings that were transcribed before: found without a process that transcribes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress

from audit.intake import roots
from audit.types import Channels, Recording, Transcript
from flows.jobs import Job, RecordingOutcome
from reports.store import transcript_cache

FEW = 20
"""Recordings; larger nights are worth a process, and its cores, for each shard."""
_PATIENCE_S = 10.0
"""A file that is not read by then is left to a process, which can be ended."""


def outcomes(job: Job, recordings: Sequence[Recording]) -> dict[str, RecordingOutcome]:
    """The outcomes of recordings that have a transcript and a waveform, by call.

    Whatever is wrong with one of the others is found by the process that transcribes it.
    """
    local = roots.locate(job.root).local
    if not (local and job.resume and len(job.recordings) <= FEW) or job.config.batch.bundle_audio:
        return {}
    found: dict[str, RecordingOutcome] = {}
    read: queue.SimpleQueue[RecordingOutcome | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(job, recordings, read), daemon=True).start()
    for recording in recordings:
        try:
            outcome = read.get(timeout=_PATIENCE_S)
        except queue.Empty:
            break
        if outcome is None:
            break  # from here on there is work for a process
        found[recording.call_id] = outcome
    return found


def _read(
    job: Job,
    recordings: Sequence[Recording],
    read: queue.SimpleQueue[RecordingOutcome | None],
) -> None:
    root, limit = roots.locate(job.root), job.config.limits.max_bytes
    with suppress(Exception):  # whatever it is, the process meets it again and tells of it
        for recording in recordings:
            with roots.fetched(root, recording, max_bytes=limit) as (_, digest):
                name = transcript_cache.key(
                    recording, audio_sha256=digest, fingerprint=job.fingerprint
                )
            transcript = job.store.transcripts.load(name)
            if transcript is None or not has_waveform(job, digest, transcript):
                break
            read.put(outcome_of(recording, name, transcript, resumed=True))
    read.put(None)


def outcome_of(
    recording: Recording, name: str, transcript: Transcript, *, resumed: bool
) -> RecordingOutcome:
    """The outcome of a recording that is transcribed."""
    return RecordingOutcome(
        recording.call_id,
        transcript_key=name,
        audio_s=transcript.duration_s or 0.0,
        resumed=resumed,
    )


def has_waveform(job: Job, digest: str, transcript: Transcript) -> bool:
    """Whether the waveform is kept already, with as many channels as were transcribed."""
    kept = job.store.waveforms.load(digest)
    return kept is not None and len(kept) == (2 if transcript.channels is Channels.STEREO else 1)
