"""The built-in rules, and what a rulebook says of them as one value.

A new rule is a module whose ``RULE`` is named here, in the order in which findings are listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import Field, create_model, model_validator

from audit.rules import (
    active_listening,
    answer_wait,
    dead_air,
    forbidden_language,
    greeting,
    hold,
    no_interruption,
    silent_call,
    speech_rate,
)
from audit.rules.base import Rule, RuleSettings, Settings
from audit.rules.fields import Strict
from audit.rules.written.settings import WrittenRule

Registry = tuple[Rule[Any], ...]

RULES: Registry = (
    greeting.RULE,
    no_interruption.RULE,
    forbidden_language.RULE,
    active_listening.RULE,
    dead_air.RULE,
    hold.RULE,
    silent_call.RULE,
    speech_rate.RULE,
    answer_wait.RULE,
)

CORE: tuple[str, ...] = tuple(rule.id for rule in RULES if rule.core)
"""Rules that every scorecard names, whatever the call. Without one of them there is no score:
that nobody is silent for long says nothing of a call whose words are unintelligible."""


class Rules(Strict):
    """The rules of a rulebook, by ``rule_id``; those made of conditions are in ``written``.

    :func:`rules_type` adds a field for each built-in rule: None where a rulebook has it not.
    """

    registry: ClassVar[Registry] = ()
    written: dict[str, WrittenRule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        for rule_id, rule in self.written.items():
            if rule_id in type(self).model_fields:
                raise ValueError(f"written rule {rule_id!r} has the name of a built-in one")
            for check_id in rule.checks:
                if check_id.partition(".")[0] != rule_id:
                    raise ValueError(f"check {check_id!r} must be called {rule_id}.SOMETHING")
        return self

    def get(self, rule: Rule[Settings]) -> Settings | None:
        """What the rulebook says of a built-in rule; None where it does not have it."""
        settings = self.__dict__.get(rule.id)
        return settings if isinstance(settings, rule.settings) else None

    def of(self, rule: Rule[Settings]) -> Settings:
        """What the rulebook says of a built-in rule.

        Raises:
            KeyError: the rulebook does not have it.
        """
        settings = self.get(rule)
        if settings is None:
            raise KeyError(rule.id)
        return settings

    def built_in(self) -> Iterator[tuple[Rule[Any], RuleSettings]]:
        """The built-in rules that the rulebook has, in the order of the registry."""
        for rule in self.registry:
            settings = self.get(rule)
            if settings is not None:
                yield rule, settings

    def settings(self) -> Iterator[tuple[str, RuleSettings]]:
        """Every rule of the rulebook by its id, the written ones after the built-in ones."""
        for rule, settings in self.built_in():
            yield rule.id, settings
        yield from self.written.items()


@cache
def rules_type(registry: Registry = RULES) -> type[Rules]:
    """The type of a rulebook's rules, with a field for each built-in rule."""
    fields: dict[str, Any] = {
        rule.id: (rule.settings, ...) if rule.core else (rule.settings | None, None)
        for rule in registry
    }
    made = create_model("Rules", __base__=Rules, **fields)
    made.registry = registry
    return made
