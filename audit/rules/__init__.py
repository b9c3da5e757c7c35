"""The rules: one file each, ``evaluate(call, rulebook)`` gives the findings."""

from __future__ import annotations

from audit.rulebook import Rulebook
from audit.rules import forbidden_language, greeting, no_interruption
from audit.types import Call, Finding

RULES = {
    "greeting": greeting.evaluate,
    "no_interruption": no_interruption.evaluate,
    "forbidden_language": forbidden_language.evaluate,
}


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """Judge a call, whose turns have their stages, by every rule of a rulebook."""
    return [finding for rule in RULES.values() for finding in rule(call, rulebook)]
