"""One shard's work: have each recording transcribed once and note the outcome."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from audit.errors import OutputFailed, RejectReason, ServiceUnavailable
from flows.jobs import Job, RecordingOutcome, load_job, outcome_file, outcome_line
from flows.workers import kept
from flows.workers.transcriber import Transcriber

_UNREAD_MAX = 3
"""Recordings in a row that cannot be read in time, after which the rest is not waited for."""


def run(job_file: Path, number: int) -> list[RecordingOutcome]:
    """Have the recordings of one shard transcribed; one that fails never stops the others.

    Raises:
        UsageError: the recordings or the speech recognition weights cannot be reached.
        ServiceUnavailable: what transcribes does not answer, here or for another shard.
        OutputFailed: OUT cannot be written.
    """
    job = load_job(job_file)
    stopped = job.store.layout.stopped(job.run_id)
    try:
        if stopped.exists():  # nobody waits for the same service in every shard
            raise ServiceUnavailable(stopped.read_text("utf-8"))
        return _transcribed(job, number)
    except ServiceUnavailable as error:
        with suppress(OSError):
            stopped.write_text(str(error), "utf-8")
        raise
    except OSError as error:
        raise OutputFailed.at(job.folder, error) from error


def _transcribed(job: Job, number: int) -> list[RecordingOutcome]:
    done: list[RecordingOutcome] = []
    known = kept.outcomes(job, job.shard(number))
    with (
        Transcriber(job) as transcriber,
        outcome_file(job, number).open("wb", buffering=0) as notes,
    ):
        for recording in job.shard(number):
            if recording.call_id in known:
                outcome = known[recording.call_id]
            elif transcriber.unread >= _UNREAD_MAX:
                outcome = RecordingOutcome(
                    recording.call_id,
                    reason=RejectReason.TIMEOUT,
                    detail="the recordings' share does not respond; restore it and run again",
                )
            else:
                outcome = transcriber.transcribe(recording)
            notes.write(outcome_line(outcome))
            done.append(outcome)
    return done
