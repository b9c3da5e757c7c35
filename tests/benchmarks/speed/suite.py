"""Runs the ways on the same calls, call by call in turn, and adds up what they cost."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from audit.errors import RejectedRecording
from audit.intake import labelled, recordings
from audit.language.text import simplify
from audit.transcription import decoding
from audit.types import SAMPLE_RATE, Role
from flows.workers import processes
from models.asr.cores import cores
from reports.analysis import error_rates

OPENAI_CLI = "openai-whisper-cli"
"""``whisper`` as people call it, with the same weights."""
SLOW = ("callaudit-openai",)
"""Ways that are given few of the calls only, as the command is."""
GIVES = {
    "callaudit": "turns, roles, overlaps, findings",
    "callaudit-openai": "turns, roles, overlaps, findings",
    "whisperx-like": "words",
}
"""What a way gives beside text and segments."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One two-channel call, and its truth where there is one."""

    path: Path
    duration_s: float
    truth: tuple[str, str] | None
    """What agent and customer say."""


@dataclass(slots=True)
class Cost:
    """What one way takes for some calls; times are of the wall and of all processors."""

    audio_s: float = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    load_s: float = 0.0
    peak_mb: float = 0.0
    steps: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wall_by_call: dict[str, float] = field(default_factory=dict)
    errors: int = 0
    characters: int = 0

    def add(self, answer: Mapping[str, Any]) -> None:
        """Take in the times of one answer."""
        self.wall_s += answer["wall_s"]
        self.cpu_s += answer["cpu_s"]
        for step, seconds in answer["steps"].items():
            self.steps[step] += seconds

    def judge(self, sound: Sound, texts: Sequence[str]) -> None:
        """Count the errors, each channel given to the role that it fits better."""
        if sound.truth is None:
            return
        truth = [error_rates.plain(text) for text in sound.truth]
        said = [error_rates.plain(simplify(text)) for text in texts]
        self.errors += min(
            sum(error_rates.distance(a, b) for a, b in zip(truth, order, strict=True))
            for order in (said, said[::-1])
        )
        self.characters += sum(map(len, truth))

    @property
    def cer(self) -> float | None:
        """Character errors per character of the truth."""
        return self.errors / self.characters if self.characters else None


def calls(folder: Path, *, truth: Path | None) -> list[Sound]:
    """The two-channel recordings of a folder."""
    truths = {call.call_id: call for call in labelled.read_for_evaluation(truth)} if truth else {}
    found = []
    for path in sorted(folder.rglob("*")):
        if not recordings.is_recording(path.name):
            continue
        try:
            sound = decoding.decode(path)
        except RejectedRecording:
            continue
        if len(sound.samples) == 2:
            told = truths.get(path.stem.split("_")[0])
            said = None if told is None else _by_role(told)
            found.append(Sound(path, sound.duration_s, said))
    return found


def _by_role(truth: labelled.LabelledCall) -> tuple[str, str]:
    agent, customer = (
        "".join(turn.text for turn in truth.turns if turn.role is role)
        for role in (Role.AGENT, Role.CUSTOMER)
    )
    return agent, customer


class _Process:
    """A way at work in a process of its own."""

    def __init__(self, name: str) -> None:
        self.cost = Cost()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.speed.ways", name],
            env=processes.transcription_environment(cores())
            if name.startswith("callaudit")
            else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.cost.load_s = self._read()["load_s"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def transcribe(self, sound: Sound) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{sound.path}\n")
        self._process.stdin.flush()
        answer = self._read()
        self.cost.audio_s += sound.duration_s
        self.cost.add(answer)
        self.cost.wall_by_call[str(sound.path)] = answer["wall_s"]
        self.cost.judge(sound, answer["texts"])

    def finish(self) -> Cost:
        assert self._process.stdin is not None
        self._process.stdin.close()
        last = self._read()
        self.cost.add(last)
        self.cost.peak_mb = last["peak_mb"]
        return self.cost

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a way ended with code {self._process.wait()}; see above")
        return json.loads(line)


def compare(sounds: Sequence[Sound], ways: Sequence[str], *, few: int) -> dict[str, Cost]:
    """Give every call to every way, in turn, first one way first and then another.

    Args:
        sounds: the calls.
        ways: names.
        few: so many of the calls go to those that are slow.
    """
    with ExitStack() as stack:
        running = {name: stack.enter_context(_Process(name)) for name in ways}
        for number, sound in enumerate(sounds):
            order = [*ways[number % len(ways) :], *ways[: number % len(ways)]]
            for name in order:
                if name not in SLOW or number < few:
                    running[name].transcribe(sound)
            print(f"{number + 1} of {len(sounds)} calls", file=sys.stderr)
        return {name: process.finish() for name, process in running.items()}


def openai_cli(sounds: Sequence[Sound]) -> Cost:
    """What the ``whisper`` command takes for both channels of some calls, its start included."""
    cost = Cost(audio_s=sum(sound.duration_s for sound in sounds))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = [_channel(sound, c, folder) for sound in sounds for c in (0, 1)]
        weights = _checkpoint(folder / "base.pt")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run(
            [
                *(str(Path(sys.executable).with_name("whisper")), *map(str, files)),
                *("--model", str(weights), "--language", "zh", "--fp16", "False"),
                *("--output_format", "txt", "--output_dir", str(folder), "--verbose", "False"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cost.wall_s = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        written = [file.with_suffix(".txt") for file in files]
        if not all(file.is_file() for file in written):  # the command goes on and says 0
            raise SystemExit(f"{OPENAI_CLI} heard nothing; it needs the program ffmpeg")
        texts = [file.read_text("utf-8") for file in written]
        for number, sound in enumerate(sounds):
            cost.judge(sound, texts[2 * number : 2 * number + 2])
    return cost


def _channel(sound: Sound, channel: int, folder: Path) -> Path:
    path = folder / f"{sound.path.stem}-{channel}.wav"
    _write(path, decoding.decode(sound.path).samples[channel : channel + 1])
    return path


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.T.astype("<i2").tobytes())


def _checkpoint(path: Path) -> Path:
    """The weights as a file that openai-whisper's command reads."""
    import torch

    from models.asr import weights

    found = weights.find("base")
    if found.path is None:
        return Path("base")
    dimensions, state = weights.whisper_state_dict(found.path)
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    torch.save({"dims": dimensions, "model_state_dict": tensors}, path)
    return path


def lengths(sounds: Sequence[Sound], minutes: Sequence[float]) -> list[tuple[float, Cost]]:
    """What callaudit takes for calls of such lengths, laid together from the calls given."""
    found = []
    samples = np.concatenate([decoding.decode(s.path).samples for s in sounds], axis=1)
    for wanted in minutes:
        size = round(wanted * 60 * SAMPLE_RATE)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "long.wav"
            _write(path, np.tile(samples, -(-size // samples.shape[1]))[:, :size])
            with _Process("callaudit") as process:
                process.transcribe(Sound(path, wanted * 60, None))
                found.append((wanted, process.finish()))
    return found
