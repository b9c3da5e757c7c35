"""Speech regions of one recording: where each channel's own speaker is heard.

A voice detector wakes on cross-talk and on tones, and its edges wander, so its probabilities
are combined with the levels of both channels: a frame counts as speech where the detector says
so, where it stands out of the channel's own noise, where it is louder than what leaks over from
the other channel, and where it is no steady tone (ringback, busy tone, DTMF).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.audio import Audio
from audit.types import SAMPLE_RATE, Span

HOP_S = 0.01
_HOP = int(SAMPLE_RATE * HOP_S)
_DTMF_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
_BLOCK = 60_000  # frames, ten minutes

Frames = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """Thresholds of speech detection (seconds, decibels, probabilities)."""

    on_probability: float = 0.5
    off_probability: float = 0.3
    over_noise_db: float = 3.0
    over_leak_db: float = 8.0
    leak_delay_s: float = 0.25
    bridge_s: float = 0.15
    min_speech_s: float = 0.12
    edge_search_s: float = 0.2
    tone_window_s: float = 0.3
    tone_deviation_db: float = 1.0


def speech_regions(
    audio: Audio,
    *,
    detector: Callable[[NDArray[np.int16]], Frames],
    options: SpeechOptions = SpeechOptions(),
) -> list[list[Span]]:
    """Find the speech of each channel's own speaker.

    Args:
        audio: the recording.
        detector: gives the speech probability of each 10 ms of a channel's int16 samples.
        options: thresholds.

    Returns:
        For each channel its regions, in order and disjoint.
    """
    levels = [frame_levels(samples) for samples in audio.samples]
    probabilities = [detector(samples) for samples in audio.samples]
    regions = []
    for index, level in enumerate(levels):
        voiced = _hysteresis(probabilities[index], options)
        loud = (level > noise_floor(level) + options.over_noise_db) & ~_tones(level, options)
        for other, other_level in enumerate(levels):
            if other != index:
                loud &= level > _leak(level, other_level, probabilities[other], options)
        runs = [
            run
            for run in _spans(voiced & loud, options)
            if not _is_dialling(audio.samples[index], run)
        ]
        regions.append(_refined(runs, loud, options))
    return regions


def frame_levels(samples: NDArray[np.int16]) -> Frames:
    """Level in dB below full scale of every 10 ms, smoothed over 30 ms; shape ``[frames]``."""
    count = len(samples) // _HOP
    power = np.empty(count, dtype=np.float32)
    for first in range(0, count, _BLOCK):  # so that a long call is never held as floats
        block = samples[first * _HOP : min(count, first + _BLOCK) * _HOP].astype(np.float32)
        power[first : first + _BLOCK] = np.square(block / 32768).reshape(-1, _HOP).mean(axis=1)
    if count >= 3:
        power = np.convolve(power, np.full(3, 1 / 3, dtype=np.float32), mode="same")
    level: Frames = (10 * np.log10(power + 1e-10)).astype(np.float32)
    return level


def noise_floor(level: Frames) -> float:
    """Level of the channel's background in dB: the 15th percentile of frames that carry any."""
    carrying = level[level > -90]
    return float(np.percentile(carrying, 15)) if len(carrying) else -90.0


def _hysteresis(probability: Frames, options: SpeechOptions) -> Mask:
    """Frames of runs above ``off_probability`` that reach ``on_probability`` somewhere."""
    mask = probability >= options.off_probability
    for first, last in _runs(mask):
        if probability[first:last].max() < options.on_probability:
            mask[first:last] = False
    return mask


def _leak(
    level: Frames, other: Frames, other_probability: Frames, options: SpeechOptions
) -> Frames:
    """Level below which a frame may be the other channel's speech leaking over.

    While the other speaks this one is silent most of the time, so the median of the level
    difference over those frames is the leak (or the noise, whichever is louder). The other's
    level is taken as its maximum over the last ``leak_delay_s``, for echoes come late.
    """
    reach = int(options.leak_delay_s / HOP_S) + 1
    padded = np.concatenate([np.full(reach - 1, -100, dtype=np.float32), other])
    recent = np.lib.stride_tricks.sliding_window_view(padded, reach).max(axis=1)
    speaking = (other_probability > 0.8) & (other > noise_floor(other) + 15)
    if speaking.sum() < 50:
        return np.full(len(level), -100, dtype=np.float32)
    ratio = float(np.median((level - recent)[speaking]))
    threshold: Frames = recent + np.float32(ratio + options.over_leak_db)
    return threshold


def _tones(level: Frames, options: SpeechOptions) -> Mask:
    """Frames inside a stretch whose level does not move, as no voice's does."""
    width = int(options.tone_window_s / HOP_S)
    if len(level) < width:
        return np.zeros(len(level), dtype=bool)
    deviation = np.lib.stride_tricks.sliding_window_view(level, width).std(axis=1)
    steady = np.zeros(len(level) + 1, dtype=np.int32)
    starts = np.flatnonzero(deviation < options.tone_deviation_db)
    np.add.at(steady, starts, 1)
    np.add.at(steady, starts + width, -1)
    return np.cumsum(steady[:-1]) > 0


def _is_dialling(samples: NDArray[np.int16], run: tuple[int, int]) -> bool:
    """Whether a run is DTMF: most of its power in one low and one high tone (ITU-T Q.23)."""
    length = 512
    part = samples[run[0] * _HOP : run[1] * _HOP].astype(np.float32)
    if len(part) < length:
        return False
    frames = np.lib.stride_tricks.sliding_window_view(part, length)[::_HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(length), axis=1)))
    bins = np.rint(np.array(_DTMF_HZ) * length / SAMPLE_RATE).astype(int)
    tones = power[:, bins[..., None] + np.arange(-1, 2)].sum(axis=3)
    low, high = tones.max(axis=2).T
    total = power.sum(axis=1)
    dual = (low + high > 0.8 * total) & (np.minimum(low, high) > 0.1 * total)
    return bool(total[dual].sum() > 0.5 * total.sum())


def _runs(mask: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _spans(mask: Mask, options: SpeechOptions) -> list[tuple[int, int]]:
    """Runs of the mask, short gaps bridged and short runs dropped."""
    merged: list[tuple[int, int]] = []
    for first, last in _runs(mask):
        if merged and (first - merged[-1][1]) * HOP_S < options.bridge_s:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return [run for run in merged if (run[1] - run[0]) * HOP_S >= options.min_speech_s]


def _refined(runs: Sequence[tuple[int, int]], loud: Mask, options: SpeechOptions) -> list[Span]:
    """Move each edge outwards over adjoining loud frames: the detector wakes late."""
    reach = int(options.edge_search_s / HOP_S)
    spans: list[Span] = []
    for number, (first, last) in enumerate(runs):
        before = runs[number - 1][1] if number else 0
        after = runs[number + 1][0] if number + 1 < len(runs) else len(loud)
        low, high = max(before, first - reach), min(after, last + reach)
        while first > low and loud[first - 1]:
            first -= 1
        while last < high and loud[last]:
            last += 1
        if spans and first * HOP_S <= spans[-1].end_s:
            spans[-1] = Span(spans[-1].start_s, round(last * HOP_S, 3))
        else:
            spans.append(Span(round(first * HOP_S, 3), round(last * HOP_S, 3)))
    return spans
