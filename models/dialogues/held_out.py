"""The held-out calls: ``data_samples/dialogues/stages.txt`` spoken six times each.

``python -m models.dialogues.held_out`` writes ``stages.jsonl`` anew. It is kept, so that a change
of noise does not change what is measured.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from audit.types import Role, Segment
from models.dialogues import noise
from models.dialogues.compose import chosen

FILE = Path(__file__).parents[2] / "data_samples" / "dialogues" / "stages.jsonl"
_SCRIPT = FILE.with_suffix(".txt")
_VARIANTS = 6
_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER}
_STAGES = {"G": Segment.GREETING, "H": Segment.HANDLING, "C": Segment.CLOSING}


def main() -> None:
    """Write the file."""
    lines = [json.dumps(call, ensure_ascii=False) for call in _calls()]
    FILE.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{FILE}: {len(lines)} calls")


def _calls() -> Iterator[dict[str, object]]:
    for name, direction, lines in _dialogues():
        for variant in range(_VARIANTS):
            chance = random.Random(f"held out {name} {variant}")
            said = [
                (_STAGES[stage], _ROLES[role], chosen(text, chance))
                for stage, role, text in (line.removeprefix("?").split(" ", 2) for line in lines)
            ]
            kept = [
                turn
                for turn, line in zip(said, lines, strict=True)
                if not (line.startswith("?") and chance.random() < 0.5)
            ]
            turns = [
                {"role": str(turn.role), "text": turn.text, "segment": str(turn.segment)}
                | ({} if turn.span is None else {"start_s": turn.start_s, "end_s": turn.end_s})
                for turn in noise.heard(kept, chance)
            ]
            yield {
                "call_id": f"{name}-{variant}",
                "agent_id": "2001",
                "direction": direction,
                "turns": turns,
            }


def _dialogues() -> Iterator[tuple[str, str, list[str]]]:
    for block in _SCRIPT.read_text("utf-8").split("\n@")[1:]:
        head, *lines = block.splitlines()
        name, direction = head.split()
        yield name, direction, [line for line in lines if line]


if __name__ == "__main__":
    main()
