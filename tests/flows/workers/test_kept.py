"""What was transcribed before is found without a process, and nothing else is taken for it."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from audit.config import Config
from audit.types import Channels, Origin, Recording, Role, Transcript, Turn
from flows.jobs import Job
from flows.workers import kept
from reports.store import transcript_cache
from tests.flows.nights import write_clip

NAMES = ("A", "B", "C")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Three recordings that have all been transcribed."""
    calls = tmp_path / "calls"
    calls.mkdir()
    began = datetime(2026, 11, 17, 9, tzinfo=UTC)
    recordings = tuple(Recording(f"{name}.wav", name, "2001", began) for name in NAMES)
    job = Job("r", tmp_path / "out", str(calls), Config(), "f", True, recordings, ())
    for number, recording in enumerate(recordings):
        write_clip(calls / recording.source_file, number=number + 1)
        digest = hashlib.sha256((calls / recording.source_file).read_bytes()).hexdigest()
        turns = (Turn(0, Role.AGENT, "您好，请问有什么可以帮您？"),)
        origin = Origin(digest, "faster-whisper", "base", "b" * 64)
        transcript = Transcript(turns, Channels.STEREO, origin, 2.6)
        job.store.transcripts.save(name_of(job, recording), transcript)
        job.store.waveforms.save(digest, np.zeros((2, 8), np.uint8))
    return job


def name_of(job: Job, recording: Recording) -> str:
    content = (Path(job.root) / recording.source_file).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return transcript_cache.key(recording, audio_sha256=digest, fingerprint=job.fingerprint)


def test_all_are_found(job: Job) -> None:
    found = kept.outcomes(job, job.recordings)
    assert list(found) == list(NAMES)
    for recording in job.recordings:
        outcome = found[recording.call_id]
        assert outcome.transcript_key == name_of(job, recording)
        assert outcome.resumed and outcome.audio_s == 2.6 and outcome.reason is None


@pytest.mark.parametrize("lost", ["recording", "changed", "waveform", "transcript"])
def test_what_is_not_all_there_is_left_to_a_process(job: Job, lost: str) -> None:
    file = Path(job.root) / "B.wav"
    if lost == "recording":
        file.unlink()
    elif lost == "changed":
        write_clip(file, number=9)
    elif lost == "waveform":
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        job.store.layout.waveform(digest).unlink()
    else:
        stem = name_of(job, job.recordings[1])
        (kept_as,) = (p for p in job.store.layout.all_full_transcripts() if p.stem.startswith(stem))
        kept_as.write_bytes(b"damaged")
    assert list(kept.outcomes(job, job.recordings)) == ["A"]


def test_a_share_that_does_not_answer_is_left_to_a_process(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_PATIENCE_S", 0.5)
    file = Path(job.root) / "B.wav"
    file.unlink()
    os.mkfifo(file)  # whoever opens it waits for a writer
    began = time.monotonic()
    assert list(kept.outcomes(job, job.recordings)) == ["A"]
    assert time.monotonic() - began < 60  # it came back at all


def test_only_few_local_recordings_of_a_resumed_run_are_looked_at(job: Job) -> None:
    assert not kept.outcomes(replace(job, resume=False), job.recordings)
    assert not kept.outcomes(replace(job, root="memory://calls"), job.recordings)
    many = replace(job, recordings=job.recordings * (kept.FEW // 3 + 1))
    assert not kept.outcomes(many, many.recordings)
