"""Having recordings transcribed by a separate process, within a hard limit of time."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Self

from pydantic import TypeAdapter

from audit.config import Config
from audit.errors import (
    CallauditError,
    OutputFailed,
    RejectReason,
    ServiceUnavailable,
    UsageError,
)
from audit.types import Recording
from flows.jobs import Job, RecordingOutcome
from flows.workers import processes

_LOAD_S = 1800.0
"""Limit for loading a model, which may have to be downloaded."""
_LATE = {
    "read": "it was not read within batch.timeout_s; check its disk or share",
    "loaded": "the model was not loaded within half an hour; see `callaudit doctor`",
    "decoded": "it was not decoded within batch.timeout_s; check its disk, or raise that",
    "transcribed": "it was not transcribed within batch.timeout_s and batch.timeout_per_s of its "
    "length; raise them, or take a smaller model",
}
"""What a reject says of a recording on which a step takes too long."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What the transcribing process reports; one field is set."""

    transcript_key: str | None = None
    """The recording has been read; this is the key of its transcript."""
    loaded: bool = False
    """The process is ready for recordings; or, while it has one, to decode it."""
    duration_s: float | None = None
    """The recording is decoded and is being transcribed."""
    outcome: RecordingOutcome | None = None
    again: bool = False
    """The outcome is a crash that another try might not have."""
    fatal: str | None = None
    """Nothing can be transcribed at all; ``error`` names one of :data:`FATAL`."""
    error: str = OutputFailed.__name__


FATAL = {kind.__name__: kind for kind in (UsageError, ServiceUnavailable, OutputFailed)}
"""Errors that end a batch."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a process is told first, perhaps before there is a job."""

    config: Config
    load: bool = False
    """Whether it is to load the models at once, rather than for the first recording."""


BEGINNING = TypeAdapter(Beginning)
JOB = TypeAdapter(Job)
RECORDING = TypeAdapter(Recording)
MESSAGE = TypeAdapter(Message)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a try ended; ``transcript_key`` is None where the recording could not even be read."""

    outcome: RecordingOutcome
    transcript_key: str | None
    again: bool


@dataclass(frozen=True, slots=True)
class _Started:
    """A process and our end of the pipe to it."""

    process: subprocess.Popen[bytes]
    pipe: Connection

    def end(self) -> int:
        """End it, whatever it is at, and return how it ended."""
        self.pipe.close()
        try:
            return self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


_waiting: list[_Started] = []
"""Started ahead of the first shard, which takes it."""


@contextmanager
def ahead(config: Config, *, load: bool) -> Iterator[None]:
    """Start a process before there is a job; it ends with this unless a shard has taken it.

    Args:
        config: of the run.
        load: whether it loads the models already, because something is sure to be transcribed.
    """
    _waiting.append(_start(Beginning(config, load)))
    try:
        yield
    finally:
        while _waiting:
            _waiting.pop().end()


def _start(beginning: Beginning) -> _Started:
    ours, theirs = Pipe()
    cores = len(os.sched_getaffinity(0)) // beginning.config.batch.processes
    process = subprocess.Popen(
        processes.command("flows.workers.transcriber_process", str(theirs.fileno())),
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if _log.isEnabledFor(logging.INFO) else subprocess.DEVNULL,
        env=processes.transcription_environment(cores),
        process_group=0,  # Ctrl-C ends the parent, and the pipe then ends this one
    )
    theirs.close()
    with suppress(ConnectionError):  # whoever sends it a job learns that it has died
        ours.send_bytes(BEGINNING.dump_json(beginning))
    return _Started(process, ours)


def _taken(config: Config) -> _Started:
    """The process that was started ahead if it is there and alive, or a new one."""
    with suppress(IndexError):
        started = _waiting.pop()
        if started.process.poll() is None:
            return started
        started.end()
    return _start(Beginning(config))


class Transcriber:
    """A process that transcribes one recording after another, restarted when it has died."""

    def __init__(self, job: Job) -> None:
        self._job = replace(job, recordings=(), rejects=())
        self._started: _Started | None = None
        self.unread = 0
        """Recordings in a row that could not be read in time: their share does not answer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def transcribe(self, recording: Recording) -> RecordingOutcome:
        """Have a recording transcribed, several times if the process dies of it.

        One that could not even be read is not tried again: its share does not answer.

        Raises:
            CallauditError: nothing can be transcribed, whatever the recording.
        """
        job = self._job
        while True:
            ended = self._try(recording)
            outcome, name = ended.outcome, ended.transcript_key
            unread = name is None and outcome.reason is RejectReason.TIMEOUT
            self.unread = self.unread + 1 if unread else 0
            if name is None or outcome.reason is None or not ended.again:
                return outcome
            self._stop()  # a process that has failed is not trusted with the next recording
            noted = job.store.attempts.explain(name, reason=outcome.reason, detail=outcome.detail)
            if noted.tries >= job.config.batch.tries:
                return replace(
                    outcome, detail=f"{outcome.detail}; set aside after {noted.tries} tries"
                )

    def _try(self, recording: Recording) -> _Ended:
        batch = self._job.config.batch
        pipe = self._start() if self._started is None else self._started.pipe
        name, step = None, "read"
        deadline = time.monotonic() + batch.timeout_s
        try:
            pipe.send_bytes(RECORDING.dump_json(recording))
            while pipe.poll(max(0.0, deadline - time.monotonic())):
                message = MESSAGE.validate_json(pipe.recv_bytes())
                if message.outcome is not None:
                    return _Ended(message.outcome, name, message.again)
                if message.fatal is not None:
                    raise FATAL[message.error](message.fatal)
                if message.transcript_key is not None:
                    name, step, limit_s = message.transcript_key, "loaded", _LOAD_S
                elif message.loaded:
                    step, limit_s = "decoded", batch.timeout_s
                else:
                    step = "transcribed"
                    limit_s = batch.timeout_s + batch.timeout_per_s * (message.duration_s or 0.0)
                deadline = time.monotonic() + limit_s
        except (EOFError, ConnectionError):
            code = self._stop()
            reason, detail = (
                RejectReason.CRASHED,
                f"the process that transcribed it died ({processes.ending(code)})",
            )
        else:
            self._stop()
            reason, detail = RejectReason.TIMEOUT, _LATE[step]
        _log.info("call %s: %s", recording.call_id, detail)
        outcome = RecordingOutcome(recording.call_id, reason=reason, detail=detail)
        return _Ended(outcome, name, again=True)

    def _start(self) -> Connection:
        self._started = _taken(self._job.config)
        pipe = self._started.pipe
        try:
            pipe.send_bytes(JOB.dump_json(self._job))
            if not pipe.poll(_LOAD_S):
                raise EOFError
            pipe.recv_bytes()
        except (EOFError, ConnectionError) as error:
            how = processes.ending(self._stop())
            raise CallauditError(
                f"the transcribing process does not start ({how}); run `callaudit doctor`"
            ) from error
        return pipe

    def _stop(self) -> int:
        """End the process, whatever it is at, and return how it ended."""
        started, self._started = self._started, None
        return 0 if started is None else started.end()
