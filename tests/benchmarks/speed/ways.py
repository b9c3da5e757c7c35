"""The ways that are compared, each to be run in a process of its own.

``python -m tests.benchmarks.speed.ways NAME [CONFIG]`` reads JSON, a line each, and answers each
with a line of JSON: ``{"call": PATH}``, a two-channel recording, with what was transcribed and what
it cost; ``{"finish": FOLDER}`` with what comes after all calls. Callaudit publishes them in
that folder.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from audit import config
from audit.config import Config
from audit.ports import AsrEngine, WindowResult
from audit.transcription import decoding
from audit.types import AuditedCall, Call, Channels, Origin, Recording, Role, Transcript, Turn
from tests.benchmarks.night import peak_mb

CALLAUDIT = "callaudit"
"""What the name of the product's way begins with; engine and model follow after colons."""
_DIALOGUES = Path("data_samples/dialogues/listening.jsonl")


@dataclass(slots=True)
class Seconds:
    """Of the wall, and of all processors."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)

    @classmethod
    def now(cls) -> Seconds:
        """What the clocks show."""
        return cls(time.perf_counter(), time.process_time())


Steps = dict[str, Seconds]


@dataclass(frozen=True, slots=True)
class Said:
    """What a way makes of one call: the text of each channel, and the seconds of its steps."""

    texts: tuple[str, str]
    steps: Steps = field(default_factory=dict)


class Way(Protocol):
    """One way to transcribe a call."""

    def transcribe(self, path: Path) -> Said:
        """Transcribe a call."""
        ...

    def finish(self, folder: Path) -> Steps:
        """Do what comes after all calls, leaving tables in a folder."""
        ...


class Callaudit:
    """The product: audio in, audited calls, tables and pages out."""

    def __init__(self, settings: Config) -> None:
        from audit import rulebooks
        from flows import wiring

        self._config = settings
        self._book = rulebooks.load(settings.batch.rulebook)
        models = wiring.transcription_models(settings.transcription)
        self._asr = _Timed(models.asr)
        self._models = replace(models, asr=self._asr)
        models.vad(np.zeros(16_000, dtype=np.int16))
        self._transcribed: list[Call] = []
        with TemporaryDirectory() as folder:  # what is read once is read before the clock starts
            self._publish([self._judge(call) for call in _other_calls()], Path(folder))

    def transcribe(self, path: Path) -> Said:
        """Decode, transcribe and keep for judging."""
        from audit.transcription import decode_recording, transcribe

        started, before = Seconds.now(), self._asr.seconds
        recording = _recording(path.name)
        limits = self._config.limits
        sound = decode_recording(
            [path],
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
        asr = self._asr.seconds - before
        rest = Seconds.now() - started - asr
        return Said(_by_channel(transcript), {"asr": asr, "transcribe": rest})

    def finish(self, folder: Path) -> Steps:
        """Judge and publish."""
        steps: Steps = {}
        with _timed(steps, "judge"):
            audited = [self._judge(call) for call in self._transcribed]
        with _timed(steps, "publish"):
            self._publish(audited, folder)
        return steps

    def _judge(self, call: Call) -> AuditedCall:
        from flows import wiring

        return wiring.judge(call, self._book, stage_model=self._config.stages.model)

    def _publish(self, audited: list[AuditedCall], folder: Path) -> None:
        from reports import publish
        from reports.store import Store

        recordings = [one.call.recording for one in audited]
        place = (recordings[0].audit_date, recordings[0].agent_id)
        located = [publish.Located(one, None) for one in audited]
        store = Store(folder)
        publish.publish_calls(store, place, located, run_id="bench")
        ids = {recording.call_id for recording in recordings}
        publish.publish_pages(store, calls=ids, agents={place[1]})


def call_id(name: str) -> str:
    """The call that a recording's name begins with, as truths name it."""
    return Path(name).stem.split("_")[0]


def _recording(name: str) -> Recording:
    return Recording(name, call_id(name), "1", datetime(2026, 1, 1, tzinfo=UTC))


def _other_calls() -> Iterator[Call]:
    """A few written calls, which have little in common with those that are transcribed."""
    for line in _DIALOGUES.read_text("utf-8").splitlines()[:8]:
        written = json.loads(line)
        turns = tuple(
            Turn(n, Role(t["role"]), t["text"], start_s=t["start_s"], end_s=t["end_s"])
            for n, t in enumerate(written["turns"])
        )
        origin = Origin(None, None, None, None)
        transcript = Transcript(turns=turns, channels=Channels.TEXT, origin=origin)
        yield Call(_recording(f"{written['call_id']}.wav"), transcript)


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

    def finish(self, folder: Path) -> Steps:
        """Nothing comes after."""
        return {}


class _Timed:
    """A speech recognition engine, and the time that it has taken."""

    def __init__(self, engine: AsrEngine) -> None:
        self._engine = engine
        self.origin, self.abilities = engine.origin, engine.abilities
        self.seconds = Seconds()

    def transcribe(self, windows: Any, **options: Any) -> list[WindowResult]:
        started = Seconds.now()
        try:
            return self._engine.transcribe(windows, **options)
        finally:
            self.seconds += Seconds.now() - started


@contextmanager
def _timed(steps: Steps, name: str) -> Iterator[None]:
    started = Seconds.now()
    yield
    steps[name] = Seconds.now() - started


def _by_channel(transcript: Transcript) -> tuple[str, str]:
    zero, one = (
        "".join(turn.text for turn in transcript.turns if turn.channel == channel)
        for channel in (0, 1)
    )
    return zero, one


def settings(way: str, path: Path | None) -> Config:
    """The configuration of one of callaudit's ways, such as ``callaudit:openai-whisper:base``.

    Args:
        way: with its engine, and maybe a model, behind its name.
        path: a configuration file whose other settings count.

    Raises:
        UsageError: there is no such engine, or the file is not valid.
    """
    engine, _, model = way.removeprefix(CALLAUDIT).removeprefix(":").partition(":")
    asr = {"transcription.asr.engine": engine or None, "transcription.asr.model": model or None}
    return config.load(path, overrides=asr)


OTHERS: dict[str, Callable[[], Way]] = {
    "faster-whisper": lambda: FasterWhisper(batched=False),
    "faster-whisper-batched": lambda: FasterWhisper(batched=True),
    "whisperx-like": lambda: FasterWhisper(batched=True, aligned=True),
}
"""By name. The last cuts and merges by voice activity, decodes in batches and aligns words, as
WhisperX does; its alignment is Whisper's own attention, for wav2vec2's weights need a hub."""


def _answer(values: dict[str, Any], spent: Seconds) -> None:
    print(json.dumps(values | {"spent": asdict(spent)}), flush=True)


def main() -> None:
    """Load one way and serve."""
    started = Seconds.now()
    name, *path = sys.argv[1:]
    way: Way
    if name in OTHERS:
        way = OTHERS[name]()
    else:
        way = Callaudit(settings(name, Path(path[0]) if path else None))
    _answer({}, Seconds.now() - started)
    for line in sys.stdin:
        asked = json.loads(line)
        started = Seconds.now()
        if "call" in asked:
            said = way.transcribe(Path(asked["call"]))
            _answer(asdict(said), Seconds.now() - started)
        else:
            steps = way.finish(Path(asked["finish"]))
            spent = Seconds.now() - started
            costs = {step: asdict(seconds) for step, seconds in steps.items()}
            _answer({"steps": costs, "peak_mb": peak_mb()}, spent)


if __name__ == "__main__":
    main()
