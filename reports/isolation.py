"""Finding those among many that something fails for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from audit.errors import CallauditError

NIGHTS = (CallauditError, OSError)
"""Failures that no single call causes: output that cannot be written, wrong usage."""

MOST = 50
"""What fails for more of them is the fault of none."""

T = TypeVar("T")


def error_of(act: Callable[[Sequence[T]], object], items: Sequence[T]) -> Exception | None:
    """How an act on some items fails, or None if it does not.

    Raises:
        CallauditError, OSError: it fails for a reason that none of them causes.
    """
    try:
        act(items)
    except NIGHTS:
        raise
    except Exception as error:
        return error
    return None


def failing(items: Sequence[T], act: Callable[[Sequence[T]], object]) -> list[tuple[T, Exception]]:
    """Act on all items at once, or on all but those that make it fail.

    Such an item is the last of the shortest beginning of the list that fails, so one is found
    where two fail only together, too.

    Returns:
        These items, and how the act failed.

    Raises:
        Exception: it fails for more than ``MOST`` of them, or without any.

    >>> failing([2, 0, 1, 0], lambda some: [1 / number for number in some])
    [(0, ZeroDivisionError('division by zero')), (0, ZeroDivisionError('division by zero'))]
    """
    left, found = list(items), list[tuple[T, Exception]]()
    while (error := error_of(act, left)) is not None:
        if not left or len(found) == MOST:
            raise error
        works, fails = 0, len(left)
        while fails - works > 1:
            middle = (works + fails) // 2
            earlier = error_of(act, left[:middle])
            if earlier is None:
                works = middle
            else:
                fails, error = middle, earlier
        found.append((left.pop(fails - 1), error))
    return found
