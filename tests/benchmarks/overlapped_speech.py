"""Overlapped speech on one channel: ``python -m tests.benchmarks.overlapped_speech FOLDER``.

Trains a detector on mixes of the sample voices, and prints how well it finds frames in which two
voices of the calls in FOLDER sound together. The product does not use it: nothing that it finds
could accuse anybody.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_recall_curve

from data_samples.generate.mixer import LINE_RATE
from models.voice import embeddings
from tests.benchmarks.turns.clips import Speaker, sounding, speakers

_MIX_S = 12
_FRAMES_A_SECOND = 100
_NEAR, _WIDE = 2, 12
"""Frames on each side over which levels are averaged."""

Frames = NDArray[np.float64]


def mixes(
    voices: Mapping[str, Speaker], count: int, *, seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Two voices on one noisy line: samples at 16 kHz, and by frame how many sound."""
    chance = np.random.default_rng(seed)
    for _ in range(count):
        line = np.zeros(_MIX_S * LINE_RATE)
        sounds = np.zeros((2, _MIX_S * _FRAMES_A_SECOND), dtype=bool)
        for side, name in enumerate(chance.choice(list(voices), 2, replace=False)):
            gain, at_s = 10 ** (chance.uniform(-6, 6) * side / 20), chance.uniform(0.2, 4)
            while at_s < _MIX_S - 1:
                said = voices[name].utterances[chance.integers(len(voices[name].utterances))]
                first = round(at_s * LINE_RATE)
                samples = said.samples[: len(line) - first]
                line[first : first + len(samples)] += gain * samples
                for span in sounding(said.samples, pause_s=0.1):
                    edges = (at_s + span.start_s, at_s + span.end_s)
                    begin, end = (round(edge * _FRAMES_A_SECOND) for edge in edges)
                    sounds[side, begin:end] = True
                at_s += said.duration_s + chance.exponential(2.0)
        noise = 0.1 * 10 ** (-chance.uniform(15, 40) / 20) * chance.normal(size=len(line))
        loud = line + noise
        yield resample_poly(loud / np.abs(loud).max() / 2, 2, 1).astype(np.float32), sounds


def features(samples: NDArray[np.float32]) -> Frames:
    """Levels of 40 bands around each frame, their spread and their changes, shape ``[n, 160]``."""
    mel = np.log(np.maximum(embeddings.EMBEDDER.mel_spectrogram(samples), 1e-8))
    mel = mel - np.percentile(mel, 95)
    wide = _mean(mel, _WIDE)
    spread = np.sqrt(np.maximum(_mean(mel * mel, _WIDE) - wide * wide, 1e-6))
    change = _mean(np.abs(np.diff(mel, axis=0, prepend=mel[:1])), _WIDE)
    return np.hstack([_mean(mel, _NEAR), wide, spread, change])


def _mean(frames: Frames, reach: int) -> Frames:
    summed = np.vstack([np.zeros((1, frames.shape[1])), frames.cumsum(axis=0)])
    at = np.arange(len(frames))
    first, last = np.maximum(0, at - reach), np.minimum(len(frames), at + reach + 1)
    return (summed[last] - summed[first]) / (last - first)[:, None]


def _speech(voices: Mapping[str, Speaker], count: int, *, seed: int) -> tuple[Frames, Frames]:
    """Frames in which somebody sounds, and whether both do."""
    found, both = [], []
    for samples, sounds in mixes(voices, count, seed=seed):
        frames = features(samples)[: sounds.shape[1]]
        heard = sounds[:, : len(frames)]
        found.append(frames[heard.any(axis=0)])
        both.append(heard.all(axis=0)[heard.any(axis=0)])
    return np.vstack(found), np.concatenate(both)


def main(folder: Path) -> None:
    """Print the F1 of frames, and the best precision at some recalls."""
    known, known_both = _speech(speakers(), 250, seed=0)
    unseen, both = _speech(speakers(folder), 60, seed=1)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    model = LogisticRegression(max_iter=200).fit((known - mean) / spread, known_both)
    likely = model.predict_proba((unseen - mean) / spread)[:, 1]
    precision, recall, _ = precision_recall_curve(both, likely)
    print(f"{len(both)} frames, {both.mean():.2f} of them overlapped")
    print(f"F1 {f1_score(both, likely > 0.5):.3f}")
    for least in (0.1, 0.3, 0.5):
        print(f"precision at recall {least}: {precision[recall >= least].max():.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
