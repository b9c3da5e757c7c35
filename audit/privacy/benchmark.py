"""How right the finding of customers' data is, on labelled dialogues."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audit.errors import UsageError
from audit.language.text import simplify
from audit.privacy.detect import find
from audit.privacy.entities import Item, Kind
from audit.types import Role, Turn


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A labelled dialogue."""

    name: str
    turns: tuple[Turn, ...]
    agent_name: str | None
    private: tuple[Item, ...]
    noise: bool


@dataclass(slots=True)
class Result:
    """Counts by kind, and what went wrong.

    An item is found where all its letters and digits are; what is found is right where at least
    half of its characters are some item's.
    """

    items: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    same_kind: int = 0
    noisy_items: int = 0
    noisy_found: int = 0
    mistakes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of items found."""
        return self.found.total() / max(1, self.items.total())

    @property
    def precision(self) -> float:
        """Share of what is found that is right."""
        return self.right.total() / max(1, self.told.total())

    @property
    def noisy_recall(self) -> float:
        """Recall where the recogniser misheard."""
        return self.noisy_found / max(1, self.noisy_items)

    def lines(self) -> Iterator[str]:
        """A table by kind, then the totals."""
        for kind in Kind:
            if self.items[kind] or self.told[kind]:
                yield (
                    f"{kind:10} precision {self.right[kind]}/{self.told[kind]}"
                    f"  recall {self.found[kind]}/{self.items[kind]}"
                )
        yield (
            f"all        precision {self.precision:.3f}  recall {self.recall:.3f}"
            f"  recall with noise {self.noisy_recall:.3f} ({self.noisy_items} items)"
            f"  kind told rightly {self.same_kind}/{self.found.total()}"
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
                private=tuple(
                    Item(p["turn"], p["start"], p["end"], Kind(p["kind"])) for p in row["private"]
                ),
                noise=bool(row.get("noise")),
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"labelled dialogues {path} cannot be read: {error}") from error


def without_marks(dialogue: Dialogue) -> Dialogue:
    """The dialogue as a recogniser writes it that writes no punctuation marks."""
    turns, places = [], []
    for turn in dialogue.turns:
        kept = [at for at, sign in enumerate(turn.text) if sign not in "，。？！、："]
        turns.append(replace(turn, text="".join(turn.text[at] for at in kept)))
        places.append({at: number for number, at in enumerate(kept)})
    items = []
    for item in dialogue.private:
        inside = [n for at, n in places[item.turn].items() if item.start <= at < item.end]
        items.append(replace(item, start=min(inside), end=max(inside) + 1))
    return replace(dialogue, turns=tuple(turns), private=tuple(items))


def evaluate(dialogues: Sequence[Dialogue]) -> Result:
    """Compare what is found with what is labelled."""
    result = Result()
    for dialogue in dialogues:
        found = find(dialogue.turns, agent_name=dialogue.agent_name)
        covered = {(i.turn, at): i for i in found for at in range(i.start, i.end)}
        labelled = {(i.turn, at) for i in dialogue.private for at in range(i.start, i.end)}
        for item in dialogue.private:
            text = dialogue.turns[item.turn].text
            places = [(item.turn, at) for at in range(item.start, item.end) if text[at].isalnum()]
            hit = all(place in covered for place in places)
            result.items[item.kind] += 1
            result.found[item.kind] += hit
            result.noisy_items += dialogue.noise
            result.noisy_found += hit and dialogue.noise
            if hit:
                result.same_kind += covered[places[0]].kind is item.kind
            else:
                said = text[item.start : item.end]
                result.mistakes.append(f"{dialogue.name} missed {item.kind} {said!r} in {text!r}")
        for item in found:
            inside = sum((item.turn, at) in labelled for at in range(item.start, item.end))
            right = inside * 2 >= item.end - item.start
            result.told[item.kind] += 1
            result.right[item.kind] += right
            if not right:
                text = dialogue.turns[item.turn].text
                said = text[item.start : item.end]
                result.mistakes.append(f"{dialogue.name} wrongly {item.kind} {said!r} in {text!r}")
    return result
