"""The stored tables: ``rescore``, ``evaluate``, ``export``, ``compact``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.errors import UsageError
from flows.cli import common, formatters

if TYPE_CHECKING:
    from reports.wording import Language

_DATE = click.DateTime(["%Y-%m-%d"])


@common.command("rescore")
@common.out_argument
@click.option("--rulebook", required=True, help="Rulebook id, or path of a rulebook file.")
@click.option("--write", is_flag=True, help="Store the new results, all of them or none.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the comparison as a page; its links work next to OUT/html/index.html.",
)
@common.config_option
def rescore(
    *, out: Path, rulebook: str, write: bool, page: Path | None, config_file: Path | None
) -> None:
    """Score stored transcripts again with a rulebook.

    Prints what changes: findings gained and lost with examples, and the calls and agents
    whose verdict or grade changes. Needs no audio.
    """
    from audit import config
    from flows.commands import rescore as rescoring

    stage_model = config.load(config_file).stages.model
    difference = rescoring.rescore(out, rulebook_id=rulebook, write=write, stage_model=stage_model)
    for line in formatters.difference(difference):
        click.echo(line)
    if page is not None:
        rescoring.write_page(difference, page, out=out)
        click.echo(f"page: {page}")
    common.reject(difference.failed.values())


@common.command("evaluate")
@common.out_argument
@click.argument("truth", type=click.Path(path_type=Path))
@common.json_option
@click.pass_context
def evaluate(ctx: click.Context, *, out: Path, truth: Path, as_json: bool) -> None:
    """Compare an audit with labelled calls.

    Prints precision, recall and F1 of each rule, stage accuracy and character error rate; with
    --verbose also every error. TRUTH: a folder of JSON files, or a JSONL file of labelled
    transcripts; see docs/inputs.md.
    """
    from audit.intake import labelled
    from reports.analysis import evaluation
    from reports.store import Store, full_text

    store = Store.open(out)
    store.private.check_key()
    tables = {name: store[name].rows() for name in ("calls", "turns", "findings")}
    truths = labelled.read_for_evaluation(truth)
    masked = full_text.unmask(store, tables, {str(call.call_id) for call in truths})
    if masked:
        common.warn(
            f"{masked} calls are compared with masked text: their full transcripts are not kept"
        )
    result = evaluation.evaluate(tables, truths)
    if len(result.not_audited) == result.calls:
        raise UsageError(
            f"{out} holds none of the {result.calls} calls labelled in {truth}; audit those calls "
            "under the call_ids that the labels have"
        )
    if as_json:
        click.echo(formatters.evaluation_json(result))
        return
    for line in formatters.evaluation(result, details=common.is_verbose(ctx)):
        click.echo(line)


@common.command("export")
@common.out_argument
@click.option("--night", type=_DATE, help="Only this night; all nights where no date is given.")
@click.option("--from", "first", type=_DATE, help="First night.")
@click.option("--to", "last", type=_DATE, help="Last night.")
@click.option(
    "--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Excel workbook to write."
)
@click.option(
    "--csv",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write CSV files to.",
)
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    help="Of headings, verdicts and reasons.",
)
def export(
    *,
    out: Path,
    night: datetime | None,
    first: datetime | None,
    last: datetime | None,
    xlsx: Path | None,
    folder: Path | None,
    language: Language,
) -> None:
    """Write nights as an Excel workbook or as CSV files.

    The sheets are: summary, rules, agents, findings, calls, rejects. The workbook links to the
    pages under OUT/html. A file that exists is replaced.
    """
    from reports import export as exporting
    from reports.store import Store

    if xlsx is None and folder is None:
        raise UsageError("say what to write: --xlsx FILE, --csv FOLDER, or both")
    if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
        raise UsageError(f"{xlsx} must end in .xlsx, or Excel does not open it")
    if night is not None and (first is not None or last is not None):
        raise UsageError("--night is one night, --from and --to are several; give one or the other")
    store = Store.open(out)
    nights = exporting.chosen_nights(store, _iso(night or first), _iso(night or last))
    done = exporting.export(store, nights=nights, language=language, xlsx=xlsx, csv=folder)
    for path in filter(None, (xlsx, folder)):
        click.echo(formatters.exported(path, done.rows, nights))
    if done.unlinked:
        common.warn(
            f"{done.unlinked} rows do not link to their call: Excel allows 65,530 links in a "
            "sheet; export fewer nights to have all"
        )


def _iso(day: datetime | None) -> str | None:
    return None if day is None else day.date().isoformat()


@common.command("compact")
@common.out_argument
@click.option(
    "--keep-nights",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    help="Number of newest nights to leave unmerged.",
)
def compact(*, out: Path, keep_nights: int) -> None:
    """Merge old nights under OUT into one file per month.

    The files are for callaudit's own readers. The partitions are kept, so every other reader sees
    what it saw before.
    """
    from reports.store import Store, compaction

    months = 0
    for done in compaction.compact(Store.open(out), keep_nights=keep_nights):
        months += 1
        click.echo(formatters.merged_month(done))
    click.echo(f"{months} months merged" if months else "nothing to merge")
