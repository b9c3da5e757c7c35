"""One shard's work: hear each recording once and note what became of it."""

from __future__ import annotations

import logging
from pathlib import Path

from audit import checkpoints, peaks, pipeline, recordings
from audit.errors import RejectedRecording, RejectReason
from audit.recordings import Root
from audit.types import Channels, Recogniser, Recording, Transcript
from flows.runs import Job, Outcome, load_job, outcome_file, outcome_line
from models import engines
from reports import sound

_log = logging.getLogger(__name__)


def run(job_file: Path, number: int) -> list[Outcome]:
    """Hear the recordings of one shard; one that fails never stops the others.

    Raises:
        UsageError: the recordings or the recogniser's weights cannot be reached.
    """
    job = load_job(job_file)
    root = recordings.open_root(job.root)
    recogniser = engines.load(job.config.hearing.recogniser)
    done = []
    with outcome_file(job, number).open("wb", buffering=0) as notes:
        for recording in job.shard(number):
            outcome = _outcome(recording, job, root, recogniser)
            notes.write(outcome_line(outcome))
            done.append(outcome)
    return done


def _outcome(recording: Recording, job: Job, root: Root, recogniser: Recogniser) -> Outcome:
    try:
        return _heard(recording, job, root, recogniser)
    except RejectedRecording as rejected:
        return Outcome(recording.call_id, reason=rejected.reason, detail=rejected.detail)
    except Exception as error:  # a night goes on whatever one recording does
        _log.info("recording of call %s crashed", recording.call_id, exc_info=True)
        return Outcome(
            recording.call_id,
            reason=RejectReason.CRASHED,
            detail=f"hearing it failed with {type(error).__name__}; run with --verbose and report",
        )


def _heard(recording: Recording, job: Job, root: Root, recogniser: Recogniser) -> Outcome:
    with recordings.fetched(root, recording) as (path, digest):
        name = checkpoints.key(recording, audio_sha256=digest, fingerprint=job.fingerprint)
        transcript = checkpoints.load(job.out, name) if job.resume else None
        resumed = transcript is not None
        if transcript is None or not _drawn(job, digest, transcript):
            audio = pipeline.decode(path, recording, limits=job.config.limits)
            peaks.save(job.out, digest, peaks.compute(audio.samples))
            if transcript is None:
                transcript = pipeline.hear(
                    audio,
                    recording,
                    recogniser=recogniser,
                    hearing_config=job.config.hearing,
                    audio_sha256=digest,
                )
                checkpoints.save(job.out, name, transcript)
        if job.config.batch.bundle_audio:
            _bundle(path, recording, job)
    return Outcome(
        recording.call_id,
        checkpoint=name,
        audio_s=transcript.duration_s or 0.0,
        resumed=resumed,
    )


def _drawn(job: Job, digest: str, transcript: Transcript) -> bool:
    """Whether the waveform is kept already, with as many channels as were heard."""
    kept = peaks.load(job.out, digest)
    return kept is not None and len(kept) == (2 if transcript.channels is Channels.STEREO else 1)


def _bundle(path: Path, recording: Recording, job: Job) -> None:
    """Copy the recording beside the pages; a copy that fails takes no call out of the night."""
    try:
        sound.bundle(path, job.out, recording.call_id)
    except (OSError, ValueError):
        _log.warning("the recording of call %s could not be copied", recording.call_id)
