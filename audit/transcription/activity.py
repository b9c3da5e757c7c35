"""Voice activity: the speech segments of each channel's own speaker.

A voice activity detector (VAD) responds to crosstalk and to tones, and its edges are inexact, so
crosstalk is subtracted where a filter predicts it, channels are levelled, and the VAD's
probabilities are combined with the levels of both channels: a frame counts as speech where the VAD
says so, where it exceeds the channel's own noise, where it is louder than what leaks over from the
other channel (half of a segment by far), and where it is not a steady tone (ringback, busy tone,
DTMF). Of what is left, late copies of the other channel are taken out (:mod:`.echoes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy
from numpy.typing import NDArray

from audit.transcription import crosstalk, echoes
from audit.transcription.decoding import Audio
from audit.transcription.levels import HOP, HOP_S, Frames, frame_levels, noise_floor
from audit.transcription.options import VadOptions
from audit.types import SAMPLE_RATE, Span

_DTMF_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
_BEFORE_S, _AFTER_S = 0.15, 0.3  # of a pause, around speech: with less a VAD loses soft endings
_FRAMES_AT_ONCE = 1000  # the detector's speed falls with longer stretches, and threads wait
_TARGET_LEVEL_DB = -20.0
_MAX_GAIN_DB = 24.0

Mask = NDArray[np.bool_]


def detect_speech(
    audio: Audio,
    *,
    detector: Callable[[NDArray[np.int16]], Frames],
    options: VadOptions = VadOptions(),
) -> list[list[Span]]:
    """Find the speech of each channel's own speaker.

    Args:
        audio: the recording.
        detector: gives the speech probability of each 10 ms of a channel's int16 samples;
            called from a thread for each channel.
        options: thresholds.

    Returns:
        For each channel its speech segments, in order and disjoint.
    """
    own = crosstalk.separated(audio.samples)
    levels = [frame_levels(samples) for samples in own]
    loud = [
        (level > noise_floor(level) + options.over_noise_db) & ~_tones(level, options)
        for level in levels
    ]
    probabilities = _probabilities(detector, own, levels, loud, options)
    segments = []
    for index, level in enumerate(levels):
        leak = np.full(len(level), -100, dtype=np.float32)
        for other, other_level in enumerate(levels):
            if other != index:
                leak = _leak(level, other_level, probabilities[other], options)
        mask = loud[index] & (level > leak)
        voiced = mask & _hysteresis(probabilities[index], options)
        own_voice = voiced & (level > leak + options.over_leak_db)
        runs = [
            _own(run, voiced, own_voice, options)
            for run in _spans(voiced, options)
            if not _is_dialling(own[index], run)
        ]
        segments.append(_refined([run for run in runs if run], mask, options))
    copied = echoes.find(own, segments)
    return [
        echoes.without(spans, late) if late else spans
        for spans, late in zip(segments, copied, strict=True)
    ]


def begins_in_speech(
    speech: Sequence[Sequence[Span]], *, options: VadOptions = VadOptions()
) -> bool:
    """Whether a recording begins within speech: its first speech starts before ``begins_s``.

    Recorders that start with the call catch a ring or some silence first; of recordings cut at an
    instant inside a turn, those that begin later begin in a pause.
    """
    return any(spans and spans[0].start_s < options.begins_s for spans in speech)


def dead_channel(
    audio: Audio, speech: Sequence[Sequence[Span]], *, options: VadOptions = VadOptions()
) -> int | None:
    """The channel without speech whose level never moves, beside another that has speech.

    Digital silence and a constant hum do not move; a line that is alive has breath, clicks, the
    room. Crosstalk from the other channel is taken out before. Levels are compared by their
    99th percentile and median, which may differ by ``dead_range_db``.
    """
    has_speech = [bool(spans) for spans in speech]
    if sorted(has_speech) != [False, True]:
        return None
    silent = has_speech.index(False)
    level = frame_levels(crosstalk.separated(audio.samples)[silent])
    moves_db = float(np.percentile(level, 99) - np.median(level))
    return silent if moves_db < options.dead_range_db else None


def _gain(level: Frames, loud: Mask) -> np.float32:
    """What brings the loudest frames of a channel to a common level.

    The network loses more than half of some voices that are 12 dB softer.
    """
    if not loud.any():
        return np.float32(1)
    gain_db = _TARGET_LEVEL_DB - np.percentile(level[loud], 90)
    return np.float32(10 ** (np.clip(gain_db, -_MAX_GAIN_DB, _MAX_GAIN_DB) / 20))


def _probabilities(
    detector: Callable[[NDArray[np.int16]], Frames],
    own: NDArray[np.int16],
    levels: Sequence[Frames],
    loud: Sequence[Mask],
    options: VadOptions,
) -> list[Frames]:
    """Speech probabilities, asked for only around frames that are loud enough to count.

    Half of a two-channel call is one speaker listening, and the detector is what detection costs.
    So the middle of each pause is left out, and stretches follow each other with what is left of
    the pause between them. The detector is native code: threads share the stretches of all
    channels, most frames first.
    """
    probabilities = [np.zeros(len(mask), dtype=np.float32) for mask in loud]
    gains = [_gain(level, mask) for level, mask in zip(levels, loud, strict=True)]
    asked = [(n, frames) for n, mask in enumerate(loud) for frames in _frames_to_ask(mask, options)]

    def detect(channel_frames: tuple[int, NDArray[np.intp]]) -> None:
        channel, frames = channel_frames
        whole = own[channel][: len(loud[channel]) * HOP].reshape(-1, HOP)
        scaled = whole[frames].ravel() * gains[channel]
        found = detector(scaled.clip(-32768, 32767).astype(np.int16))
        probabilities[channel][frames] = found

    with ThreadPoolExecutor(len(own)) as threads:
        list(threads.map(detect, sorted(asked, key=lambda one: -len(one[1]))))
    return probabilities


def _frames_to_ask(loud: Mask, options: VadOptions) -> list[NDArray[np.intp]]:
    """Frames in and around what is loud for long enough to be speech, some stretches at a time."""
    before, after = round(_BEFORE_S / HOP_S), round(_AFTER_S / HOP_S)
    asked = np.zeros(len(loud), dtype=bool)
    for first, last in _spans(loud, options):
        asked[max(0, first - before) : last + after] = True
    groups: list[NDArray[np.intp]] = []
    for first, last in _runs(asked):
        frames = np.arange(first, last)
        if groups and len(groups[-1]) + len(frames) <= _FRAMES_AT_ONCE:
            groups[-1] = np.concatenate([groups[-1], frames])
        else:
            groups.append(frames)
    return groups


def _hysteresis(probability: Frames, options: VadOptions) -> Mask:
    """Frames of runs above ``off_probability`` that reach ``on_probability`` somewhere."""
    mask = probability >= options.off_probability
    for first, last in _runs(mask):
        if probability[first:last].max() < options.on_probability:
            mask[first:last] = False
    return mask


def _leak(level: Frames, other: Frames, other_probability: Frames, options: VadOptions) -> Frames:
    """Level at which a frame is as loud as the other channel's speech leaking over.

    While the other speaks this one is silent most of the time, so the median of the level
    difference over those frames is the leak; where this one does not exceed the noise even at the
    loudest of them, there is none. The other's level is taken as its maximum over the last
    ``leak_delay_s``, because echoes come late.
    """
    none = np.full(len(level), -100, dtype=np.float32)
    reach = int(options.leak_delay_s / HOP_S) + 1
    recent = _highest(np.pad(other, (reach - 1, 0), constant_values=-100), reach)
    speaking = (other_probability > 0.8) & (other > noise_floor(other) + 15)
    if speaking.sum() < 50:
        return none
    loudest = speaking & (recent >= np.percentile(recent[speaking], 75))
    if np.median(level[loudest]) < noise_floor(level) + options.over_noise_db:
        return none
    ratio = float(np.median((level - recent)[speaking]))
    leak: Frames = recent + np.float32(ratio)
    return leak


def _highest(level: Frames, width: int) -> Frames:
    """The maximum of every ``width`` frames; ``width - 1`` shorter than what it is given."""
    highest: Frames = np.lib.stride_tricks.sliding_window_view(level, width).max(axis=1)
    return highest


def _tones(level: Frames, options: VadOptions) -> Mask:
    """Frames inside a stretch whose level does not move, as that of no voice does."""
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
    part = samples[run[0] * HOP : run[1] * HOP].astype(np.float32)
    if len(part) < length:
        return False
    frames = np.lib.stride_tricks.sliding_window_view(part, length)[::HOP]
    spectrum = scipy.fft.rfft(frames * np.hanning(length).astype(np.float32), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bins = np.rint(np.array(_DTMF_HZ) * length / SAMPLE_RATE).astype(int)
    tones = power[:, bins[..., None] + np.arange(-1, 2)].sum(axis=3)
    low, high = tones.max(axis=2).T
    total = power.sum(axis=1)
    dual = (low + high > 0.8 * total) & (np.minimum(low, high) > 0.1 * total)
    return bool(total[dual].sum() > 0.5 * total.sum())


def _runs(mask: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _spans(mask: Mask, options: VadOptions) -> list[tuple[int, int]]:
    """Runs of the mask, short gaps bridged and short runs dropped."""
    merged: list[tuple[int, int]] = []
    for first, last in _runs(mask):
        if merged and (first - merged[-1][1]) * HOP_S < options.bridge_s:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return [run for run in merged if (run[1] - run[0]) * HOP_S >= options.min_speech_s]


def _own(
    run: tuple[int, int], voiced: Mask, own_voice: Mask, options: VadOptions
) -> tuple[int, int] | None:
    """A run without what may be a leak at its ends; None where that may be most of it."""
    first, last = run
    sure = np.flatnonzero(own_voice[first:last])
    if not len(sure) or len(sure) < options.own_share * voiced[first:last].sum():
        return None
    reach = int(options.edge_search_s / HOP_S)
    return max(first, first + int(sure[0]) - reach), min(last, first + int(sure[-1]) + 1 + reach)


def _refined(runs: Sequence[tuple[int, int]], loud: Mask, options: VadOptions) -> list[Span]:
    """Move each edge outwards over adjoining loud frames: the VAD reacts late."""
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
