"""Operation: ``schedule`` serves the nightly flow, ``doctor`` examines the machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flows.cli import common, formatters


@common.command("schedule")
@click.argument("recordings")
@common.out_or_url_option
@common.manifest_option
@common.preset_option
@common.config_option
@click.option("--cron", help="Cron expression (default: 0 1 * * *).")
def schedule(
    *,
    recordings: str,
    out: str,
    manifest: str | None,
    preset: str | None,
    config_file: Path | None,
    cron: str | None,
) -> None:
    """Serve the nightly flow on a schedule, until stopped.

    Each run audits yesterday's calls and those of missed nights. RECORDINGS may contain a date
    pattern, such as /data/calls/%Y-%m-%d. Failures are posted to $CALLAUDIT_WEBHOOK.
    """
    from audit import config
    from flows import schedule as scheduling

    settings = config.load(
        config_file, overrides={"schedule.cron": cron, "manifest.preset": preset}
    )
    scheduling.serve(recordings, out, manifest=manifest, config=settings)


@common.command("doctor")
@common.config_option
@common.engine_option
@common.model_option
@click.option(
    "--plan",
    nargs=2,
    type=click.FloatRange(min=0, min_open=True),
    metavar="CALLS MINUTES",
    help="Estimate, for each model, how long CALLS calls of MINUTES minutes would take on this "
    "machine.",
)
@click.option(
    "--sample",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A call to time the model on, for --plan with a model that is not Whisper's by name; "
    "without it noise is used.",
)
def doctor(
    *,
    config_file: Path | None,
    engine: str | None,
    model: str | None,
    plan: tuple[float, float] | None,
    sample: Path | None,
) -> None:
    """Show what is installed and what is missing.

    Includes the engine and weights that a run would use.
    """
    from audit import config
    from flows import doctor as diagnosis

    settings = config.load(
        config_file,
        overrides={"transcription.asr.engine": engine, "transcription.asr.model": model},
    )
    if plan is not None:
        from flows import sizing, wiring

        calls, minutes = plan
        click.echo(f"{calls:g} calls of {minutes:g} minutes on {os.cpu_count()} cores:")
        asr = settings.transcription.asr
        if sizing.is_by_name(asr):
            lines = formatters.plan(sizing.estimates(asr), calls=calls, minutes=minutes)
        else:
            wiring.check(settings)  # among others, that a sample may be sent to a service
            timed = sizing.measure(asr, sample=sample)
            lines = formatters.timed_plan(timed, calls=calls, minutes=minutes)
        for line in lines:
            click.echo(line)
        return
    checks = []
    for check in diagnosis.examine(settings):
        checks.append(check)
        click.echo(formatters.check(check))
    if not all(check.ok for check in checks):
        raise click.exceptions.Exit(common.EXIT_FAILED)
