"""Calls recorded twice, found by their sound where ``batch.reject_duplicates`` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from audit.errors import RejectedRecording, RejectReason
from audit.intake import roots
from audit.intake.recordings import Reject, file_of
from audit.intake.roots import Root
from audit.transcription import decode_recording, waveform
from audit.transcription.waveform import Peaks
from audit.types import Recording
from flows.jobs import Job

_NEAR_S = 60.0
"""Seconds by which two recordings of one call begin apart at most."""

Transcribed = Sequence[tuple[Recording, str]]
"""Recordings with the names of their transcripts, in the order in which they were planned."""


def among(job: Job, transcribed: Transcribed) -> dict[str, Recording]:
    """The recording that is audited instead, by the call that is not.

    Recordings of the same bytes are the same call; others are where they begin about the same time
    and sound the same, in whatever codec.
    """
    kept: dict[str, Recording] = {}
    doubles: dict[str, Recording] = {}
    for recording, name in transcribed:
        first = kept.setdefault(name.partition("-")[0], recording)
        if first is not recording:
            doubles[recording.call_id] = first
    order = {recording.call_id: at for at, (recording, _) in enumerate(transcribed)}
    names = dict((recording.call_id, name) for recording, name in transcribed)
    for one, other in _near([r for r, _ in transcribed if r.call_id not in doubles]):
        first, second = sorted((one, other), key=lambda r: order[r.call_id])
        if first.call_id in doubles or second.call_id in doubles:
            continue
        waves = [_wave(job, names[recording.call_id]) for recording in (first, second)]
        if waves[0] is not None and waves[1] is not None and waveform.is_same(waves[0], waves[1]):
            doubles[second.call_id] = first
    return doubles


def _near(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, Recording]]:
    """Pairs that begin about the same time."""
    ordered = sorted(recordings, key=lambda recording: recording.started_at)
    for at, one in enumerate(ordered):
        for other in ordered[at + 1 :]:
            if (other.started_at - one.started_at).total_seconds() > _NEAR_S:
                break
            yield one, other


def _wave(job: Job, name: str) -> Peaks | None:
    transcript = job.store.transcripts.load(name)
    digest = transcript.origin.audio_sha256 if transcript else None
    return job.store.waveforms.load(digest) if digest else None


def reject(double: Recording, first: Recording) -> Reject:
    """The reject of a recording whose call is audited from another one."""
    return Reject(
        double.source_file,
        RejectReason.DUPLICATE_AUDIO,
        f"{double.source_file} has the sound of {first.source_file}, which is audited as call "
        f"{first.call_id}; remove its row from the manifest",
        double.audit_date,
        double.call_id,
    )


def of_same_call(
    job: Job, root: Root, rejects: Sequence[Reject], names: Mapping[str, tuple[Recording, str]]
) -> list[Reject]:
    """Rejects, of a second row for a ``call_id`` as ``duplicate_audio`` if its sound is the same.

    Args:
        job: the run.
        root: of the recordings.
        rejects: of all reasons.
        names: recording and transcript's name by call.
    """
    found = []
    for one in rejects:
        known = names.get(one.call_id or "")
        if known and one.reason is RejectReason.DUPLICATE_CALL_ID:
            first, name = known
            if _sounds_like(job, root, one, first, name):
                one = reject(replace(first, source_file=one.source_file), first)
        found.append(one)
    return found


def _sounds_like(job: Job, root: Root, second: Reject, first: Recording, name: str) -> bool:
    known = _wave(job, name)
    if known is None:
        return False
    alone = replace(first, source_file=file_of(second.source_file), legs=())
    limits = job.config.limits
    try:
        with roots.fetched(root, alone) as (paths, _):
            audio = decode_recording(
                paths,
                alone,
                min_duration_s=limits.min_duration_s,
                max_duration_s=limits.max_duration_s,
            )
    except RejectedRecording:
        return False
    return waveform.is_same(known, waveform.compute(audio.samples))
