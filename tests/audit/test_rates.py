"""Intervals of shares."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit.rates import wilson


@given(st.integers(0, 200), st.integers(1, 200))
def test_wilson_holds_the_share_and_stays_inside(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    low, high = wilson(successes, trials)
    assert 0 <= low <= high <= 1
    assert low - 1e-9 <= successes / trials <= high + 1e-9
    wider_low, wider_high = wilson(successes * 4, trials * 4)
    assert wider_high - wider_low < high - low


def test_wilson_known_values() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert [round(edge, 4) for edge in wilson(5, 10)] == [0.2366, 0.7634]
    assert [round(edge, 4) for edge in wilson(10, 10)] == [0.7225, 1.0]
