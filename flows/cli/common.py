"""What every command shares: how it fails, ``--verbose``, and the options of several commands."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from audit.errors import CallauditError, UsageError
from flows import encoding

EXIT_FAILED, EXIT_USAGE, EXIT_REJECTS = 1, 2, 3

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_VERBOSE, _TYPED = "callaudit.verbose", "callaudit.typed"
"""Keys of click's ``meta``, which all contexts of one command line share."""


def is_verbose(ctx: click.Context) -> bool:
    """Whether ``--verbose`` was given, before the command's name or after it."""
    return bool(ctx.meta.get(_VERBOSE))


def _be_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import logging

        ctx.meta[_VERBOSE] = True
        logging.basicConfig(level=logging.INFO)


def _verbose_option() -> click.Option:
    return click.Option(
        ["--verbose"],
        is_flag=True,
        is_eager=True,  # known before another option is found to be wrong
        expose_value=False,
        callback=_be_verbose,
        help="Show tracebacks and debug logs.",
    )


_CONTEXT = {"help_option_names": ["-h", "--help"]}


class Command(click.Command):
    """A command that knows ``--verbose``."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        attributes.setdefault("context_settings", _CONTEXT)
        super().__init__(*arguments, **attributes)
        self.params.append(_verbose_option())


class Group(click.Group):
    """A group of commands that know ``--verbose``."""

    command_class = Command

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        attributes.setdefault("context_settings", _CONTEXT)
        super().__init__(*arguments, **attributes)


class App(Group):
    """The whole command line: errors are one sentence on stderr and an exit code.

    With ``--verbose`` they are a traceback and the same exit code.
    """

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(_verbose_option())

    def main(self, *arguments: Any, **extra: Any) -> Any:
        """Run what the command line asks for, or the arguments that are given."""
        if not arguments and extra.get("args") is None:
            encoding.use_utf8()
        return super().main(*arguments, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, to be checked where errors become sentences."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            encoding.check(ctx.meta[_TYPED])
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if is_verbose(ctx):
                click.echo(traceback.format_exc(), nl=False, err=True)
            else:
                warn(_sentence(error))
            ctx.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, CallauditError):
        return str(error)
    return f"it failed with {type(error).__name__}: {error}; run again with --verbose to see where"


def command(name: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command; ``main`` lists them."""
    return click.command(name, cls=Command)


def warn(sentence: str) -> None:
    """Print a sentence on stderr, on one line."""
    click.echo(f"callaudit: {' '.join(sentence.split())}", err=True)


def reject(sentences: Iterable[str]) -> None:
    """Name the calls that a step failed for, if any, and end as a batch with rejects does."""
    sentences = list(sentences)
    for sentence in sentences:
        warn(f"{sentence}; run again with --verbose to see where")
    if sentences:
        raise click.exceptions.Exit(EXIT_REJECTS)


def _local(_: click.Context, __: click.Parameter, value: str) -> Path:
    if "://" in value:
        raise UsageError(
            f"--out {value} is a URL; this command writes to a folder of this machine only"
        )
    return Path(value)


_OUT_HELP = "Folder that receives Parquet tables and HTML pages"
out_option: Decorator = click.option(
    "--out", type=click.Path(file_okay=False), callback=_local, required=True, help=f"{_OUT_HELP}."
)
out_or_url_option: Decorator = click.option(
    "--out", type=click.Path(file_okay=False), required=True, help=f"{_OUT_HELP}; or an fsspec URL."
)
out_argument: Decorator = click.argument("out", type=click.Path(path_type=Path))
config_option: Decorator = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML configuration; see docs/configuration.md.",
)
engine_option: Decorator = click.option(
    "--engine",
    type=click.Choice(
        ["auto", "faster-whisper", "openai-whisper", "sherpa-onnx", "openai-compatible"]
    ),
    help="Speech recognition engine (default: auto, the faster one of Whisper that works here); "
    "openai-compatible is the service that the configuration names.",
)
model_option: Decorator = click.option(
    "--model",
    help="Whisper model name, path of a checkpoint or model folder, or a service's model.",
)
manifest_option: Decorator = click.option(
    "--manifest", help="CSV, Excel or Parquet file that lists the recordings."
)
preset_option: Decorator = click.option(
    "--preset",
    help="System whose export and file names are read, such as freepbx; `callaudit manifest "
    "presets` lists them, docs/recorders.md describes them.",
)
bundle_option: Decorator = click.option(
    "--bundle-audio", is_flag=True, help="Copy the recordings next to the pages, as Opus."
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
private_option: Decorator = click.option(
    "--private",
    type=click.Choice(["keep", "mask", "drop"]),
    help="Personal data in tables and pages: keep it, mask it (default), or mask it and discard "
    "the full transcripts as well.",
)
