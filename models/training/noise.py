"""Errors of a recogniser, learned from pairs of what was said and what Whisper heard."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from rapidfuzz.distance import Levenshtein

from models.text import tokens
from models.training.turns import LabelledTurn, heard_pairs, service_turns

_HOMOPHONES = 0.4
"""Share of substitutions that another character of the same merged syllable takes."""
_LEAST_HEARD = 0.4
"""Share of characters heard rightly, below which a pair is not one (a turn beside it was heard)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What becomes of characters.

    Attributes:
        substitutes: what each character was heard as, as often as it was.
        homophones: characters of the same merged syllable, as often as they are written.
        rate: share of characters that are substituted, lost, or followed by one too many.
    """

    substitutes: dict[str, list[str]]
    homophones: dict[str, list[str]]
    rate: tuple[float, float, float]

    @classmethod
    def learned(cls) -> Self:
        """From all pairs of said and heard turns."""
        substitutes: defaultdict[str, list[str]] = defaultdict(list)
        counts: Counter[str] = Counter()
        for said, heard in _pairs():
            counts["said"] += len(said)
            for edit in Levenshtein.opcodes(said, heard):
                counts[edit.tag] += max(
                    edit.src_end - edit.src_start, edit.dest_end - edit.dest_start
                )
                if edit.tag == "replace":
                    was = said[edit.src_start : edit.src_end]
                    for a, b in zip(was, heard[edit.dest_start : edit.dest_end], strict=False):
                        substitutes[a].append(b)
        by_sound: defaultdict[str, list[str]] = defaultdict(list)
        for written in service_turns():
            for character in tokens.plain(written.turn.text):
                by_sound[tokens.syllable(character)].append(character)
        total = counts["said"]
        return cls(
            substitutes=dict(substitutes),
            homophones={c: alike for alike in by_sound.values() for c in set(alike)},
            rate=(counts["replace"] / total, counts["delete"] / total, counts["insert"] / total),
        )

    def heard(self, turns: Sequence[LabelledTurn], *, seed: int = 0) -> list[LabelledTurn]:
        """The turns with errors, without punctuation; the same ones each time."""
        chance = random.Random(seed)
        return [
            replace(
                labelled,
                turn=replace(
                    labelled.turn,
                    text=self._garbled(labelled.turn.text, chance),
                    after=self._garbled(labelled.turn.after, chance),
                ),
            )
            for labelled in turns
        ]

    def garbled(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """Texts with errors, without punctuation; the same ones each time."""
        chance = random.Random(seed)
        return [self._garbled(text, chance) for text in texts]

    def _garbled(self, text: str, chance: random.Random) -> str:
        substituted, lost, added = (rate * chance.choice((0.3, 1.0, 2.0)) for rate in self.rate)
        found = []
        for character in tokens.plain(text):
            if chance.random() < lost:
                continue
            found.append(
                self._heard(character, chance) if chance.random() < substituted else character
            )
            if chance.random() < added:
                found.append(character)
        return "".join(found)

    def _heard(self, character: str, chance: random.Random) -> str:
        alike = self.homophones.get(character)
        if alike and (chance.random() < _HOMOPHONES or character not in self.substitutes):
            return chance.choice(alike)
        return chance.choice(self.substitutes.get(character, [character]))


def _pairs() -> list[tuple[str, str]]:
    pairs = []
    for row in heard_pairs():
        said, heard = tokens.plain(row["said"]), tokens.plain(row["heard"])
        if said and Levenshtein.normalized_similarity(said, heard) >= _LEAST_HEARD:
            pairs.append((said, heard))
    return pairs
