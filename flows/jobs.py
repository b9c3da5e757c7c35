"""A run's own files under ``OUT/runs/RUN_ID``: its plan, and the outcome of each recording."""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from audit.config import Config
from audit.errors import OutputFailed, RejectReason, UsageError
from audit.intake.recordings import Reject
from audit.types import Recording
from reports.store import Store
from reports.store.atomic import write_whole

MOST_SHARDS = 100
"""Limit of a night, however large it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a shard needs to know; written once, read by every worker."""

    run_id: str
    out: Path
    root: str
    config: Config
    fingerprint: str
    resume: bool
    recordings: tuple[Recording, ...]
    rejects: tuple[Reject, ...]
    night: date | None = None
    """The one night that is audited; None for whatever is there."""
    waiting: int = 0
    """Recordings still being written to, left for a later run."""
    ignored: int = 0
    """Files whose names are not those of recordings."""
    unlisted: int = 0
    """Recordings in the folder that no row of the manifest names."""
    unrecorded: int = 0
    """Calls of another system's export that have no recording in the folder."""

    @property
    def shard_size(self) -> int:
        """Recordings in a shard: more than configured where Prefect had too many tasks to keep."""
        return max(self.config.batch.shard_size, -(-len(self.recordings) // MOST_SHARDS))

    @property
    def shards(self) -> int:
        """How many shards the recordings are cut into."""
        return -(-len(self.recordings) // self.shard_size)

    def shard(self, number: int) -> tuple[Recording, ...]:
        """The recordings of one shard, numbered from 0."""
        size = self.shard_size
        return self.recordings[number * size : (number + 1) * size]

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Nights (ISO dates) and agents that the recordings belong to."""
        return frozenset((r.audit_date.isoformat(), r.agent_id) for r in self.recordings)

    @property
    def store(self) -> Store:
        """The output folder as an object."""
        return Store(self.out)

    @property
    def folder(self) -> Path:
        """Folder of the run's files."""
        return self.store.layout.run(self.run_id)


@dataclass(frozen=True, slots=True)
class RecordingOutcome:
    """Outcome of one recording: the key of its transcript, or why there is none."""

    call_id: str
    transcript_key: Annotated[str | None, Field(alias="checkpoint")] = None
    """Key in the transcript cache; called ``checkpoint`` in the files."""
    reason: RejectReason | None = None
    detail: str = ""
    audio_s: float = 0.0
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did: ``audited + rejected == planned``."""

    run_id: str
    planned: int
    audited: int
    rejected: int
    resumed: int
    ignored: int
    audio_s: float
    reasons: dict[str, int]
    index: str
    night: date | None = None
    """The one night that was audited; None for whatever was there."""
    waiting: int = 0
    """Recordings still being written to, left for a later run."""
    unlisted: int = 0
    """Recordings in the folder that no row of the manifest names."""
    unrecorded: int = 0
    """Calls of another system's export that have no recording in the folder."""
    agents: tuple[dict[str, Any], ...] = ()
    """Rows of the agents that it touched, with :data:`AGENT_COLUMNS`; not kept with the counts."""


AGENT_COLUMNS = (
    *("agent", "agent_name", "audit_date", "calls", "mean_score", "auto_fails"),
    "interruption_rate",
)
"""What is shown of each agent after a run."""

_JOB = TypeAdapter(Job)
_OUTCOME = TypeAdapter(RecordingOutcome)
_SUMMARY = TypeAdapter(RunSummary)


def new_run_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def save_job(job: Job) -> Path:
    """Write a run's plan and return its path."""
    path = job.store.layout.job_file(job.run_id)
    write_whole(path, _JOB.dump_json(job))
    return path


@lru_cache(maxsize=1)
def load_job(path: Path) -> Job:
    """Read a run's plan, which never changes while the run is at work."""
    return _JOB.validate_json(path.read_bytes())


def stored_jobs(store: Store) -> Iterator[Job]:
    """The plans of all runs, oldest first; one that this version cannot read is removed.

    No other program can read such a plan, and it would keep what is to be erased.
    """
    for run_id in store.layout.run_ids():
        path = store.layout.job_file(run_id)
        try:
            job = _JOB.validate_json(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValidationError:
            path.unlink()
        else:
            yield replace(
                job, run_id=run_id, out=store.root.resolve()
            )  # which may have been moved since


def outcome_file(job: Job, number: int) -> Path:
    """Where a shard notes the outcomes of its recordings, one per line."""
    return job.store.layout.outcomes(job.run_id, number)


def outcome_line(outcome: RecordingOutcome) -> bytes:
    """One line of an outcome file."""
    return _OUTCOME.dump_json(outcome, by_alias=True) + b"\n"


def outcomes(job: Job) -> Iterator[tuple[Recording, RecordingOutcome]]:
    """Every recording of the job with its outcome.

    A shard that died left none for some recordings; those have crashed.
    """
    for number in range(job.shards):
        noted = _noted(job, number)
        for recording in job.shard(number):
            yield (
                recording,
                noted.get(
                    recording.call_id,
                    RecordingOutcome(
                        recording.call_id,
                        reason=RejectReason.CRASHED,
                        detail="the process that transcribed it died; run the batch again",
                    ),
                ),
            )


def _noted(job: Job, number: int) -> dict[str, RecordingOutcome]:
    """What a shard has noted, by call."""
    path = outcome_file(job, number)
    noted = read_outcomes(path) if path.is_file() else []
    return {outcome.call_id: outcome for outcome in noted}


def read_outcomes(path: Path) -> list[RecordingOutcome]:
    """What an outcome file has noted, but for the line that a process died in."""
    noted = []
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            noted.append(_OUTCOME.validate_json(line))
    return noted


def unfinished(job: Job) -> list[int]:
    """Shards some of whose recordings have no outcome."""
    return [
        number
        for number in range(job.shards)
        if not {recording.call_id for recording in job.shard(number)} <= set(_noted(job, number))
    ]


def finished(job: Job) -> int:
    """How many recordings have an outcome by now."""
    return sum(path.read_bytes().count(b"\n") for path in job.store.layout.all_outcomes(job.run_id))


def save_summary(store: Store, summary: RunSummary) -> None:
    """Write the run's counts for people and scripts."""
    counts = asdict(summary)
    del counts["agents"]
    text = json.dumps(counts, ensure_ascii=False, indent=1, default=str)
    write_whole(store.layout.summary(summary.run_id), (text + "\n").encode("utf-8"))


def load_summary(store: Store, run_id: str) -> RunSummary:
    """Read a run's counts."""
    return _SUMMARY.validate_json(store.layout.summary(run_id).read_bytes())


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """Keep other batches away from OUT; the lock goes with the process, however that ends.

    Raises:
        UsageError: another batch is at work there.
        OutputFailed: OUT cannot be written.
    """
    lock = store.layout.batch_lock
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("wb")
    except OSError as error:
        raise OutputFailed.at(lock.parent, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another batch is at work on {store.root}; wait for its end, or name another --out"
            ) from error
        try:
            yield
        except UsageError:
            _take_back(lock)  # wrong usage leaves nothing behind
            raise


def _take_back(lock: Path) -> None:
    """Remove a lock and the folders made for it, if nothing else is there."""
    folder = lock.parent
    if list(folder.iterdir()) == [lock]:
        lock.unlink()
        folder.rmdir()
        with contextlib.suppress(OSError):  # not empty
            folder.parent.rmdir()


def nights_done(store: Store) -> set[date]:
    """Nights that a scheduled run has finished, with nothing left waiting."""
    done = set()
    for run_id in store.layout.run_ids():
        try:
            summary = json.loads(store.layout.summary(run_id).read_bytes())
        except (FileNotFoundError, ValueError):
            continue
        if summary.get("night") and not summary.get("waiting"):
            done.add(date.fromisoformat(summary["night"]))
    return done
