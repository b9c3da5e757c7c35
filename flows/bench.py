"""Speed and accuracy in one run on the same calls: callaudit against faster-whisper's batches.

``python -m flows.bench RECORDINGS --truth TRUTH`` prints seconds per second of call for each
step, the ratio to faster-whisper's own batched transcription of the same channels, peak memory
and, with labelled calls, the character error rates.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from audit import (
    audio,
    config,
    crosstalk,
    evaluation,
    hearing,
    pipeline,
    recordings,
    roles,
    rulebook,
    turns,
)
from audit.errors import RejectedRecording
from audit.recordings import Root
from audit.speech import speech_regions
from audit.text import simplify
from audit.types import Call, Channels, Recording, Role, Transcript
from flows import publish
from models import engines, vad


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one benchmark run; times are seconds per second of call."""

    calls: int
    audio_s: float
    load_s: float
    decode: float
    turns: float
    recognise: float
    judge: float
    publish: float
    total: float
    baseline: float
    ratio_to_baseline: float
    cer: float | None
    baseline_cer: float | None
    peak_memory_mb: float


class _Clock:
    """Adds up the time of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - started


def run(location: str, *, truth: Path | None) -> Result:
    """Measure callaudit and the baseline on every stereo recording under a location."""
    settings = config.Config()
    clock = _Clock()
    with clock.step("load"):
        recogniser = engines.load(settings.hearing.recogniser)
        vad.speech_probabilities(np.zeros(16_000, dtype=np.int16))
    root = recordings.open_root(location)
    stereo = list(_stereo(root, settings, clock))
    audio_s = sum(sound.duration_s for _, sound in stereo)
    calls = [_hear(recording, sound, recogniser, clock) for recording, sound in stereo]
    book = rulebook.load(settings.batch.rulebook)
    with clock.step("judge"):
        audited = [pipeline.judge(call, book, stage_model=settings.stages.model) for call in calls]
    with clock.step("publish"), tempfile.TemporaryDirectory() as folder:
        places = defaultdict(list)
        for one in audited:
            place = (one.call.recording.audit_date, one.call.recording.agent_id)
            uri = root.uri(one.call.recording.source_file)
            places[place].append(publish.Located(one, uri))
        for place, located in places.items():
            publish.publish_calls(Path(folder), place, located, run_id="bench")
        publish.publish_pages(
            Path(folder),
            calls={call.recording.call_id for call in calls},
            agents={agent for _, agent in places},
        )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    texts = _baseline([sound for _, sound in stereo], recogniser, clock)
    per_second = {name: seconds / audio_s for name, seconds in clock.seconds.items()}
    total = sum(per_second[n] for n in ("decode", "turns", "recognise", "judge", "publish"))
    truths = {t["call_id"]: t for t in evaluation.read_truth(truth)} if truth else {}
    ours = [[_said(call, role) for role in (Role.AGENT, Role.CUSTOMER)] for call in calls]
    return Result(
        calls=len(calls),
        audio_s=round(audio_s, 1),
        load_s=round(clock.seconds["load"], 2),
        **{
            name: round(per_second[name], 4)
            for name in ("decode", "turns", "recognise", "judge", "publish", "baseline")
        },
        total=round(total, 4),
        ratio_to_baseline=round(total / per_second["baseline"], 3),
        cer=_cer(calls, ours, truths),
        baseline_cer=_cer(calls, texts, truths),
        peak_memory_mb=round(peak_mb),
    )


def _stereo(
    root: Root, settings: config.Config, clock: _Clock
) -> Iterator[tuple[Recording, audio.Audio]]:
    planned = recordings.plan(
        root,
        manifest=None,
        timezone=settings.batch.timezone,
        rulebooks=(),
        max_bytes=settings.limits.max_bytes,
        today=date.today(),
    )
    for recording in planned.recordings:
        try:
            with clock.step("decode"):
                sound = audio.decode(Path(root.join(recording.source_file)))
        except RejectedRecording:
            continue
        if len(sound.samples) == 2:
            yield recording, sound


def _hear(recording: Recording, sound: audio.Audio, recogniser: Any, clock: _Clock) -> Call:
    with clock.step("turns"):
        crosstalk.likeness(sound.samples)
        regions = speech_regions(sound, detector=vad.speech_probabilities)
        spoken = hearing.utterances(regions)
    with clock.step("recognise"):
        heard = hearing.recognise(sound, spoken, recogniser=recogniser, simplify=simplify)
    with clock.step("turns"):
        decision = roles.decide(heard, agent_channel=None)
        built = turns.build(heard, regions, roles=decision.roles)
    transcript = Transcript(
        turns=built,
        channels=Channels.STEREO,
        origin=recogniser.origin,
        duration_s=round(sound.duration_s, 3),
    )
    return Call(recording, transcript)


def _baseline(sounds: list[audio.Audio], recogniser: Any, clock: _Clock) -> list[list[str]]:
    """What faster-whisper's batched pipeline makes of each channel, at its defaults."""
    from faster_whisper import BatchedInferencePipeline

    batched = BatchedInferencePipeline(recogniser.model)
    texts = []
    for sound in sounds:
        said = []
        for index in range(2):
            with clock.step("baseline"):
                segments, _ = batched.transcribe(sound.channel(index), language="zh", batch_size=8)
                said.append("".join(segment.text for segment in segments))
        texts.append(said)
    return texts


def _said(call: Call, role: Role) -> str:
    return "".join(turn.text for turn in call.said_by(role))


def _cer(calls: list[Call], texts: list[list[str]], truths: dict[str, Any]) -> float | None:
    errors = length = 0
    for call, said in zip(calls, texts, strict=True):
        truth = truths.get(call.recording.call_id)
        if truth is None:
            continue
        for code, hypothesis in zip("AC", said, strict=True):
            reference = evaluation.plain(
                "".join(t["text"] for t in truth["turns"] if t["role"] == code)
            )
            errors += evaluation.distance(reference, evaluation.plain(simplify(hypothesis)))
            length += len(reference)
    return round(errors / length, 4) if length else None


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings")
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = asdict(run(arguments.recordings, truth=arguments.truth))
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name:<20}{value}")


if __name__ == "__main__":
    main()
