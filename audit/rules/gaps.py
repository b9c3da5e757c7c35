"""What cannot be told of a call of which one channel carries nothing for a while.

The recording says when (``recording.gap`` among the transcript's doubts). What a speaker has not
said there may have been said unheard; what is heard elsewhere counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.reasons import AGENT, Reason
from audit.rules import greeting, no_interruption
from audit.rules.registry import Rules
from audit.rules.reliance import needs_of, one_for_the_call, undecided
from audit.types import Call, Finding, Role, Span, Verdict

_NEAR_S = 15.0
"""Seconds around a finding in which what it misses would have been said."""


@dataclass(frozen=True, slots=True)
class _Gap:
    of_agent: bool
    span: Span
    reason: Reason


def withheld(findings: Sequence[Finding], call: Call, rules: Rules) -> list[Finding]:
    """The findings, ``cannot_tell`` in the place of those that a gap may have caused.

    Args:
        findings: of all rules.
        call: as transcribed.
        rules: that they were made by.
    """
    gaps = [_gap(doubt) for doubt in call.transcript.doubts if doubt.id == "recording.gap"]
    if not gaps:
        return list(findings)
    kept = []
    for one in findings:
        why = _why(one, call, rules, gaps)
        kept.append(undecided(one, why) if why else one)
    return one_for_the_call(kept, no_interruption.RULE.id)


def _gap(doubt: Reason) -> _Gap:
    values = dict(doubt.values)
    span = Span(float(str(values["start_s"])), float(str(values["end_s"])))
    return _Gap(values["who"] == AGENT, span, doubt)


def _why(one: Finding, call: Call, rules: Rules, gaps: Sequence[_Gap]) -> Reason | None:
    """The gap for which a finding is undecidable; None where it is decided, or was not anyway."""
    if one.rule_id == no_interruption.RULE.id:
        return gaps[0].reason if one.verdict is Verdict.PASS else None
    if one.verdict is not Verdict.FAIL or needs_of(one, rules).by_presence:
        return None
    found = (gap for gap in gaps if _may_hold(one, call, rules, gap))
    return next((gap.reason for gap in found), None)


def _may_hold(one: Finding, call: Call, rules: Rules, gap: _Gap) -> bool:
    """Whether what a finding misses may have been said in a gap."""
    if not gap.of_agent:
        two_voices = any(r.two_voices and r.id == one.rule_id for r in rules.registry)
        return two_voices and one.start_s is not None and _covers(one, gap.span, 0.0)
    if one.rule_id == greeting.RULE.id:
        first = next(iter(call.said_by(Role.AGENT)), None)
        begins_s = first.start_s if first else None
        return begins_s is None or gap.span.start_s <= begins_s or _covers(one, gap.span, 0.0)
    if one.start_s is None:
        return True
    if one.rule_id in rules.written and gap.span.end_s > one.start_s:
        return True  # the rest of the call may answer it
    return _covers(one, gap.span, _NEAR_S)


def _covers(one: Finding, gap: Span, near_s: float) -> bool:
    if one.start_s is None:
        return False
    end_s = one.end_s if one.end_s is not None else one.start_s
    return Span(one.start_s - near_s, end_s + near_s).overlap_s(gap) > 0
