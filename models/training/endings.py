"""Trains the classifier of unfinished sentences: ``python -m models.training.endings``.

Turns of written dialogues end where their speaker was finished. The same turns, cut between two
characters where no clause ends, are what an interruption leaves of them. Half of both have errors
of a recogniser. A writer's turns lie on one side of a split: the calibration is set, and the shares
are printed, on turns of writers that a model has not seen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import numpy as np

from models.text import endings, tokens
from models.training import linear
from models.training.dialogues import whole_calls
from models.training.linear import Example
from models.training.turns import EXCHANGES, SERVICE, dialogues, exchanges

_CHARACTERS_MIN = 5
"""Characters of a turn, whole or cut: how long it is must not tell them apart."""
_CUTS = 3
"""Places at which each turn is cut."""
_HALT = re.compile(r"[，。！？；、…,.!?;:： ]")
_SEED = 0


def ends() -> list[Example]:
    """Whole turns and cut ones, of which it is true that more would have followed."""
    chance = random.Random(_SEED)
    found: list[Example] = []
    for text, group in _turns():
        found.append(Example(text, False, group))
        cuts = [at for at in range(_CHARACTERS_MIN, len(text) - 1) if _is_inside(text, at)]
        for at in chance.sample(cuts, min(_CUTS, len(cuts))):
            found.append(Example(text[:at], True, group))
    return linear.with_errors(found, chance)


def _is_inside(text: str, at: int) -> bool:
    """Whether no clause ends beside a place: what is cut there is not a sentence."""
    return not _HALT.search(text[max(0, at - 1) : at + 2])


def _turns() -> Iterator[tuple[str, str]]:
    """Turns of both sides that are long enough to be cut, with their writers."""
    for file in sorted(SERVICE.glob("*.txt")):
        for _, lines in dialogues(file):
            yield from ((line.text, file.stem) for line in lines if _is_long(line.text))
    for file in sorted(EXCHANGES.glob("*.tsv")):
        for _, *said in exchanges(file):
            yield from ((text, file.stem) for text in said if _is_long(text))
    yield from ((turn.text, domain) for domain, turn in whole_calls.turns() if _is_long(turn.text))


def _is_long(text: str) -> bool:
    return len(tokens.plain(text)) >= _CHARACTERS_MIN


def main() -> None:
    """Write the artifact and print what is found at some thresholds."""
    odds, labels = linear.train(
        ends(),
        endings.features,
        linear.Settings(inverse_regularization=3.0, weight_min=0.1),
        out=endings.ARTIFACT,
    )
    likely = 1 / (1 + np.exp(-odds))
    for least in (0.5, 0.8, 0.85, 0.9, 0.95, 0.98):
        accused = likely >= least
        print(
            f"{least}: of unfinished {accused[labels].mean():.3f}, "
            f"of finished {accused[~labels].mean():.4f}"
        )


if __name__ == "__main__":
    main()
