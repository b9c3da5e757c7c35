"""The HTML pages: ``report``, ``case-file``."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli import common


@common.command("report")
@common.out_argument
@common.bundle_option
def report(*, out: Path, bundle_audio: bool) -> None:
    """Render the HTML pages again from the tables under OUT."""
    from reports import crashes
    from reports.pages import html, playback
    from reports.store import Store

    store = Store.open(out)
    if bundle_audio and (gone := playback.bundle_all(store)):
        common.warn(f"{gone} recordings cannot be reached and were not copied")
    pages = html.render_pages(store)
    click.echo(str(pages.index))
    common.reject(crashes.unrendered(pages))


@common.command("case-file")
@common.out_argument
@click.argument("call_id")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="HTML file to write.")
def case_file(*, out: Path, call_id: str, to: Path | None) -> None:
    """Write a call with its audio as one HTML file.

    For the agent concerned, or whoever decides on an appeal.
    """
    from reports.pages import case_file as pages
    from reports.store import Store

    click.echo(str(pages.write_case(Store.open(out), call_id, to=to)))
