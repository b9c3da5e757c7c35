"""Writes ``docs/cli.md`` from the commands: ``python -m flows.cli.reference > docs/cli.md``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from flows.cli.main import main

_WIDTH = 78
"""Of click's help on a terminal of 80 columns."""
_HEAD = """\
# Command line

Generated from `callaudit --help` by `python -m flows.cli.reference`; do not edit.

Exit codes: 0, every recording was audited; 3, some recordings were rejected and are listed with
reasons; 2, wrong usage or configuration, nothing was written; 1, anything else. An error is one
sentence on stderr; `--verbose` shows the traceback."""


def document() -> str:
    """The page: the program, then each of its commands, with its help text."""
    return "\n\n".join([_HEAD, *_sections(main, "callaudit", None)]) + "\n"


def _sections(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        info_name=path if parent is None else path.rsplit(" ", 1)[1],
        parent=parent,
        terminal_width=_WIDTH,
        **command.context_settings,
    )
    yield f"## {path}\n\n```text\n{command.get_help(context).rstrip()}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _sections(found, f"{path} {name}", context)


if __name__ == "__main__":
    click.echo(document(), nl=False)
