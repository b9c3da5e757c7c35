"""How long something takes beside something else: a ratio holds on fast and on slow machines."""

from __future__ import annotations

import time
from collections.abc import Callable


def ratio(
    work: Callable[[], object],
    baseline: Callable[[], object],
    *,
    times: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """The least time of ``work`` divided by the least time of ``baseline``.

    They take turns, so that whatever else the machine does meets both.
    """
    spent: dict[Callable[[], object], list[float]] = {work: [], baseline: []}
    for _ in range(times):
        for one, seconds in spent.items():
            began = clock()
            one()
            seconds.append(clock() - began)
    return min(spent[work]) / min(spent[baseline])
