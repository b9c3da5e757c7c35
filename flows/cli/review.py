"""Reviews by people: ``review import``, and ``calibrate``, which measures against them."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from audit.errors import UsageError
from flows.cli import common, formatters

_UNLABELLED = ("accused", "doubted", "rulebook", "rulebook_file")
"""Parameters of ``calibrate --unlabelled`` only."""


class _Share(click.FloatRange):
    """A share above 0 and below 1, and no NaN."""

    def __init__(self) -> None:
        super().__init__(0.0001, 1, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        share = super().convert(value, param, ctx)
        if math.isnan(share):
            self.fail("nan is no share; give a number between 0.0001 and 1", param, ctx)
        return share


_SHARE = _Share()


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
    type=_SHARE,
    default=0.95,
    show_default=True,
    help="Precision that suggested confidence thresholds have to reach.",
)
@click.option(
    "--labels",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to export the reviews to, as training data for the models.",
)
@click.option(
    "--unlabelled",
    is_flag=True,
    help="Without reviews: choose the thresholds of forbidden wording so that only a given share "
    "of these calls reaches them.",
)
@click.option(
    "--accused",
    type=_SHARE,
    default=0.005,
    show_default=True,
    help="With --unlabelled: largest share of calls that may fail by meaning.",
)
@click.option(
    "--doubted",
    type=_SHARE,
    default=0.05,
    show_default=True,
    help="With --unlabelled: largest further share that may become cannot_tell by meaning.",
)
@click.option(
    "--rulebook",
    help="With --unlabelled: id or path of the rulebook to start from (default: that of the "
    "calls).",
)
@click.option(
    "--write",
    "rulebook_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --unlabelled: file to write the thresholds to, as a rulebook of your own.",
)
@common.json_option
def calibrate(
    *,
    out: Path,
    precision: float,
    labels: Path | None,
    unlabelled: bool,
    accused: float,
    doubted: float,
    rulebook: str | None,
    rulebook_file: Path | None,
    as_json: bool,
) -> None:
    """Measure findings against the reviews under OUT.

    Prints precision and estimated recall of each rule, inter-reviewer agreement, drift, and
    suggested confidence thresholds. With --unlabelled it needs no reviews, and prints thresholds
    of forbidden wording instead.
    """
    _check_combination(unlabelled=unlabelled)
    if unlabelled:
        _own_thresholds(out, accused, doubted, rulebook, rulebook_file, as_json=as_json)
        return
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


def _check_combination(*, unlabelled: bool) -> None:
    """Refuse options that the other kind of calibration has."""
    ctx = click.get_current_context()
    foreign = ("precision", "labels") if unlabelled else _UNLABELLED
    for name in foreign:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--write" if name == "rulebook_file" else f"--{name}"
            only = "without" if unlabelled else "with"
            raise UsageError(f"{option} works only {only} --unlabelled")


def _own_thresholds(
    out: Path,
    accused: float,
    doubted: float,
    rulebook: str | None,
    file: Path | None,
    *,
    as_json: bool,
) -> None:
    from flows.commands import own_thresholds

    if file is not None:
        own_thresholds.check_name(file)
    suggested = own_thresholds.suggest(out, rulebook_id=rulebook, accused=accused, doubted=doubted)
    if as_json:
        click.echo(formatters.own_thresholds_json(suggested))
    else:
        for line in formatters.own_thresholds(suggested):
            click.echo(line)
    if file is not None:
        own_thresholds.write(suggested, file, base=rulebook)
        command = shlex.join(("callaudit", "rescore", str(out), "--rulebook", str(file)))
        click.echo(f"written to {file}; see what it changes: {command}", err=as_json)
