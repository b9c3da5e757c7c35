"""Stretches in which one channel carries no signal at all while the other speaker goes on.

A leg that was connected late, a stream that broke off, a microphone that was muted: what was said
there is not in the recording. Endpoints that send nothing while nobody speaks look alike, but do so
in every pause; only on a line that carries its own noise is such a stretch missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.transcription.levels import BLOCK_FRAMES, HOP, HOP_S, SILENCE_PEAK
from audit.types import Span

_LEAST_S = 2.0
"""Seconds without any signal from which something may be missing."""
_NOISE_S = 1.0
"""Seconds of a pause with noise in it, of which a line that suppresses silence has none."""
_OTHER_S, _OTHER_FIRST_S = 1.0, 0.3
"""Seconds that the other one speaks meanwhile, and where the recording begins with the gap: else
nobody was there to talk to."""


def find(samples: NDArray[np.int16], speech: Sequence[Sequence[Span]]) -> list[tuple[int, Span]]:
    """The channel and the time of every gap of a stereo recording.

    Args:
        samples: as decoded, shape ``[2, samples]``.
        speech: of each channel.
    """
    found: list[tuple[int, Span]] = []
    for channel, own in enumerate(speech):
        if not own:  # nothing at all: a dead channel, or a silent side
            continue
        empty = _is_empty(samples[channel])
        if not _has_noise(empty, own):
            continue
        other = speech[1 - channel]
        for first, last in _runs(empty):
            gap = Span(round(first * HOP_S, 2), round(last * HOP_S, 2))
            least_s = _OTHER_S if first else _OTHER_FIRST_S
            if gap.duration_s >= _LEAST_S and sum(map(gap.overlap_s, other)) >= least_s:
                found.append((channel, gap))
    return found


def _is_empty(samples: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Frames of 10 ms that carry no signal."""
    count = len(samples) // HOP
    empty = np.empty(count, dtype=bool)
    for first in range(0, count, BLOCK_FRAMES):
        last = min(count, first + BLOCK_FRAMES)
        block = samples[first * HOP : last * HOP].reshape(-1, HOP)
        most, least = block.max(axis=1), block.min(axis=1)
        empty[first:last] = (most <= SILENCE_PEAK) & (least >= -SILENCE_PEAK)
    return empty


def _has_noise(empty: NDArray[np.bool_], speech: Sequence[Span]) -> bool:
    """Whether a pause of the channel carries noise for long enough."""
    noise = ~empty
    for span in speech:
        noise[round(span.start_s / HOP_S) : round(span.end_s / HOP_S)] = False
    return any((last - first) * HOP_S >= _NOISE_S for first, last in _runs(noise))


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
