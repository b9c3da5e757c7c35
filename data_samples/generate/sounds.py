"""Sounds of a telephone line other than speech: ringback, busy tone, touch tones, hold music."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_DTMF_ROWS: Final = (697, 770, 852, 941)
_DTMF_COLUMNS: Final = (1209, 1336, 1477)
_DTMF_KEYS: Final = "123456789*0#"

# Composed for this folder: degrees of the pentatonic scale on d', and lengths in beats.
_MELODY: Final = (
    (0, 1), (2, 1), (3, 1), (4, 1), (3, 2), (2, 2),
    (2, 1), (3, 1), (4, 1), (5, 1), (4, 2), (2, 2),
    (5, 1), (4, 1), (3, 1), (2, 1), (1, 2), (3, 2),
    (2, 1), (1, 1), (0, 1), (1, 1), (0, 4),
)  # fmt: skip
_SCALE: Final = (0, 2, 4, 7, 9, 12)
_TONIC_HZ: Final = 293.66
_BEAT_S: Final = 0.42


def ringback(times: int, *, rate: int) -> FloatArray:
    """Chinese ringback: 450 Hz, 1 s on and 4 s off (GB/T 3380), ending with the last ring."""
    tone = _sine(450.0, seconds=1.0, rate=rate) * _ramp(rate, rate=rate, seconds=0.005)
    gap = np.zeros(4 * rate, dtype=np.float32)
    parts = [part for _ in range(times) for part in (tone, gap)][:-1]
    return np.concatenate(parts).astype(np.float32)


def busy(times: int, *, rate: int) -> FloatArray:
    """Chinese busy tone: 450 Hz, 0.35 s on and 0.35 s off (GB/T 3380), ending with a tone."""
    size = round(0.35 * rate)
    tone = _sine(450.0, seconds=0.35, rate=rate)[:size] * _ramp(size, rate=rate, seconds=0.005)
    parts = [part for _ in range(times) for part in (tone, np.zeros(size, dtype=np.float32))][:-1]
    return np.concatenate(parts).astype(np.float32)


def touch_tones(keys: str, *, rate: int) -> FloatArray:
    """DTMF digits (ITU-T Q.23), 100 ms each with 80 ms between.

    Raises:
        ValueError: A key is not on the telephone.
    """
    parts: list[FloatArray] = []
    for key in keys:
        index = _DTMF_KEYS.index(key)
        low, high = _DTMF_ROWS[index // 3], _DTMF_COLUMNS[index % 3]
        pair = _sine(low, seconds=0.1, rate=rate) + _sine(high, seconds=0.1, rate=rate)
        parts += [pair, np.zeros(round(0.08 * rate), dtype=np.float32)]
    return np.concatenate(parts[:-1]).astype(np.float32)


def hold_music(seconds: float, *, rate: int) -> FloatArray:
    """Play a small plucked tune with a bass, as long as asked for, fading at both ends."""
    length = round(seconds * rate)
    tune = np.zeros(length + 4 * rate, dtype=np.float32)
    at_s = 0.0
    while at_s < seconds:
        for number, (degree, beats) in enumerate(_MELODY):
            pitch = _TONIC_HZ * 2 ** (_SCALE[degree] / 12)
            _add_note(tune, pitch=pitch, at_s=at_s, beats=beats, rate=rate)
            if number % 4 == 0:
                _add_note(tune, pitch=pitch / 2, at_s=at_s, beats=beats + 1, rate=rate)
            at_s += beats * _BEAT_S
            if at_s >= seconds:
                break
    cut = tune[:length]
    peak = float(np.abs(cut).max(initial=0.0))
    return (cut / max(peak, 1e-9) * _ramp(length, rate=rate, seconds=0.4)).astype(np.float32)


def _add_note(tune: FloatArray, *, pitch: float, at_s: float, beats: int, rate: int) -> None:
    start = round(at_s * rate)
    size = min(round((beats * _BEAT_S + 0.3) * rate), len(tune) - start)
    if size <= 0:
        return
    clock = np.arange(size) / rate
    overtones = sum(np.sin(2 * np.pi * pitch * k * clock) / k**1.5 for k in (1, 2, 3, 4))
    tune[start : start + size] += (
        overtones * np.exp(-3.0 * clock) * _ramp(size, rate=rate, seconds=0.01)
    ).astype(np.float32)


def _sine(hertz: float, *, seconds: float, rate: int) -> FloatArray:
    clock = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * hertz * clock).astype(np.float32)


def _ramp(length: int, *, rate: int, seconds: float) -> FloatArray:
    """1 with a rise at the start and a fall at the end."""
    size = min(round(seconds * rate), length // 2)
    shape = np.ones(length, dtype=np.float32)
    if size:
        edge = np.linspace(0, 1, size, dtype=np.float32)
        shape[:size], shape[-size:] = edge, edge[::-1]
    return shape
