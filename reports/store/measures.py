"""What is measured of a call beside its findings: columns of the table ``calls``."""

from __future__ import annotations

from typing import Any

from audit.rules import no_interruption
from audit.timeline import Timeline, characters_per_minute
from audit.types import AuditedCall, Call, Role, Stage, Verdict

Row = dict[str, Any]


def of_call(audited: AuditedCall) -> Row:
    """Speech, silence, pace and interruptions; None where they are undecidable."""
    call = audited.call
    verdict = audited.scorecard.verdict(no_interruption.RULE.id)
    interruptions = sum(
        finding.rule_id == no_interruption.RULE.id and finding.verdict is Verdict.FAIL
        for finding in audited.findings
    )
    measures: Row = {
        "interruptions": None if verdict is Verdict.CANNOT_TELL else interruptions,
        "agent_talk_s": None,
        "customer_talk_s": None,
        "overlap_s": None,
        "silence_s": None,
        "agent_chars_per_min": None,
        "talk_ratio": None,
    }
    if call.transcript.duration_s is None or any(turn.span is None for turn in call.turns):
        return measures
    anyone = Timeline.spoken(call.turns).total_s
    measures["silence_s"] = round(max(0.0, call.transcript.duration_s - anyone), 3)
    if any(doubt.id == "legs.not_aligned" for doubt in call.transcript.doubts):
        measures["silence_s"] = None
    if call.transcript.on_one_line:
        return measures
    agent, customer = (
        Timeline.spoken(call.said_by(role)).total_s for role in (Role.AGENT, Role.CUSTOMER)
    )
    measures["agent_talk_s"] = round(agent, 3)
    measures["customer_talk_s"] = round(customer, 3)
    measures["overlap_s"] = round(max(0.0, agent + customer - anyone), 3)
    measures["agent_chars_per_min"] = characters_per_minute(call.said_by(Role.AGENT))
    measures["talk_ratio"] = talk_ratio(agent, customer)
    return measures


def talk_ratio(agent_s: float, customer_s: float) -> float | None:
    """The agent's share of all speech, 0 to 1; None where nobody speaks."""
    both_s = agent_s + customer_s
    return round(agent_s / both_s, 4) if both_s else None


def stage_edge(call: Call, segment: Stage, *, last: bool) -> float | None:
    """Second at which a stage ends (``last``) or begins; None for one that is not there."""
    times = [turn.end_s if last else turn.start_s for turn in call.turns if turn.stage is segment]
    known = [time for time in times if time is not None]
    if not known:
        return None
    return max(known) if last else min(known)


def stage_lengths(call: Call) -> Row:
    """Seconds from a stage's first sound to the next stage's, or to the last sound of all.

    None for a stage that is not there, and without times.
    """
    lengths: Row = {f"{stage}_s": None for stage in Stage}
    spans = [(turn.stage, span) for turn in call.turns if (span := turn.span) is not None]
    if not spans or len(spans) < len(call.turns):
        return lengths
    end_s = max(span.end_s for _, span in spans)
    for stage in reversed(Stage):
        starts = [span.start_s for own, span in spans if own is stage]
        if starts:
            lengths[f"{stage}_s"] = round(max(0.0, end_s - min(starts)), 3)
            end_s = min(starts)
    return lengths
