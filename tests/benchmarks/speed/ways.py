"""The ways that are compared, each to be run in a process of its own.

``python -m tests.benchmarks.speed.ways NAME`` reads paths of two-channel recordings, a line each,
answers
each with a line of JSON, and at the end of its input tells what the calls have cost together.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from audit.config import Config
from audit.ports import AsrEngine, WindowResult
from audit.transcription import decoding
from audit.types import (
    AuditedCall,
    Call,
    Channels,
    Origin,
    Recording,
    Role,
    Transcript,
    Turn,
)
from tests.benchmarks.night import peak_mb


@dataclass(frozen=True, slots=True)
class Said:
    """What a way makes of one call: the text of each channel, and the seconds of its steps."""

    texts: tuple[str, str]
    steps: dict[str, float] = field(default_factory=dict)


class Way(Protocol):
    """One way to transcribe a call."""

    def transcribe(self, path: Path) -> Said:
        """Transcribe a call."""
        ...

    def finish(self) -> dict[str, float]:
        """Do what comes after all calls; seconds by step."""
        ...


class Callaudit:
    """The product: audio in, audited calls, tables and pages out."""

    def __init__(self, config: Config) -> None:
        from audit import rulebooks
        from flows import wiring

        self._config = config
        self._book = rulebooks.load(config.batch.rulebook)
        models = wiring.transcription_models(config.transcription)
        self._asr = _Timed(models.asr)
        self._models = replace(models, asr=self._asr)
        models.vad(np.zeros(16_000, dtype=np.int16))
        self._transcribed: list[Call] = []
        self._publish([self._judge(_CALL)])  # what is read once is read before the clock starts

    def transcribe(self, path: Path) -> Said:
        """Decode, transcribe and keep for judging."""
        from audit.transcription import decode_recording, transcribe

        started = time.perf_counter()
        before = self._asr.seconds
        recording = _recording(path.name)
        limits = self._config.limits
        sound = decode_recording(
            path,
            recording,
            min_duration_s=limits.min_duration_s,
            max_duration_s=limits.max_duration_s,
        )
        transcript = transcribe(
            sound,
            recording,
            models=self._models,
            options=self._config.transcription,
            audio_sha256="0" * 64,
        )
        self._transcribed.append(Call(recording, transcript))
        asr_s = self._asr.seconds - before
        rest = time.perf_counter() - started - asr_s
        return Said(_by_channel(transcript), {"asr": asr_s, "transcribe": rest})

    def finish(self) -> dict[str, float]:
        """Judge and publish."""
        clock = _Clock()
        with clock.step("judge"):
            audited = [self._judge(call) for call in self._transcribed]
        with clock.step("publish"):
            self._publish(audited)
        return dict(clock.seconds)

    def _judge(self, call: Call) -> AuditedCall:
        from flows import wiring

        return wiring.judge(call, self._book, stage_model=self._config.stages.model)

    def _publish(self, audited: list[AuditedCall]) -> None:
        from reports import publish
        from reports.store import Store

        recordings = [one.call.recording for one in audited]
        place = (recordings[0].audit_date, recordings[0].agent_id)
        located = [publish.Located(one, None) for one in audited]
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            publish.publish_calls(store, place, located, run_id="bench")
            ids = {recording.call_id for recording in recordings}
            publish.publish_pages(store, calls=ids, agents={place[1]})


def _recording(name: str) -> Recording:
    return Recording(name, Path(name).stem, "1", datetime(2026, 1, 1, tzinfo=UTC))


_CALL = Call(
    _recording("first.wav"),
    Transcript(
        turns=(Turn(0, Role.AGENT, "您好，很高兴为您服务。", start_s=0.0, end_s=2.0),),
        channels=Channels.TEXT,
        origin=Origin(None, None, None, None),
    ),
)


class FasterWhisper:
    """faster-whisper on each channel, at its defaults but for the language."""

    def __init__(self, *, batched: bool, aligned: bool = False) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        from models.asr import weights

        found = weights.find("base")
        model = WhisperModel(str(found.path or found.name), device="cpu", compute_type="int8")
        self._model: Any = BatchedInferencePipeline(model) if batched else model
        self._options = {"word_timestamps": True} if aligned else {}

    def transcribe(self, path: Path) -> Said:
        """Transcribe both channels."""
        sound = decoding.decode(path)
        texts = []
        for channel in (0, 1):
            segments, _ = self._model.transcribe(
                sound.channel(channel), language="zh", **self._options
            )
            texts.append("".join(segment.text for segment in segments))
        return Said((texts[0], texts[1]))

    def finish(self) -> dict[str, float]:
        """Nothing comes after."""
        return {}


class _Timed:
    """A speech recognition engine, and the time that it has taken."""

    def __init__(self, engine: AsrEngine) -> None:
        self._engine = engine
        self.origin, self.abilities = engine.origin, engine.abilities
        self.seconds = 0.0

    def transcribe(self, windows: Any, **options: Any) -> list[WindowResult]:
        started = time.perf_counter()
        try:
            return self._engine.transcribe(windows, **options)
        finally:
            self.seconds += time.perf_counter() - started


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - started


def _by_channel(transcript: Transcript) -> tuple[str, str]:
    zero, one = (
        "".join(turn.text for turn in transcript.turns if turn.channel == channel)
        for channel in (0, 1)
    )
    return zero, one


def _openai() -> Way:
    return Callaudit(
        Config.model_validate({"transcription": {"asr": {"engine": "openai-whisper"}}})
    )


WAYS: dict[str, Callable[[], Way]] = {
    "callaudit": lambda: Callaudit(Config()),
    "callaudit-openai": _openai,
    "faster-whisper": lambda: FasterWhisper(batched=False),
    "faster-whisper-batched": lambda: FasterWhisper(batched=True),
    "whisperx-like": lambda: FasterWhisper(batched=True, aligned=True),
}
"""By name. The last cuts and merges by voice activity, decodes in batches and aligns words, as
WhisperX does; its alignment is Whisper's own attention, for wav2vec2's weights need a hub."""


def _answer(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    """Load one way and serve."""
    started = time.perf_counter()
    way = WAYS[sys.argv[1]]()
    _answer({"load_s": time.perf_counter() - started})
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        said = way.transcribe(Path(line.strip()))
        cost = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        _answer(asdict(said) | cost)
    wall, cpu = time.perf_counter(), time.process_time()
    steps = way.finish()
    cost = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    _answer({"steps": steps, "peak_mb": peak_mb()} | cost)


if __name__ == "__main__":
    main()
