"""What the customer says before and after something the agent says."""

from __future__ import annotations

from collections.abc import Container

from audit.language.phrases import STRICT, find_any
from audit.types import Call, Role, Turn

_REPLIES = 2
"""Turns of the customer after one of the agent's in which an objection is about that one."""


def answers(call: Call) -> dict[int, str]:
    """By index of each turn that is not surely the customer's, what the customer says next.

    Empty where nothing follows.
    """
    found: dict[int, str] = {}
    after = ""
    for turn in reversed(call.turns):
        if turn.surely_by(Role.CUSTOMER):
            after = turn.text
        else:
            found[turn.index] = after
    return found


def last_of_customer(call: Call) -> dict[int, str]:
    """By index of each turn, what the customer said last before it; empty where nothing."""
    found: dict[int, str] = {}
    before = ""
    for turn in call.turns:
        found[turn.index] = before
        if turn.surely_by(Role.CUSTOMER):
            before = turn.text
    return found


def is_objected_to(
    turn: Turn,
    call: Call,
    objections: tuple[str, ...],
    *,
    but_not: tuple[str, ...],
    worse: Container[int] = (),
) -> bool:
    """Whether one of the customer's next turns has an objection, and none of ``but_not``.

    ``worse``: indices of turns of the agent; what follows one of them is about that one.
    """
    replies = 0
    for later in call.turns:
        if later.index <= turn.index:
            continue
        if later.index in worse or replies == _REPLIES:
            return False
        if later.surely_by(Role.CUSTOMER):
            replies += 1
            if find_any(objections, later.text) and not find_any(but_not, later.text, slack=STRICT):
                return True
    return False
