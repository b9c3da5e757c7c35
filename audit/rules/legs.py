"""What cannot be told of a call in several files.

How its sides met, what nobody recorded, and what another agent than the call's has done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit.reasons import Reason, because
from audit.rules import answer_wait, greeting, no_interruption
from audit.rules.registry import Rules
from audit.rules.reliance import one_for_the_call, undecided
from audit.types import Call, Finding, Span, Verdict

_OF_ONE_LINE = ("interruption.mono", "listening.mono", "silent_call.mono")
"""Why a rule that compares two voices cannot decide; wrong where there are two files."""
_OF_FIRST_AGENT = (greeting.RULE.id, answer_wait.RULE.id)
"""Rules about the beginning, which is the agent's of the call."""


def withheld(findings: Sequence[Finding], call: Call, rules: Rules) -> list[Finding]:
    """The findings, ``cannot_tell`` in the place of those that such a call does not allow.

    Args:
        findings: of all rules.
        call: as transcribed.
        rules: that they were made by.
    """
    doubts = {doubt.id: doubt for doubt in call.transcript.doubts if doubt.id.startswith("legs.")}
    if not doubts:
        return list(findings)
    aligned = doubts.get("legs.by_turns") or doubts.get("legs.not_aligned")
    meeting = {rule.id for rule in rules.registry if rule.two_voices}
    if "legs.not_aligned" not in doubts:
        meeting = {no_interruption.RULE.id} if aligned else set()
    kept = []
    for one in findings:
        if aligned and one.reason.id in _OF_ONE_LINE:
            one = replace(one, reason=aligned)
        why = _why(one, call, aligned if one.rule_id in meeting else None)
        kept.append(undecided(one, why) if why else one)
    return one_for_the_call(kept, no_interruption.RULE.id)


def _why(one: Finding, call: Call, aligned: Reason | None) -> Reason | None:
    """Why a finding is undecidable; None where it is decided, or was undecided anyway."""
    if one.verdict is Verdict.CANNOT_TELL:
        return None
    if aligned:
        return aligned
    if one.verdict is not Verdict.FAIL:
        return None
    for gap in _spans(call, "legs.gap"):
        if one.start_s is not None and Span(one.start_s, one.end_s or one.start_s).overlap_s(gap):
            return because("legs.gap", start_s=gap.start_s, end_s=gap.end_s)
    others = _spans(call, "legs.other_agent")
    if not others or one.rule_id in _OF_FIRST_AGENT:
        return None
    # what is missing from the call may be in the part of the other agent, or be that agent's duty
    theirs = one.start_s is None or any(span.distance_s(one.start_s) == 0 for span in others)
    return because("legs.of_other_agent") if theirs else None


def _spans(call: Call, reason_id: str) -> list[Span]:
    found = [dict(doubt.values) for doubt in call.transcript.doubts if doubt.id == reason_id]
    return [Span(float(str(v["start_s"])), float(str(v["end_s"]))) for v in found]
