"""Every sentence that people read, in each language: ``zh.json`` and ``en.json``, by key.

Both files have the same keys, and the same places (``{name}``) in the strings of a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]


@cache
def strings(language: Language) -> Mapping[str, Any]:
    """The strings of one language, nested as in its file."""
    text = (Path(__file__).parent / f"{language}.json").read_text("utf-8")
    return dict(json.loads(text))


@cache
def by_key(language: Language) -> Mapping[str, str]:
    """The strings of one language by their keys, such as ``call.title``."""
    return dict(_leaves(strings(language)))


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name, value
