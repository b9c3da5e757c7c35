"""Trains the classifier of speakers' roles: ``python -m models.training.roles``.

Turns of written dialogues and exchanges, what the norms forbid agents to say, parts of all these,
and the same with errors of a recogniser. A writer's turns lie on one side of a split: the
calibration is set, and the shares are printed, on turns of writers that a model has not seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from audit.transcription.roles import parts_of
from audit.types import Role
from models.text import roles
from models.training import linear
from models.training.dialogues import whole_calls
from models.training.linear import Example
from models.training.sentences import norm_wordings
from models.training.turns import EXCHANGES, SERVICE, dialogues, exchanges

_SEED = 0
_NORM_TIMES = 10
"""How often a wording of the norms is learned: customers say much that is like it (怎么还没好)."""


def said() -> list[Example]:
    """Parts of turns, of which it is true that the agent says them."""
    parts = [replace(turn, text=part) for turn in _turns() for part in parts_of(turn.text)]
    return linear.with_errors(parts, random.Random(_SEED))


def _turns() -> Iterator[Example]:
    for file in sorted(SERVICE.glob("*.txt")):
        for _, lines in dialogues(file):
            yield from (Example(line.text, line.speaker == "坐", file.stem) for line in lines)
    for file in sorted(EXCHANGES.glob("*.tsv")):
        for _, before, text, after in exchanges(file):
            yield Example(text, True, file.stem)
            yield from (Example(other, False, file.stem) for other in (before, after) if other)
    for domain, turn in whole_calls.turns():
        yield Example(turn.text, turn.role is Role.AGENT, domain)
    for wording in norm_wordings():
        yield from [Example(wording.turn.text, True, wording.group)] * _NORM_TIMES


def main() -> None:
    """Write the artifact and print how often it is right, by how sure it is."""
    odds, labels = linear.train(
        said(),
        roles.features,
        linear.Settings(inverse_regularization=2.0, weight_min=0.15),
        out=roles.ARTIFACT,
    )
    for least in (0.0, 0.5, 1.0, 2.0, 3.0):
        clear = np.abs(odds) >= least
        right = ((odds > 0) == labels)[clear].mean()
        print(f"log-odds {least} and more: {clear.mean():.3f} of the parts, {right:.3f} right")


if __name__ == "__main__":
    main()
