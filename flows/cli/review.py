"""Reviews by people: ``review import``, and ``calibrate``, which measures against them."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli import common, formatters


@click.group("review", cls=common.Group)
def review() -> None:
    """QA reviews of findings, and agents' appeals."""


@review.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the audit (default: the current folder).",
)
def review_import(*, files: tuple[Path, ...], out: Path) -> None:
    """Import reviews exported from the report's pages."""
    from flows.commands import import_reviews

    unrendered: dict[str, None] = {}
    for file in files:
        done = import_reviews.import_reviews(file, out)
        click.echo(f"{file}: {formatters.imported(done)}; report: {done.index}")
        unrendered |= dict.fromkeys(done.unrendered)
    common.reject(unrendered)


@common.command("calibrate")
@common.out_argument
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Precision that suggested confidence thresholds have to reach.",
)
@click.option(
    "--labels",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to export the reviews to, as training data for the models.",
)
@common.json_option
def calibrate(*, out: Path, precision: float, labels: Path | None, as_json: bool) -> None:
    """Measure findings against the reviews under OUT.

    Prints precision and estimated recall of each rule, inter-reviewer agreement, drift, and
    suggested confidence thresholds.
    """
    from flows.commands import calibrate as calibrating

    result = calibrating.calibrate(out, precision=precision)
    if labels is not None:
        from reports.analysis import labels as labelling
        from reports.store import Store

        counts = labelling.export(Store.open(out), labels)
    if as_json:
        click.echo(formatters.calibration_json(result))
        return
    for line in formatters.calibration(result):
        click.echo(line)
    if labels is not None:
        listed = ", ".join(f"{count} in {labels / name}.jsonl" for name, count in counts.items())
        click.echo(f"labels: {listed}")
