"""The documentation shows commands and rulebooks that work, and its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
import yaml
from click.testing import CliRunner

from audit.config import Config
from flows.cli.main import main

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]
PAGES = [
    *READMES,
    "CHANGELOG.md",
    "data_samples/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
]
GENERATED = {"docs/cli.md", "docs/norms.md", "docs/schema.md", "docs/zh/norms.md"}
"""Pages that tests beside their generators compare."""
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
WRITING = "docs/rules/writing.md"  # tests/audit/rules/test_written.py tries its rulebooks


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


COMMANDS = sorted({command for page in PAGES for command in shown(ROOT / page)})


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE):
        label = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", label).replace(" ", "-")
        again = (f"{slug}-{n}" for n in range(1, 100))
        found.add(slug if slug not in found else next(a for a in again if a not in found))
    return frozenset(found)


def broken_links(page: Path) -> Iterator[str]:
    """The relative links of a page that lead to no file, or to no heading of a page."""
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = unquote(link).partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            yield link


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


@pytest.mark.parametrize("page", READMES)
def test_each_readme_shows_the_way_in(page: str) -> None:
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


def mentioned(page: Path) -> Iterator[str]:
    """The callaudit commands in a page's sentences and tables, which may leave out arguments."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    yield from (" ".join(code.split()) for code in re.findall(r"`(callaudit [a-z][^`]*)`", text))


def unknown(line: str) -> Iterator[str]:
    """The words of a command without its arguments that are no command or option of it."""
    command: click.Command = main
    options: set[str] = set()
    for word in shlex.split(line)[1:]:
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(click.Context(command), word)
            if found is None:
                yield word
                return
            command = found
        elif word.startswith("--"):
            options.add(word.partition("=")[0])
    yield from options - {o for p in command.params for o in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_mentioned_exist(page: str) -> None:
    lines = {line: list(unknown(line)) for line in mentioned(ROOT / page)}
    assert {line: words for line, words in lines.items() if words} == {}


def test_mentioned_commands_that_do_not_exist_would_be_noticed() -> None:
    lines = ["callaudit burn", "callaudit rulebook burn my.yaml", "callaudit run --nonsense 3"]
    assert [list(unknown(line)) for line in lines] == [["burn"], ["burn"], ["--nonsense"]]
    assert list(unknown("callaudit rulebook check FILE")) == []


def test_both_languages_show_the_same_commands() -> None:
    one, other = ({" ".join(c.split()[:2]) for c in shown(ROOT / page)} for page in READMES)
    assert one == other


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert list(broken_links(ROOT / page)) == []


def test_links_that_lead_nowhere_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `b` (c): d, e\n\n# Twice\n\n# Twice\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#a-b-c-d-e) [c](other.md#twice-1) [d](#here)\n"
        "![e](no.png) "
        "[f](other.md#no) [g](#no) [h](https://example.com/no) `[i](no.md)`\n"
        "```\n# Code\n[j](no.md)\n```\n[k](#code) [[l]](no.md)\n",
        "utf-8",
    )
    assert list(broken_links(page)) == ["no.png", "other.md#no", "#no", "#code", "no.md"]


@pytest.mark.parametrize("page", sorted({*PAGES} - GENERATED - {"CHANGELOG.md"}))
def test_places_in_the_code_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`((?:audit|models|reports|flows|tests|data_samples|docs)/[\w./-]+)`", text)
    assert [place for place in named if not (ROOT / place).exists()] == []
    modules = (m.rstrip(".").replace(".", "/") for m in re.findall(r"python -m ([\w.]+)", text))
    starts = [(ROOT / f"{m}.py", ROOT / m / "__main__.py") for m in modules]
    assert [start for start in starts if not any(path.is_file() for path in start)] == []


def test_every_page_of_docs_is_in_the_index() -> None:
    docs = ROOT / "docs"
    links = _LINK.findall((docs / "index.md").read_text("utf-8"))
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - {"index.md"}
    assert sorted(pages - {link.partition("#")[0] for link in links}) == []


def test_every_chinese_page_names_its_english_one_and_is_named_by_it() -> None:
    for page in (ROOT / "docs" / "zh").glob("*.md"):
        english = next(
            (page.parent / link).resolve()
            for link in _LINK.findall(page.read_text("utf-8"))
            if link.endswith(".md")
        )
        links = _LINK.findall(english.read_text("utf-8"))
        assert page in {(english.parent / link).resolve() for link in links}, page


def test_pages_that_the_code_names_exist() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("audit", "models", "reports", "flows", "tests", "data_samples")
        for pattern in ("*.py", "*.yaml", "*.md")
        for path in (ROOT / package).rglob(pattern)
        for name in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text("utf-8"))
        if not (ROOT / name).is_file()
    }
    assert missing == set()


def rulebooks(page: str) -> Iterator[str]:
    """The rulebooks that a page shows whole."""
    for block in re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S):
        if "\nextends: " in block:
            yield block


@pytest.mark.parametrize("page", [page for page in PAGES if page != WRITING])
def test_rulebooks_that_are_shown_are_valid(page: str, tmp_path: Path) -> None:
    for number, text in enumerate(rulebooks(page)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, "utf-8")
        done = CliRunner().invoke(main, ["rulebook", "check", str(path)])
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", READMES)
def test_readmes_stay_short_and_name_each_other_first(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    (other,) = set(READMES) - {page}
    assert f"]({other})" in text.splitlines()[0]
    assert len(text.splitlines()) <= 130
    assert len(text.split()) <= 1000


def test_the_configuration_that_is_shown_is_the_default_one() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    blocks = [
        yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    ]
    (shown_config,) = (block for block in blocks if "transcription" in block)
    assert Config.model_validate(shown_config) == Config()
