"""``python -m audit.privacy FILE.jsonl``: precision and recall of what is masked."""

from __future__ import annotations

from pathlib import Path

import click

from audit.privacy import benchmark


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--without-marks", is_flag=True, help="Leave punctuation out first.")
@click.option("--verbose", is_flag=True, help="Show what was missed or wrongly found.")
def main(*, file: Path, without_marks: bool, verbose: bool) -> None:
    """Compare what is found in labelled dialogues with their labels."""
    dialogues = benchmark.read(file)
    if without_marks:
        dialogues = [benchmark.without_marks(dialogue) for dialogue in dialogues]
    result = benchmark.evaluate(dialogues)
    for line in (*(result.mistakes if verbose else ()), *result.lines()):
        click.echo(line)


if __name__ == "__main__":
    main()
