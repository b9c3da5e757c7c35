"""The rules: one file each, ``evaluate(call, rulebook)`` gives the findings."""

from __future__ import annotations

from audit.ports import JudgingModels
from audit.rulebooks.rulebook import Rulebook
from audit.rules import (
    active_listening,
    answer_wait,
    dead_air,
    disposition,
    forbidden_language,
    greeting,
    hold,
    no_interruption,
    reliance,
    silent_call,
    speech_rate,
    written,
)
from audit.rules.base import Rule, without_models
from audit.types import Call, Finding

RULES = (
    Rule("greeting", without_models(greeting.evaluate)),
    Rule("no_interruption", without_models(no_interruption.evaluate)),
    Rule("forbidden_language", forbidden_language.evaluate),
    Rule("active_listening", without_models(active_listening.evaluate)),
    Rule("dead_air", without_models(dead_air.evaluate)),
    Rule("hold", without_models(hold.evaluate)),
    Rule("silent_call", without_models(silent_call.evaluate)),
    Rule("speech_rate", without_models(speech_rate.evaluate)),
    Rule("answer_wait", without_models(answer_wait.evaluate)),
    Rule("written", without_models(written.evaluate)),
)


def evaluate(call: Call, rulebook: Rulebook, models: JudgingModels) -> list[Finding]:
    """Judge a call, whose turns have their stages, by every rule of a rulebook.

    ``written`` stands for all rules that are written in the rulebook itself.

    A rule beyond the first three gives nothing where the rulebook does not have it or the call
    has no occasion for it (a call without a wait, for ``hold``). What rests on words or speakers
    that are not sure is not told (:mod:`audit.rules.reliance`), nor what cannot be told where
    nobody was talked to or one of two channels is dead (:mod:`audit.rules.disposition`).
    """
    heard = reliance.readable(call)
    found = [found for rule in RULES for found in rule.evaluate(heard, rulebook, models)]
    return disposition.withheld(reliance.withheld(found, call, rulebook), call, rulebook)
