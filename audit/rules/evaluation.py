"""Judging a call by all rules of a rulebook."""

from __future__ import annotations

from audit.rules import disposition, gaps, legs, menus, no_interruption, reliance, written
from audit.rules.base import CheckedRule, Context, RuleSettings
from audit.rules.registry import Rules
from audit.types import Call, Disposition, Finding


def _is_enabled(settings: RuleSettings, check_id: str) -> bool:
    check = settings.checks.get(check_id) if isinstance(settings, CheckedRule) else None
    return check is None or check.enabled


def evaluate(call: Call, rules: Rules, context: Context, *, came_out: Disposition) -> list[Finding]:
    """Judge a call, whose turns have their stages, by every rule of a rulebook.

    A rule gives nothing where the rulebook does not have it, nor, but for the core ones, where
    the call has no occasion for it (a call without a wait, for ``hold``). What rests on
    uncertain words or speakers is ``cannot_tell`` (:mod:`audit.rules.reliance`), and so is what is
    undecidable without a conversation or with a dead channel (:mod:`audit.rules.disposition`), of a
    call in several files (:mod:`audit.rules.legs`), where a channel carries nothing for a while
    (:mod:`audit.rules.gaps`), or of what a switchboard plays (:mod:`audit.rules.menus`).

    Args:
        call: as transcribed.
        rules: of the rulebook.
        context: the rulebook's cues, and the models.
        came_out: as :func:`audit.rules.disposition.classify` has it.
    """
    unscored = reliance.is_unscored(call)
    call = reliance.scored(call, context.models.wording)
    legible = reliance.readable(call)
    found = [
        one
        for rule, settings in rules.built_in()
        for one in rule.evaluate(legible, settings, context)
        if _is_enabled(settings, one.check_id)
    ]
    thresholds = rules.of(no_interruption.RULE).applied()
    acts = context.acts(legible)
    found += written.evaluate(legible, rules.written, thresholds=thresholds, acts=acts)
    found = reliance.withheld(found, call, rules, unscored=unscored)
    found = legs.withheld(found, call, rules)
    found = gaps.withheld(found, call, rules)
    found = menus.withheld(found, call, context.cues.dispositions)
    return disposition.withheld(found, call, rules, came_out)
