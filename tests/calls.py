"""Calls written by hand, and what judges them.

:func:`dialogue` reads the notation of docs/rules/writing.md; :func:`turns` reads it too, and short
tuples, where a test needs what no dialogue says: confidences, backchannels, pauses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from audit import rules
from audit.rulebooks import Rulebook
from audit.rulebooks.examples import as_call, turn_of
from audit.rules import disposition, no_interruption, written
from audit.rules.acts import CallActs
from audit.rules.base import Context, Rule
from audit.rules.written.evaluator import ConditionEvaluator
from audit.types import Call, Finding, Role, Turn
from flows import wiring

MODELS = wiring.judging_models()
"""The classifiers that ship."""

Said = str | tuple[str, str] | tuple[str, str, float, float]
"""A line of a dialogue; or who (A, C or ?), what, and from when to when."""

_WHO = {"A": "客服", "C": "客户", "?": "未知"}
_CHANNELS = {Role.AGENT: 0, Role.CUSTOMER: 1, Role.UNKNOWN: 0}


def dialogue(lines: str | Iterable[str], book: Rulebook, **columns: str) -> Call:
    """The call that a dialogue is, ``[0.0-4.2] 客服: …``, its turns in their stages.

    Args:
        lines: one for each turn.
        book: for the cues of the stages.
        columns: of the call.
    """
    listed = lines.strip().splitlines() if isinstance(lines, str) else lines
    return as_call((columns, *listed), book, model=MODELS.stages)


def turns(
    said: Iterable[Said],
    *,
    asr_confidence: float | None = None,
    backchannels: Collection[int] = (),
) -> list[Turn]:
    """What is said as turns without stages, each side on its channel.

    The words of tuples are kept as they are; those of a line are put in simplified characters.

    Args:
        said: in order.
        asr_confidence: of all words.
        backchannels: positions of those that only listen.
    """
    return [
        replace(
            turn,
            channel=_CHANNELS[turn.role],
            asr_confidence=asr_confidence,
            is_backchannel=turn.index in backchannels,
        )
        for turn in (_turn(one, index) for index, one in enumerate(said))
    ]


def _turn(said: Said, index: int) -> Turn:
    if isinstance(said, str):
        return turn_of(said, index=index)
    who, text, *times = said
    place = f"[{times[0]}-{times[1]}] " if times else ""
    return replace(turn_of(f"{place}{_WHO[who]}:", index=index), text=text)


def found_by(rule: Rule[Any], call: Call, book: Rulebook) -> list[Finding]:
    """What one rule finds in a call; nothing where the rulebook does not have it."""
    settings = book.rules.get(rule)
    return [] if settings is None else rule.evaluate(call, settings, Context(book.cues, MODELS))


def evaluator(call: Call, book: Rulebook) -> ConditionEvaluator:
    """What evaluates the conditions of written rules on a call."""
    thresholds = book.rules.of(no_interruption.RULE).applied()
    return ConditionEvaluator(call, thresholds, CallActs(call, book.acts, MODELS.acts))


def found_by_written(call: Call, book: Rulebook) -> list[Finding]:
    """What the written rules of a rulebook find in a call."""
    thresholds = book.rules.of(no_interruption.RULE).applied()
    acts = CallActs(call, book.acts, MODELS.acts)
    return written.evaluate(call, book.rules.written, thresholds=thresholds, acts=acts)


def found_by_all(call: Call, book: Rulebook) -> list[Finding]:
    """What all rules of a rulebook find in a call."""
    came_out = disposition.classify(call, book.dispositions)
    return rules.evaluate(call, book.rules, Context(book.cues, MODELS), came_out=came_out)
