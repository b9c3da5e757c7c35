"""Whether agent and customer change channels in the middle of a call.

Recorders that restart, or that sort their two legs anew after a hold or a transfer, go on with the
channels the other way round. The words tell: those of the agent are on one channel up to some
instant, and on the other one from then on. So do the voices. Channels count as swapped only where
both say so, for a customer may speak like an agent for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.ports import Embeddings, RoleClassifier, SpeakerEmbedder
from audit.transcription.decoding import Audio
from audit.transcription.diarization import embed_speech
from audit.transcription.options import DiarizationOptions
from audit.transcription.roles import Evidence
from audit.transcription.windows import UtteranceWords
from audit.types import Span

_COST = 2.0
"""Points of evidence that the words must give for each swap."""
_GAIN_MIN, _GAIN_ALONE_MIN = 0.5, 20.0
"""Points by which swaps explain the words better than channels that stay as they are: from which
the voices are asked, and from which the words decide where there are no embeddings. Of the sample
calls as they are the words give up to 14, and all voices contradict (by 0.4 and more)."""
_HOP_S = 0.4
"""Seconds from one embedding to the next: whole sides are compared, not turns."""

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
    embedded = _embedded(audio, [one.span for one, _ in spoken], channels, embedder, options)
    return _crossing(embedded, channels, swapped) > 0


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


def _embedded(
    audio: Audio,
    spans: Sequence[Span],
    channels: Labels,
    embedder: SpeakerEmbedder,
    options: DiarizationOptions,
) -> Embeddings:
    """The sum of the embeddings of each utterance."""
    sparse = options.model_copy(update={"hop_s": max(_HOP_S, options.hop_s)})
    lines = [Audio(audio.samples[channel : channel + 1]) for channel in (0, 1)]
    sums = [
        embed_speech(lines[channel], [span], embedder=embedder, options=sparse)[1].sum(axis=0)
        for channel, span in zip(channels, spans, strict=True)
    ]
    return np.stack(sums)


def _crossing(embedded: Embeddings, channels: Labels, swapped: Labels) -> float:
    """How much more alike voices are across the channels than along them, as a cosine."""
    voices = np.zeros((2, 2, embedded.shape[1]), dtype=np.float64)
    for channel in (0, 1):
        for side in (0, 1):
            voice = embedded[(channels == channel) & (swapped == side)].sum(axis=0)
            voices[channel, side] = voice / max(float(np.linalg.norm(voice)), 1e-9)
    across = voices[0, 0] @ voices[1, 1] + voices[1, 0] @ voices[0, 1]
    along = voices[0, 0] @ voices[0, 1] + voices[1, 0] @ voices[1, 1]
    return float(across - along) / 2
