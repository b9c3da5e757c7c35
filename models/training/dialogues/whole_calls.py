"""Whole calls for training, written turn by turn as hotlines sound: ``whole/*.txt``.

Long turns without punctuation, several offers of further help, second farewells. Their noise is
learned from what real Whisper heard of other turns (:mod:`models.training.noise`), in half of them,
and drawn by rule in all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from audit.types import Turn
from models.training.dialogues import noise, spoken
from models.training.dialogues.compose import Composed, Said
from models.training.noise import Noise

_FOLDER = Path(__file__).parent / "whole"

DOMAIN = "whole"
"""How the domains of these calls begin: the name of their file follows."""

_HEARD = 0.5
"""Share of the calls with errors that Whisper makes."""


def turns() -> Iterator[tuple[str, Turn]]:
    """Domain and every turn, as written."""
    for file in sorted(_FOLDER.glob("*.txt")):
        for call in spoken.as_written(file):
            yield from ((f"{DOMAIN} {file.stem}", turn) for turn in call)


def calls(*, seed: int) -> list[Composed]:
    """Every call once; ``seed`` decides its noise."""
    made = []
    for file in sorted(_FOLDER.glob("*.txt")):
        for name, _, lines in spoken.dialogues(file):
            chance = random.Random(f"whole {seed} {name}")
            said = spoken.said(lines, chance)
            if chance.random() < _HEARD:
                said = _heard(said, chance)
            made.append(Composed(f"{DOMAIN} {file.stem}", noise.with_asr_noise(said, chance)))
    return made


def _heard(said: list[Said], chance: random.Random) -> list[Said]:
    texts = _noise().garbled([text for _, _, text in said], seed=chance.randrange(1 << 30))
    return [(stage, role, text) for (stage, role, _), text in zip(said, texts, strict=True)]


@cache
def _noise() -> Noise:
    return Noise.learned()
