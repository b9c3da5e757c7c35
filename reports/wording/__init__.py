"""Every sentence that people read, in each language: ``zh.json`` and ``en.json``, by key.

Both files have the same keys, and the same places (``{name}``) in the strings of a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from audit.reasons import Reason, Value

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


def sentence(reason: Reason, *, language: Language = "zh") -> str:
    """A reason in words for the QA team.

    >>> from audit.reasons import because
    >>> sentence(because("hold.not_thanked", waited_s=31.24), language="en")
    'The customer waited 31.2 s and was neither thanked nor given an apology afterwards'
    """
    text = _sentence(reason, language)
    ours = language == "en" and reason.id not in ("verbatim", "written")
    return text[:1].upper() + text[1:] if ours else text


def _sentence(reason: Reason, language: Language) -> str:
    text = by_key(language)[f"reason.{reason.id}"]
    return text.format(**{name: _words(value, language) for name, value in reason.values})


def _words(value: Value, language: Language) -> str | int | float:
    if isinstance(value, Reason):
        return _sentence(value, language)
    if isinstance(value, tuple):
        separator = by_key(language)["list_separator"]
        return separator.join(_sentence(one, language) for one in value)
    return value


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name, value
