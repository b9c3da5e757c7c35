"""One shard's work: have each recording heard once and note what became of it."""

from __future__ import annotations

from pathlib import Path

from audit.errors import OutputFailed, RejectReason
from flows.jobs import Job, Outcome, load_job, outcome_file, outcome_line
from flows.workers.transcriber import Hearer

_SILENT_AFTER = 3
"""So many recordings in a row that cannot be read in time, and the rest is not waited for."""


def run(job_file: Path, number: int) -> list[Outcome]:
    """Have the recordings of one shard heard; one that fails never stops the others.

    Raises:
        UsageError: the recordings or the recogniser's weights cannot be reached.
        OutputFailed: OUT cannot be written.
    """
    job = load_job(job_file)
    try:
        return _heard(job, number)
    except OSError as error:
        raise OutputFailed.at(job.folder, error) from error


def _heard(job: Job, number: int) -> list[Outcome]:
    done: list[Outcome] = []
    with Hearer(job) as hearer, outcome_file(job, number).open("wb", buffering=0) as notes:
        for recording in job.shard(number):
            if hearer.unread >= _SILENT_AFTER:
                outcome = Outcome(
                    recording.call_id,
                    reason=RejectReason.TIMEOUT,
                    detail="the recordings' share does not answer; mend it and run again",
                )
            else:
                outcome = hearer.hear(recording)
            notes.write(outcome_line(outcome))
            done.append(outcome)
    return done
