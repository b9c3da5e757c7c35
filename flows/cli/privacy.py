"""Personal data: ``transcript`` reads a full text, ``purge`` erases calls."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from audit.errors import UsageError
from flows.cli import common


@common.command("transcript")
@common.out_argument
@click.argument("call_id")
def transcript(*, out: Path, call_id: str) -> None:
    """Print the unmasked transcript of a call.

    For people who may see personal data: it is read from OUT/private, which only its owner can
    read, and each access is logged.
    """
    from reports.store import Store, full_text

    for line in full_text.lines(Store.open(out), call_id):
        click.echo(line)


@common.command("purge")
@click.argument("out")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Erase nights before this date.")
@click.option("--call-id", "call_ids", multiple=True, help="Erase this call; can be repeated.")
@click.option(
    "--customer",
    "customers",
    multiple=True,
    metavar="NUMBER",
    help="Erase all calls of this customer; can be repeated. - reads one number a line from "
    "standard input, so that it is in no history of commands.",
)
@click.option(
    "--private-before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Erase only the full transcripts of nights before this date; masked ones are kept.",
)
def purge(
    *,
    out: str,
    before: datetime | None,
    call_ids: tuple[str, ...],
    customers: tuple[str, ...],
    private_before: datetime | None,
) -> None:
    """Permanently erase calls under OUT.

    They are erased from tables, pages, private store and runs.
    """
    from flows import bucket
    from flows.commands import purge as purging

    if "-" in customers:
        typed = [line.strip() for line in sys.stdin]
        customers = tuple(number for number in (*customers, *typed) if number not in ("-", ""))
    if before is None and not call_ids and not customers and private_before is None:
        raise UsageError(
            "say what to erase: --before DATE, --call-id ID, --customer NUMBER, "
            "--private-before DATE, or several"
        )
    with bucket.working(out) as local:
        if before is not None or call_ids or customers:
            day = before.date() if before else None
            erased = purging.purge(local, before=day, call_ids=call_ids, customers=customers)
            click.echo(f"{erased} calls erased")
        if private_before is not None:
            forgotten = purging.purge_words(local, before=private_before.date())
            click.echo(f"{forgotten} full transcripts erased")
