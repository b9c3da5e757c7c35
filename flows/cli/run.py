"""Auditing calls: ``run`` for recordings, ``audit-transcripts`` for ready transcripts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.errors import UsageError
from flows.cli import common

if TYPE_CHECKING:
    from audit.config import AsrConfig


@common.command("run")
@click.argument("recordings")
@common.out_or_url_option
@common.manifest_option
@common.preset_option
@common.config_option
@click.option("--rulebook", help="Rulebook of calls whose manifest row names none.")
@common.engine_option
@common.model_option
@click.option(
    "--max-rtf",
    type=click.FloatRange(min=0, min_open=True),
    help="Use the most accurate local model whose real-time factor on this machine is at most "
    "this, in seconds of processing per second of call.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Number of processes that transcribe recordings."
)
@click.option(
    "--resume/--no-resume",
    default=True,
    help="Reuse transcripts of earlier runs (default).",
)
@click.option(
    "--night",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Audit only calls of this date, and skip recordings that are still being written.",
)
@common.bundle_option
@common.private_option
def run(
    *,
    recordings: str,
    out: str,
    manifest: str | None,
    preset: str | None,
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
) -> None:
    """Audit every recording in a folder or bucket.

    RECORDINGS: a folder, or an fsspec URL such as s3://bucket/calls.
    """
    from audit import config
    from flows.cli import progress

    if max_rtf is not None:
        if model is not None:
            raise UsageError("--max-rtf chooses the model; leave --model out")
        measured = config.load(config_file, overrides={"transcription.asr.engine": engine})
        model = _best_model(measured.transcription.asr, max_rtf)
    settings = config.load(
        config_file,
        overrides={
            "manifest.preset": preset,
            "batch.rulebook": rulebook,
            "batch.workers": workers,
            "transcription.asr.engine": engine,
            "transcription.asr.model": model,
            "batch.bundle_audio": bundle_audio or None,
            "privacy.mode": private,
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
        raise click.exceptions.Exit(common.EXIT_REJECTS)


def _best_model(asr: AsrConfig, max_rtf: float) -> str:
    from flows import sizing

    best = sizing.best_within(asr, max_rtf)
    click.echo(f"model: {best.size.name}, about {best.rtf:.2f} s per second of call", err=True)
    return best.size.name


@common.command("audit-transcripts")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@common.out_option
@click.option(
    "--manifest",
    help="CSV, Excel or Parquet file with what the transcripts lack: the agent, the start.",
)
@common.config_option
@click.option("--rulebook", help="Rulebook of calls that name none.")
@common.private_option
def audit_transcripts(
    *,
    files: tuple[Path, ...],
    out: Path,
    manifest: str | None,
    config_file: Path | None,
    rulebook: str | None,
    private: str | None,
) -> None:
    """Audit ready transcripts without audio.

    FILES: JSONL with one call per line, or transcripts of FunASR, whisperX, Amazon Transcribe Call
    Analytics, Alibaba Cloud or Tencent Cloud; files, folders of them, or patterns.
    """
    from audit import config
    from flows import rejects
    from flows.commands import audit_transcripts as transcripts

    settings = config.load(
        config_file, overrides={"batch.rulebook": rulebook, "privacy.mode": private}
    )
    result = transcripts.audit_transcripts(files, out, config=settings, manifest=manifest)
    click.echo(f"{result.audited} audited, {len(result.rejects)} rejected; report: {result.index}")
    for line in rejects.lines(rejects.kinds(result.rejects)):
        click.echo(line)
    if result.rejects:
        raise click.exceptions.Exit(common.EXIT_REJECTS)
