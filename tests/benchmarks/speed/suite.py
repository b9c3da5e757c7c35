"""Runs the ways on the same calls, call by call in turn, and adds up what they cost."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from audit.errors import RejectedRecording
from audit.intake import labelled, recordings
from audit.intake.labelled import LabelledCall
from audit.language.text import simplify
from audit.transcription import decoding
from audit.types import SAMPLE_RATE, Role
from flows.workers import processes
from models.asr.cores import cores
from reports.analysis import error_rates, evaluation
from reports.analysis.error_rates import ErrorRate
from reports.store import Store
from tests.benchmarks.speed.ways import CALLAUDIT, Seconds, Steps, call_id

OPENAI_CLI = "openai-whisper-cli"
"""``whisper`` as people call it, with the same weights."""
_SLOW = f"{CALLAUDIT}:openai-whisper"


def is_slow(way: str) -> bool:
    """Whether a way is given few of the calls only, as the command is."""
    return way.startswith(_SLOW)


@dataclass(frozen=True, slots=True)
class Sound:
    """One two-channel call, and its truth where there is one."""

    path: Path
    duration_s: float
    truth: LabelledCall | None

    @property
    def said(self) -> tuple[str, str] | None:
        """What agent and customer say, where that is known."""
        if self.truth is None or not self.truth.turns:
            return None
        agent, customer = (
            "".join(turn.text for turn in self.truth.turns if turn.role is role)
            for role in (Role.AGENT, Role.CUSTOMER)
        )
        return agent, customer


@dataclass(slots=True)
class Cost:
    """What one way takes for the calls of one run, and what it makes of them.

    Attributes:
        audio_s: how long the calls are.
        spent: on all that a way does after loading.
        load: spent on loading.
        peak_mb: the most memory that its process has taken.
        steps: parts of ``spent``.
        by_call: ``spent`` by the path of the call, without what comes after all calls.
        errors: in Han characters, simplified, with numerals read out.
        errors_as_written: in all but spaces and marks, as it was written.
        f1: of each rule that judges the transcripts.
    """

    audio_s: float = 0.0
    spent: Seconds = field(default_factory=Seconds)
    load: Seconds = field(default_factory=Seconds)
    peak_mb: float = 0.0
    steps: Steps = field(default_factory=lambda: defaultdict(Seconds))
    by_call: dict[str, Seconds] = field(default_factory=dict)
    errors: ErrorRate = field(default_factory=ErrorRate)
    errors_as_written: ErrorRate = field(default_factory=ErrorRate)
    f1: dict[str, float | None] = field(default_factory=dict)

    def add(self, answer: Mapping[str, Any]) -> Seconds:
        """Take in the times of one answer; returns what it took."""
        spent = Seconds(**answer["spent"])
        self.spent += spent
        for step, seconds in answer["steps"].items():
            self.steps[step] += Seconds(**seconds)
        return spent

    def judge(self, sound: Sound, texts: Sequence[str]) -> None:
        """Count the errors, each channel given to the role that it fits better."""
        if sound.said is None:
            return
        orders = (texts, texts[::-1])
        plainly = [_errors(sound.said, [simplify(text) for text in one]) for one in orders]
        best = min((0, 1), key=lambda n: plainly[n].errors)
        self.errors += plainly[best]
        self.errors_as_written += _errors(sound.said, orders[best], plain=_written)


def _errors(
    said: Sequence[str], texts: Sequence[str], *, plain: Callable[[str], str] = error_rates.plain
) -> ErrorRate:
    total = ErrorRate()
    for truth, text in zip(map(plain, said), map(plain, texts), strict=True):
        total += ErrorRate(error_rates.distance(truth, text), len(truth))
    return total


def _written(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


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
            found.append(Sound(path, sound.duration_s, truths.get(call_id(path.name))))
    return found


class _Process:
    """A way at work in a process of its own."""

    def __init__(self, name: str, config: Path | None = None) -> None:
        own = name.startswith(CALLAUDIT)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.benchmarks.speed.ways", name),
                *([str(config)] if own and config else []),
            ],
            env=processes.transcription_environment(cores()) if own else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._sounds: list[Sound] = []
        self.cost = Cost(load=Seconds(**self._read()["spent"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def transcribe(self, sound: Sound) -> None:
        answer = self._ask({"call": str(sound.path)})
        self._sounds.append(sound)
        self.cost.audio_s += sound.duration_s
        self.cost.by_call[str(sound.path)] = self.cost.add(answer)
        self.cost.judge(sound, answer["texts"])

    def finish(self) -> Cost:
        """What the calls have cost, with what comes after them."""
        with tempfile.TemporaryDirectory() as folder:
            last = self._ask({"finish": folder})
            self.cost.add(last)
            self.cost.peak_mb = last["peak_mb"]
            truths = [sound.truth for sound in self._sounds if sound.truth]
            store = Store(Path(folder))
            if truths and store["findings"].rows():
                tables = {name: store[name].rows() for name in ("calls", "turns", "findings")}
                rules = evaluation.evaluate(tables, truths).rules
                self.cost.f1 = {rule: counts.f1 for rule, counts in rules.items()}
        return self.cost

    def _ask(self, what: Mapping[str, str]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a way ended with code {self._process.wait()}; see above")
        return json.loads(line)


def compare(
    sounds: Sequence[Sound], ways: Sequence[str], *, few: int, runs: int, config: Path | None
) -> dict[str, list[Cost]]:
    """Give every call to every way, in turn, first one way first and then another.

    Args:
        sounds: the calls.
        ways: names.
        few: so many of the calls go to those that are slow.
        runs: how often, each time in new processes: what was judged once is judged faster again.
        config: a configuration file for callaudit's ways.

    Returns:
        For each way what every run has cost.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for run in range(runs):
        with ExitStack() as stack:
            running = {name: stack.enter_context(_Process(name, config)) for name in ways}
            for number, sound in enumerate(sounds):
                first = (number + run) % len(ways)
                for name in [*ways[first:], *ways[:first]]:
                    if not is_slow(name) or number < few:
                        running[name].transcribe(sound)
                done = f"{number + 1} of {len(sounds)} calls"
                print(f"run {run + 1} of {runs}: {done}", file=sys.stderr)
            for name, process in running.items():
                costs[name].append(process.finish())
    return costs


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
        wall_s = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        cost.spent = Seconds(wall_s, cpu_s)
        for sound in sounds:  # it does not tell them apart
            share = sound.duration_s / cost.audio_s
            cost.by_call[str(sound.path)] = Seconds(share * wall_s, share * cpu_s)
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
            with _Process(CALLAUDIT) as process:
                process.transcribe(Sound(path, wanted * 60, None))
                found.append((wanted, process.finish()))
    return found
