"""Echoes that no fixed filter explains: found where they are, half a second at a time.

What :mod:`audit.transcription.crosstalk` cannot subtract (an echo that comes late, whose delay
jumps, that a codec has bent) would be taken for the words of whoever's channel it is on. But it is
still a copy: half a second of it correlates with what was said on the other channel some time
before, which half a second of anybody's own speech never does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from audit.types import SAMPLE_RATE, Span

_COPY_CORRELATION = 0.6
"""Correlation from which half a second is a copy. Copies have 0.9 and more, the speech of the
sample calls up to 0.33 where both channels carry speech."""
_PIECE_S, _STEP_S, _PIECE_MIN_S = 0.5, 0.25, 0.2
_REACH_S = 1.2  # latest echo that is looked for: twice the delay of a satellite hop
_LEAST_DELAY_S = 0.02  # two channels that carry the same at once are not told apart by it
_REST_S = 0.3  # shorter stretches beside an echo belong to it
_DECIMATION = 2  # samples: telephone speech has nothing above 4 kHz
_RATE = SAMPLE_RATE // _DECIMATION
_AT_ONCE_S = 30.0

Signal = NDArray[np.float32]


def find(samples: NDArray[np.int16], speech: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """Where the speech of each channel is a late copy of the other's.

    Args:
        samples: of the recording, crosstalk subtracted, shape ``[channels, samples]``.
        speech: of each channel, as detected.

    Returns:
        For each channel its echoes, in order and disjoint.
    """
    if len(samples) != 2:
        return [[] for _ in samples]
    return [
        [
            echo
            for segment in speech[channel]
            for part in _parts(segment)
            if _follows(part, speech[1 - channel])
            for echo in _in_part(samples[channel], samples[1 - channel], part, speech[1 - channel])
        ]
        for channel in (0, 1)
    ]


def without(speech: Sequence[Span], echoes: Sequence[Span]) -> list[Span]:
    """The speech of a channel but for its echoes, and for what is left of words at their edges."""
    kept = list(speech)
    for echo in echoes:
        kept = [rest for span in kept for rest in _cut(span, echo)]
    return kept


def _cut(span: Span, echo: Span) -> list[Span]:
    if not span.overlap_s(echo):
        return [span]
    sides = ((span.start_s, echo.start_s), (echo.end_s, span.end_s))
    return [Span(start_s, end_s) for start_s, end_s in sides if end_s - start_s >= _REST_S]


def _parts(segment: Span) -> list[Span]:
    """The segment in parts that are short enough to be held as floats."""
    starts = np.arange(segment.start_s, segment.end_s, _AT_ONCE_S)
    return [Span(float(s), min(float(s) + _AT_ONCE_S, segment.end_s)) for s in starts]


def _follows(part: Span, other: Sequence[Span]) -> bool:
    """Whether the other has spoken so shortly before that this may be its echo."""
    heard = Span(part.start_s - _REACH_S, part.end_s)
    return any(span.overlap_s(heard) > 0 for span in other)


def _in_part(
    own: NDArray[np.int16], other: NDArray[np.int16], part: Span, spoken: Sequence[Span]
) -> list[Span]:
    """The echoes within a part of a channel's speech."""
    first = round(part.start_s * SAMPLE_RATE)
    last = round(part.end_s * SAMPLE_RATE)
    before = min(first, round(_REACH_S * SAMPLE_RATE))
    heard, said = _bright(own[first:last]), _bright(other[first - before : last])
    lead = len(said) - len(heard)
    size = min(len(heard), round(_PIECE_S * _RATE))
    if size < _PIECE_MIN_S * _RATE:
        return []
    starts = [*range(0, len(heard) - size, round(_STEP_S * _RATE)), len(heard) - size]
    found: list[Span] = []
    for start in starts:
        at_s = part.start_s + start / _RATE
        if not _follows(Span(at_s, at_s + size / _RATE), spoken):
            continue
        piece = heard[start : start + size]
        source = said[max(0, start + lead - round(_REACH_S * _RATE)) : start + lead + size]
        if _is_copy(piece, source):
            span = Span(round(at_s, 3), round(min(part.end_s, at_s + size / _RATE), 3))
            if found and span.start_s <= found[-1].end_s:
                span = Span(found.pop().start_s, span.end_s)
            found.append(span)
    return found


def _bright(samples: NDArray[np.int16]) -> Signal:
    """Samples at half the rate, their spectrum made even: vowels alike correlate less then."""
    whole = samples[: len(samples) // _DECIMATION * _DECIMATION].astype(np.float32)
    slow = whole.reshape(-1, _DECIMATION).mean(axis=1)
    return np.diff(slow, prepend=slow[:1])


def _is_copy(piece: Signal, source: Signal) -> bool:
    """Whether a piece correlates with an earlier stretch of the other channel."""
    size = scipy.fft.next_fast_len(len(piece) + len(source), real=True)
    spectrum = np.conj(scipy.fft.rfft(piece, size)) * scipy.fft.rfft(source, size)
    delays = len(source) - len(piece) - round(_LEAST_DELAY_S * _RATE)
    product = scipy.fft.irfft(spectrum, size)[: max(0, delays) + 1]
    summed = np.concatenate([[0.0], np.cumsum(np.square(source, dtype=np.float64))])
    power = (summed[len(piece) :] - summed[: -len(piece)])[: len(product)]
    own = float(np.square(piece).sum())
    least = 1e-4 * own  # an echo is hardly 40 dB louder than what it is the echo of
    alike = np.abs(product) / np.sqrt(np.maximum(power, max(least, 1.0)) * max(own, 1.0))
    return bool(alike.max(initial=0.0) >= _COPY_CORRELATION)
