"""Fields of a rulebook's data: models that refuse unknown keys, and phrases."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from audit.language.phrases import expand, variety
from audit.language.text import sounds


class Strict(BaseModel):
    """Data of a rulebook: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True, defer_build=True
    )

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in type(self).model_fields)))

    def __hash__(self) -> int:
        """Computed once: conditions are the keys of cached results."""
        return self._hash


_MOST_WORDINGS = 10_000


def all_wordings(phrase: str) -> tuple[str, ...]:
    """All wordings that a rulebook's phrase stands for.

    Raises:
        ValueError: they are too many.
    """
    count = variety(phrase)
    if count > _MOST_WORDINGS:
        raise ValueError(
            f"phrase {phrase[:40]!r} stands for {count} wordings; {_MOST_WORDINGS} are the most, "
            "write several phrases"
        )
    return expand(phrase)


def _whole(phrase: str) -> str:
    depth = 0
    for sign in phrase:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            raise ValueError(f"phrase {phrase!r}: put alternatives into brackets: (a|b)")
        if depth < 0:
            break
    if depth:
        raise ValueError(f"phrase {phrase!r} has a bracket without its partner")
    if unfilled := re.search(r"\{(.*?)\}", phrase):
        raise ValueError(f"phrase {phrase!r}: there is no parameter {unfilled[1]!r}")
    if "{" in phrase or "}" in phrase:
        raise ValueError(f"phrase {phrase!r} has a brace without its partner")
    if not any(len(sounds(wording)) for wording in all_wordings(phrase)):
        raise ValueError(f"phrase {phrase!r} has no syllable to look for")
    return phrase


Phrase = Annotated[str, AfterValidator(_whole)]
"""A wording with alternatives, as rulebooks write them: ``请(您|)稍等``."""


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a valid regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiled)]
"""A regular expression."""
