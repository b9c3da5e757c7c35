"""What a rulebook says of forbidden wording: phrases, acts and meaning."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from audit.rules.base import Check, CheckSpec, RuleSettings, spec
from audit.rules.fields import Phrase
from audit.rules.forbidden_acts import ForbiddenAct
from audit.rules.forbidden_phrases import ForbiddenGroup
from audit.rules.meanings import ForbiddenMeaning


class ForbiddenLanguageRule(RuleSettings):
    """What the agent must not say; with ``meaning``, in other words as well.

    ``own_clauses_of``: the clause of this norm that forbids what a clause of another does; groups
    and kinds that name the other are judged by it. ``forbidden_acts``: acts of the rulebook that
    break a clause, by name. ``not_for_customer``: words with which the agent says that they speak
    of or for somebody else; nothing in a turn with them fails.
    """

    groups: tuple[ForbiddenGroup, ...]
    own_clauses_of: dict[str, str] = Field(default_factory=dict)
    not_after: tuple[Phrase, ...] = ()
    not_for_customer: tuple[Phrase, ...] = ()
    meaning: ForbiddenMeaning | None = None
    forbidden_acts: dict[str, ForbiddenAct] = Field(default_factory=dict)

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """One check, once for each clause that a group or a kind of wording breaks."""
        for group in self.groups:
            yield spec(rule_id, rule_id, self.own(group.check()), auto_fail=group.auto_fail)
        for check in self.meaning.kinds.values() if self.meaning else ():
            yield spec(rule_id, rule_id, self.own(check))
        for check in self.forbidden_acts.values():
            if check.enabled:
                yield spec(rule_id, rule_id, self.own(check))

    def acts(self) -> Iterator[str]:
        """The acts that are forbidden."""
        return iter(self.forbidden_acts)

    def acts_of_agent(self) -> Iterator[str]:
        """The same."""
        return self.acts()

    def own(self, check: Check) -> Check:
        """A check under the clause of this norm, if it has one of its own."""
        clause = self.own_clauses_of.get(check.clause, check.clause)
        return check.model_copy(update={"clause": clause})
