"""Precision and recall of PII detection on labelled dialogues."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audit.errors import UsageError
from audit.language.text import simplify
from audit.privacy.detect import find
from audit.privacy.entities import Entity, EntityType
from audit.types import Role, Turn


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A labelled dialogue."""

    name: str
    turns: tuple[Turn, ...]
    agent_name: str | None
    labels: tuple[Entity, ...]
    noise: bool


@dataclass(slots=True)
class DetectionScores:
    """Counts by entity type, and descriptions of the errors.

    A labelled entity is recalled if all its letters and digits are detected; a detected entity is
    correct if at least half of its characters are labelled.
    """

    labelled: Counter[str] = field(default_factory=Counter)
    recalled: Counter[str] = field(default_factory=Counter)
    detected: Counter[str] = field(default_factory=Counter)
    correct: Counter[str] = field(default_factory=Counter)
    same_type: int = 0
    noisy_labelled: int = 0
    noisy_recalled: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of labelled entities that are detected."""
        return self.recalled.total() / max(1, self.labelled.total())

    @property
    def precision(self) -> float:
        """Share of detected entities that are correct."""
        return self.correct.total() / max(1, self.detected.total())

    @property
    def noisy_recall(self) -> float:
        """Recall in dialogues with ASR noise."""
        return self.noisy_recalled / max(1, self.noisy_labelled)

    def lines(self) -> Iterator[str]:
        """A table by entity type, then the totals."""
        for name in EntityType:
            if self.labelled[name] or self.detected[name]:
                yield (
                    f"{name:10} precision {self.correct[name]}/{self.detected[name]}"
                    f"  recall {self.recalled[name]}/{self.labelled[name]}"
                )
        yield (
            f"all        precision {self.precision:.3f}  recall {self.recall:.3f}"
            f"  recall with noise {self.noisy_recall:.3f} ({self.noisy_labelled} entities)"
            f"  correct type {self.same_type}/{self.recalled.total()}"
        )


def read(path: Path) -> list[Dialogue]:
    """Read labelled dialogues, JSONL.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return [
            Dialogue(
                name=row["call_id"],
                turns=tuple(
                    Turn(index, Role(turn["role"]), simplify(turn["text"]))
                    for index, turn in enumerate(row["turns"])
                ),
                agent_name=row.get("agent_name"),
                labels=tuple(
                    Entity(p["turn"], p["start"], p["end"], EntityType(p["kind"]))
                    for p in row["private"]
                ),
                noise=bool(row.get("noise")),
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"labelled dialogues {path} cannot be read: {error}") from error


def without_punctuation(dialogue: Dialogue) -> Dialogue:
    """The dialogue as an ASR engine without punctuation would transcribe it."""
    turns, positions = [], []
    for turn in dialogue.turns:
        kept = [at for at, character in enumerate(turn.text) if character not in "，。？！、："]
        turns.append(replace(turn, text="".join(turn.text[at] for at in kept)))
        positions.append({at: number for number, at in enumerate(kept)})
    entities = []
    for entity in dialogue.labels:
        inside = [n for at, n in positions[entity.turn].items() if entity.start <= at < entity.end]
        entities.append(replace(entity, start=min(inside), end=max(inside) + 1))
    return replace(dialogue, turns=tuple(turns), labels=tuple(entities))


def evaluate(dialogues: Sequence[Dialogue]) -> DetectionScores:
    """Compare detected entities with the labelled ones."""
    result = DetectionScores()
    for dialogue in dialogues:
        found = find(dialogue.turns, agent_name=dialogue.agent_name)
        covered = {(i.turn, at): i for i in found for at in range(i.start, i.end)}
        labelled_characters = {
            (i.turn, at) for i in dialogue.labels for at in range(i.start, i.end)
        }
        for entity in dialogue.labels:
            text = dialogue.turns[entity.turn].text
            positions = [
                (entity.turn, at) for at in range(entity.start, entity.end) if text[at].isalnum()
            ]
            hit = all(place in covered for place in positions)
            result.labelled[entity.entity_type] += 1
            result.recalled[entity.entity_type] += hit
            result.noisy_labelled += dialogue.noise
            result.noisy_recalled += hit and dialogue.noise
            if hit:
                result.same_type += covered[positions[0]].entity_type is entity.entity_type
            else:
                said = text[entity.start : entity.end]
                result.mistakes.append(
                    f"{dialogue.name} missed {entity.entity_type} {said!r} in {text!r}"
                )
        for entity in found:
            inside = sum(
                (entity.turn, at) in labelled_characters for at in range(entity.start, entity.end)
            )
            is_correct = inside * 2 >= entity.end - entity.start
            result.detected[entity.entity_type] += 1
            result.correct[entity.entity_type] += is_correct
            if not is_correct:
                text = dialogue.turns[entity.turn].text
                said = text[entity.start : entity.end]
                result.mistakes.append(
                    f"{dialogue.name} wrongly {entity.entity_type} {said!r} in {text!r}"
                )
    return result
