"""Every command that the documentation shows is one that exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from audit.config import Config
from flows.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "README.zh-CN.md"]


def shown(page: Path) -> Iterator[str]:
    """The callaudit commands in a page's code blocks, continued lines joined."""
    text = page.read_text("utf-8")
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        joined = re.sub(r"\\\n\s*", " ", block)
        for line in joined.splitlines():
            command = re.sub(r"^\s*(?:\$|>)\s+", "", line).strip()
            command = re.sub(r"^(?:\S*/bin/|[A-Z_]+=\S+\s+)*", "", command)
            if re.match(r"callaudit(\s|$)", command):
                yield command


COMMANDS = sorted({c for page in PAGES if (ROOT / page).is_file() for c in shown(ROOT / page)})


def parse(line: str) -> None:
    """Parse a command as click would, without running it."""
    words = shlex.split(line, comments=True)[1:]
    words = words[
        : next((i for i, w in enumerate(words) if w in {"|", "&&", "||", ";", ">"}), None)
    ]
    command: click.Command = main
    context = click.Context(main, info_name="callaudit")
    while isinstance(command, click.Group):
        while words and words[0].startswith("-"):
            if words[0] in {"--help", "-h", "--version"}:
                return
            assert words[0] in {o for p in command.params for o in p.opts}, words[0]
            words.pop(0)
        assert words, f"{line} names no command"
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
    with command.make_context(command.name, [w for w in words if w not in {"--help", "-h"}]):
        pass


@pytest.mark.parametrize("page", PAGES)
def test_each_page_shows_the_way_in(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert "make demo" in text
    assert "make test" in text
    assert list(shown(ROOT / page))


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_that_are_shown_exist(line: str) -> None:
    try:
        parse(line)
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")


@pytest.mark.parametrize(
    "line",
    [
        "callaudit run calls --out OUT --nonsense",
        "callaudit frobnicate",
        "callaudit run calls",
        "callaudit rulebook burn hotline",
    ],
)
def test_commands_that_do_not_exist_would_be_noticed(line: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        parse(line)


def test_both_languages_show_the_same_commands() -> None:
    one, other = ({" ".join(c.split()[:2]) for c in shown(ROOT / page)} for page in PAGES)
    assert one == other


def test_the_configuration_that_is_shown_is_the_default_one() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    blocks = [
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    ]
    (shown_config,) = (block for block in blocks if "hearing" in block)
    assert Config.model_validate(shown_config) == Config()
