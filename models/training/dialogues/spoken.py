"""Held-out calls: scripts of ``data_samples/dialogues`` in six noisy variants each.

``python -m models.training.dialogues.spoken`` writes them again. They are stored so that a change
of the noise does not change what is measured.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from audit.types import Role, Stage, Turn
from models.training.dialogues import noise
from models.training.dialogues.compose import Said, chosen

_FOLDER = Path(__file__).parents[3] / "data_samples" / "dialogues"
VALIDATION = _FOLDER / "stages_validation.jsonl"
"""Used during development."""

TEST = _FOLDER / "stages_test.jsonl"
"""Measured only when a model is final."""

BLIND = tuple(sorted((_FOLDER.parent / "blind").glob("stages_*.txt")))
"""Whole calls by writers who saw neither model nor data, as written."""

_VARIANTS = 6
_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER}
_STAGES = {"G": Stage.GREETING, "H": Stage.HANDLING, "C": Stage.CLOSING}


def main() -> None:
    """Write both files."""
    for file in (VALIDATION, TEST):
        lines = [json.dumps(call, ensure_ascii=False) for call in _calls(file.with_suffix(".txt"))]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        print(f"{file}: {len(lines)} calls")


def _calls(script: Path) -> Iterator[dict[str, object]]:
    for name, direction, lines in dialogues(script):
        for variant in range(_VARIANTS):
            chance = random.Random(f"held out {name} {variant}")
            turns = [
                {"role": str(turn.role), "text": turn.text, "segment": str(turn.stage)}
                | ({} if turn.span is None else {"start_s": turn.start_s, "end_s": turn.end_s})
                for turn in noise.with_asr_noise(said(lines, chance), chance)
            ]
            yield {
                "call_id": f"{name}-{variant}",
                "agent_id": "2001",
                "direction": direction,
                "turns": turns,
            }


def as_written(script: Path) -> Iterator[tuple[Turn, ...]]:
    """The calls of a script without any noise and without times."""
    for name, _, lines in dialogues(script):
        yield tuple(
            Turn(number, role, text, stage=stage)
            for number, (stage, role, text) in enumerate(said(lines, random.Random(name)))
        )


def said(lines: Sequence[str], chance: random.Random) -> list[Said]:
    """The turns of a dialogue, one alternative of each choice, without some optional ones."""
    turns = [
        (_STAGES[stage], _ROLES[role], chosen(text, chance))
        for stage, role, text in (line.removeprefix("?").split(" ", 2) for line in lines)
    ]
    return [
        turn
        for turn, line in zip(turns, lines, strict=True)
        if not (line.startswith("?") and chance.random() < 0.5)
    ]


def dialogues(script: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Name, direction and lines of every dialogue of a script."""
    for block in f"\n{script.read_text('utf-8')}".split("\n@")[1:]:
        head, *lines = block.splitlines()
        name, direction = head.split()
        yield name, direction, [line for line in lines if line]


if __name__ == "__main__":
    main()
