"""Clips of speech cut from the sample calls, so that nothing outside the repository is needed."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from scipy.signal import resample_poly

from audit.transcription.decoding import decode
from audit.types import Span
from data_samples.generate.mixer import LINE_RATE, FloatArray, speech_rms
from data_samples.generate.voices import trim

HERE = Path(__file__).parents[3] / "data_samples"

_CLEAN_DB: Final = 27.0
"""Least signal-to-noise ratio of a sample call that clips are cut from."""
_FLOOR_DB: Final = -26.0
_FADE_S: Final = 0.004
_NEW_TOPIC: Final = "还有"
"""Words at which the product may begin a new turn within one utterance."""
_LONG_S: Final = 2.6
_FRAME_S: Final = 0.01
_CUT_S: Final = 0.2
_SENTENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: samples at the line's rate at a common level, and its words."""

    samples: FloatArray
    text: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / LINE_RATE

    def until(self, at_s: float) -> Said:
        """What is said up to a second, with its share of the words."""
        share = at_s / self.duration_s
        text = self.text[: round(share * len(self.text))]
        return Said(self.samples[: round(at_s * LINE_RATE)], text)

    def since(self, at_s: float) -> Said:
        """What is said from a second on, with its share of the words."""
        share = max(0.0, at_s) / self.duration_s
        text = self.text[round(share * len(self.text)) :]
        return Said(self.samples[round(max(0.0, at_s) * LINE_RATE) :], text)


@dataclass(frozen=True, slots=True)
class Speaker:
    """What one voice says: whole utterances and, apart from them, listener's words."""

    utterances: tuple[Said, ...]
    tokens: tuple[Said, ...]


@cache
def speakers(folder: Path | None = None) -> dict[str, Speaker]:
    """Every voice of the clean two-channel sample calls, by name, or those of a folder.

    Args:
        folder: two-channel recordings, the agent on the first channel, and beside each a JSON file
            of labels, as ``callaudit evaluate`` reads them.
    """
    said: dict[str, list[Said]] = {}
    agents = _agent_channels()
    for path in sorted((folder or HERE / "truth").glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        recording = (folder or HERE / "calls") / truth["file"]
        if recording.suffix != ".wav" or float(truth.get("noise", _CLEAN_DB)) < _CLEAN_DB:
            continue
        audio = decode(recording)
        if len(audio.samples) < 2:
            continue
        for turn in truth["turns"]:
            is_agent = turn["role"] == "A"
            name = truth.get("voice" if is_agent else "cust", f"{path.stem} {turn['role']}")
            if turn.get("backchannel"):
                continue
            agent = agents.get(truth["file"], 0)
            wide = audio.channel(
                agent if is_agent else 1 - agent, span=Span(turn["start"], turn["end"])
            )
            whole = _levelled(wide)
            others = [
                Span(other["start"] - turn["start"], other["end"] - turn["start"])
                for other in truth["turns"]
                if other["role"] != turn["role"]
            ]
            said.setdefault(name, []).extend(
                part
                for span, part in _sentences(Said(whole, turn["text"]))
                if not any(span.overlap_s(other) for other in others)
                and _NEW_TOPIC not in part.text
            )
    tokens = {} if folder else backchannels()
    return {
        name: Speaker(tuple(said[name]), tokens.get(name, ()))
        for name in sorted(said)
        if sum(clip.duration_s > _LONG_S for clip in said[name]) >= 2
    }


@cache
def backchannels() -> dict[str, tuple[Said, ...]]:
    """Listener's words by voice, with what Whisper heard of them for their text."""
    samples = decode(HERE / "backchannels" / "tokens.ogg")
    found: dict[str, list[Said]] = {}
    with (HERE / "backchannels" / "tokens.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            span = Span(float(row["start_s"]), float(row["end_s"]))
            token = Said(_trimmed(_levelled(samples.channel(0, span=span))), row["heard"])
            found.setdefault(row["voice"], []).append(token)
    return {voice: tuple(tokens) for voice, tokens in found.items()}


def sounding(samples: FloatArray, *, pause_s: float = 0.2) -> list[Span]:
    """Where a clip sounds, on its own clock: pauses of ``pause_s`` and longer are left out."""
    size = round(_FRAME_S * LINE_RATE)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.square(frames.astype(np.float64)).mean(axis=1)
    audible = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (_FLOOR_DB / 10))
    spans: list[Span] = []
    for frame in audible:
        start_s, end_s = float(frame) * _FRAME_S, float(frame + 1) * _FRAME_S
        if spans and start_s - spans[-1].end_s < pause_s:
            spans[-1] = Span(spans[-1].start_s, end_s)
        else:
            spans.append(Span(start_s, end_s))
    return spans


def _agent_channels() -> dict[str, int]:
    """The channel of the agent in the recordings whose manifest names one."""
    with (HERE / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["file"], row["agent_channel"]) for row in csv.DictReader(file)]
    return {name: int(channel) for name, channel in rows if channel.isdigit()}


def _sentences(said: Said) -> list[tuple[Span, Said]]:
    """An utterance in parts, cut in the middle of its pauses; each takes its share of the text."""
    edges = [0.0]
    for before, after in itertools.pairwise(sounding(said.samples, pause_s=_CUT_S)):
        middle_s = (before.end_s + after.start_s) / 2
        if min(middle_s - edges[-1], said.duration_s - middle_s) >= _SENTENCE_S:
            edges.append(middle_s)
    edges.append(said.duration_s)
    parts = []
    for start_s, end_s in itertools.pairwise(edges):
        cut = said.samples[round(start_s * LINE_RATE) : round(end_s * LINE_RATE)]
        first, last = (round(s / said.duration_s * len(said.text)) for s in (start_s, end_s))
        parts.append((Span(start_s, end_s), Said(_trimmed(cut), said.text[first:last])))
    return parts


def _levelled(wide: FloatArray) -> FloatArray:
    """A turn at the line's rate and a common level."""
    narrow = np.asarray(resample_poly(wide, 1, 2), dtype=np.float32)
    return narrow * np.float32(0.1 / speech_rms(narrow))


def _trimmed(samples: FloatArray) -> FloatArray:
    """Speech from edge to edge, in whole frames of 10 ms and without clicks at its edges."""
    speech = trim(samples, rate=LINE_RATE, floor_db=_FLOOR_DB)
    size = round(_FRAME_S * LINE_RATE)
    speech = speech[: len(speech) // size * size]
    edge = round(_FADE_S * LINE_RATE)
    shape = np.ones(len(speech), dtype=np.float32)
    shape[:edge] = np.linspace(0, 1, edge)
    shape[-edge:] = shape[:edge][::-1]
    return np.asarray(speech * shape, dtype=np.float32)
