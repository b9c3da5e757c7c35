"""Windows recognised together, each padded only to the next few seconds.

Whisper was trained on windows of 30 s and pads what is shorter. Its encoder reads silence as dearly
as speech, and does not need it: with a second of it after the last word the character error rate
of the samples and the development calls stays what it was (docs/performance.md). How far a window
is padded depends on nothing but its own length, and only windows of one such length go together, so
that of the others in a batch none changes more than the last digits of what is heard in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from audit.language.intelligibility import is_latin, is_suspect
from audit.types import SAMPLE_RATE, Recognised, Samples, Word

FRAMES = 3000
"""Mel frames of Whisper's own window, 100 a second."""
_STEP = 500
_AFTER_S = 1.0

LANGUAGE_FRAMES = 500
"""Of what the encoder made of a window, 50 a second, as much as tells its language."""
_SURE = 0.85
"""Mean word probability from which a window's language is not asked for: that of Mandarin calls
lies between 0.8 and 0.9, that of other speech below it, if it is no loop
(docs/rules/listening.md)."""


def recognise(
    windows: Sequence[Samples],
    recognise_batch: Callable[[Sequence[Samples]], list[Recognised]],
    *,
    size: int,
    at_once: int = 1,
) -> list[Recognised]:
    """Recognise windows in batches, and give them back in their order.

    Args:
        windows: 16 kHz mono, at most 30 s each.
        recognise_batch: recognises windows of one padded length.
        size: most windows in a batch. It does not depend on ``at_once``: what is computed in
            batches of other sizes differs in its last digits.
        at_once: batches that are recognised at a time, each in a thread.
    """
    alike: dict[int, list[int]] = {}
    for number, window in enumerate(windows):
        alike.setdefault(frames(window), []).append(number)
    cut = [
        numbers[first : first + size]
        for _, numbers in sorted(alike.items(), reverse=True)  # the longest are begun first
        for first in range(0, len(numbers), size)
    ]
    batches = [[windows[number] for number in numbers] for numbers in cut]
    if at_once == 1 or len(batches) == 1:
        results = list(map(recognise_batch, batches))
    else:
        with ThreadPoolExecutor(at_once) as threads:
            results = list(threads.map(recognise_batch, batches))
    heard = {
        n: one for ns, r in zip(cut, results, strict=True) for n, one in zip(ns, r, strict=True)
    }
    return [heard[number] for number in range(len(windows))]


def frames(window: Samples) -> int:
    """Mel frames that a window is padded to.

    >>> import numpy as np
    >>> frames(np.zeros(3 * SAMPLE_RATE)), frames(np.zeros(27 * SAMPLE_RATE))
    (500, 3000)
    """
    wanted = 100 * (len(window) / SAMPLE_RATE + _AFTER_S)
    return min(FRAMES, _STEP * -int(-wanted // _STEP))


def asks_language(words: Sequence[Word]) -> bool:
    """Whether a window's words give cause to ask which language it is: doubtful, Latin, a loop."""
    text = "".join(word.text for word in words)
    if not text:
        return False
    mean = sum(word.probability for word in words) / len(words)
    return mean < _SURE or is_latin(text) or is_suspect(text)
