"""Publishing a night in a separate process, whose memory is freed when it ends."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audit import rulebooks
from audit.config import Config
from audit.errors import CallauditError, UsageError
from flows.workers import processes

_log = logging.getLogger(__name__)


_FEW = 20
"""Recordings; where a night has more, what a publisher started ahead saves is not worth its memory
while they are transcribed."""

VALID, INVALID = b"valid\n", b"invalid\n"
"""What the process says of a rulebook: that it has loaded it, that it cannot."""


@dataclass(frozen=True)
class _Ahead:
    """A process that loads a rulebook, and all that judging by it needs, ahead of its job."""

    process: subprocess.Popen[bytes]
    rulebook: str

    @cached_property
    def is_valid(self) -> bool:
        """Whether it could load the rulebook; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == VALID


_waiting: list[_Ahead] = []
"""Started ahead of :func:`run`, which takes it."""


@contextmanager
def ahead(config: Config) -> Iterator[None]:
    """Start the process before there is anything to publish; it ends with this if unused."""
    rulebook = config.batch.rulebook
    _waiting.append(_Ahead(_start(rulebook), rulebook))
    try:
        yield
    finally:
        let_go()


def let_go(recordings: int | None = None) -> None:
    """End the process that was started ahead, unless the recordings of the night are few."""
    if recordings is None or recordings > _FEW:
        while _waiting:
            _end(_waiting.pop().process)


def check(rulebook: str) -> None:
    """Make sure that a rulebook can be used, by the process that loads it anyway.

    Only where there is none, or it cannot load the rulebook, is that done here.

    Raises:
        UsageError: it cannot; the message says why.
    """
    if not any(ahead.is_valid for ahead in _waiting if ahead.rulebook == rulebook):
        rulebooks.load(rulebook)


def run(job_file: Path) -> list[dict[str, Any]]:
    """Judge and publish what a job has transcribed.

    Returns:
        The rows of the table ``agents`` that the job has touched.

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
    said = output.splitlines()
    if code == 0:
        rows: list[dict[str, Any]] = json.loads(said[-1])
        return rows
    with suppress(ValueError, IndexError):  # it said nothing, or only that a rulebook is valid
        failed = json.loads(said[-1])
        raise (UsageError if failed["usage"] else CallauditError)(failed["sentence"])
    raise CallauditError(
        f"the process that publishes died ({processes.ending(code)}); run the batch again: what "
        "has been transcribed is kept and is not transcribed again"
    )


def _taken() -> subprocess.Popen[bytes]:
    """The process that was started ahead if it is there and alive, or a new one."""
    with suppress(IndexError):
        process = _waiting.pop().process
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
