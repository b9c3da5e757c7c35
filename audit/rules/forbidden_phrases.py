"""Wordings that the norms forbid, as phrases: which of them a turn holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from audit.language.phrases import STRICT, Match, find_any, find_each, find_literal
from audit.language.text import sounds
from audit.rules.base import Check
from audit.rules.fields import Phrase, Strict
from audit.types import Severity

_NOTHING_ELSE = re.compile("[嗯哦啊呃额哎唉诶这那个我们也都就是的呀啦了真还可，。！、… ]*")
"""What is said beside words that stand alone; no question, which asks back."""


class ForbiddenGroup(Strict):
    """Wordings that break one clause.

    ``literal``: only the characters themselves count, for words that are short and have
    innocent neighbours in sound (验证码的 sounds like an oath). ``by_meaning``: what is said has
    to be like forbidden wording as a whole too (傻瓜相机 is not).
    ``alone``: only where the turn says nothing else, and the customer has not just said it (不行).
    """

    clause: str
    severity: Severity
    points: float = Field(gt=0, allow_inf_nan=False)
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    unless: tuple[Phrase, ...] = ()
    auto_fail: bool = False
    literal: bool = False
    by_meaning: bool = False
    alone: bool = False

    def check(self) -> Check:
        """What its wordings break, and what that costs."""
        return Check(clause=self.clause, points=self.points, severity=self.severity)


@dataclass(frozen=True, slots=True)
class FoundPhrase:
    """A wording that a turn holds, and where."""

    group: ForbiddenGroup
    match: Match


def worst(
    text: str,
    groups: Sequence[ForbiddenGroup],
    not_after: tuple[str, ...],
    repeats: frozenset[int],
    before: str,
) -> FoundPhrase | None:
    """The gravest forbidden wording of a turn.

    Args:
        text: what the agent says.
        groups: of wordings.
        not_after: words right after which a wording is excused.
        repeats: indices of the characters that repeat the customer.
        before: what the customer said last.
    """
    hits = []
    for group, match in _found(text, groups):
        if _acquitted(text, match, group, not_after):
            continue
        if group.alone and not _is_alone(text, match, before):
            continue
        if not repeats.issuperset(_spoken_in(text, match)):
            hits.append(FoundPhrase(group, match))
    return max(hits, key=_gravity, default=None)


def _gravity(hit: FoundPhrase) -> tuple[float, bool, float]:
    """What a phrase costs; of the same weight, what counts whatever the rest means goes first."""
    return hit.group.points, not hit.group.by_meaning, hit.match.quality


def _found(text: str, groups: Sequence[ForbiddenGroup]) -> Iterator[tuple[ForbiddenGroup, Match]]:
    sounded = find_each([() if group.literal else group.phrases for group in groups], text)
    for group, match in zip(groups, sounded, strict=True):
        found = find_literal(group.phrases, text) if group.literal else match
        if found:
            yield group, found


def _is_alone(text: str, match: Match, before: str) -> bool:
    """Whether a turn says nothing but these words, and of its own accord."""
    rest = text[: match.first] + text[match.last :]
    if _NOTHING_ELSE.fullmatch(rest) is None:
        return False
    return text[match.first : match.last] not in before


def _spoken_in(text: str, match: Match) -> Iterator[int]:
    return (at for at in sounds(text).positions if match.first <= at < match.last)


def _acquitted(text: str, match: Match, group: ForbiddenGroup, not_after: tuple[str, ...]) -> bool:
    if group.unless and find_any(group.unless, text, slack=STRICT):
        return True
    before = text[max(0, match.first - 8) : match.first]
    # 玩意 sounds like 万一
    return (find_literal if group.literal else find_any)(not_after, before) is not None
