"""Two-channel telephone calls from ready utterances: placing, crosstalk, echo, noise, band-pass.

Pure functions on numpy arrays; where the utterances come from does not matter. :func:`lay_out`
turns anchors ("half a second before the other ends") into intervals, and :func:`mix` turns clips
and a :class:`Scene` into audio together with those intervals, which are the truth about it.

    >>> tone = np.sin(np.arange(8000, dtype=np.float32))
    >>> clips = [Clip(tone, 0, After(0)), Clip(tone, 1, Before(0.25))]
    >>> [(piece.start_s, piece.end_s) for piece in lay_out(clips, lead_s=1.0)]
    [(1.0, 2.0), (1.75, 2.75)]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, resample_poly, sosfiltfilt

FloatArray = npt.NDArray[np.float32]

LINE_RATE: Final = 8_000
"""Sampling rate of a telephone line in Hz."""

BAND_HZ: Final = (300.0, 3400.0)
"""Pass band of a telephone line (ITU-T G.712) in Hz."""

_FADE_S: Final = 0.012


@dataclass(frozen=True, slots=True)
class After:
    """Starts ``gap_s`` seconds after everything placed before has ended."""

    gap_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Before:
    """Starts before the other channel's last turn ends.

    Attributes:
        overlap_s: Seconds during which both speak.
        lost_s: How much of the other's turn is lost because its speaker breaks off; 0 lets it run
            to its end.
    """

    overlap_s: float
    lost_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Over:
    """Starts at a share (0 to 1) of the other channel's last turn and does not take the floor."""

    share: float


Anchor = After | Before | Over


@dataclass(frozen=True, slots=True)
class Clip:
    """Samples to place on one channel.

    Attributes:
        samples: Mono samples at the scene's rate, speech from edge to edge where ``speech``.
        channel: 0 or 1.
        anchor: When it starts.
        speech: False for music, tones and the like: they set no level and are nobody's turn.
    """

    samples: FloatArray
    channel: int
    anchor: Anchor = After()
    speech: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """Position of a clip on the recording's clock, in seconds; ``cut_off`` if its end is lost."""

    channel: int
    start_s: float
    end_s: float
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The telephone line of a call.

    Attributes:
        rate: Sampling rate in Hz.
        lead_s: Seconds before the first clip.
        tail_s: Seconds after the last.
        level: RMS of speech at 0 dB, on a full scale of 1.
        gains_db: Level of each channel against that.
        snr_db: Speech to noise of each channel, speech taken at 0 dB gain of that channel.
        leak_db: Level at which a channel leaks into the other; None for no crosstalk.
        leak_s: Delay of that crosstalk.
        echo_db: Level of a channel's own echo; None for none.
        echo_s: Delay of that echo.
        band_hz: Pass band; None for none.
        peak: Largest sample allowed; a louder mix is scaled down as a whole.
        seed: Seed of the noise.
    """

    rate: int = LINE_RATE
    lead_s: float = 0.8
    tail_s: float = 1.0
    level: float = 0.07
    gains_db: tuple[float, float] = (0.0, 0.0)
    snr_db: tuple[float, float] = (35.0, 35.0)
    leak_db: float | None = -38.0
    leak_s: float = 0.012
    echo_db: float | None = None
    echo_s: float = 0.08
    band_hz: tuple[float, float] | None = BAND_HZ
    peak: float = 0.9
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Mix:
    """Audio of shape (samples, 2) and one interval for each clip, in the order of the clips."""

    audio: FloatArray
    intervals: tuple[Interval, ...]


def lay_out(
    clips: Sequence[Clip], *, rate: int = LINE_RATE, lead_s: float = 0.0
) -> tuple[Interval, ...]:
    """Resolve anchors to intervals.

    Args:
        clips: What is said, in the order of the script.
        rate: Sampling rate of the clips in Hz.
        lead_s: Seconds before the first clip.

    Returns:
        One interval a clip, in the same order, on sample boundaries.

    Raises:
        ValueError: An anchor points at nobody's turn or before the other's start, or a channel
            would speak over itself.
    """
    placed: list[Interval] = []
    floor: list[int | None] = [None, None]
    for clip in clips:
        length = len(clip.samples)
        ends = [round(piece.end_s * rate) for piece in placed]
        now = max(ends, default=round(lead_s * rate))
        if isinstance(clip.anchor, After):
            start = now + round(clip.anchor.gap_s * rate)
        else:
            index = floor[1 - clip.channel]
            if index is None:
                raise ValueError("overlap with a channel that has not spoken")
            start, other = _against(placed[index], anchor=clip.anchor, rate=rate)
            placed[index] = other
        mine = [piece for piece in placed if piece.channel == clip.channel]
        if any(start < round(piece.end_s * rate) for piece in mine):
            raise ValueError(f"channel {clip.channel} would speak over itself")
        placed.append(Interval(clip.channel, start / rate, (start + length) / rate))
        if clip.speech and not isinstance(clip.anchor, Over):
            floor[clip.channel] = len(placed) - 1
    return tuple(placed)


def mix(clips: Sequence[Clip], *, scene: Scene) -> Mix:
    """Place clips on two channels and send them over the scene's line.

    Args:
        clips: What is said and heard, in the order of the script.
        scene: The line.

    Returns:
        The audio, and the intervals of the clips themselves (without their crosstalk).

    Raises:
        ValueError: See :func:`lay_out`.
    """
    intervals = lay_out(clips, rate=scene.rate, lead_s=scene.lead_s)
    end_s = max((piece.end_s for piece in intervals), default=scene.lead_s)
    dry = np.zeros((round((end_s + scene.tail_s) * scene.rate), 2), dtype=np.float32)
    for clip, piece in zip(clips, intervals, strict=True):
        start, stop = round(piece.start_s * scene.rate), round(piece.end_s * scene.rate)
        samples = clip.samples[: stop - start]
        dry[start:stop, clip.channel] += (
            fade_out(samples, rate=scene.rate) if piece.cut_off else samples
        )
    dry *= _speech_gain(clips, level=scene.level)
    gains = np.array([_ratio(gain_db) for gain_db in scene.gains_db], dtype=np.float32)
    wet = dry * gains
    if scene.echo_db is not None:
        wet = wet + _ratio(scene.echo_db) * delay(wet, seconds=scene.echo_s, rate=scene.rate)
    if scene.leak_db is not None:
        other = delay(wet[:, ::-1], seconds=scene.leak_s, rate=scene.rate)
        wet = wet + _ratio(scene.leak_db) * other
    noise = np.stack(
        [
            _ratio(-snr_db) * scene.level * pink_noise(len(wet), seed=scene.seed * 2 + channel)
            for channel, snr_db in enumerate(scene.snr_db)
        ],
        axis=1,
    )
    line = (wet + noise * gains).astype(np.float32)
    if scene.band_hz is not None:
        line = band_pass(line, rate=scene.rate, band_hz=scene.band_hz)
    loudest = float(np.abs(line).max(initial=0.0))
    return Mix(line * np.float32(min(1.0, scene.peak / max(loudest, 1e-9))), intervals)


def band_pass(
    samples: FloatArray, *, rate: int, band_hz: tuple[float, float] = BAND_HZ
) -> FloatArray:
    """Limit to a band without moving anything in time (the filter runs both ways).

    Args:
        samples: Shape (samples,) or (samples, channels).
        rate: Sampling rate in Hz.
        band_hz: Lower and upper edge in Hz.
    """
    if len(samples) < 64:
        return samples
    sections = butter(4, band_hz, btype="bandpass", fs=rate, output="sos")
    padding = min(len(samples) - 1, 200)
    filtered = sosfiltfilt(sections, samples, axis=0, padlen=padding)
    return np.asarray(filtered, dtype=np.float32)


def to_line(samples: FloatArray, *, rate: int, line_rate: int = LINE_RATE) -> FloatArray:
    """Resample a whole-number multiple of the line's rate down to it and limit it to the band.

    Raises:
        ValueError: ``rate`` is not a multiple of ``line_rate``.
    """
    if rate % line_rate:
        raise ValueError(f"{rate} Hz is not a multiple of {line_rate} Hz")
    lower = resample_poly(samples, 1, rate // line_rate).astype(np.float32)
    return band_pass(lower, rate=line_rate)


def delay(samples: FloatArray, *, seconds: float, rate: int) -> FloatArray:
    """Shift later by ``seconds``, keeping the length."""
    shift = min(round(seconds * rate), len(samples))
    moved = np.zeros_like(samples)
    moved[shift:] = samples[: len(samples) - shift]
    return moved


def fade_out(samples: FloatArray, *, rate: int, seconds: float = _FADE_S) -> FloatArray:
    """Let the last moments fade, so that a cut-off voice stops without a click."""
    size = min(round(seconds * rate), len(samples))
    faded = samples.copy()
    if size:
        faded[-size:] *= np.linspace(1, 0, size, dtype=np.float32)
    return faded


def pink_noise(length: int, *, seed: int) -> FloatArray:
    """Noise with 1/f power and an RMS of 1, the same for the same seed."""
    if length == 0:
        return np.zeros(0, dtype=np.float32)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    white[0] = 0
    # The lowest partials would only be rumble below the telephone band: keep them level.
    shape = 1 / np.sqrt(np.maximum(np.arange(len(white)), len(white) / 40))
    noise = np.fft.irfft(white * shape, n=length)
    rms = float(np.sqrt((noise**2).mean()))
    return (noise / max(rms, 1e-12)).astype(np.float32)


def speech_rms(samples: FloatArray) -> float:
    """RMS over the samples that are not silence (within 30 dB of the loudest)."""
    power = samples.astype(np.float64) ** 2
    loud = power[power > power.max(initial=0.0) * 1e-3]
    return float(np.sqrt(loud.mean())) if loud.size else 0.0


def _against(other: Interval, *, anchor: Before | Over, rate: int) -> tuple[int, Interval]:
    """Start sample of an overlapping clip, and the other's interval after it."""
    first, last = round(other.start_s * rate), round(other.end_s * rate)
    if isinstance(anchor, Over):
        return first + round(anchor.share * (last - first)), other
    stop = last - round(anchor.lost_s * rate)
    start = stop - round(anchor.overlap_s * rate)
    if start < first:
        raise ValueError(f"overlap of {anchor.overlap_s} s is longer than the other's turn")
    if stop == last:
        return start, other
    return start, Interval(other.channel, other.start_s, stop / rate, cut_off=True)


def _speech_gain(clips: Sequence[Clip], *, level: float) -> np.float32:
    levels = [speech_rms(clip.samples) for clip in clips if clip.speech]
    mean = float(np.mean(levels)) if levels else 0.0
    return np.float32(level / mean if mean else 1.0)


def _ratio(decibel: float) -> float:
    return float(10 ** (decibel / 20))
