"""Customers who, while they tell something, ask whether anybody listens: 喂，你听着没有."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.timeline import Timeline
from audit.types import Span, Turn

_STORY_TURNS = 2
"""Turns of a customer who tells something; after fewer, 喂 may be who comes to the phone."""

_FETCHES = re.compile("等[下会一我]|我叫(他|她)|来接")
"""Words of a customer who fetches somebody."""

_COMES = re.compile("我是|哪位|你(是)?哪|我老")
"""Words of who then takes the phone."""


def called_out(
    customer: Sequence[Turn], agent: Timeline, calls: str, *, least_s: float
) -> list[tuple[Span, list[Turn]]]:
    """The customer's turns up to such a question, and their stretch.

    Args:
        customer: turns with times, in order.
        agent: where the agent sounds; after that, what the customer tells begins anew.
        calls: a regular expression of such questions.
        least_s: seconds for which the customer has had no answer.
    """
    found: list[tuple[Span, list[Turn]]] = []
    alone: list[Turn] = []
    for turn in customer:
        assert turn.span
        begins_s = alone[0].span.start_s if alone and alone[0].span else turn.span.start_s
        floor = Span(begins_s, turn.span.end_s)
        if any(floor.overlap_s(span) for span in agent):
            alone, floor = [], turn.span
        alone.append(turn)
        waited = turn.span.start_s - floor.start_s >= least_s and len(alone) > _STORY_TURNS
        if waited and re.search(calls, turn.text) and not _is_handed_over(alone):
            found.append((floor, alone))
            alone = []
    return found


def _is_handed_over(turns: Sequence[Turn]) -> bool:
    *before, last = (turn.text for turn in turns)
    return _COMES.search(last) is not None or any(map(_FETCHES.search, before))
