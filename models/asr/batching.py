"""Windows transcribed together, each padded only to the next few seconds.

Whisper was trained on windows of 30 s and pads what is shorter. Its encoder reads silence at the
same cost as speech, and does not need it: with a second of it after the last word the character
error rate of the samples and the development calls stays what it was (docs/performance.md). How far
a window is padded depends only on its own length, and only windows of the same padded length go
together, so that the others in a batch change no more than the last digits of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from audit.language.intelligibility import is_latin, is_suspect
from audit.ports import WindowResult
from audit.types import SAMPLE_RATE, Samples, Word

FRAMES = 3000
"""Mel frames of Whisper's own window, 100 a second."""
_PADDING_STEP_FRAMES = 500
_PADDING_MIN_S = 1.0

LANGUAGE_FRAMES = 500
"""Encoder frames, 50 a second, from which the language of a window is detected."""
_CERTAIN_WORD_PROBABILITY = 0.85
"""Mean word probability from which a window's language is not checked: that of Mandarin calls is
0.8 to 0.9, that of other speech lower, except in loops (docs/rules/listening.md)."""


def transcribe(
    windows: Sequence[Samples],
    transcribe_batch: Callable[[Sequence[Samples]], list[WindowResult]],
    *,
    size: int,
    at_once: int = 1,
) -> list[WindowResult]:
    """Transcribe windows in batches, and give them back in their order.

    Args:
        windows: 16 kHz mono, at most 30 s each.
        transcribe_batch: transcribes windows of one padded length.
        size: maximum number of windows in a batch. It does not depend on ``at_once``, because
            results differ in their last digits between batch sizes.
        at_once: batches that are transcribed at the same time, each in a thread.
    """
    by_length: dict[int, list[int]] = {}
    for number, window in enumerate(windows):
        by_length.setdefault(frames(window), []).append(number)
    cut = [
        numbers[first : first + size]
        for _, numbers in sorted(by_length.items(), reverse=True)  # the longest start first
        for first in range(0, len(numbers), size)
    ]
    batches = [[windows[number] for number in numbers] for numbers in cut]
    if at_once == 1 or len(batches) == 1:
        results = list(map(transcribe_batch, batches))
    else:
        with ThreadPoolExecutor(at_once) as threads:
            results = list(threads.map(transcribe_batch, batches))
    by_number = {
        n: one for ns, r in zip(cut, results, strict=True) for n, one in zip(ns, r, strict=True)
    }
    return [by_number[number] for number in range(len(windows))]


def frames(window: Samples) -> int:
    """Mel frames that a window is padded to.

    >>> import numpy as np
    >>> frames(np.zeros(3 * SAMPLE_RATE)), frames(np.zeros(27 * SAMPLE_RATE))
    (500, 3000)
    """
    wanted = 100 * (len(window) / SAMPLE_RATE + _PADDING_MIN_S)
    return min(FRAMES, _PADDING_STEP_FRAMES * -int(-wanted // _PADDING_STEP_FRAMES))


def asks_language(words: Sequence[Word]) -> bool:
    """Whether a window's language must be checked: its words are uncertain, Latin or a loop."""
    text = "".join(word.text for word in words)
    if not text:
        return False
    mean = sum(word.probability or 0.0 for word in words) / len(words)
    return mean < _CERTAIN_WORD_PROBABILITY or is_latin(text) or is_suspect(text)
