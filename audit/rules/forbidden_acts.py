"""Acts that the norms forbid an agent, in whatever words: where a turn performs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.reasons import Reason
from audit.rules.acts import CallActs, Performed
from audit.rules.base import Check
from audit.types import Turn


class ForbiddenAct(Check):
    """What an act of the rulebook breaks.

    ``by_meaning``: the turn has to be like forbidden wording as a whole too, as far as that of a
    phrase has to (资料上有，我给您念 sends nobody to a manual).
    """

    by_meaning: bool = False


@dataclass(frozen=True, slots=True)
class FoundAct:
    """A forbidden act that a turn performs, or may."""

    check: ForbiddenAct
    title: Reason
    performed: Performed

    @property
    def is_certain(self) -> bool:
        """Whether the turn surely performs it."""
        return self.performed.uncertainty is None


def likeliest_act(
    turn: Turn, forbidden: Mapping[str, ForbiddenAct], acts: CallActs
) -> FoundAct | None:
    """The forbidden act that a turn most surely performs, of equals the gravest."""
    found = [
        FoundAct(check, acts.title(name), one)
        for name, check in forbidden.items()
        if check.enabled
        for one in acts.performed(name, turn)
    ]
    return max(
        found,
        key=lambda one: (one.is_certain, one.check.points, one.performed.quality),
        default=None,
    )
