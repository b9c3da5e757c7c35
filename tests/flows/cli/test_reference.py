"""``docs/cli.md`` says what ``--help`` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import reference
from flows.cli.main import main

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == reference.document(), (
        "python -m flows.cli.reference > docs/cli.md"
    )


@pytest.mark.parametrize("command", [[], ["run"], ["rulebook"], ["rulebook", "check"]], ids=str)
def test_it_shows_the_help_as_it_is_printed(command: list[str]) -> None:
    arguments = [*command, "--help"]
    shown = CliRunner().invoke(main, arguments, prog_name="callaudit", terminal_width=78)
    assert f"```text\n{shown.output.rstrip()}\n```" in PAGE.read_text("utf-8")
