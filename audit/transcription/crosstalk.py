"""Crosstalk and echo: what a channel receives of the other one, found and subtracted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy
from numpy.typing import NDArray

from audit.transcription.levels import HOP, Frames, frame_levels, noise_floor
from audit.types import SAMPLE_RATE

_HALF_SECOND = 8_000  # samples: leaks are looked for half a second at a time
_FILTER_BLOCKS = 64
_REACH_S = 0.3  # latest echo that is looked for
_TAP_SIGMA = 4.0
_LEAK_SIGMA = 8.0
_SUBTRACTED_AT_ONCE = 10 * SAMPLE_RATE
_COMPARED_BLOCKS = 60  # half seconds: a fraction of them with sound is enough
_DECIMATION = 4  # samples: fine enough to see that two channels carry the same
_SAME_FILTER_CORRELATION = 0.8  # of the filters of both halves of a recording


def separated(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Subtract from each of two channels what it receives of the other.

    Crosstalk and echo are the other's samples, late and filtered, so a filter found by least
    squares predicts them; what it predicts is subtracted. A leak that no fixed filter explains
    (drifting clocks, a changing delay, codecs) stays, and is left to the gates of
    :mod:`audit.transcription.activity`.
    """
    if len(samples) != 2:
        return samples
    own = samples.copy()
    levels = [frame_levels(channel) for channel in samples]

    def separate(index: int) -> None:
        received, spoken = samples[index], samples[1 - index]
        blocks = _leak_blocks(levels[index], levels[1 - index])
        early, late = (_spectra(received, spoken, half) for half in np.array_split(blocks, 2))
        taps = _leak_filter(early[0] + late[0], early[1] + late[1])
        if taps is not None and _is_same_filter(_leak_filter(*early), _leak_filter(*late)):
            _subtract(own[index], spoken, taps)

    with ThreadPoolExecutor(2) as threads:  # transforms are native code
        list(threads.map(separate, range(2)))
    return own


def similarity(samples: NDArray[np.int16]) -> float:
    """How much two channels carry the same sound: 0 for none of it, 1 for nothing else.

    The greatest correlation, of either sign, at any delay that an echo can have; 0 where one of
    them is silent. Of a long recording only some half seconds are compared.
    """
    if samples.shape[1] < _HALF_SECOND:
        return 0.0
    half = _HALF_SECOND // _DECIMATION
    step = _HALF_SECOND * max(1, samples.shape[1] // (_HALF_SECOND * _COMPARED_BLOCKS))
    compared = np.lib.stride_tricks.sliding_window_view(samples, _HALF_SECOND, axis=1)[:, ::step]
    fine = compared.astype(np.float32).reshape(2, -1, half, _DECIMATION)
    blocks = fine @ np.full(_DECIMATION, 1 / _DECIMATION, dtype=np.float32)
    blocks -= blocks.mean(axis=2, keepdims=True)
    left, right = scipy.fft.rfft(blocks, 2 * half, axis=2)
    cross = (np.conj(left) * right).sum(axis=0, dtype=np.complex128)
    powers = np.square(blocks).sum(axis=(1, 2), dtype=np.float64)
    if not powers.all():
        return 0.0
    lags = np.abs(np.fft.fftfreq(2 * half, 1 / (2 * half)))
    near = lags <= _REACH_S * SAMPLE_RATE / _DECIMATION
    correlation = np.abs(scipy.fft.irfft(cross)[near])
    correlation /= 1 - lags[near] / half  # the rest of a delayed block is in the next one
    return min(1.0, float(correlation.max() / np.sqrt(powers.prod())))


def _leak_blocks(level: Frames, other: Frames) -> NDArray[np.intp]:
    """Half seconds in which the other channel is loud and this one the quietest, in order."""
    frames = _HALF_SECOND // HOP
    count = min(len(level), len(other)) // frames - 1
    if count < 1:
        return np.zeros(0, dtype=np.intp)
    received = level[: count * frames].reshape(count, -1).max(axis=1)
    spoken = other[: count * frames].reshape(count, -1).max(axis=1)
    loud = np.flatnonzero(spoken > noise_floor(other) + 15)
    kept = min(_FILTER_BLOCKS, (len(loud) + 1) // 2)  # in the rest both may be speaking
    return np.sort(loud[np.argsort((received - spoken)[loud])][:kept])


def _spectra(
    received: NDArray[np.int16], spoken: NDArray[np.int16], blocks: NDArray[np.intp]
) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    """Cross spectrum of what is received with what is spoken, and the latter's power."""
    cross = np.zeros(_HALF_SECOND + 1, dtype=np.complex64)
    power = np.zeros(_HALF_SECOND + 1, dtype=np.float32)
    for block in blocks:
        first = block * _HALF_SECOND
        x = received[first : first + 2 * _HALF_SECOND].astype(np.float32)
        spectrum = scipy.fft.rfft(
            spoken[first : first + _HALF_SECOND].astype(np.float32), 2 * _HALF_SECOND
        )
        weight = np.float32(1 / (np.square(x).mean() + 1))  # the quietest count most
        cross += weight * scipy.fft.rfft(x, 2 * _HALF_SECOND) * np.conj(spectrum)
        power += weight * np.square(np.abs(spectrum))
    return cross, power


def _leak_filter(
    cross: NDArray[np.complex64], power: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Impulse response from what one channel speaks to what the other receives of it, if any.

    Taps no stronger than those at delays that no leak has are noise, and are dropped.
    """
    if not power.any():
        return None
    taps = scipy.fft.irfft(cross / (power + 0.01 * power.mean())).astype(np.float32)
    reach = int(_REACH_S * SAMPLE_RATE)
    noise = float(np.sqrt(np.square(taps[reach:_HALF_SECOND]).mean()))
    taps = taps[:reach]
    taps[np.abs(taps) < _TAP_SIGMA * noise] = 0
    return taps if np.abs(taps).max() > _LEAK_SIGMA * noise else None


def _is_same_filter(early: NDArray[np.float32] | None, late: NDArray[np.float32] | None) -> bool:
    """Whether the leak is the same at the beginning of the recording and at its end."""
    if early is None or late is None:
        return False
    correlation = early @ late / np.sqrt((early @ early) * (late @ late))
    return bool(correlation > _SAME_FILTER_CORRELATION)


def _subtract(
    samples: NDArray[np.int16], spoken: NDArray[np.int16], taps: NDArray[np.float32]
) -> None:
    """Take from the samples, in place, what the filter makes of the other channel's.

    By overlap-save, in blocks several times as long as the filter, some seconds at a time: a
    long call is never held as floats.
    """
    taps = np.trim_zeros(taps, "b")  # most leaks are early
    size = 1 << min(14, max(10, (8 * len(taps)).bit_length()))
    step = size - len(taps)
    at_once = step * (_SUBTRACTED_AT_ONCE // step)
    response = scipy.fft.rfft(taps, size)
    for first in range(0, len(samples), at_once):
        part = samples[first : first + at_once]
        before = min(first, len(taps))
        source = spoken[first - before : first + len(part)].astype(np.float32)
        padded = np.pad(source, (len(taps) - before, -len(part) % step))
        blocks = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
        predicted = scipy.fft.irfft(scipy.fft.rfft(blocks, axis=1) * response, size, axis=1)
        leak = predicted[:, len(taps) :].ravel()[: len(part)]
        part[:] = (part - leak).clip(-32768, 32767)
