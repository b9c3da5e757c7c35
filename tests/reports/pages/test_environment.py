"""Templates are compiled once for a user, and never from where others may write."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.pages.environment import compile_all, environment


@pytest.fixture(autouse=True)
def _own_environment() -> None:
    environment.cache_clear()


def kept(cache: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in cache.iterdir()}


def test_what_is_compiled_is_kept(tmp_path: Path) -> None:
    cache = tmp_path / "new" / "pages"
    compile_all(cache)
    first = kept(cache)
    assert len(first) == len(environment().list_templates(extensions=["html"]))
    environment.cache_clear()
    compile_all(cache)
    assert kept(cache) == first  # what is compiled again is another file


def test_half_a_file_is_compiled_again(tmp_path: Path) -> None:
    compile_all(tmp_path / "pages")
    first = kept(tmp_path / "pages")
    broken = next((tmp_path / "pages").iterdir())
    broken.write_bytes(broken.read_bytes()[:-50])
    environment.cache_clear()
    compile_all(tmp_path / "pages")
    again = kept(tmp_path / "pages")
    assert [name for name in first if again[name] != first[name]] == [broken.name]


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_nothing_is_taken_from_where_others_write(tmp_path: Path, mode: int) -> None:
    cache = tmp_path / "pages"
    cache.mkdir()
    cache.chmod(mode)
    compile_all(cache)
    assert not kept(cache)
    assert environment().get_template("call.html")


def test_pages_do_not_need_the_cache(tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("a file")
    compile_all(tmp_path / "pages")
    assert environment().get_template("call.html")
