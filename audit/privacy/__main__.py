"""``python -m audit.privacy FILE.jsonl``: precision and recall of PII detection."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.privacy import benchmark


def main() -> None:
    """Compare the PII detected in labelled dialogues with their labels."""
    parser = argparse.ArgumentParser(prog="python -m audit.privacy", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--without-punctuation", action="store_true", help="Remove punctuation first."
    )
    parser.add_argument(
        "--verbose", action="store_true", help="Show missed and wrongly detected PII."
    )
    arguments = parser.parse_args()
    dialogues = benchmark.read(arguments.file)
    if arguments.without_punctuation:
        dialogues = [benchmark.without_punctuation(dialogue) for dialogue in dialogues]
    result = benchmark.evaluate(dialogues)
    for line in (*(result.mistakes if arguments.verbose else ()), *result.lines()):
        print(line)


if __name__ == "__main__":
    main()
