"""A rule that nobody needs: does the agent say the magic word."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from audit.language.phrases import find_any
from audit.reasons import verbatim
from audit.rules.base import Check, CheckedRule, Context, Rule, finding
from audit.rules.fields import Phrase
from audit.types import Call, Finding, Role, Verdict


class ToyRule(CheckedRule):
    """The agent says one of ``magic``."""

    checks: dict[Literal["toy.magic"], Check] = Field(min_length=1)
    magic: tuple[Phrase, ...] = Field(min_length=1)


def evaluate(call: Call, rule: ToyRule, context: Context) -> list[Finding]:
    """One finding for each call in which the agent speaks."""
    spoken = call.said_by(Role.AGENT)
    if not spoken:
        return []
    check = rule.checks["toy.magic"]
    for turn in spoken:
        if find_any(rule.magic, turn.text):
            return [finding("toy.magic", check, Verdict.PASS, verbatim("说了"), turn=turn)]
    return [finding("toy.magic", check, Verdict.FAIL, verbatim("没有说"), turn=spoken[0])]


RULE = Rule("toy", ToyRule, evaluate)
