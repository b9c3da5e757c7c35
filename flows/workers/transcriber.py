"""Having recordings transcribed by a separate process, within a hard limit of time."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Self

from pydantic import TypeAdapter

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
JOB = TypeAdapter(Job)
RECORDING = TypeAdapter(Recording)
MESSAGE = TypeAdapter(Message)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a try ended; ``transcript_key`` is None where the recording could not even be read."""

    outcome: RecordingOutcome
    transcript_key: str | None
    again: bool


class Transcriber:
    """A process that transcribes one recording after another, restarted when it has died."""

    def __init__(self, job: Job) -> None:
        self._job = replace(job, recordings=(), rejects=())
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
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
        pipe = self._start() if self._pipe is None else self._pipe
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
        ours, theirs = Pipe()
        cores = len(os.sched_getaffinity(0)) // self._job.config.batch.processes
        self._process = subprocess.Popen(
            processes.command("flows.workers.transcriber_process", str(theirs.fileno())),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if _log.isEnabledFor(logging.INFO) else subprocess.DEVNULL,
            env=processes.transcription_environment(cores),
            process_group=0,  # Ctrl-C ends the parent, and the pipe then ends this one
        )
        theirs.close()
        self._pipe = ours
        try:
            ours.send_bytes(JOB.dump_json(self._job))
            if not ours.poll(_LOAD_S):
                raise EOFError
            ours.recv_bytes()
        except (EOFError, ConnectionError) as error:
            how = processes.ending(self._stop())
            raise CallauditError(
                f"the transcribing process does not start ({how}); run `callaudit doctor`"
            ) from error
        return ours

    def _stop(self) -> int:
        """End the process, whatever it is at, and return how it ended."""
        if self._process is None or self._pipe is None:
            return 0
        self._pipe.close()
        try:
            code = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process = self._pipe = None
        return code
