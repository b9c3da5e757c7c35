"""The page of options says all that can be set, and what it means."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from audit.config import Config
from flows import options


def described(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, str | None]]:
    for key, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from described(kind, f"{name}{key}.")
        else:
            yield f"{name}{key}", field.description


def test_the_tables_are_fresh() -> None:
    page = options.PAGE.read_text("utf-8")
    assert page == options.with_tables(page), "run python -m flows.options"


def test_every_option_is_described() -> None:
    found = dict(described(Config))
    assert len(found) > 60
    assert [name for name, description in found.items() if not description] == []


def test_every_option_has_its_row() -> None:
    page = options.PAGE.read_text("utf-8")
    for name in dict(described(Config)):
        section, option = name.rsplit(".", 1)
        rows = page.partition(f"### `{section}`\n")[2].partition("\n### ")[0]
        assert f"| `{option}` |" in rows, name
