"""Rulebooks: ``rulebook list``, ``rulebook show``, ``rulebook check``."""

from __future__ import annotations

from pathlib import Path

import click

from audit.errors import UsageError
from flows.cli import common


@click.group("rulebook", cls=common.Group)
def rulebook() -> None:
    """Built-in rulebooks, and validation of custom ones."""


@rulebook.command("list")
def rulebook_list() -> None:
    """List the built-in rulebooks."""
    from audit import rulebooks as books

    for name in books.shipped():
        click.echo(f"{name}\t{books.load(name).title}")


@rulebook.command("show")
@click.argument("id_or_path")
def rulebook_show(*, id_or_path: str) -> None:
    """Print a rulebook as YAML: rules, clauses, weights and phrases."""
    import yaml

    from audit import rulebooks as books

    shown = books.load(id_or_path).model_dump(mode="json")
    click.echo(yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=100), nl=False)


@rulebook.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def rulebook_check(*, file: Path) -> None:
    """Validate a custom rulebook and run the examples in it."""
    from audit import rulebooks as books
    from audit.rulebooks import clauses, examples
    from flows import wiring
    from reports.wording import sentence

    if not file.is_file():
        raise UsageError(f"there is no file {file}; check the path")
    try:
        book = books.load(str(file))
        problems = examples.problems(book, file, models=wiring.judging_models(), say=sentence)
    except books.InvalidRulebook as error:
        problems = error.problems
    for problem in problems:
        common.warn(f"{file}: {problem}")
    if problems:
        raise click.exceptions.Exit(common.EXIT_USAGE)
    tried = f", {examples.count(book)} examples agree" if examples.count(book) else ""
    click.echo(f"{file} is valid: {book.id}, {len(book.clauses())} clauses{tried}")
    if own := sorted(set(book.clauses()) - clauses.clauses().keys()):
        click.echo(f"not among the clauses of the built-in norms: {', '.join(own)}")
