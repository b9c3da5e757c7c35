"""The rows of a table in JSON, as the interfaces of contact centres return it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from audit.errors import UsageError


def rows(text: str, *, lists: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """The objects of a JSON text, each as a row of text.

    Read are an object, an array of objects, and objects one after another with or without line
    breaks. What is nested is named by its path, and a list keeps JSON's form unless it is one of
    plain values.

    >>> list(rows('{"Agent": {"Username": "li"}, "Ids": ["a", "b"]}{"Agent": null}'))
    [{'Agent.Username': 'li', 'Ids': 'a,b'}, {'Agent': ''}]

    Args:
        text: the file's text.
        lists: paths at which an object may hold the list of what is meant, the first that is
            there.

    Raises:
        UsageError: it is not JSON, or holds something other than objects.
    """
    for value in _values(text):
        for item in _unwrapped(value, lists):
            if not isinstance(item, dict):
                raise UsageError(
                    f"the JSON holds {json.dumps(item, ensure_ascii=False)[:40]} where a call is "
                    "expected; give a file of objects, one for each call"
                )
            yield dict(_cells(item, ""))


def _values(text: str) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        if text[place].isspace() or text[place] == ",":
            place += 1
            continue
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError as error:
            line = text.count("\n", 0, place) + 1
            raise UsageError(
                f"the JSON object that begins in line {line} is not complete; export it again"
            ) from error
        yield value


def _unwrapped(value: Any, lists: Sequence[str]) -> list[Any]:
    if isinstance(value, list):
        return value
    for path in lists:
        held = value
        for key in path.split("."):
            held = held.get(key) if isinstance(held, dict) else None
        if isinstance(held, list):
            return held
    return [value]


def _cells(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, held in value.items():
        name = f"{path}{key}"
        if isinstance(held, dict) and held:
            yield from _cells(held, f"{name}.")
        else:
            yield name, _text(held)


def _text(value: Any) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ",".join(map(_text, value))
    if isinstance(value, str):
        return value.strip()
    return json.dumps(value, ensure_ascii=False)
