"""The process that transcribes recordings, one at a time: a decoder that dies takes only itself.

It is started by ``flows.workers.transcriber`` with one end of a pipe, over which JSON goes both
ways. It ends when the other end closes, that is, when its parent ends in whatever way.
"""

from __future__ import annotations

import logging
import os
import queue
import resource
import sys
import tempfile
import threading
import traceback
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit import privacy
from audit.config import TranscriptionConfig
from audit.errors import CallauditError, OutputFailed, RejectedRecording, RejectReason
from audit.intake import growing, roots
from audit.intake.roots import Root
from audit.transcription import waveform
from audit.transcription.decoding import Audio
from audit.types import SAMPLE_RATE, Recording, Span, Transcript
from flows.jobs import Job, RecordingOutcome
from flows.workers import kept
from flows.workers.transcriber import BEGINNING, FATAL, JOB, MESSAGE, RECORDING, Message
from reports.store import transcript_cache

_log = logging.getLogger(__name__)
_OOM_SCORE = "800"
"""Of 1000: what the system kills first where memory runs out."""

Tell = Callable[[Message], None]


def main() -> None:
    """Transcribe what comes through the pipe whose number is the first argument."""
    pipe = Connection(int(sys.argv[1]))
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, waiting), daemon=True).start()

    def tell(message: Message) -> None:
        pipe.send_bytes(MESSAGE.dump_json(message, by_alias=True))

    logging.basicConfig(level=logging.INFO)  # to where the parent lets it: nowhere, by default
    beginning = BEGINNING.validate_json(waiting.get())
    _prefer_oom_kill(beginning.config.batch.memory_mb)
    if beginning.load:
        _load(beginning.config.transcription)
    job = JOB.validate_json(waiting.get())
    tell(Message(loaded=True))
    try:
        root = roots.locate(job.root)
        while True:
            recording = RECORDING.validate_json(waiting.get())
            tell(_outcome(recording, job, root, tell))
    except CallauditError as error:
        kinds = [name for name, kind in FATAL.items() if isinstance(error, kind)]
        tell(Message(fatal=str(error), error=[*kinds, OutputFailed.__name__][0]))


def _load(config: TranscriptionConfig) -> None:
    """Load the models; what cannot be loaded is told of when a recording needs it."""
    from flows import wiring

    with suppress(Exception):
        wiring.transcription_models(config)


def _receive(pipe: Connection, waiting: queue.SimpleQueue[bytes]) -> None:
    """Pass on what is received; when the parent has gone, so does this process."""
    try:
        while True:
            waiting.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _prefer_oom_kill(memory_mb: int | None) -> None:
    """Where memory runs out, let the system end this process rather than the batch."""
    try:
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
    except OSError:
        _log.debug("this system has no oom_score_adj")
    if memory_mb is not None:
        limit = memory_mb << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _outcome(recording: Recording, job: Job, root: Root, tell: Tell) -> Message:
    try:
        return Message(outcome=_transcribed(recording, job, root, tell))
    except RejectedRecording as rejected:
        return Message(
            outcome=RecordingOutcome(
                recording.call_id, reason=rejected.reason, detail=rejected.detail
            )
        )
    except CallauditError:
        raise
    except Exception as error:  # a night goes on whatever one recording does
        where = "".join(traceback.format_tb(error.__traceback__))  # no message: it may quote
        _log.info("call %s: %s\n%s", recording.call_id, type(error).__name__, where)
        detail = f"transcribing it failed with {type(error).__name__}; --verbose shows where"
        crashed = RecordingOutcome(recording.call_id, reason=RejectReason.CRASHED, detail=detail)
        return Message(outcome=crashed, again=True)


def _transcribed(recording: Recording, job: Job, root: Root, tell: Tell) -> RecordingOutcome:
    limit = job.config.limits.max_bytes
    before = growing.states(root, recording) if root.local else {}
    with roots.fetched(root, recording, max_bytes=limit) as (paths, digest):
        name = transcript_cache.key(recording, audio_sha256=digest, fingerprint=job.fingerprint)
        tell(Message(transcript_key=name))
        transcript = job.store.transcripts.load(name) if job.resume else None
        resumed = transcript is not None
        if transcript is None or not kept.has_waveform(job, digest, transcript):
            transcript = _transcribe(paths, recording, job, name, digest, transcript, tell)
            growing.refuse_changed(root, before)
        if job.config.batch.bundle_audio:
            _bundle(paths, recording, job, transcript)
    return kept.outcome_of(recording, name, transcript, resumed=resumed)


def _transcribe(
    paths: Sequence[Path],
    recording: Recording,
    job: Job,
    name: str,
    digest: str,
    transcript: Transcript | None,
    tell: Tell,
) -> Transcript:
    from audit.transcription import transcribe
    from flows import wiring

    store = job.store
    noted = store.attempts.load(name)
    if job.resume and noted.tries >= job.config.batch.tries:
        raise RejectedRecording(
            noted.reason,
            f"set aside after {noted.tries} tries, for {noted.detail}; repair the recording, or "
            "try it again with --no-resume",
        )
    # loaded first: failures and time of loading the model are not the recording's
    models = None if transcript else wiring.transcription_models(job.config.transcription)
    store.attempts.begin(name)
    tell(Message(loaded=True))
    try:
        audio = _decoded(paths, recording, job)
        tell(Message(duration_s=audio.duration_s))
        store.waveforms.save(digest, waveform.compute(audio.samples))
        if transcript is None:
            assert models is not None
            transcript = transcribe(
                audio,
                recording,
                models=models,
                options=job.config.transcription,
                audio_sha256=digest,
            )
            store.transcripts.save(name, transcript)
    except CallauditError:
        store.attempts.clear(name)
        raise
    store.attempts.clear(name)
    return transcript


def _decoded(paths: Sequence[Path], recording: Recording, job: Job) -> Audio:
    from audit.transcription import decode_recording

    limits = job.config.limits
    return decode_recording(
        paths,
        recording,
        min_duration_s=limits.min_duration_s,
        max_duration_s=limits.max_duration_s,
    )


def _bundle(paths: Sequence[Path], recording: Recording, job: Job, transcript: Transcript) -> None:
    """Copy the recording beside the pages; a copy that fails takes no call out of the night."""
    from reports.pages import playback

    hidden: tuple[Span, ...] = ()
    try:
        if job.config.privacy.mode != "keep":
            hidden = privacy.redacted_spans_of(transcript, agent_name=recording.agent_name)
        if recording.legs:
            with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
                whole = Path(folder) / "joined.wav"
                _write_wave(whole, _decoded(paths, recording, job).samples)
                playback.bundle(whole, job.store, recording.call_id, hidden=hidden)
            return
        playback.bundle(
            paths[0], job.store, recording.call_id, hidden=hidden, raw_form=recording.raw_form
        )
    except Exception:  # whatever it is: no copy rather than one that reveals what it should redact
        _log.warning("the recording of call %s could not be copied", recording.call_id)


def _write_wave(path: Path, samples: NDArray[np.int16]) -> None:
    """Write a call that was joined from several files."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.ascontiguousarray(samples.T).tobytes())


if __name__ == "__main__":
    main()
