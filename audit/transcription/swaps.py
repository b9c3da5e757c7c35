"""Whether agent and customer change channels in the middle of a call.

Recorders that restart, or that sort their two legs anew after a hold or a transfer, go on with the
channels the other way round. The words tell: those of the agent are on one channel up to some
instant, and on the other one from then on. So do the voices. Channels count as swapped only where
both say so, for a customer may speak like an agent for a while.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.ports import RoleClassifier, SpeakerEmbedder
from audit.transcription.decoding import Audio
from audit.transcription.diarization import embed_speech
from audit.transcription.options import DiarizationOptions
from audit.transcription.roles import Evidence
from audit.transcription.windows import UtteranceWords
from audit.types import Span

_COST = 2.0
"""Points of evidence that the words must give for each swap."""
_GAIN_MIN, _GAIN_ALONE_MIN = 2.0, 20.0
"""Points by which swaps explain the words better than channels that stay as they are: from which
the voices are asked, and from which the words decide where no voices can be compared. Below what
one swap costs, a single sentence would decide. Of the sample calls as they are the words give up
to 14, and all voices contradict (by 0.5 and more)."""
_CROSSING_MIN = -0.1
"""How much more alike voices have to be across the channels than along them; a doubt where they are
as alike costs less than a swap that is missed. The sample calls as they are have at most -0.5."""
_HOP_S = 0.4
"""Seconds from one window to the next at least: whole sides are compared, not turns."""
_WINDOWS_MAX = 8
"""Windows of each voice, taken from all over its speech; more hardly change their mean."""

Labels = NDArray[np.intp]


def are_swapped(
    audio: Audio,
    utterances: Sequence[UtteranceWords],
    *,
    classifier: RoleClassifier,
    embedder: SpeakerEmbedder | None,
    options: DiarizationOptions = DiarizationOptions(),
) -> bool:
    """Whether the channels of a stereo recording are swapped from some instant on.

    Args:
        audio: the recording, of two channels.
        utterances: with their words, in the order in which they start.
        classifier: tells whose words they are.
        embedder: makes speaker embeddings.
        options: of the embeddings.
    """
    spoken = [(one, words) for one, words in utterances if words and not one.unintelligible]
    evidence = Evidence.of(spoken, classifier)
    said = [sum(weight for _, weight in evidence.points(words)) for _, words in spoken]
    channels = np.array([one.channel for one, _ in spoken], dtype=np.intp)
    swapped, gain = _explained(np.array(said, dtype=np.float64) * (1 - 2 * channels))
    if gain < (_GAIN_MIN if embedder is not None else _GAIN_ALONE_MIN):
        return False
    if embedder is None:
        return True
    voices = _voices(audio, [one.span for one, _ in spoken], channels, swapped, embedder, options)
    heard = np.abs(voices).sum(axis=2) > 0
    if not (heard[:, 0] & heard[:, 1]).any():  # nothing to compare along a channel
        return gain >= _GAIN_ALONE_MIN
    return _crossing(voices) > _CROSSING_MIN


def _explained(points: NDArray[np.float64]) -> tuple[Labels, float]:
    """On which side of swaps each utterance is (0 or 1), and what that explains of the words.

    Args:
        points: how much each utterance speaks for channel 0 being the agent's.
    """
    if not len(points):
        return np.zeros(0, dtype=np.intp), 0.0
    fit = np.stack([points, -points], axis=1)
    came_from = np.zeros(fit.shape, dtype=np.intp)
    best = fit[0]
    for index in range(1, len(fit)):
        moved = best[::-1] - _COST
        came_from[index] = np.where(moved > best, [1, 0], [0, 1])
        best = np.maximum(moved, best) + fit[index]
    path = np.empty(len(fit), dtype=np.intp)
    path[-1] = int(best.argmax())
    for index in range(len(fit) - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    return path, float(best.max() - abs(points.sum()))


def _voices(
    audio: Audio,
    spans: Sequence[Span],
    channels: Labels,
    swapped: Labels,
    embedder: SpeakerEmbedder,
    options: DiarizationOptions,
) -> NDArray[np.float64]:
    """The voice of each channel on each side of the swaps, shape ``[channel, side, dimensions]``.

    Each has length 1, or 0 where nothing was said. All of them are embedded at once, for which the
    channels are laid end to end: small batches take a network more than twice as long.
    """
    line = Audio(audio.samples.reshape(1, -1))
    windows: list[Span] = []
    owners: list[tuple[int, int]] = []
    for channel, side in itertools.product((0, 1), repeat=2):
        own = np.flatnonzero((channels == channel) & (swapped == side))
        shift_s = channel * audio.duration_s
        for window in _spread([spans[index] for index in own.tolist()], options.window_s):
            windows.append(Span(window.start_s + shift_s, window.end_s + shift_s))
            owners.append((channel, side))
    one_each = options.model_copy(update={"hop_s": options.window_s})
    found, embeddings = embed_speech(line, windows, embedder=embedder, options=one_each)
    voices = np.zeros((2, 2, embeddings.shape[1]), dtype=np.float64)
    for embedded, embedding in zip(found, embeddings, strict=True):
        voices[owners[embedded.segment]] += embedding
    lengths = np.linalg.norm(voices, axis=2, keepdims=True)
    scaled: NDArray[np.float64] = voices / np.maximum(lengths, 1e-9)
    return scaled


def _spread(spans: Sequence[Span], window_s: float) -> list[Span]:
    """A few windows of one voice's speech, taken evenly from its utterances."""
    windows = []
    for span in spans:
        for number in range(1 + int(max(0.0, span.duration_s - window_s) / _HOP_S)):
            start_s = span.start_s + number * _HOP_S
            windows.append(Span(start_s, min(start_s + window_s, span.end_s)))
    count = min(len(windows), _WINDOWS_MAX)
    return [windows[(2 * number + 1) * len(windows) // (2 * count)] for number in range(count)]


def _crossing(voices: NDArray[np.float64]) -> float:
    """How much more alike voices are across the channels than along them, as a cosine."""
    across = voices[0, 0] @ voices[1, 1] + voices[1, 0] @ voices[0, 1]
    along = voices[0, 0] @ voices[0, 1] + voices[1, 0] @ voices[1, 1]
    return float(across - along) / 2
