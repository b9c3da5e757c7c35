"""Two files of one call: where the second lies beside the first, on real calls split in two."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription import decoding, joining
from audit.transcription.joining import AlignedBy, Alignment
from audit.types import SAMPLE_RATE
from tests.benchmarks.legs import CALLS, Pair, split, without_crosstalk


def samples(call: str) -> NDArray[np.int16]:
    return decoding.decode(CALLS[call]).samples


def error_s(found: Alignment, sides: Pair, *, shift_s: float, drift: float) -> float:
    """How far the second file lies from where it belongs, at its beginning or end."""
    length_s = len(sides[1]) / SAMPLE_RATE
    first, last = found.pieces[0], found.pieces[-1]
    at_end = last.start_s + last.rate * length_s - (shift_s + (1 + drift) * length_s)
    return max(abs(first.start_s - shift_s), abs(at_end))


@pytest.mark.parametrize(
    ("call", "shift_s", "drift"),
    [
        ("S01", 5.0, 0.005),
        ("S02", -3.0, -0.003),
        ("S08", 2.2, -0.005),  # an echo of 30 ms either way
        ("S14", -0.7, 0.001),
        ("S18", 3.3, 0.004),
    ],
)
def test_crosstalk_gives_offset_and_drift(call: str, shift_s: float, drift: float) -> None:
    sides = split(samples(call), shift_s=shift_s, drift=drift)
    found = joining.align(*sides)
    assert found.by is AlignedBy.SOUND and len(found.pieces) == 1
    assert error_s(found, sides, shift_s=shift_s, drift=drift) < 0.04


@pytest.mark.parametrize("lost_s", [0.7, -1.2])
def test_an_offset_that_jumps_is_followed_in_pieces(lost_s: float) -> None:
    first, second = samples("S07")
    half, lost = len(second) // 2, round(abs(lost_s) * SAMPLE_RATE)
    quiet = np.zeros(lost, dtype=np.int16)
    second = np.concatenate(
        [second[:half], second[half + lost :]]
        if lost_s > 0
        else [second[:half], quiet, second[half:]]
    )
    found = joining.align(first, second)
    assert found.by is AlignedBy.SOUND
    offsets = [piece.start_s + (piece.rate - 1) * piece.begins_s for piece in found.pieces]
    assert offsets == [pytest.approx(0, abs=0.05), pytest.approx(lost_s, abs=0.08)]


def test_without_crosstalk_nothing_is_taken_for_heard() -> None:
    for call in ("S01", "S03", "S13", "S18"):
        clean = without_crosstalk(samples(call))
        sides = split(clean, shift_s=2.0, drift=0.002)
        found = joining.align(*sides)
        assert found.by is not AlignedBy.SOUND
        if found.by is AlignedBy.TURNS:
            assert error_s(found, sides, shift_s=2.0, drift=0.002) < 0.7
        near = joining.align(*sides, stated_s=2.0)
        assert error_s(near, sides, shift_s=2.0, drift=0.002) < 0.7


def test_sides_of_different_calls_are_not_aligned_by_sound() -> None:
    """They share voices and phrases, but no crosstalk."""
    names = ("S01", "S04", "S07", "S13", "S16", "S20")
    both = {name: samples(name) for name in names}
    for one in names:
        for other in names:
            if one != other:
                found = joining.align(both[one][0], both[other][1])
                assert found.by is not AlignedBy.SOUND, (one, other)


def test_a_silent_side_leaves_the_stated_time() -> None:
    found = joining.align(samples("S01")[0], np.zeros(400_000, dtype=np.int16), stated_s=1.5)
    assert found == Alignment((joining.Piece(0.0, 1.5),), AlignedBy.TIMES)


def test_joined_sides_are_the_original_again() -> None:
    original = samples("S16")
    first, second = split(original, shift_s=-2.0, drift=0.003)
    joined = joining.beside(first, second, joining.align(first, second))
    assert joined.dtype == np.int16 and len(joined) == 2
    lead = joined.shape[1] - len(first)  # the second one began earlier
    assert lead / SAMPLE_RATE == pytest.approx(2.0, abs=0.04)
    heard = joined[:, : original.shape[1] - 3 * SAMPLE_RATE].astype(np.float64)
    for mine, theirs in zip(heard, original.astype(np.float64), strict=True):
        envelopes = [
            np.abs(sound[: len(mine) // 800 * 800]).reshape(-1, 800).mean(axis=1)
            for sound in (mine, theirs[: len(mine)])
        ]
        assert np.corrcoef(envelopes)[0, 1] > 0.9
