"""Shares and how sure they are."""

from __future__ import annotations

import math

Z_95 = 1.959964
"""Standard deviations to each side that hold 95 % of a normal distribution."""


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, JASA 22:209-212); 0 to 1 where nothing was tried.

    Args:
        hits: how many of the trials; weighted counts need not be whole.
        trials: how many there were.

    >>> [round(edge, 3) for edge in wilson(9, 10)]
    [0.596, 0.982]
    """
    if not trials:
        return 0.0, 1.0
    share = hits / trials
    centre = share + Z_95**2 / (2 * trials)
    spread = Z_95 * math.sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    scale = 1 + Z_95**2 / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
