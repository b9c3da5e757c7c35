"""Rulebooks are read from YAML files: ``extends``, parameters, and errors with their line.

``extends`` names another file whose entries are taken over where the file has none of its own;
mappings are merged key by key, lists are replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.language.surnames import DOUBLE_SURNAMES, RARE_SURNAMES, SURNAMES, TITLES
from audit.rulebooks.rulebook import ID_PATTERN, Rulebook, rulebook_type
from audit.rulebooks.shelf import SHELF, shipped
from audit.rulebooks.yaml_lines import composed, line_of, read_yaml
from audit.rules.fields import all_wordings
from audit.rules.registry import RULES, Registry

_WHOLE = frozenset({"applies", "requires", "forbids", "unless", "examples"})
"""Keys whose values make sense only as a whole, so that they are never merged."""


class InvalidRulebook(UsageError):
    """A rulebook that cannot be used; ``problems`` are its mistakes, a sentence each."""

    def __init__(self, id_or_path: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"rulebook {id_or_path} is not valid: {'; '.join(problems)}")
        self.id_or_path = id_or_path
        self.problems = problems

    def __reduce__(self) -> tuple[type[InvalidRulebook], tuple[str, tuple[str, ...]]]:
        return type(self), (self.id_or_path, self.problems)


def load(id_or_path: str, *, registry: Registry = RULES) -> Rulebook:
    """Load a rulebook by the id of a shipped one or by the path of a file.

    Args:
        id_or_path: which one.
        registry: the built-in rules that it may have.

    Raises:
        UsageError: there is none, or it is not valid; the message names the place.
    """
    return _load(id_or_path, registry)


@cache
def _load(id_or_path: str, registry: Registry) -> Rulebook:
    raw = _merged(_read(id_or_path), seen=(id_or_path,))
    given = raw.get("parameters") or {}
    if not isinstance(given, dict) or not all(isinstance(v, list) for v in given.values()):
        raise UsageError(f"rulebook {id_or_path}: parameters must map names to lists of wordings")
    parameters = {str(name): tuple(map(str, wordings)) for name, wordings in given.items()}
    try:
        # slots are filled in last: a parameter may name one
        known = parameters | _slots(parameters) | parameters
        rulebook = rulebook_type(registry).model_validate(_filled(raw, known))
    except ValidationError as error:
        raise InvalidRulebook(id_or_path, _problems(error, id_or_path)) from error
    except ValueError as error:  # a parameter with too many wordings
        raise InvalidRulebook(id_or_path, (str(error),)) from error
    except RecursionError as error:
        raise InvalidRulebook(id_or_path, ("it is nested too deeply",)) from error
    canonical = json.dumps(rulebook.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
    return rulebook.model_copy(update={"sha256": hashlib.sha256(canonical.encode()).hexdigest()})


def _slots(parameters: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Parameters that every rulebook has."""
    digits = tuple("零一二三四五六七八九十")
    slots = {
        "digit": digits,
        "工号": tuple(f"{digit}…" for digit in digits),
        "姓名": tuple(SURNAMES),
        "姓": (*SURNAMES, *RARE_SURNAMES, *DOUBLE_SURNAMES.split("|")),
        "称呼": TITLES,
    }
    organisations = parameters.get("organisations")
    return {**slots, "单位": organisations} if organisations else slots


def _problems(error: ValidationError, id_or_path: str) -> tuple[str, ...]:
    root = _composed(id_or_path)
    problems = []
    for problem in error.errors():
        place = [part for part in problem["loc"] if not str(part).startswith("<")]
        named = ".".join(map(str, place)) or "the rulebook"
        problems.append(at_line(root, place, f"{named}: {_said(problem)}"))
    return tuple(problems)


def _said(problem: ErrorDetails) -> str:
    """What is wrong, without the words that are pydantic's own."""
    if problem["type"] == "extra_forbidden":
        return "there is no such key"
    if problem["type"] == "missing":
        return "it is missing"
    return problem["msg"].removeprefix("Value error, ")


def at_line(root: yaml.Node | None, place: Sequence[str | int], sentence: str) -> str:
    """A sentence with the line of the file that it is about, if the file has it."""
    line = line_of(root, place)
    return f"line {line}: {sentence}" if line else sentence


def _composed(id_or_path: str) -> yaml.Node | None:
    path = Path(id_or_path)
    return composed(path) if path.is_file() else None


def _read_shipped(name: str) -> dict[str, Any]:
    return read_yaml((SHELF / f"{name}.yaml").read_text("utf-8"))


def _read(id_or_path: str) -> dict[str, Any]:
    plain = re.fullmatch(ID_PATTERN, id_or_path)
    if plain and (SHELF / f"{id_or_path}.yaml").is_file():
        return _read_shipped(id_or_path)
    if not Path(id_or_path).is_file():
        if "/" in id_or_path or id_or_path.endswith((".yaml", ".yml")):
            raise UsageError(f"there is no rulebook file {id_or_path}; check the path")
        raise UsageError(
            f"there is no rulebook {id_or_path!r}; choose one of {', '.join(shipped())} "
            "or give the path of a YAML file"
        )
    try:
        loaded = yaml.safe_load(text_of(Path(id_or_path).read_bytes()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"rulebook {id_or_path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"rulebook {id_or_path} is empty or no mapping; see `rulebook show`")
    return loaded


def _merged(raw: dict[str, Any], *, seen: tuple[str, ...]) -> dict[str, Any]:
    parent = raw.pop("extends", None) if "extends" in raw else None
    if parent is None:
        return raw
    if not isinstance(parent, str):
        raise UsageError(f"rulebook {seen[-1]}: extends must be the id or the path of a rulebook")
    beside = Path(seen[-1]).parent / parent
    if not (SHELF / f"{parent}.yaml").is_file() and beside.is_file():
        parent = str(beside.resolve())
    if parent in seen:
        raise UsageError(f"rulebook {seen[0]} extends itself by way of {parent}")
    return _overlaid(_merged(_read(parent), seen=(*seen, parent)), raw)


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        whole = key in _WHOLE or not isinstance(below, Mapping)
        if not whole and isinstance(value, Mapping):
            result[key] = _overlaid(result[key], value)
        else:
            result[key] = value
    return result


def _filled(node: Any, parameters: Mapping[str, tuple[str, ...]]) -> Any:
    """Put the wordings of a parameter in the place of its ``{name}``."""
    if isinstance(node, dict):
        return {key: _filled(value, parameters) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, parameters) for value in node]
    if isinstance(node, str):
        for name, wordings in parameters.items():
            if f"{{{name}}}" in node:
                choices = "|".join(plain for wording in wordings for plain in all_wordings(wording))
                node = node.replace(f"{{{name}}}", f"({choices})")
    return node
