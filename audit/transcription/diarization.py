"""Who speaks when on a line that both speakers share.

Each tenth of a second of speech gets a voice print; the prints fall into as many groups as there
are voices, and a Viterbi path over them decides where one voice hands over to the other: cheaply
in a pause, at a price inside an utterance. What is said helps where voices are alike: words of
an agent pull towards the agent's voice. Where both talk at once only one of them can be told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit.ports import Diarizer, Embeddings, SpeakerEmbedder
from audit.transcription import roles
from audit.transcription.decoding import Audio
from audit.transcription.windows import Heard
from audit.types import Direction, Span, Turn, Word

Labels = NDArray[np.intp]

_FRAME_S = 0.01
_ROUNDS = 8
_SEEDS = 2000  # windows that the first grouping looks at
_LEAST = 3  # windows that make a voice

_EVEN, _STEEPNESS = 0.0, 20.0
"""Margin at which a turn's voice is as often wrong as right, and how fast that changes: measured
on mono mixes of labelled calls, see ``models/voice/speakers.md``."""

_ALIKE, _SURE_S, _DOUBTFUL = 0.72, 0.8, 0.75
"""Cosine of two voices' centres above which they are often confused; seconds below which a turn
is hardly more than the edge of a window; and how often a turn is right then, at most."""


@dataclass(frozen=True, slots=True)
class DiarisationOptions:
    """How voices are told apart (seconds; costs and weights in nats).

    ``same_*``: voices this much alike (cosine), of which the second too speaks like an agent
    by this much, are one. ``third_*``: a third voice, after a transfer, must be this unlike
    the others (cosine) and speak this long. ``pyannote``: a pipeline of pyannote.audio that
    tells voices apart instead, see :mod:`models.voice.pyannote`.
    """

    window_s: float = 0.8
    hop_s: float = 0.1
    similarity: float = 10.0
    evidence: float = 2.0
    switch: float = 3.0
    switch_in_pause: float = 0.5
    same_voice: float = 0.3
    same_evidence: float = 1.5
    third_similarity: float = 0.3
    third_s: float = 6.0
    pyannote: str | None = None


@dataclass(frozen=True, slots=True)
class Voices:
    """A line's speech told apart.

    ``heard`` and ``regions`` are as for a recording with a channel for each voice.
    """

    heard: list[Heard]
    regions: list[list[Span]]
    roles: roles.RoleDecision
    middles_s: NDArray[np.float64]
    labels: Labels
    margins: NDArray[np.float32]
    """For each window its middle, its voice, and how much liker that voice it is (cosine)."""
    alike: bool
    """Whether two of the voices are too much alike for any turn to be told surely."""

    def confidence(self, turn: Turn) -> float:
        """Probability that a turn's voice is rightly told."""
        if turn.span is None or turn.speaker is None or not len(self.margins):
            return 0.5
        inside = (self.middles_s >= turn.span.start_s) & (self.middles_s <= turn.span.end_s)
        own = self.margins[inside & (self.labels == turn.speaker)]
        margin = float(own.mean()) if len(own) else 0.0
        told = 1 / (1 + math.exp(-_STEEPNESS * (margin - _EVEN)))
        doubtful = self.alike or turn.span.duration_s < _SURE_S
        return round(min(told, _DOUBTFUL) if doubtful else told, 3)


@dataclass(frozen=True, slots=True)
class Window:
    """What a voice print is made of: the region it lies in and its middle."""

    region: int
    middle_s: float


def tell_apart(
    audio: Audio,
    regions: Sequence[Span],
    heard: Sequence[Heard],
    *,
    embedder: SpeakerEmbedder,
    direction: Direction | None = None,
    role_confidence: float,
    diarizer: Diarizer | None = None,
    options: DiarisationOptions = DiarisationOptions(),
) -> Voices:
    """Give each stretch of a mono recording's speech to a voice, and each voice its role.

    Args:
        audio: the recording; its first channel is looked at.
        regions: where there is speech, in order.
        heard: the utterances with their words.
        embedder: makes speaker embeddings.
        direction: who rang whom.
        role_confidence: least probability at which roles are told.
        diarizer: decides who speaks when; the voice prints then only tell how sure that is.
        options: thresholds.
    """
    windows, found = prints(audio, regions, embedder=embedder, options=options)
    labels, both = np.zeros(len(windows), dtype=np.intp), np.zeros(len(windows), dtype=np.bool_)
    if diarizer is not None:
        labels, both = _given(windows, diarizer(audio.samples[0]))
    elif len(windows) >= 2 * _LEAST:
        labels = _grouped(windows, found, _evidence(windows, heard, direction), options)
    spoken = _regions(regions, windows, labels)
    told = sorted(_told(heard, spoken), key=lambda item: (item[0].span, item[0].channel))
    totals = roles.leads(told, voices=len(spoken), direction=direction)
    return Voices(
        heard=told,
        regions=spoken,
        roles=roles.name(totals, least=role_confidence),
        middles_s=np.array([window.middle_s for window in windows]),
        labels=labels,
        margins=np.where(both, np.float32(0), _margins(found, labels)),
        alike=_likeness(found, labels) > _ALIKE,
    )


def prints(
    audio: Audio, regions: Sequence[Span], *, embedder: SpeakerEmbedder, options: DiarisationOptions
) -> tuple[list[Window], Embeddings]:
    """A voice print for the middle of each hop of speech."""
    width, hop = round(options.window_s / _FRAME_S), round(options.hop_s / _FRAME_S)
    windows: list[Window] = []
    parts: list[NDArray[np.float32]] = []
    for number, region in enumerate(regions):
        mel = embedder.frames(audio.channel(0, span=region))
        middles = range(min(hop, len(mel)) // 2, len(mel), hop)
        if len(mel) < width:  # too short for a window: said over and over
            mel = np.resize(mel, (width, *mel.shape[1:]))
        firsts = [min(max(0, middle - width // 2), len(mel) - width) for middle in middles]
        windows += [Window(number, region.start_s + middle * _FRAME_S) for middle in middles]
        parts += [mel[first : first + width] for first in firsts]
    return windows, embedder.embed(parts)


def _evidence(
    windows: Sequence[Window], heard: Sequence[Heard], direction: Direction | None
) -> NDArray[np.float64]:
    """What is said at each window: positive for the agent, negative for the customer."""
    middles = np.array([window.middle_s for window in windows])
    weights = np.zeros(len(windows))
    weights[0] += roles.first_word(direction)
    for utterance, words in heard:
        if utterance.unintelligible:
            continue
        for second, weight in roles.evidence(words):
            weights[int(np.abs(middles - second).argmin())] += weight
    return weights


def _given(
    windows: Sequence[Window], stretches: Sequence[tuple[Span, str]]
) -> tuple[Labels, NDArray[np.bool_]]:
    """The voice of each window by another engine, and whether two sound there."""
    middles = np.array([window.middle_s for window in windows])
    names = sorted({name for _, name in stretches}) or [""]
    away_s = np.full((len(names), len(middles)), np.inf)
    for span, name in stretches:
        voice = names.index(name)
        distance_s = np.maximum(span.start_s - middles, middles - span.end_s).clip(min=0)
        away_s[voice] = np.minimum(away_s[voice], distance_s)
    nearest: Labels = away_s.argmin(axis=0)
    labels = np.unique(nearest, return_inverse=True)[1]  # no voice without a window
    return labels.astype(np.intp), (away_s == 0).sum(axis=0) > 1


def _grouped(
    windows: Sequence[Window],
    prints: Embeddings,
    evidence: NDArray[np.float64],
    options: DiarisationOptions,
) -> Labels:
    """The voice of each window: voice 0 is the one that speaks more like an agent."""
    pause = np.array([a.region != b.region for a, b in itertools.pairwise(windows)])
    switch = np.where(pause, options.switch_in_pause, options.switch)
    pulls = options.evidence * np.stack([evidence, -evidence], axis=1)
    settled = [
        found
        for start in _starts(windows, prints, evidence)
        for labels in (start, 1 - start)
        if (found := _settled(labels, prints, pulls, switch, options)) is not None
    ]
    if not settled:
        return np.zeros(len(windows), dtype=np.intp)
    labels, _ = max(settled, key=lambda item: item[1])
    centres = _centres(prints, labels)
    second = evidence[labels == 1]
    if (
        second.min() >= 0
        and second.sum() >= options.same_evidence
        and centres[0] @ centres[1] > options.same_voice
    ):
        return np.zeros(len(windows), dtype=np.intp)  # alike, and both speak like an agent
    three = _settled(
        _nearest(prints, _kmeans(prints, 3)), prints, np.zeros((len(prints), 3)), switch, options
    )
    if three is not None and _are_distinct(prints, three[0], options):
        return three[0]
    return labels


def _starts(
    windows: Sequence[Window], prints: Embeddings, evidence: NDArray[np.float64]
) -> list[Labels]:
    """First guesses: by voice alone, and by what was said alone."""
    starts = [_nearest(prints, _kmeans(prints, 2))]
    region = np.array([window.region for window in windows])
    said = np.bincount(region, weights=evidence)[region]
    if min((said > 0).sum(), (said < 0).sum()) >= _LEAST:
        starts.append(_nearest(prints, _centres(prints[said != 0], (said[said != 0] < 0) * 1)))
    return starts


def _settled(
    labels: Labels,
    prints: Embeddings,
    pulls: NDArray[np.float64],
    switch: NDArray[np.float64],
    options: DiarisationOptions,
) -> tuple[Labels, float] | None:
    """Labels that no further round changes, and their score; None where a voice dies out."""
    voices, score = pulls.shape[1], 0.0
    for _ in range(_ROUNDS):
        if np.bincount(labels, minlength=voices).min() < _LEAST:
            return None
        fit = options.similarity * prints @ _centres(prints, labels).T + pulls
        path, score = _best_path(fit, switch)
        if np.array_equal(path, labels):
            break
        labels = path
    return labels, score


def _best_path(fit: NDArray[np.float64], switch: NDArray[np.float64]) -> tuple[Labels, float]:
    """The labels with the best sum of ``fit`` less the cost of each change of voice."""
    count, voices = fit.shape
    back = np.zeros((count, voices), dtype=np.intp)
    best = fit[0].astype(np.float64)
    stay = np.arange(voices)
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


def _kmeans(prints: Embeddings, voices: int) -> Embeddings:
    from sklearn.cluster import KMeans

    some = prints[:: -(-len(prints) // _SEEDS)]
    centres: Embeddings = KMeans(voices, n_init=10, random_state=0).fit(some).cluster_centers_
    return centres


def _nearest(prints: Embeddings, centres: Embeddings) -> Labels:
    scaled = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    labels: Labels = (prints @ scaled.T).argmax(axis=1)
    return labels


def _centres(prints: Embeddings, labels: Labels) -> Embeddings:
    means = np.stack([prints[labels == voice].mean(axis=0) for voice in range(labels.max() + 1)])
    centres: Embeddings = means / np.linalg.norm(means, axis=1, keepdims=True)
    return centres


def _margins(prints: Embeddings, labels: Labels) -> NDArray[np.float32]:
    """How much liker its own voice than the next each window is; 0 where there is but one."""
    if labels.max(initial=0) == 0:
        return np.zeros(len(labels), dtype=np.float32)
    similar = prints @ _centres(prints, labels).T
    own = np.take_along_axis(similar, labels[:, None], axis=1)[:, 0]
    np.put_along_axis(similar, labels[:, None], -np.inf, axis=1)
    margins: NDArray[np.float32] = own - similar.max(axis=1)
    return margins


def _are_distinct(prints: Embeddings, labels: Labels, options: DiarisationOptions) -> bool:
    least_s = np.bincount(labels).min() * options.hop_s
    return _likeness(prints, labels) < options.third_similarity and least_s >= options.third_s


def _likeness(prints: Embeddings, labels: Labels) -> float:
    """Cosine of the two voices that are most alike; 0 where there is but one."""
    if labels.max(initial=0) == 0:
        return 0.0
    centres = _centres(prints, labels)
    return float((centres @ centres.T)[np.triu_indices(len(centres), 1)].max())


def _regions(
    regions: Sequence[Span], windows: Sequence[Window], labels: Labels
) -> list[list[Span]]:
    """For each voice its stretches of the regions, cut where the voice changes."""
    voices: list[list[Span]] = [[] for _ in range(int(labels.max(initial=0)) + 1)]
    inside = itertools.groupby(
        zip(windows, labels.tolist(), strict=True), key=lambda item: item[0].region
    )
    for number, group in inside:
        region = regions[number]
        start_s = region.start_s
        runs = [(voice, list(run)) for voice, run in itertools.groupby(group, key=lambda i: i[1])]
        for (voice, run), following in itertools.zip_longest(runs, runs[1:]):
            end_s = region.end_s
            if following is not None:
                end_s = round((run[-1][0].middle_s + following[1][0][0].middle_s) / 2, 3)
            voices[voice].append(Span(start_s, end_s))
            start_s = end_s
    return voices


def _told(heard: Sequence[Heard], spoken: Sequence[Sequence[Span]]) -> Iterator[Heard]:
    """Utterances cut where the voice changes; each word goes where most of it lies."""
    for utterance, words in heard:
        parts = sorted(
            (Span(max(s.start_s, utterance.span.start_s), min(s.end_s, utterance.span.end_s)), v)
            for v, spans in enumerate(spoken)
            for s in spans
            if s.overlap_s(utterance.span) > 0
        )
        joined: list[tuple[Span, int]] = []
        for span, voice in parts:
            if joined and joined[-1][1] == voice:
                joined[-1] = (Span(joined[-1][0].start_s, span.end_s), voice)
            else:
                joined.append((span, voice))
        shares: list[list[Word]] = [[] for _ in joined]
        for word in words:
            middle_s = (word.start_s + word.end_s) / 2
            nearest = min(
                range(len(joined)),
                key=lambda i: joined[i][0].distance_s(middle_s),
                default=None,
            )
            if nearest is not None:
                shares[nearest].append(word)
        for (span, voice), share in zip(joined, shares, strict=True):
            yield replace(utterance, channel=voice, span=span), tuple(share)
