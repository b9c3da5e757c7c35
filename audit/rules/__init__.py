"""The rules: one file each, ``evaluate(call, rulebook)`` gives the findings."""

from __future__ import annotations

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
from audit.types import Call, Finding

RULES = {
    "greeting": greeting.evaluate,
    "no_interruption": no_interruption.evaluate,
    "forbidden_language": forbidden_language.evaluate,
    "active_listening": active_listening.evaluate,
    "dead_air": dead_air.evaluate,
    "hold": hold.evaluate,
    "silent_call": silent_call.evaluate,
    "speech_rate": speech_rate.evaluate,
    "answer_wait": answer_wait.evaluate,
    "written": written.evaluate,
}


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """Judge a call, whose turns have their stages, by every rule of a rulebook.

    ``written`` stands for all rules that are written in the rulebook itself.

    A rule beyond the first three gives nothing where the rulebook does not have it or the call
    has no occasion for it (a call without a wait, for ``hold``). What rests on words or speakers
    that are not sure is not told (:mod:`audit.rules.reliance`), nor what cannot be told where
    nobody was talked to or one of two channels is dead (:mod:`audit.rules.disposition`).
    """
    heard = reliance.readable(call)
    found = [finding for rule in RULES.values() for finding in rule(heard, rulebook)]
    return disposition.withheld(reliance.withheld(found, call, rulebook), heard, rulebook)
