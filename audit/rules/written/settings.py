"""Written rules as data: checks made of conditions, and the examples beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from audit.rules.base import ALL_VERDICTS, Check, CheckedRule, CheckSpec, spec
from audit.rules.fields import Strict
from audit.rules.written.conditions import ActCondition, Condition, needs_hit, parts
from audit.types import Verdict

Dialogue = tuple[str | dict[str, str | int | float | bool], ...]
"""Lines of an example, and mappings of the call's columns."""


class Examples(Strict):
    """Short dialogues, and what a check says of them; ``nothing``: it has no occasion there.

    A dialogue is a list of lines ``[0.0-4.2] 客服: …``, ``客户: …`` or ``未知: …``, the seconds
    optional; a mapping among them gives the call's columns (``direction: out``).
    """

    fail: tuple[Dialogue, ...] = ()
    passes: tuple[Dialogue, ...] = Field((), alias="pass")
    cannot_tell: tuple[Dialogue, ...] = ()
    nothing: tuple[Dialogue, ...] = ()

    def by_verdict(self) -> dict[str, tuple[Dialogue, ...]]:
        """The dialogues by what a check says of them."""
        return {name.replace("passes", "pass"): dialogues for name, dialogues in self}


class WrittenCheck(Check):
    """What a call must have (``requires``) or must not have (``forbids``).

    See ``docs/rules/writing.md``.

    ``applies``: where the check has occasion; ``unless``: what acquits; ``missing``: what is said
    where what it requires is not found. ``reason_en`` is the reason in English, for pages; it
    judges nothing, so it is not part of the rulebook's hash.
    """

    reason: str
    reason_en: str | None = Field(None, exclude=True)
    auto_fail: bool = False
    applies: Condition | None = None
    requires: Condition | None = None
    forbids: Condition | None = None
    unless: Condition | None = None
    missing: Literal["fail", "cannot_tell"] = "fail"
    examples: Examples = Examples()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.requires is None) == (self.forbids is None):
            raise ValueError("give exactly one of requires and forbids")
        if self.requires is None and self.missing != "fail":
            raise ValueError("missing belongs to requires: what is forbidden cannot be missing")
        unless = self.unless if self.requires else None
        for condition in (self.applies, self.requires, self.forbids, unless):
            if condition is not None and needs_hit(condition):
                raise ValueError("only unless, beside forbids, knows a hit: write of: CONDITION")
        return self

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """What it may say; it does not fail if it applies only where what it requires is said."""
        only_noted = self.requires is not None and self.requires == self.applies
        never = only_noted or self.missing == "cannot_tell"
        return ALL_VERDICTS - {Verdict.FAIL} if never else ALL_VERDICTS


class WrittenRule(CheckedRule):
    """A rule whose checks are conditions."""

    title: str
    checks: dict[str, WrittenCheck] = Field(min_length=1)

    def enabled(self) -> Iterator[tuple[str, WrittenCheck]]:
        """The checks that judge calls, by their id."""
        return ((name, check) for name, check in self.checks.items() if check.enabled)

    def acts(self) -> Iterator[str]:
        """The acts that its conditions name."""
        return (act for together in self.acts_together() for act in together)

    def acts_together(self) -> Iterator[tuple[str, ...]]:
        """The acts that each of its conditions names."""
        for check in self.checks.values():
            for condition in (check.applies, check.requires, check.forbids, check.unless):
                for part in parts(condition) if condition is not None else ():
                    if isinstance(part, ActCondition):
                        yield part.act

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """Every check that is enabled, in the order in which the rulebook has them."""
        for check_id, check in self.enabled():
            yield spec(rule_id, check_id, check, auto_fail=check.auto_fail, verdicts=check.verdicts)
