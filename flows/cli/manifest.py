"""Manifests: ``manifest check``, ``manifest presets``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli import common

if TYPE_CHECKING:
    from flows.commands.manifest_check import ManifestCheck, NameRead

_NAMES_MAX = 12
_EXAMPLE_MAX = 60
_FILES_MAX = 20


@click.group("manifest", cls=common.Group)
def manifest() -> None:
    """What a manifest is read as."""


@manifest.command("check")
@click.argument("file", required=False)
@common.preset_option
@common.config_option
@click.option(
    "--recordings", help="Folder or URL of the recordings: their files are looked for as well."
)
@common.json_option
def manifest_check(
    *,
    file: str | None,
    preset: str | None,
    config_file: Path | None,
    recordings: str | None,
    as_json: bool,
) -> None:
    """Show how a manifest or file names are read; nothing is written.

    FILE: CSV, Excel or Parquet, or an fsspec URL of it. With --preset, what the system exported,
    or a folder of it. If the recordings have no manifest, give their folder instead, or only
    --recordings.

    Each column with an example, the first recordings as they are read (without a manifest, what
    each file's name says), what is missing, and why rows or files would be rejected.
    """
    from audit import config, rulebooks
    from audit.intake import roots
    from flows.commands import manifest_check as checking

    settings = config.load(config_file, overrides={"manifest.preset": preset})
    rulebooks.load(settings.batch.rulebook)
    if file is not None and recordings is None and roots.is_folder(file):
        file, recordings = None, file
    result = checking.check(
        file,
        config=settings,
        rulebooks=[*rulebooks.shipped(), settings.batch.rulebook],
        root=None if recordings is None else roots.open_root(recordings),
    )
    if as_json:
        click.echo(json.dumps(asdict(result), ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(lines(result)))
    what = "recordings" if file is None else "manifest"
    for sentence in result.missing:
        common.warn(f"{what} {file or recordings} {sentence}")
    if result.missing:
        raise click.exceptions.Exit(common.EXIT_USAGE)
    if result.rejects:
        raise click.exceptions.Exit(common.EXIT_REJECTS)


@manifest.command("presets")
def manifest_presets() -> None:
    """List the systems whose exports are known."""
    from audit.intake import presets

    for name in presets.shipped():
        click.echo(f"{name}\t{presets.load(name).title}")


def lines(result: ManifestCheck) -> Iterator[str]:
    """The check as text."""
    from flows import rejects

    row = "row" if result.names is None else "recording"
    yield f"{result.form}; {_counted(result.rows, row)}"
    yield ""
    for column in result.columns:
        counts = {"empty": column.empty, "rejected": column.rejected}
        told = [f"{count} {what}" for what, count in counts.items() if count]
        example = f", such as {column.example[:_EXAMPLE_MAX]!r}" if column.example else ""
        yield "; ".join([f"{column.name} <- {column.theirs}{example}", *told])
    if result.left_out:
        yield (
            f"not read: {_counted(len(result.left_out), 'column')}, {_listed(result.left_out)}; "
            "name those that you want in manifest.keep"
        )
    for name, taken in result.assumed.items():
        yield f"no {name}: {taken}"
    for recording in result.first:
        yield ""
        yield from (f"  {name}: {value}" for name, value in recording.items())
    yield from _names(result.names or ())
    yield ""
    if not result.missing:
        yield f"{result.recordings} of {_counted(result.rows, row)} would be audited"
    yield from rejects.lines(result.rejects)
    if result.unlisted:
        yield f"not audited: {result.unlisted} recordings in the folder that no row names"
    if result.unrecorded:
        calls = _counted(result.unrecorded, "call")
        yield f"not audited: {calls} of the export without a recording"
    if result.ignored:
        files = _counted(result.ignored, "file")
        yield f"not looked at: {files} without the ending of a recording"


def _names(names: Sequence[NameRead]) -> Iterator[str]:
    """What the first files are read as, a line for each."""
    if names:
        yield ""
    for name in names[:_FILES_MAX]:
        read = ", ".join(f"{key} {value}" for key, value in name.read.items())
        yield f"  {name.file}: {read or f'rejected, {name.rejected}'}"
    if len(names) > _FILES_MAX:
        yield f"  … and {_counted(len(names) - _FILES_MAX, 'file')} more; --json lists all"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s'[: count != 1]}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(name[:40] for name in names[:_NAMES_MAX])
    return shown + (", …" if len(names) > _NAMES_MAX else "")
