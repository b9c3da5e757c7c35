"""A rulebook: what a norm asks for, as validated data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

from pydantic import Field, create_model, field_validator, model_validator

from audit.rules.acts import Act
from audit.rules.base import CheckSpec
from audit.rules.cues import Cues, DispositionCues, SilenceCues, StageCues
from audit.rules.fields import Strict
from audit.rules.registry import RULES, Registry, Rules, rules_type
from audit.types import Role

ID_PATTERN = "[a-z0-9][a-z0-9-]*"
"""What a rulebook may be called."""


class Scoring(Strict):
    """How a score becomes a grade: each grade's least score."""

    grades: dict[str, float]
    auto_fail_grade: str = "F"

    @field_validator("grades")
    @classmethod
    def _down_to_nothing(cls, grades: dict[str, float]) -> dict[str, float]:
        if min(grades.values(), default=1) > 0:
            raise ValueError("one grade must begin at 0, or some scores have none")
        return grades


class Rulebook(Strict):
    """One norm, ready to judge calls; :func:`rulebook_type` knows the rules it may have."""

    id: str = Field(pattern=f"^{ID_PATTERN}$")
    title: str
    scoring: Scoring
    stages: StageCues
    silences: SilenceCues = SilenceCues()
    dispositions: DispositionCues = DispositionCues()
    acts: dict[str, Act] = Field(default_factory=dict)
    rules: Rules
    parameters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    sha256: str = ""

    @model_validator(mode="after")
    def _known_acts(self) -> Self:
        named = [(f"rule {name}", settings.acts()) for name, settings in self.rules.settings()]
        for place, acts in (*named, ("silences", self.silences.acts())):
            for act in acts:
                if act not in self.acts:
                    raise ValueError(f"{place} names the act {act!r}; there is none in acts")
        for rule_id, settings in self.rules.settings():
            for act in settings.acts_of_agent():
                if self.acts[act].role is not Role.AGENT:
                    raise ValueError(f"rule {rule_id}: {act} is an act of the customer")
        for rule_id, rule in self.rules.written.items():
            for together in rule.acts_together():
                if len({self.acts[act].role for act in together}) > 1:
                    raise ValueError(
                        f"rule {rule_id}: {', '.join(together)} are acts of both sides; "
                        "write a condition for each"
                    )
        return self

    @property
    def cues(self) -> Cues:
        """Its cues together."""
        return Cues(self.stages, self.silences, self.dispositions, self.acts)

    def specs(self) -> Iterator[CheckSpec]:
        """Every check of every rule; the same one again for each clause it judges."""
        for rule_id, settings in self.rules.settings():
            yield from settings.specs(rule_id)

    def clauses(self) -> list[str]:
        """Every clause that some check of this rulebook judges, in order, once."""
        named: dict[str, None] = {}
        for rule_id, settings in self.rules.settings():
            named |= dict.fromkeys(settings.own_clauses())
            named |= dict.fromkeys(spec.clause for spec in settings.specs(rule_id))
        return list(named)


@cache
def rulebook_type(registry: Registry = RULES) -> type[Rulebook]:
    """The type of a rulebook whose rules are those of a registry, or written."""
    return create_model("Rulebook", __base__=Rulebook, rules=(rules_type(registry), ...))
