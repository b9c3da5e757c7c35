"""Speech regions of one recording: where each channel's own speaker is heard.

A voice detector wakes on cross-talk and on tones, and its edges wander, so cross-talk is
subtracted where a filter predicts it, channels are levelled, and the detector's probabilities are
combined with the levels of both channels: a frame counts as speech where the detector says
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
_CONTEXT_S = 1.0  # a detector's probabilities hardly change with what lies farther away
_HALF = 8_000  # samples: leaks are looked for half a second at a time
_FILTER_BLOCKS = 64
_REACH_S = 0.3  # latest echo that is looked for
_TAP_SIGMA = 4.0
_LEAK_SIGMA = 8.0
_ALIKE = 0.8  # correlation of the filters of both halves of a recording
_MIXED, _SEPARATED = 50, 35  # percentiles: where a leak was taken out, own speech is what stays
_LEVEL_DB = -20.0
_MOST_GAIN_DB = 24.0

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
    own, separated = _separated(audio.samples)
    levels = [frame_levels(samples) for samples in own]
    loud = [
        (level > noise_floor(level) + options.over_noise_db) & ~_tones(level, options)
        for level in levels
    ]
    probabilities = [
        _heard(_levelled(samples, level[mask]), mask, detector)
        for samples, level, mask in zip(own, levels, loud, strict=True)
    ]
    regions = []
    for index, level in enumerate(levels):
        mask = loud[index]
        for other, other_level in enumerate(levels):
            if other != index:
                usual = _SEPARATED if separated[index] else _MIXED
                mask &= level > _leak(
                    level, other_level, probabilities[other], usual=usual, options=options
                )
        voiced = _hysteresis(probabilities[index], options)
        runs = [run for run in _spans(voiced & mask, options) if not _is_dialling(own[index], run)]
        regions.append(_refined(runs, mask, options))
    return regions


def _levelled(samples: NDArray[np.int16], loud: Frames) -> NDArray[np.int16]:
    """Samples with their loudest frames brought to a common level.

    The network loses more than half of some voices that are 12 dB softer.
    """
    if not len(loud):
        return samples
    gain_db = np.clip(_LEVEL_DB - np.percentile(loud, 90), -_MOST_GAIN_DB, _MOST_GAIN_DB)
    levelled = np.empty_like(samples)
    for first in range(0, len(samples), _BLOCK * _HOP):
        block = samples[first : first + _BLOCK * _HOP] * np.float32(10 ** (gain_db / 20))
        levelled[first : first + len(block)] = block.clip(-32768, 32767)
    return levelled


def _heard(
    samples: NDArray[np.int16], loud: Mask, detector: Callable[[NDArray[np.int16]], Frames]
) -> Frames:
    """Speech probabilities, asked for only around frames that are loud enough to count.

    Half of a two-channel call is one speaker listening, and the detector is what detection costs.
    """
    probability = np.zeros(len(loud), dtype=np.float32)
    reach = int(_CONTEXT_S / HOP_S)
    stretches: list[tuple[int, int]] = []
    for first, last in _runs(loud):
        first, last = max(0, first - reach), min(len(loud), last + reach)
        if stretches and first <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], last)
        else:
            stretches.append((first, last))
    for first, last in stretches:
        heard = detector(samples[first * _HOP : last * _HOP])
        probability[first : first + len(heard)] = heard
    return probability


def _separated(samples: NDArray[np.int16]) -> tuple[NDArray[np.int16], list[bool]]:
    """Take out of each of two channels what it hears of the other.

    Cross-talk and echo are the other's samples, late and filtered, so a filter found by least
    squares predicts them; what it predicts is subtracted. A leak that no fixed filter explains
    (drifting clocks, a changing delay) stays, and is left to :func:`_leak`.

    Returns:
        The samples, and for each channel whether anything was taken out.
    """
    separated = [False] * len(samples)
    if len(samples) != 2:
        return samples, separated
    own = samples.copy()
    levels = [frame_levels(channel) for channel in samples]
    for index in range(2):
        heard, spoken = samples[index], samples[1 - index]
        blocks = _telling(levels[index], levels[1 - index])
        halves = [_leak_filter(heard, spoken, part) for part in np.array_split(blocks, 2)]
        taps = _leak_filter(heard, spoken, blocks)
        if taps is not None and _alike(*halves):
            rest = heard - _filtered(spoken, taps)
            own[index] = rest.clip(-32768, 32767).astype(np.int16)
            separated[index] = True
    return own, separated


def _telling(level: Frames, other: Frames) -> NDArray[np.intp]:
    """Half seconds in which the other channel is loud and this one the quietest, in order."""
    frames = _HALF // _HOP
    count = min(len(level), len(other)) // frames - 1
    if count < 1:
        return np.zeros(0, dtype=np.intp)
    heard = level[: count * frames].reshape(count, -1).max(axis=1)
    spoken = other[: count * frames].reshape(count, -1).max(axis=1)
    loud = np.flatnonzero(spoken > noise_floor(other) + 15)
    kept = min(_FILTER_BLOCKS, (len(loud) + 1) // 2)  # in the rest both may be speaking
    return np.sort(loud[np.argsort((heard - spoken)[loud])][:kept])


def _leak_filter(
    heard: NDArray[np.int16], spoken: NDArray[np.int16], blocks: NDArray[np.intp]
) -> NDArray[np.float32] | None:
    """Impulse response from what one channel speaks to what the other hears of it, if any.

    Taps that do not stand out of those at delays no leak has are noise, and are dropped.
    """
    cross = np.zeros(_HALF + 1, dtype=np.complex64)
    power = np.zeros(_HALF + 1, dtype=np.float32)
    for block in blocks:
        first = block * _HALF
        x = heard[first : first + 2 * _HALF].astype(np.float32)
        spectrum = np.fft.rfft(spoken[first : first + _HALF].astype(np.float32), 2 * _HALF)
        weight = np.float32(1 / (np.square(x).mean() + 1))  # the quietest tell most
        cross += weight * np.fft.rfft(x, 2 * _HALF) * np.conj(spectrum)
        power += weight * np.square(np.abs(spectrum))
    if not power.any():
        return None
    taps = np.fft.irfft(cross / (power + 0.01 * power.mean())).astype(np.float32)
    reach = int(_REACH_S * SAMPLE_RATE)
    noise = float(np.sqrt(np.square(taps[reach:_HALF]).mean()))
    taps = taps[:reach]
    taps[np.abs(taps) < _TAP_SIGMA * noise] = 0
    return taps if np.abs(taps).max() > _LEAK_SIGMA * noise else None


def _alike(early: NDArray[np.float32] | None, late: NDArray[np.float32] | None) -> bool:
    """Whether the leak is the same at the beginning of the recording and at its end."""
    if early is None or late is None:
        return False
    likeness = early @ late / np.sqrt((early @ early) * (late @ late))
    return bool(likeness > _ALIKE)


def _filtered(samples: NDArray[np.int16], taps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolution by overlap-save, a block at a time."""
    size = 2 * _HALF
    response = np.fft.rfft(taps, size)
    step = size - len(taps)
    filtered = np.empty(len(samples), dtype=np.float32)
    for first in range(0, len(samples), step):
        before = min(first, len(taps))
        block = samples[first - before : first + step].astype(np.float32)
        part = np.fft.irfft(np.fft.rfft(block, size) * response, size)
        filtered[first : first + step] = part[before : len(block)]
    return filtered


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
    level: Frames,
    other: Frames,
    other_probability: Frames,
    *,
    usual: int,
    options: SpeechOptions,
) -> Frames:
    """Level below which a frame may be the other channel's speech leaking over.

    While the other speaks this one is silent most of the time, so the median of the level
    difference over those frames (or the percentile ``usual``) is the leak; where this one does
    not stand out of the noise even at the loudest of them, there is none. The other's level is
    taken as its maximum over the last ``leak_delay_s``, for echoes come late.
    """
    none = np.full(len(level), -100, dtype=np.float32)
    reach = int(options.leak_delay_s / HOP_S) + 1
    recent = _highest(np.pad(other, (reach - 1, 0), constant_values=-100), reach)
    speaking = (other_probability > 0.8) & (other > noise_floor(other) + 15)
    if speaking.sum() < 50:
        return none
    loudest = speaking & (recent >= np.percentile(recent[speaking], 75))
    if np.percentile(level[loudest], usual) < noise_floor(level) + options.over_noise_db:
        return none
    ratio = float(np.percentile((level - recent)[speaking], usual))
    threshold: Frames = recent + np.float32(ratio + options.over_leak_db)
    return threshold


def _highest(level: Frames, width: int) -> Frames:
    """The maximum of every ``width`` frames; ``width - 1`` shorter than what it is given."""
    highest: Frames = np.lib.stride_tricks.sliding_window_view(level, width).max(axis=1)
    return highest


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
