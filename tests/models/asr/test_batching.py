"""Windows go in batches of one padded length, and come back in their order."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.ports import WindowResult
from audit.types import SAMPLE_RATE, Samples, Word
from models.asr import batching

LENGTHS = st.lists(st.floats(0.1, 30.0), max_size=40)


def told(windows: Sequence[Samples]) -> list[WindowResult]:
    """Says how long each window is."""
    return [WindowResult((Word(str(len(w)), 0.0, 1.0, 1.0),)) for w in windows]


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4))
def test_each_window_gets_its_own_words(lengths: list[float], size: int, at_once: int) -> None:
    windows = [np.zeros(round(s * SAMPLE_RATE), dtype=np.float32) for s in lengths]
    seen: list[list[int]] = []
    lock = threading.Lock()

    def hear(batch: Sequence[Samples]) -> list[WindowResult]:
        with lock:
            seen.append([batching.frames(window) for window in batch])
        return told(batch)

    heard = batching.transcribe(windows, hear, size=size, at_once=at_once)
    assert heard == told(windows)
    assert all(len(batch) <= size and len(set(batch)) == 1 for batch in seen)


@given(st.floats(0.01, 30.0))
def test_a_window_is_padded_by_a_second_at_least(seconds: float) -> None:
    frames = batching.frames(np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32))
    assert frames <= batching.FRAMES
    assert frames % 2 == 0
    assert frames == batching.FRAMES or 100 * (seconds + 1) - 1 <= frames < 100 * (seconds + 6) + 1


def test_batches_are_recognised_at_once() -> None:
    """Two that wait for each other would wait for ever one after the other."""
    meeting = threading.Barrier(2, timeout=10)

    def hear(batch: Sequence[Samples]) -> list[WindowResult]:
        meeting.wait()
        return told(batch)

    windows = [np.zeros(SAMPLE_RATE, dtype=np.float32)] * 4
    assert len(batching.transcribe(windows, hear, size=2, at_once=2)) == 4
