"""Training with custom data: ``train stages``."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli import common, formatters


@click.group("train", cls=common.Group)
def train() -> None:
    """Train models with your own labelled calls."""


@train.command("stages")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Labelled calls: a JSONL file or a folder of JSON files; see docs/inputs.md.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/stages.npz"),
    show_default=True,
    help="Model file to write; set stages.model in the configuration to use it.",
)
def train_stages(*, data: Path, out: Path) -> None:
    """Train the stage classifier with your own calls.

    They are added to the built-in training data. Prints the accuracy of the built-in model on these
    calls, and of the new one by twofold cross-validation.
    """
    from models.training import own_stages

    for measured in own_stages.retrain(data, out=out):
        click.echo(formatters.stage_figures(measured))
    click.echo(f"{out} written; set stages.model in the configuration to use it")
