"""What tests need to judge calls that are written by hand."""

from __future__ import annotations

from typing import Any

from audit import rules
from audit.rulebooks import Rulebook
from audit.rules import disposition, no_interruption, written
from audit.rules.base import Context, Rule
from audit.rules.written.evaluator import ConditionEvaluator
from audit.types import Call, Finding
from flows import wiring

MODELS = wiring.judging_models()
"""The classifiers that ship."""


def found_by(rule: Rule[Any], call: Call, book: Rulebook) -> list[Finding]:
    """What one rule finds in a call; nothing where the rulebook does not have it."""
    settings = book.rules.get(rule)
    return [] if settings is None else rule.evaluate(call, settings, Context(book.cues, MODELS))


def evaluator(call: Call, book: Rulebook) -> ConditionEvaluator:
    """What evaluates the conditions of written rules on a call."""
    return ConditionEvaluator(call, book.rules.of(no_interruption.RULE).applied())


def found_by_written(call: Call, book: Rulebook) -> list[Finding]:
    """What the written rules of a rulebook find in a call."""
    thresholds = book.rules.of(no_interruption.RULE).applied()
    return written.evaluate(call, book.rules.written, thresholds=thresholds)


def found_by_all(call: Call, book: Rulebook) -> list[Finding]:
    """What all rules of a rulebook find in a call."""
    came_out = disposition.classify(call, book.dispositions)
    return rules.evaluate(call, book.rules, Context(book.cues, MODELS), came_out=came_out)
