"""Two recordings of one call beside each other: when one began by the other's clock, and its pace.

Recorders that write each side to a file of its own start them at different moments, by clocks that
run apart, and lose packets. What is said on one side is nearly always heard on the other, as
crosstalk or echo: the levels of one side's speech are looked for in the pauses of the other, a few
seconds at a time, and the likeliest path through what is found gives offset, drift and jumps.
Where nothing of the kind is heard, people taking turns give a rough offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy
from numpy.typing import NDArray

from audit.transcription.levels import HOP_S, Frames, frame_levels
from audit.types import SAMPLE_RATE

_WINDOW = 400
"""Frames (4 s) that are compared at once: at 0.5 % of drift they smear by 20 ms."""
_DRIFT_FRAMES = 3
"""Frames by which the offset may change from window to window (0.75 %)."""
_REACH_S, _REACH_NEAR_S = 60.0, 15.0
"""Seconds by which one may begin earlier than thought: without a stated time, and with one."""
_JUMP_FRAMES = 10
"""Frames from which a change is a jump: an echo's delay, heard on one side only, is less."""
_JUMP = 25.0
"""Evidence that a jump of the offset needs, as a log likelihood."""
_WINDOW_MOST = 10.0
"""Evidence of one window at most: a phrase that both of two calls begin with is no crosstalk."""
_HEARD_MIN, _HEARD_RATIO = 50.0, 1.8
"""Evidence from which crosstalk gives the offset, and by what factor it exceeds any other offset's.

Of the sides of different sample calls (162 pairs) the best offset has at most 39 and 1.7; of the
same call 54 and 2.4 at least, where anything is heard at all.
"""
_TURNS_LEAD = 6.5
"""The lead of an offset by turns over all others; that of sides of different calls is less."""
_STATED_S = 3.0
"""Seconds by which a stated time is off at most, where turns are to confirm it."""
_APART = 40
"""Frames by which another offset differs."""
_PIECE_EVIDENCE = 25.0
"""Evidence without which what comes between two jumps is none."""
_SPEECH_DB, _VOICE_DB, _TAIL_FRAMES = 15.0, 20.0, 8
"""Below the 95th percentile: frames of speech, the softest sound of a voice; and its echo."""
_SYLLABLES = 51  # frames
_BLOCK = 1 << 20  # samples that are resampled at a time
_MARGIN = 16  # samples beside them that their interpolation needs
_INDEPENDENT = 8
"""Frames that carry as much as one: levels change that slowly."""

Floats = NDArray[np.float64]
Evidence = NDArray[np.float64]
"""Shape ``[windows, offsets]``, as log likelihoods."""


class AlignedBy(StrEnum):
    """What the offset of two sides was found by."""

    SOUND = "sound"
    TURNS = "turns"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Piece:
    """From ``begins_s`` of the second recording on, its second ``t`` is ``start_s + rate * t``.

    ``start_s`` and what it gives are seconds on the clock of the first.
    """

    begins_s: float
    start_s: float
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the second of two recordings lies beside the first.

    Attributes:
        pieces: in order; more than one where it jumps.
        by: what they were found by; ``times`` where nothing was found.
    """

    pieces: tuple[Piece, ...]
    by: AlignedBy


def align(
    first: NDArray[np.int16], second: NDArray[np.int16], *, stated_s: float | None = None
) -> Alignment:
    """Find where the second recording lies beside the first.

    Args:
        first: samples of one side.
        second: samples of the other one.
        stated_s: how many seconds after the first it began, as the manifest says.
    """
    near_s = stated_s or 0.0
    reach = round((_REACH_S if stated_s is None else _REACH_NEAR_S) / HOP_S)
    one, other = _Side.of(first), _Side.of(second)
    unknown = Alignment((Piece(0.0, near_s),), AlignedBy.TIMES)
    if one is None or other is None:
        return unknown
    shift = -round(near_s / HOP_S) - reach
    heard, turns = _evidence(one, other, shift=shift, offsets=2 * reach + 1)
    limited = np.minimum(heard, _WINDOW_MOST)
    path, sum_ = _likeliest(limited, jump=_JUMP)
    _, next_sum = _likeliest(_without(limited, path), jump=_JUMP)
    if sum_ > _HEARD_MIN and sum_ > _HEARD_RATIO * next_sum:
        pieces = _pieces(_centres(heard, path), path, limited, shift, other)
        return Alignment(pieces, AlignedBy.SOUND)
    best = _by_turns(turns, near=reach if stated_s is not None else None)
    if best is None:
        return unknown
    return Alignment((Piece(0.0, -(best + shift) * HOP_S),), AlignedBy.TURNS)


def beside(
    first: NDArray[np.int16], second: NDArray[np.int16], alignment: Alignment
) -> NDArray[np.int16]:
    """Both recordings as two channels that begin with the earlier one.

    Args:
        first: samples whose clock counts.
        second: samples that are resampled to it.
        alignment: of the second.

    Returns:
        int16, shape ``[2, samples]``; silence where only one was recording.
    """
    length_s = len(second) / SAMPLE_RATE
    ends = [piece.begins_s for piece in alignment.pieces[1:]] + [length_s]
    placed = [(piece, end_s) for piece, end_s in zip(alignment.pieces, ends, strict=True)]
    lead = max(0, -round(_at(placed[0][0], 0.0) * SAMPLE_RATE))
    last_s = max(_at(piece, end_s) for piece, end_s in placed)
    joined = np.zeros((2, lead + max(len(first), round(last_s * SAMPLE_RATE))), dtype=np.int16)
    joined[0, lead : lead + len(first)] = first
    for piece, end_s in placed:
        begins = max(0, lead + round(_at(piece, piece.begins_s) * SAMPLE_RATE))
        ends_at = lead + round(_at(piece, end_s) * SAMPLE_RATE)
        for at in range(begins, ends_at, _BLOCK):
            times = np.arange(at - lead, min(at + _BLOCK, ends_at) - lead)
            joined[1, at : at + len(times)] = _read(second, piece, times)
    return joined


@dataclass(frozen=True, slots=True)
class _Side:
    """One recording by frames of 10 ms: its own speech, and what is heard while it pauses.

    Attributes:
        speaks: 1 for frames of its own speech.
        voice: level of the speech above the softest, in dB.
        pauses: 1 for frames in which something else may be heard.
        heard: level above the background, in dB.
    """

    speaks: Frames
    voice: Frames
    pauses: Frames
    heard: Frames

    @classmethod
    def of(cls, samples: NDArray[np.int16]) -> _Side | None:
        """None where it carries nothing, or is shorter than what is compared."""
        level = frame_levels(samples)
        carrying = level > -90
        if len(level) < _WINDOW or not carrying.any():
            return None
        loud_db = float(np.percentile(level[carrying], 95))
        speaks = level > loud_db - _SPEECH_DB
        near = scipy.ndimage.binary_dilation(speaks, iterations=_TAIL_FRAMES)
        pauses = ~near & carrying
        background_db = float(np.median(level[pauses])) if pauses.any() else loud_db
        everywhere = np.ones(len(level), dtype=np.float32)
        return cls(
            speaks=speaks.astype(np.float32),
            voice=_moves(np.maximum(level - (loud_db - _VOICE_DB), 0), everywhere),
            pauses=pauses.astype(np.float32),
            heard=_moves((level - background_db).clip(-6, 15), pauses.astype(np.float32)),
        )


def _moves(level: Frames, counts: Frames) -> Frames:
    """What a level moves within half a second, which syllables do and turns do not."""
    smooth = scipy.ndimage.uniform_filter1d
    mean = smooth(level * counts, _SYLLABLES) / np.maximum(smooth(counts, _SYLLABLES), 1e-3)
    moves: Frames = ((level - mean) * counts).astype(np.float32)
    return moves


def _evidence(one: _Side, other: _Side, *, shift: int, offsets: int) -> tuple[Evidence, Evidence]:
    """For each window of the first and each offset: crosstalk either way, and turns.

    An offset is the frame of the second beside frame 0 of the first, counted from ``shift``.
    """
    heard, turns = [], []
    ones, others = np.ones_like(one.voice), np.ones_like(other.voice)
    for begin in range(0, len(one.voice) - _WINDOW // 2, _WINDOW):
        own, theirs = (begin, begin + _WINDOW), (begin + shift, begin + shift + _WINDOW + offsets)

        def compared(
            mine: Frames,
            mine_counts: Frames,
            other_is: Frames,
            counts: Frames,
            own: tuple[int, int] = own,
            theirs: tuple[int, int] = theirs,
        ) -> Floats:
            window = (_stretch(mine, *own), _stretch(mine_counts, *own))
            long = (_stretch(other_is, *theirs), _stretch(counts, *theirs))
            return _signed_evidence(*window, *long, offsets=offsets)

        either = np.maximum(compared(one.voice, ones, other.heard, other.pauses), 0)
        either += np.maximum(compared(one.heard, one.pauses, other.voice, others), 0)
        heard.append(either)
        turns.append(-compared(one.speaks, ones, other.speaks, others))
    return np.array(heard), np.array(turns)


def _signed_evidence(
    window: Frames, window_counts: Frames, long: Frames, counts: Frames, *, offsets: int
) -> Floats:
    """Log likelihood ratio of a correlation at each offset, with the correlation's sign."""
    size = scipy.fft.next_fast_len(len(long) + len(window), real=True)

    def moments(values: Frames, weights: Frames) -> list[NDArray[np.complex128]]:
        powers = [weights, weights * values, weights * values**2]
        return [scipy.fft.rfft(power.astype(np.float64), size) for power in powers]

    x0, x1, x2 = (np.conj(spectrum) for spectrum in moments(window, window_counts))
    y0, y1, y2 = moments(long, counts)

    def at_offsets(spectrum: NDArray[np.complex128]) -> Floats:
        sums: Floats = scipy.fft.irfft(spectrum, size)[:offsets]
        return sums

    count = np.maximum(at_offsets(x0 * y0), 1.0)
    mean_x, mean_y = at_offsets(x1 * y0) / count, at_offsets(x0 * y1) / count
    var_x = at_offsets(x2 * y0) / count - mean_x**2
    var_y = at_offsets(x0 * y2) / count - mean_y**2
    moves = (var_x > 1e-3) & (var_y > 1e-3) & (count > 30)
    deviation = np.sqrt(np.where(moves, var_x * var_y, 1.0))
    correlation = np.where(moves, at_offsets(x1 * y1) / count - mean_x * mean_y, 0.0) / deviation
    correlation = correlation.clip(-0.99, 0.99)
    ratio: Floats = np.sign(correlation) * count / (2 * _INDEPENDENT)
    return -ratio * np.log(1 - correlation**2)


def _stretch(values: Frames, begin: int, end: int) -> Frames:
    """A stretch of frames, with zeros for those that there are none of."""
    stretch = np.zeros(end - begin, dtype=np.float32)
    first, last = max(0, begin), min(len(values), end)
    if last > first:
        stretch[first - begin : last - begin] = values[first:last]
    return stretch


def _likeliest(evidence: Evidence, *, jump: float) -> tuple[NDArray[np.intp], float]:
    """The path of offsets with the most evidence, and how much that is (Viterbi's algorithm)."""
    sums = evidence.copy()
    reach = 2 * _DRIFT_FRAMES + 1
    for window in range(1, len(sums)):
        before = sums[window - 1]
        drifted = scipy.ndimage.maximum_filter1d(before, reach, mode="nearest")
        sums[window] += np.maximum(drifted, before.max() - jump)
    path = np.empty(len(sums), dtype=np.intp)
    path[-1] = sums[-1].argmax()
    for window in range(len(sums) - 2, -1, -1):
        low = max(0, path[window + 1] - _DRIFT_FRAMES)
        near = sums[window, low : path[window + 1] + _DRIFT_FRAMES + 1]
        jumped = sums[window].max() - jump > near.max()
        path[window] = sums[window].argmax() if jumped else low + near.argmax()
    return path, float(sums[-1].max())


def _without(evidence: Evidence, path: NDArray[np.intp]) -> Evidence:
    """The evidence for other offsets than those of a path."""
    left = evidence.copy()
    for window, offset in zip(left, path, strict=True):
        window[max(0, offset - _APART) : offset + _APART + 1] = 0
    return left


def _by_turns(turns: Evidence, *, near: int | None) -> int | None:
    """The offset at which two people take turns best, unless others are hardly worse.

    Args:
        turns: evidence.
        near: the offset that the manifest states, if it does.
    """
    level = scipy.ndimage.uniform_filter1d(turns, 2 * _APART + 1, axis=1).sum(axis=0)
    first = 0
    if near is not None:
        reach = round(_STATED_S / HOP_S)
        first = near - reach
        level = level[first : near + reach + 1]
    best = int(level.argmax())
    others = np.delete(level, slice(max(0, best - 3 * _APART), best + 3 * _APART + 1))
    return first + best if level[best] > max(others, default=0.0) + _TURNS_LEAD else None


def _centres(evidence: Evidence, path: NDArray[np.intp]) -> Floats:
    """Where the evidence of each window lies around a path: between both ways, if they differ."""
    near = np.arange(-_JUMP_FRAMES, _JUMP_FRAMES + 1)
    places = (path[:, None] + near).clip(0, evidence.shape[1] - 1)
    weights = np.take_along_axis(evidence, places, axis=1) ** 2 + 1e-9
    centres: Floats = (places * weights).sum(axis=1) / weights.sum(axis=1)
    return centres


def _pieces(
    centres: Floats, path: NDArray[np.intp], evidence: Evidence, shift: int, other: _Side
) -> tuple[Piece, ...]:
    """Straight lines through offsets (frames), one from each jump of their path to the next."""
    weights = evidence.max(axis=1)
    edges = np.flatnonzero(np.abs(np.diff(path)) > _JUMP_FRAMES) + 1
    everything = np.arange(len(path))
    runs = [run for run in np.split(everything, edges) if weights[run].sum() > _PIECE_EVIDENCE]
    pieces: list[Piece] = []
    ends = 0
    for run in runs or [everything]:
        middles: Floats = (run + np.float64(0.5)) * _WINDOW
        seconds: Floats = middles + centres[run] + shift
        rate, start = _line(seconds, middles, weights[run])
        begins_s = 0.0
        if pieces:  # cut in the longest pause between what is known of both pieces
            begins_s = _longest_pause(other, ends, int(seconds[0])) * HOP_S
        pieces.append(Piece(begins_s, start * HOP_S, rate))
        ends = int(seconds[-1])
    return tuple(pieces)


def _line(x: Floats, y: Floats, weights: Floats) -> tuple[float, float]:
    """Rate and start of the line that most of the weight lies on."""
    rate, start = 1.0, float(np.average(y - x, weights=weights))
    if np.count_nonzero(weights > 1) < 3:
        return rate, start
    trusted = weights.copy()
    for _ in range(8):  # least squares, again and again without what lies far off
        slope, level = np.polyfit(x, y - x, 1, w=np.sqrt(trusted + 1e-9))
        rate, start = 1.0 + float(slope), float(level)
        trusted = weights / (1 + ((y - x - slope * x - level) / 2) ** 2)
    return rate, start


def _longest_pause(side: _Side, first: int, last: int) -> int:
    """The frame at the end of the longest pause of a side between two frames."""
    speaks = side.speaks[max(0, first) : max(first + 1, last)] > 0
    edges = np.flatnonzero(np.concatenate([[True], speaks, [True]]))
    longest = int(np.diff(edges).argmax()) if len(edges) > 1 else 0
    return max(0, first) + max(0, int(edges[min(longest + 1, len(edges) - 1)]) - 2)


def _at(piece: Piece, second_s: float) -> float:
    """Where a second of the second recording lies on the clock of the first."""
    return piece.start_s + piece.rate * second_s


def _read(second: NDArray[np.int16], piece: Piece, at: NDArray[np.intp]) -> NDArray[np.int16]:
    """Samples of the second recording at instants (in samples) of the first one's clock."""
    places = (at - piece.start_s * SAMPLE_RATE) / piece.rate
    low = max(0, int(places[0]) - _MARGIN)
    block = second[low : max(low + 1, int(places[-1]) + _MARGIN)].astype(np.float32)
    read = scipy.ndimage.map_coordinates(block, [places - low], order=3, mode="nearest")
    outside = (places < 0) | (places > len(second) - 1)
    samples: NDArray[np.int16] = read.round().clip(-32768, 32767).astype(np.int16)
    samples[outside] = 0
    return samples
