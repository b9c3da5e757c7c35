"""Does the agent talk too fast: the pace over the whole call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from audit.language.intelligibility import is_readable
from audit.language.text import spoken_characters
from audit.reasons import because
from audit.rules.base import Check, CheckedRule, Context, Rule, finding, uncertainty
from audit.timeline import Timeline, characters_per_minute
from audit.types import Call, Finding, Role, Turn, Verdict


class SpeechRateRule(CheckedRule):
    """The agent does not talk too fast; judged from ``min_characters`` on."""

    checks: dict[Literal["speech_rate"], Check] = Field(min_length=1)
    max_characters_per_min: float = Field(gt=0)
    min_characters: int = Field(ge=1)


def evaluate(call: Call, rule: SpeechRateRule, context: Context) -> list[Finding]:
    """One finding for a call in which the agent says enough to measure a pace."""
    spoken = list(filter(is_readable, call.said_by(Role.AGENT)))
    if all(turn.role is Role.CUSTOMER for turn in call.turns):
        return []
    check, unsure = rule.checks["speech_rate"], uncertainty(call)
    if unsure:
        return [finding(RULE.id, check, Verdict.CANNOT_TELL, unsure)]
    if not _is_timed(spoken):
        reason = because("speech_rate.times_unusable")
        return [finding(RULE.id, check, Verdict.CANNOT_TELL, reason)]
    pace = characters_per_minute(spoken)
    said = sum(spoken_characters(turn.text) for turn in spoken)
    if pace is None or said < rule.min_characters:
        return []
    fast = pace > rule.max_characters_per_min
    limit = rule.max_characters_per_min
    reason = (
        because("speech_rate.too_fast", pace=pace, limit=limit)
        if fast
        else because("speech_rate.within", pace=pace, limit=limit)
    )
    return [finding(RULE.id, check, Verdict.FAIL if fast else Verdict.PASS, reason)]


def _is_timed(spoken: Sequence[Turn]) -> bool:
    """Whether the turns' times can be those of one voice."""
    said = Timeline.of(turn.span for turn in spoken if turn.span is not None and turn.text)
    alone_s = said.support().total_s
    return all(span.duration_s > 0 for span in said) and said.total_s <= 1.05 * alone_s


RULE = Rule("speech_rate", SpeechRateRule, evaluate)
