"""The tables of options in ``docs/configuration.md``, written from :mod:`audit.config`.

``python -m flows.options`` rewrites them in place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from audit.config import Config

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"

_BETWEEN_MARKERS = re.compile(r"(<!-- options -->\n).*?(<!-- /options -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """A page with the tables of options between its markers regenerated.

    Args:
        page: Markdown with ``<!-- options -->`` and ``<!-- /options -->``.
    """
    tables = "\n".join(_section("", Config))
    return _BETWEEN_MARKERS.sub(lambda found: f"{found[1]}\n{tables}\n{found[2]}", page)


def _section(name: str, model: type[BaseModel]) -> Iterator[str]:
    """The lines of a section's own options, then those of the sections inside it."""
    sections: dict[str, type[BaseModel]] = {}
    options: dict[str, FieldInfo] = {}
    for key, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            sections[f"{name}.{key}".lstrip(".")] = kind
        else:
            options[key] = field
    if name:
        yield f"### `{name}`"
        yield ""
        yield (model.__doc__ or "").strip().replace("``", "`")
        yield ""
    if options:
        yield "| option | default | meaning |"
        yield "| --- | --- | --- |"
        for key, field in options.items():
            yield f"| `{key}` | `{_default(field.default)}` | {field.description} |"
        yield ""
    for inner, kind in sections.items():
        yield from _section(inner, kind)


def _default(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
