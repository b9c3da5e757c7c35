"""Publishing a night in a separate process, whose memory is freed when it ends."""

from __future__ import annotations

import json
import logging
import subprocess
from contextlib import suppress
from pathlib import Path

from audit.errors import CallauditError, UsageError
from flows.workers import processes

_log = logging.getLogger(__name__)


def run(job_file: Path) -> None:
    """Judge and publish what a job has transcribed.

    Raises:
        UsageError, CallauditError: it did not; the transcripts are kept.
    """
    process = subprocess.Popen(
        processes.command("flows.workers.publisher_process", str(job_file)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if _log.isEnabledFor(logging.INFO) else subprocess.DEVNULL,
        env=processes.environment(),
        process_group=0,  # Ctrl-C ends the parent, and its input then ends this one
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
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
