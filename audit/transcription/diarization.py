"""Who speaks when on a line that both speakers share.

Each tenth of a second of speech gets a speaker embedding; the embeddings are clustered into
speakers, and a Viterbi path over them decides where the speaker changes: at a low cost in a pause,
at a higher one inside an utterance. What is said helps where voices are similar: words of an agent
pull towards the agent. Of overlapped speech only one speaker is found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.ports import Diarizer, Embeddings, RoleClassifier, SpeakerEmbedder
from audit.transcription import roles
from audit.transcription.decoding import Audio
from audit.transcription.options import DiarizationOptions
from audit.transcription.speaker_changes import cut_at_changes, undivided
from audit.transcription.windows import UtteranceWords
from audit.types import Direction, Span, Turn

Labels = NDArray[np.intp]

_FRAME_S = 0.01
_MAX_ITERATIONS = 8
_SEED_WINDOWS = 2000  # windows that the first clustering looks at
_MIN_WINDOWS = 3  # of a speaker
_OPPOSITE = 2.0
"""Evidence for both roles at which speakers that are told apart by voice alone are two."""

_EVEN_ODDS_MARGIN, _ODDS_STEEPNESS = 0.0, 20.0
"""Margin (cosine) at which a turn's speaker is as often wrong as right, and how fast that changes:
measured on mono mixes of labelled calls, see ``models/voice/speakers.md``."""

_CONFUSABLE_SIMILARITY, _CERTAIN_TURN_S, _DOUBTFUL_CONFIDENCE = 0.72, 0.8, 0.75
"""Cosine similarity of two speakers above which they are often confused; seconds below which a turn
is hardly more than the edge of a window; and how often a turn is right then, at most."""


@dataclass(frozen=True, slots=True)
class Diarization:
    """The speech of one line, given to its speakers.

    Attributes:
        utterances: with their words, cut where the speaker changes; ``Utterance.channel`` is the
            speaker.
        speech: of each speaker, as for a recording with a channel for each.
        roles: of each speaker.
        middles_s: of each embedded window.
        labels: the speaker of each window.
        margins: how much more similar (cosine) each window is to its own speaker than to the next.
        confusable: two of the speakers are too similar for any turn to be certain.
        undivided: when words are said that may be those of several speakers.
    """

    utterances: list[UtteranceWords]
    speech: list[list[Span]]
    roles: roles.RoleDecision
    middles_s: NDArray[np.float64]
    labels: Labels
    margins: NDArray[np.float32]
    confusable: bool
    undivided: Sequence[Span] = ()

    def confidence(self, turn: Turn) -> float:
        """Probability that a turn is by its speaker."""
        if turn.span is None or turn.speaker is None or not len(self.margins):
            return 0.5
        inside = (self.middles_s >= turn.span.start_s) & (self.middles_s <= turn.span.end_s)
        own = self.margins[inside & (self.labels == turn.speaker)]
        margin = float(own.mean()) if len(own) else 0.0
        probability = 1 / (1 + math.exp(-_ODDS_STEEPNESS * (margin - _EVEN_ODDS_MARGIN)))
        mixed = any(span.overlap_s(turn.span) > 0 for span in self.undivided)
        doubtful = self.confusable or mixed or turn.span.duration_s < _CERTAIN_TURN_S
        return round(min(probability, _DOUBTFUL_CONFIDENCE) if doubtful else probability, 3)


@dataclass(frozen=True, slots=True)
class EmbeddingWindow:
    """What a speaker embedding is made of.

    Attributes:
        segment: number of the speech segment that it is in.
        middle_s: its middle.
    """

    segment: int
    middle_s: float


def diarize(
    audio: Audio,
    speech: Sequence[Span],
    utterances: Sequence[UtteranceWords],
    *,
    embedder: SpeakerEmbedder,
    classifier: RoleClassifier,
    direction: Direction | None = None,
    role_confidence: float,
    diarizer: Diarizer | None = None,
    options: DiarizationOptions = DiarizationOptions(),
) -> Diarization:
    """Give each stretch of a mono recording's speech to a speaker, and each speaker a role.

    Args:
        audio: the recording; its first channel is used.
        speech: its speech segments, in order.
        utterances: with their words.
        embedder: makes speaker embeddings.
        classifier: tells whose words they are.
        direction: who rang whom.
        role_confidence: least probability at which roles are given.
        diarizer: decides who speaks when; the embeddings then only say how certain that is.
        options: thresholds.
    """
    evidence = roles.Evidence.of(utterances, classifier)
    windows, embeddings = embed_speech(audio, speech, embedder=embedder, options=options)
    labels, overlapped = (
        np.zeros(len(windows), dtype=np.intp),
        np.zeros(len(windows), dtype=np.bool_),
    )
    if diarizer is not None:
        labels, overlapped = _labels_by_diarizer(windows, diarizer(audio.samples[0]))
    elif len(windows) >= 2 * _MIN_WINDOWS:
        pulls = _pulls(windows, utterances, evidence, direction)
        labels = _clustered(windows, embeddings, pulls, options)
    by_speaker = _speech_by_speaker(speech, windows, labels)
    cut = cut_at_changes(utterances, by_speaker)
    cut_utterances = sorted(cut, key=lambda item: (item[0].span, item[0].channel))
    totals = roles.agent_evidence(
        cut_utterances, evidence, speakers=len(by_speaker), direction=direction
    )
    return Diarization(
        utterances=cut_utterances,
        speech=by_speaker,
        roles=roles.assign(totals, min_confidence=role_confidence),
        middles_s=np.array([window.middle_s for window in windows]),
        labels=labels,
        margins=np.where(overlapped, np.float32(0), _margins(embeddings, labels)),
        confusable=_max_similarity(embeddings, labels) > _CONFUSABLE_SIMILARITY,
        undivided=undivided(utterances, by_speaker),
    )


def embed_speech(
    audio: Audio, speech: Sequence[Span], *, embedder: SpeakerEmbedder, options: DiarizationOptions
) -> tuple[list[EmbeddingWindow], Embeddings]:
    """A speaker embedding for the middle of each hop of speech."""
    width, hop = round(options.window_s / _FRAME_S), round(options.hop_s / _FRAME_S)
    windows: list[EmbeddingWindow] = []
    parts: list[NDArray[np.float32]] = []
    for number, segment in enumerate(speech):
        mel = embedder.mel_spectrogram(audio.channel(0, span=segment))
        middles = range(min(hop, len(mel)) // 2, len(mel), hop)
        if len(mel) < width:  # too short for a window: repeated
            mel = np.resize(mel, (width, *mel.shape[1:]))
        firsts = [min(max(0, middle - width // 2), len(mel) - width) for middle in middles]
        windows += [
            EmbeddingWindow(number, segment.start_s + middle * _FRAME_S) for middle in middles
        ]
        parts += [mel[first : first + width] for first in firsts]
    return windows, embedder.embed(parts)


def _pulls(
    windows: Sequence[EmbeddingWindow],
    utterances: Sequence[UtteranceWords],
    evidence: roles.Evidence,
    direction: Direction | None,
) -> NDArray[np.float64]:
    """What is said at each window: positive for the agent, negative for the customer."""
    middles = np.array([window.middle_s for window in windows])
    weights = np.zeros(len(windows))
    weights[0] += roles.first_word(direction)
    for utterance, words in utterances:
        if utterance.unintelligible:
            continue
        for second, weight in evidence.points(words):
            weights[int(np.abs(middles - second).argmin())] += weight
    return weights


def _labels_by_diarizer(
    windows: Sequence[EmbeddingWindow], stretches: Sequence[tuple[Span, str]]
) -> tuple[Labels, NDArray[np.bool_]]:
    """The speaker of each window by another engine, and whether speech overlaps there."""
    middles = np.array([window.middle_s for window in windows])
    names = sorted({name for _, name in stretches}) or [""]
    away_s = np.full((len(names), len(middles)), np.inf)
    for span, name in stretches:
        speaker = names.index(name)
        distance_s = np.maximum(span.start_s - middles, middles - span.end_s).clip(min=0)
        away_s[speaker] = np.minimum(away_s[speaker], distance_s)
    nearest: Labels = away_s.argmin(axis=0)
    labels = np.unique(nearest, return_inverse=True)[1]  # no speaker without a window
    return labels.astype(np.intp), (away_s == 0).sum(axis=0) > 1


def _clustered(
    windows: Sequence[EmbeddingWindow],
    embeddings: Embeddings,
    evidence: NDArray[np.float64],
    options: DiarizationOptions,
) -> Labels:
    """The speaker of each window: speaker 0 is the one who speaks more like an agent."""
    pause = np.array([a.segment != b.segment for a, b in itertools.pairwise(windows)])
    switch = np.where(pause, options.switch_in_pause, options.switch)
    pulls = options.evidence * np.stack([evidence, -evidence], axis=1)
    by_voice = _nearest(embeddings, _kmeans(embeddings, 2))
    candidates = [
        found
        for start in (by_voice, *_by_words(windows, embeddings, evidence))
        for labels in (start, 1 - start)
        if (found := _converged(labels, embeddings, pulls, switch, options)) is not None
    ]
    if not candidates:
        return np.zeros(len(windows), dtype=np.intp)
    labels, _ = max(candidates, key=lambda item: item[1])
    similar = _max_similarity(embeddings, labels) > options.same_voice
    if similar and _contrast(evidence, labels) < options.same_evidence:
        alone = _converged(by_voice, embeddings, np.zeros_like(pulls), switch, options)
        if alone is None or _contrast(evidence, alone[0]) < _OPPOSITE:
            return np.zeros(len(windows), dtype=np.intp)
    three = _converged(
        _nearest(embeddings, _kmeans(embeddings, 3)),
        embeddings,
        np.zeros((len(embeddings), 3)),
        switch,
        options,
    )
    if three is not None and _are_distinct(embeddings, three[0], options):
        return three[0]
    return labels


def _contrast(evidence: NDArray[np.float64], labels: Labels) -> float:
    """How much one speaker speaks like an agent and the other like a customer: the lesser of both.

    Where the labels were chosen by the same words it takes more: whoever looks for two roles in
    the words of one speaker finds something of them.
    """
    said = np.bincount(labels, weights=evidence, minlength=2)
    return float(min(said.max(), -said.min()))


def _by_words(
    windows: Sequence[EmbeddingWindow], embeddings: Embeddings, evidence: NDArray[np.float64]
) -> Iterator[Labels]:
    """A first guess by what was said alone, where enough was said."""
    segment = np.array([window.segment for window in windows])
    said = np.bincount(segment, weights=evidence)[segment]
    if min((said > 0).sum(), (said < 0).sum()) >= _MIN_WINDOWS:
        centroids = _centroids(embeddings[said != 0], (said[said != 0] < 0) * 1)
        yield _nearest(embeddings, centroids)


def _converged(
    labels: Labels,
    embeddings: Embeddings,
    pulls: NDArray[np.float64],
    switch: NDArray[np.float64],
    options: DiarizationOptions,
) -> tuple[Labels, float] | None:
    """Labels that no further iteration changes, and their score; None where a speaker dies out."""
    speakers, score = pulls.shape[1], 0.0
    for _ in range(_MAX_ITERATIONS):
        if np.bincount(labels, minlength=speakers).min() < _MIN_WINDOWS:
            return None
        fit = options.similarity * embeddings @ _centroids(embeddings, labels).T + pulls
        path, score = _best_path(fit, switch)
        if np.array_equal(path, labels):
            break
        labels = path
    return labels, score


def _best_path(fit: NDArray[np.float64], switch: NDArray[np.float64]) -> tuple[Labels, float]:
    """The labels with the best sum of ``fit`` less the cost of each change of speaker."""
    count, speakers = fit.shape
    back = np.zeros((count, speakers), dtype=np.intp)
    best = fit[0].astype(np.float64)
    stay = np.arange(speakers)
    for index in range(1, count):
        other = int(best.argmax())
        moved = best[other] - switch[index - 1]
        back[index] = np.where(moved > best, other, stay)
        best = np.maximum(moved, best) + fit[index]
    labels = np.empty(count, dtype=np.intp)
    labels[-1] = int(best.argmax())
    for index in range(count - 1, 0, -1):
        labels[index - 1] = back[index, labels[index]]
    return labels, float(best.max())


def _kmeans(embeddings: Embeddings, speakers: int) -> Embeddings:
    from sklearn.cluster import KMeans

    some = embeddings[:: -(-len(embeddings) // _SEED_WINDOWS)]
    clusters = KMeans(speakers, n_init=10, random_state=0).fit(some)
    centroids: Embeddings = clusters.cluster_centers_
    return centroids


def _nearest(embeddings: Embeddings, centroids: Embeddings) -> Labels:
    scaled = centroids / np.linalg.norm(centroids, axis=1, keepdims=True)
    labels: Labels = (embeddings @ scaled.T).argmax(axis=1)
    return labels


def _centroids(embeddings: Embeddings, labels: Labels) -> Embeddings:
    means = np.stack(
        [embeddings[labels == speaker].mean(axis=0) for speaker in range(labels.max() + 1)]
    )
    centroids: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    return centroids


def _margins(embeddings: Embeddings, labels: Labels) -> NDArray[np.float32]:
    """How much more similar each window is to its own speaker than to the next; 0 for only one."""
    if labels.max(initial=0) == 0:
        return np.zeros(len(labels), dtype=np.float32)
    similar = embeddings @ _centroids(embeddings, labels).T
    own = np.take_along_axis(similar, labels[:, None], axis=1)[:, 0]
    np.put_along_axis(similar, labels[:, None], -np.inf, axis=1)
    margins: NDArray[np.float32] = own - similar.max(axis=1)
    return margins


def _are_distinct(embeddings: Embeddings, labels: Labels, options: DiarizationOptions) -> bool:
    shortest_s = np.bincount(labels).min() * options.hop_s
    similarity = _max_similarity(embeddings, labels)
    return similarity < options.third_similarity and shortest_s >= options.third_s


def _max_similarity(embeddings: Embeddings, labels: Labels) -> float:
    """Cosine similarity of the two most similar speakers; 0 where there is only one."""
    if labels.max(initial=0) == 0:
        return 0.0
    centroids = _centroids(embeddings, labels)
    return float((centroids @ centroids.T)[np.triu_indices(len(centroids), 1)].max())


def _speech_by_speaker(
    speech: Sequence[Span], windows: Sequence[EmbeddingWindow], labels: Labels
) -> list[list[Span]]:
    """For each speaker its part of the speech, cut where the speaker changes."""
    speakers: list[list[Span]] = [[] for _ in range(int(labels.max(initial=0)) + 1)]
    inside = itertools.groupby(
        zip(windows, labels.tolist(), strict=True), key=lambda item: item[0].segment
    )
    for number, group in inside:
        segment = speech[number]
        start_s = segment.start_s
        runs = [
            (speaker, list(run)) for speaker, run in itertools.groupby(group, key=lambda i: i[1])
        ]
        for (speaker, run), following in itertools.zip_longest(runs, runs[1:]):
            end_s = segment.end_s
            if following is not None:
                end_s = round((run[-1][0].middle_s + following[1][0][0].middle_s) / 2, 3)
            speakers[speaker].append(Span(start_s, end_s))
            start_s = end_s
    return speakers
