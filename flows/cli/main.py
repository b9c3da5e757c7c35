"""The command line. Nothing heavy is imported before a command that needs it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from audit import __version__
from audit.errors import CallauditError, NoAudit, UsageError
from flows import encoding

EXIT_FAILED, EXIT_USAGE, EXIT_REJECTS = 1, 2, 3


class _Group(click.Group):
    """A group whose errors are one sentence on stderr and an exit code, never a traceback."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        """Run what the command line asks for, or the arguments that are given."""
        if not arguments and extra.get("args") is None:
            encoding.settle()
        return super().main(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("verbose") or "--verbose" in sys.argv:
                raise
            usage = isinstance(error, UsageError)
            sentence = (
                str(error)
                if isinstance(error, CallauditError)
                else f"it failed with {type(error).__name__}: {error}; "
                "run again with --verbose to see where"
            )
            click.echo(f"callaudit: {' '.join(sentence.split())}", err=True)
            ctx.exit(EXIT_USAGE if usage else EXIT_FAILED)


def _show_logs(_: click.Context, __: click.Parameter, value: bool) -> bool:
    if value:
        import logging

        logging.basicConfig(level=logging.INFO)
    return value


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="callaudit")
@click.option(
    "--verbose", is_flag=True, callback=_show_logs, help="Show tracebacks and debug logs."
)
def main(*, verbose: bool) -> None:
    """Audit recorded Chinese service calls against service norms, with evidence."""
    del verbose
    encoding.check(sys.argv[1:])
    os.umask(0o027)  # what is written is for owner and group


def _local(_: click.Context, __: click.Parameter, value: str) -> Path:
    if "://" in value:
        raise UsageError(
            f"--out {value} is a URL; this command writes to a folder of this machine only"
        )
    return Path(value)


_out_help = "Folder that receives Parquet tables and HTML pages."
_out_option = click.option(
    "--out", type=click.Path(file_okay=False), callback=_local, required=True, help=_out_help
)
_out_or_url_option = click.option(
    "--out",
    type=click.Path(file_okay=False),
    required=True,
    help=f"{_out_help[:-1]}; or any fsspec URL.",
)
_config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML configuration; see docs/configuration.md.",
)
_bundle_option = click.option(
    "--bundle-audio", is_flag=True, help="Copy recordings beside the pages, as Opus."
)
_private_option = click.option(
    "--private",
    type=click.Choice(["keep", "mask", "drop"]),
    help="Customers' data: keep it in tables and pages, mask it there (default), or mask it and "
    "keep no full transcript either.",
)


_verbose_option = click.option(
    "--verbose", is_flag=True, callback=_show_logs, help="Show tracebacks."
)


@main.command()
@click.argument("recordings")
@_out_or_url_option
@click.option("--manifest", help="CSV or Parquet that lists the recordings.")
@_config_option
@click.option("--rulebook", help="Rulebook of calls whose manifest row names none.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "faster-whisper", "openai-whisper"]),
    help="Whisper engine (default: auto, the faster one that works here).",
)
@click.option("--model", help="Whisper model name, or the path of a checkpoint.")
@click.option(
    "--max-rtf",
    type=click.FloatRange(min=0, min_open=True),
    help="Take the best model on this machine that hears a call in such a share of its length.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes that hear recordings.")
@click.option("--resume/--no-resume", default=True, help="Use transcripts of earlier runs.")
@click.option(
    "--night",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Audit the calls of this date only, and leave recordings that are still written to.",
)
@_bundle_option
@_private_option
@_verbose_option
@click.pass_context
def run(
    ctx: click.Context,
    *,
    recordings: str,
    out: str,
    manifest: str | None,
    config_file: Path | None,
    rulebook: str | None,
    engine: str | None,
    model: str | None,
    max_rtf: float | None,
    workers: int | None,
    resume: bool,
    night: datetime | None,
    bundle_audio: bool,
    private: str | None,
    verbose: bool,
) -> None:
    """Audit every recording under RECORDINGS, a folder or any fsspec URL."""
    from audit import config
    from flows.cli import progress

    del verbose
    if max_rtf is not None:
        if model is not None:
            raise UsageError("--max-rtf chooses the model; leave --model out")
        measured = config.load(config_file, overrides={"hearing.recogniser.engine": engine})
        model = _best_model(measured.hearing.recogniser, max_rtf)
    settings = config.load(
        config_file,
        overrides={
            "batch.rulebook": rulebook,
            "batch.workers": workers,
            "hearing.recogniser.engine": engine,
            "hearing.recogniser.model": model,
            "batch.bundle_audio": bundle_audio or None,
            "private.mode": private,
        },
    )
    summary = progress.run(
        recordings,
        out,
        manifest=manifest,
        config=settings,
        resume=resume,
        night=night.date() if night else None,
    )
    if summary.rejected:
        ctx.exit(EXIT_REJECTS)


def _best_model(recogniser: Any, max_rtf: float) -> str:
    from flows import sizing

    best = sizing.best_within(recogniser, max_rtf)
    click.echo(f"model: {best.size.name}, about {best.rtf:.2f} s per second of call", err=True)
    return best.size.name


@main.command("audit-transcripts")
@click.argument("file", type=click.Path(path_type=Path))
@_out_option
@_config_option
@click.option("--rulebook", help="Rulebook of calls that name none.")
@_private_option
@_verbose_option
@click.pass_context
def audit_transcripts(
    ctx: click.Context,
    *,
    file: Path,
    out: Path,
    config_file: Path | None,
    rulebook: str | None,
    private: str | None,
    verbose: bool,
) -> None:
    """Judge ready transcripts (JSONL, one call a line), without audio."""
    from audit import config
    from flows.commands import audit_transcripts as stored

    del verbose
    settings = config.load(
        config_file, overrides={"batch.rulebook": rulebook, "private.mode": private}
    )
    result = stored.audit_transcripts(file, out, config=settings)
    click.echo(f"{result.audited} audited, {result.rejected} rejected; report: {result.index}")
    if result.rejected:
        ctx.exit(EXIT_REJECTS)


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--rulebook", required=True, help="Id of a rulebook, or the path of one.")
@click.option("--write", is_flag=True, help="Keep the new result: all of it or nothing.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the comparison as a page, too; beside OUT/html/index.html its links work.",
)
@_config_option
@_verbose_option
@click.pass_context
def rescore(
    ctx: click.Context,
    *,
    out: Path,
    rulebook: str,
    write: bool,
    page: Path | None,
    config_file: Path | None,
    verbose: bool,
) -> None:
    """Judge the stored transcripts under OUT again and show what changes.

    Shows findings gained and lost with examples, and the calls and agents whose verdict or grade
    flips. No audio is needed.
    """
    from audit import config
    from flows.commands import rescore as rescoring

    del verbose
    stage_model = config.load(config_file).stages.model
    difference = rescoring.rescore(out, rulebook_id=rulebook, write=write, stage_model=stage_model)
    for line in difference.lines():
        click.echo(line)
    if page is not None:
        rescoring.write_page(difference, page, out=out)
        click.echo(f"page: {page}")
    _tell_failed(ctx, difference.failed.values())


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--keep-nights",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    help="Newest nights that are left as they are.",
)
@_verbose_option
def compact(*, out: Path, keep_nights: int, verbose: bool) -> None:
    """Merge old nights under OUT into a file a month, for callaudit's own readers.

    The partitions stay where they are, so every other reader sees what it saw before.
    """
    from reports.store import compaction

    del verbose
    if not (out / "parquet").is_dir():
        raise NoAudit.at(out)
    months = 0
    for done in compaction.compact(out, keep_nights=keep_nights):
        months += 1
        size = f"{done.bytes / 1e6:.1f} MB"
        click.echo(f"{done.table} {done.month}: {done.nights} nights, {done.rows} rows, {size}")
    click.echo(f"{months} months merged" if months else "nothing to merge")


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Precision that suggested thresholds have to reach.",
)
@click.option(
    "--labels",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that receives the reviews as training data for the models.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_verbose_option
def calibrate(
    *, out: Path, precision: float, labels: Path | None, as_json: bool, verbose: bool
) -> None:
    """Say how good the machine is according to the reviews under OUT.

    Precision and estimated recall of each rule, how far reviewers agree, what has drifted, and
    from which confidence to accuse.
    """
    from flows.commands import calibrate as calibrating

    del verbose
    result = calibrating.calibrate(out, precision=precision)
    if labels is not None:
        from reports.analysis import labels as labelling

        counts = labelling.export(out, labels)
    if as_json:
        click.echo(result.to_json())
        return
    for line in result.lines():
        click.echo(line)
    if labels is not None:
        listed = ", ".join(f"{count} in {labels / name}.jsonl" for name, count in counts.items())
        click.echo(f"labels: {listed}")


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@_bundle_option
@_verbose_option
@click.pass_context
def report(ctx: click.Context, *, out: Path, bundle_audio: bool, verbose: bool) -> None:
    """Render the HTML pages under OUT again from its Parquet tables."""
    from reports import crashes
    from reports.pages import html, playback

    del verbose
    _need_audit(out)
    if bundle_audio:
        gone = playback.bundle_all(out)
        if gone:
            click.echo(
                f"callaudit: {gone} recordings cannot be reached and were not copied", err=True
            )
    pages = html.draw(out)
    click.echo(str(pages.index))
    _tell_failed(ctx, crashes.undrawn(pages))


def _tell_failed(ctx: click.Context, sentences: Collection[str]) -> None:
    """Name calls that something failed for, and end as a batch with rejects does."""
    for sentence in sentences:
        click.echo(f"callaudit: {sentence}; run again with --verbose to see where", err=True)
    if sentences:
        ctx.exit(EXIT_REJECTS)


def _need_audit(out: Path) -> None:
    if not (out / "parquet" / "calls").is_dir():
        raise NoAudit.at(out)


@main.group()
def review() -> None:
    """What people say of findings: reviews by the QA team, appeals by agents."""


@review.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the audit (default: the current folder).",
)
@_verbose_option
@click.pass_context
def review_import(ctx: click.Context, *, files: tuple[Path, ...], out: Path, verbose: bool) -> None:
    """Bring FILES, exported from the report's pages, into the table of reviews."""
    from flows.commands import import_reviews as reviewing

    del verbose
    _need_audit(out)
    undrawn: dict[str, None] = {}
    for file in files:
        done = reviewing.import_reviews(file, out)
        click.echo(f"{file}: {done}; report: {done.index}")
        undrawn |= dict.fromkeys(done.undrawn)
    _tell_failed(ctx, undrawn)


@main.command("case-file")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("call_id")
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), help="Where the file is written."
)
@_verbose_option
def case_file(*, out: Path, call_id: str, to: Path | None, verbose: bool) -> None:
    """Write one call as one HTML file, with its sound, to hand to an agent or a judge."""
    from reports.pages import case_file as casefile

    del verbose
    _need_audit(out)
    click.echo(str(casefile.write_case(out, call_id, to=to)))


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("truth", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_verbose_option
def evaluate(*, out: Path, truth: Path, as_json: bool, verbose: bool) -> None:
    """Precision, recall and F1 of an audit against labelled calls.

    TRUTH: a folder of JSON files, or a JSONL file of labelled transcripts.
    """
    from reports.analysis import evaluation
    from reports.store import full_text, parquet, private_store

    _need_audit(out)
    private_store.check_key(out)
    tables = {name: parquet.read(out, name).to_pylist() for name in ("calls", "turns", "findings")}
    truths = evaluation.read_truth(truth)
    labelled = {str(told["call_id"]) for told in truths}
    masked = full_text.unmask(out, tables, labelled)
    if masked:
        click.echo(
            f"callaudit: {masked} calls are compared with masked text: theirs in full is not kept",
            err=True,
        )
    result = evaluation.evaluate(tables, truths)
    if len(result.not_audited) == result.calls:
        raise UsageError(
            f"{out} holds none of the {result.calls} calls labelled in {truth}; audit those calls "
            "under the call_ids that the labels have"
        )
    if as_json:
        click.echo(result.to_json())
        return
    for line in result.lines(details=verbose):
        click.echo(line)


@main.group()
def rulebook() -> None:
    """The rulebooks that ship, and checking one's own."""


@rulebook.command("list")
def rulebook_list() -> None:
    """List the rulebooks that ship."""
    from audit.rulebooks import rulebook as books

    for name in books.shipped():
        click.echo(f"{name}\t{books.load(name).title}")


@rulebook.command("show")
@click.argument("id_or_path")
def rulebook_show(*, id_or_path: str) -> None:
    """Show a rulebook: its rules, clauses, weights and wordings."""
    import yaml

    from audit.rulebooks import rulebook as books

    shown = books.load(id_or_path).model_dump(mode="json")
    click.echo(yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=100), nl=False)


@rulebook.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def rulebook_check(ctx: click.Context, *, file: Path) -> None:
    """Say whether a rulebook of one's own is valid, and its examples are judged as they say."""
    from audit.rulebooks import rulebook as books
    from audit.rules.written import examples
    from flows import wiring
    from reports.wording import sentence

    if not file.is_file():
        raise UsageError(f"there is no file {file}; check the path")
    try:
        book = books.load(str(file))
        model = wiring.judging_models().stages
        problems = examples.problems(book, file, model=model, say=sentence)
    except books.InvalidRulebook as error:
        problems = error.problems
    for problem in problems:
        click.echo(f"callaudit: {file}: {' '.join(problem.split())}", err=True)
    if problems:
        ctx.exit(EXIT_USAGE)
    tried = f", {examples.count(book)} examples agree" if examples.count(book) else ""
    click.echo(f"{file} is valid: {book.id}, {len(book.clauses())} clauses{tried}")


@main.group()
def train() -> None:
    """Teach a model with labelled calls of one's own."""


@train.command("stages")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Labelled calls: a JSONL file, or a folder of JSON files as `evaluate` reads them.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/stages.npz"),
    show_default=True,
    help="The model to write; name it as stages.model in the configuration.",
)
@_verbose_option
def train_stages(*, data: Path, out: Path, verbose: bool) -> None:
    """Learn greeting, handling and closing anew, with calls of one's own among the examples.

    Prints how right the model that ships is on these calls, and how right the new one is on those
    of them that it did not see.
    """
    from models.training import own_stages

    del verbose
    for line in own_stages.retrain(data, out=out):
        click.echo(line)


@main.command()
@click.argument("recordings")
@_out_or_url_option
@click.option("--manifest", help="CSV or Parquet that lists the recordings.")
@_config_option
@click.option("--cron", help="Cron expression (default: 0 1 * * *).")
def schedule(
    *,
    recordings: str,
    out: str,
    manifest: str | None,
    config_file: Path | None,
    cron: str | None,
) -> None:
    """Serve the nightly flow on a cron schedule, until stopped.

    Each run audits yesterday's calls and those of nights that were missed. RECORDINGS may have
    dates, such as /data/calls/%Y-%m-%d. Failures are posted to $CALLAUDIT_WEBHOOK.
    """
    from audit import config
    from flows import schedule as scheduling

    settings = config.load(config_file, overrides={"schedule.cron": cron})
    scheduling.serve(recordings, out, manifest=manifest, config=settings)


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("call_id")
@_verbose_option
def transcript(*, out: Path, call_id: str, verbose: bool) -> None:
    """Print what was said in a call, in full; that you read it is noted.

    For those who may see customers' data: it comes from OUT/private, which only its owner reads.
    """
    from reports.store import full_text

    del verbose
    _need_audit(out)
    for line in full_text.lines(out, call_id):
        click.echo(line)


@main.command()
@click.argument("out")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Erase nights before this date.")
@click.option("--call-id", "call_ids", multiple=True, help="Erase this call; may be given often.")
@click.option(
    "--private-before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Erase only the full transcripts of nights before this date; masked ones stay.",
)
@_verbose_option
def purge(
    *,
    out: str,
    before: datetime | None,
    call_ids: tuple[str, ...],
    private_before: datetime | None,
    verbose: bool,
) -> None:
    """Erase calls from tables, pages, the private store and runs under OUT, for good."""
    from flows import bucket
    from flows.commands import purge as purging

    del verbose
    if before is None and not call_ids and private_before is None:
        raise UsageError(
            "say what to erase: --before DATE, --call-id ID, --private-before DATE, or several"
        )
    with bucket.working(out) as local:
        if before is not None or call_ids:
            day = before.date() if before else None
            erased = purging.purge(local, before=day, call_ids=call_ids)
            click.echo(f"{erased} calls erased")
        if private_before is not None:
            forgotten = purging.purge_words(local, before=private_before.date())
            click.echo(f"{forgotten} full transcripts erased")


@main.command()
@_config_option
@click.option("--model", help="Whisper model name, or the path of a checkpoint.")
@click.option(
    "--plan",
    nargs=2,
    type=click.FloatRange(min=0, min_open=True),
    metavar="CALLS MINUTES",
    help="Reckon how long so many calls of so many minutes would take here, by model.",
)
@click.pass_context
def doctor(
    ctx: click.Context,
    *,
    config_file: Path | None,
    model: str | None,
    plan: tuple[float, float] | None,
) -> None:
    """Say what is installed, which engine and weights would be used, what is missing."""
    from audit import config
    from flows import doctor as diagnosis

    settings = config.load(config_file, overrides={"hearing.recogniser.model": model})
    if plan is not None:
        for line in diagnosis.plan(settings, calls=plan[0], minutes=plan[1]):
            click.echo(line)
        return
    healthy = True
    for check in diagnosis.examine(settings):
        healthy &= check.ok
        click.echo(f"{'ok     ' if check.ok else 'MISSING'} {check.name}: {check.detail}")
    if not healthy:
        ctx.exit(EXIT_FAILED)
