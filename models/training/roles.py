"""Trains the classifier of speakers' roles: ``python -m models.training.roles``.

Turns of written dialogues and exchanges, parts of them, and the same with errors of a recogniser.
A writer's turns lie on one side of a split: the calibration is set, and the shares are printed, on
turns of writers that a model has not seen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audit.transcription.roles import parts_of
from audit.types import Role
from models.text import roles
from models.training import linear
from models.training.dialogues import whole_calls
from models.training.noise import Noise
from models.training.turns import EXCHANGES, SERVICE, dialogues, exchanges

_SEED = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A text, whether the agent says it, and who wrote it."""

    text: str
    by_agent: bool
    group: str


def said() -> list[Said]:
    """Parts of turns, a half of them with errors of a recogniser."""
    parts = [
        Said(part, turn.by_agent, turn.group) for turn in _turns() for part in parts_of(turn.text)
    ]
    chance = random.Random(_SEED)
    heard = Noise.learned().garbled([part.text for part in parts])
    return parts + [
        Said(text, part.by_agent, part.group)
        for part, text in zip(parts, heard, strict=True)
        if chance.random() < 0.5 and len(text) > 1
    ]


def _turns() -> Iterator[Said]:
    for file in sorted(SERVICE.glob("*.txt")):
        for _, lines in dialogues(file):
            yield from (Said(line.text, line.speaker == "坐", file.stem) for line in lines)
    for file in sorted(EXCHANGES.glob("*.tsv")):
        for _, before, text, after in exchanges(file):
            yield Said(text, True, file.stem)
            yield from (Said(other, False, file.stem) for other in (before, after) if other)
    for domain, role, text in whole_calls.turns():
        yield Said(text, role is Role.AGENT, domain)


def main() -> None:
    """Write the artifact and print how often it is right, by how sure it is."""
    known = said()
    labels = np.array([part.by_agent for part in known])
    odds = linear.train(
        [roles.features(part.text) for part in known],
        labels,
        [part.group for part in known],
        linear.Settings(inverse_regularization=2.0, weight_min=0.15),
        out=roles.ARTIFACT,
    )
    for least in (0.0, 0.5, 1.0, 2.0, 3.0):
        clear = np.abs(odds) >= least
        right = ((odds > 0) == labels)[clear].mean()
        print(f"log-odds {least} and more: {clear.mean():.3f} of the parts, {right:.3f} right")


if __name__ == "__main__":
    main()
