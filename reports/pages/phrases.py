"""Strings in templates: written in Chinese, with the key by which a script shows the English.

``{{ t.call.transcribed }}`` becomes an element that carries the key. Where an element is not
allowed, the filters of ``environment`` write text and key separately:
``<option {{ p|marks }}>{{ p|text }}``, or an attribute with its key: ``<a {{ p|on("title") }}>``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markupsafe import Markup

from audit.reasons import Reason, Value
from reports.wording import by_key, strings


@dataclass(frozen=True, slots=True)
class Phrase:
    """A string of the strings files, and what its places are filled with."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The Chinese text."""
        text = by_key("zh")[self.key]
        return text.format(**_texts(self.values)) if self.values else text

    def __html__(self) -> str:
        """The text in an element with its key; bare where it is the same in both languages."""
        if not self.values and by_key("en")[self.key] == by_key("zh")[self.key]:
            return str(Markup.escape(str(self)))
        return str(Markup("<span {}>{}</span>").format(self.marks(), str(self)))

    def put(self, **values: object) -> Phrase:
        """The phrase with its places filled, by text or by other phrases."""
        kept = {k: v if isinstance(v, Phrase) else str(v) for k, v in values.items()}
        return Phrase(self.key, kept)

    def marks(self, attribute: str = "") -> Markup:
        """The attribute that holds the key of an element's text, or of one of its attributes."""
        name = f"data-i18n-{attribute}" if attribute else "data-i18n"
        message = json.dumps(self._message(), ensure_ascii=False) if self.values else self.key
        return Markup('{}="{}"').format(name, message)

    def on(self, attribute: str) -> Markup:
        """An attribute that has this text, with its key."""
        return Markup('{}="{}" {}').format(attribute, str(self), self.marks(attribute))

    def _message(self) -> list[Any]:
        """Key and values as ``english.js`` reads them; phrases among the values likewise."""
        return [self.key, {name: _datum(value) for name, value in self.values.items()}]


def of_reason(reason: Reason) -> Phrase | Markup:
    """Why a verdict is what it is; bare where it exists in one language only."""
    words = _of_reason(reason)
    values = dict(reason.values)
    if reason.id == "verbatim" or (reason.id == "written" and values["zh"] == values["en"]):
        return Markup('<span translate="no">{}</span>').format(str(words))
    return words


def _of_reason(reason: Reason) -> Phrase:
    return Phrase(f"reason.{reason.id}", {name: _phrased(v) for name, v in reason.values})


def _phrased(value: Value) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_of_reason, value))
    return _of_reason(value) if isinstance(value, Reason) else value


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    separator = by_key("zh")["list_separator"]
    return {
        name: separator.join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _datum(value: Any) -> Any:
    if isinstance(value, tuple):
        return [one._message() for one in value]
    return value._message() if isinstance(value, Phrase) else value


@cache
def phrases() -> Mapping[str, Any]:
    """All strings as phrases, nested as in the strings files."""
    return _phrases(strings("zh"), "")


def _phrases(node: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {
        name: _phrases(value, f"{path}{name}.") if isinstance(value, dict) else Phrase(path + name)
        for name, value in node.items()
    }
