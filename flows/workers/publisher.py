"""Publishing a night in a separate process, whose memory is freed when it ends."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audit.config import Config
from audit.errors import CallauditError, UsageError
from flows.workers import processes

_log = logging.getLogger(__name__)


_FEW = 20
"""Recordings; where a night has more, what a publisher started ahead saves is not worth its memory
while they are transcribed."""

_waiting: list[subprocess.Popen[bytes]] = []
"""Started ahead of :func:`run`, which takes it."""


@contextmanager
def ahead(config: Config) -> Iterator[None]:
    """Start the process before there is anything to publish; it ends with this if unused."""
    _waiting.append(_start(config.batch.rulebook))
    try:
        yield
    finally:
        let_go()


def let_go(recordings: int | None = None) -> None:
    """End the process that was started ahead, unless the recordings of the night are few."""
    if recordings is None or recordings > _FEW:
        while _waiting:
            _end(_waiting.pop())


def run(job_file: Path) -> None:
    """Judge and publish what a job has transcribed.

    Raises:
        UsageError, CallauditError: it did not; the transcripts are kept.
    """
    process = _taken()
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        with suppress(BrokenPipeError):  # how it ended says more
            process.stdin.write(f"{job_file}\n".encode())
        output = process.stdout.read()  # to its end
    code = process.wait()
    if code == 0:
        return
    with suppress(ValueError, IndexError):
        failed = json.loads(output.splitlines()[-1])
        raise (UsageError if failed["usage"] else CallauditError)(failed["sentence"])
    raise CallauditError(
        f"the process that publishes died ({processes.ending(code)}); run the batch again: what "
        "has been transcribed is kept and is not transcribed again"
    )


def _taken() -> subprocess.Popen[bytes]:
    """The process that was started ahead if it is there and alive, or a new one."""
    with suppress(IndexError):
        process = _waiting.pop()
        if process.poll() is None:
            return process
        _end(process)
    return _start()


def _start(*rulebooks: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        processes.command("flows.workers.publisher_process", *rulebooks),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if _log.isEnabledFor(logging.INFO) else subprocess.DEVNULL,
        env=processes.environment(),
        process_group=0,  # Ctrl-C ends the parent, and its input then ends this one
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.kill()  # it has nothing that could be lost
    process.stdin.close()
    process.stdout.close()
    process.wait()
