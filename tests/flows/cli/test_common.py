"""How every command fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli.common import App, command
from flows.cli.main import main


@command("fails")
def fails() -> None:
    """Fail as something that nobody expected does."""
    raise RuntimeError("out of paper")


@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_verbose_adds_the_traceback_and_keeps_the_exit_code(
    tmp_path: Path, verbose: list[str]
) -> None:
    wrong = CliRunner().invoke(main, ["report", str(tmp_path / "none"), *verbose])
    assert wrong.exit_code == 2
    assert ("Traceback" in wrong.stderr) is bool(verbose)
    assert "none does not exist; check the path" in wrong.stderr

    failed = CliRunner().invoke(App("callaudit", {"fails": fails}), ["fails", *verbose])
    assert failed.exit_code == 1
    assert ("Traceback" in failed.stderr) is bool(verbose)
    assert "out of paper" in failed.stderr
