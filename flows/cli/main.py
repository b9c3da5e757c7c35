"""The command ``callaudit``. Nothing heavy is imported before a command that needs it runs."""

from __future__ import annotations

import os

import click

from audit import __version__
from flows.cli import manifest, operations, pages, privacy, review, rulebooks, run, tables, training
from flows.cli.common import App


@click.group(cls=App)
@click.version_option(__version__, prog_name="callaudit")
def main() -> None:
    """Audit recorded Chinese service calls against service norms, with evidence."""
    os.umask(0o027)  # what is written is for owner and group


for _command in (
    run.run,
    run.audit_transcripts,
    manifest.manifest,
    pages.report,
    pages.case_file,
    review.review,
    review.calibrate,
    tables.rescore,
    tables.evaluate,
    tables.compact,
    rulebooks.rulebook,
    training.train,
    privacy.transcript,
    privacy.purge,
    operations.schedule,
    operations.doctor,
):
    main.add_command(_command)
