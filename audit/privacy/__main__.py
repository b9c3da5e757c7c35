"""``python -m audit.privacy FILE.jsonl``: precision and recall of what is masked."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.privacy import benchmark


def main() -> None:
    """Compare what is found in labelled dialogues with their labels."""
    parser = argparse.ArgumentParser(prog="python -m audit.privacy", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--without-marks", action="store_true", help="Leave punctuation out first.")
    parser.add_argument(
        "--verbose", action="store_true", help="Show what was missed or wrongly found."
    )
    given = parser.parse_args()
    dialogues = benchmark.read(given.file)
    if given.without_marks:
        dialogues = [benchmark.without_marks(dialogue) for dialogue in dialogues]
    result = benchmark.evaluate(dialogues)
    for line in (*(result.mistakes if given.verbose else ()), *result.lines()):
        print(line)


if __name__ == "__main__":
    main()
