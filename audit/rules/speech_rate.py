"""Does the agent talk too fast: the pace over the whole call."""

from __future__ import annotations

from audit.rulebook import Rulebook
from audit.rules.findings import doubt, finding
from audit.text import spoken_characters
from audit.timing import characters_per_minute
from audit.types import Call, Finding, Role, Verdict

RULE_ID = "speech_rate"


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One finding for a call in which the agent says enough to tell a pace."""
    rule = rulebook.rules.speech_rate
    spoken = call.said_by(Role.AGENT)
    if rule is None or all(turn.role is Role.CUSTOMER for turn in call.turns):
        return []
    check, unsure = rule.checks["speech_rate"], doubt(call)
    if unsure:
        return [finding(RULE_ID, check, Verdict.CANNOT_TELL, unsure)]
    pace = characters_per_minute(spoken)
    said = sum(spoken_characters(turn.text) for turn in spoken)
    if pace is None or said < rule.min_characters:
        return []
    fast = pace > rule.max_characters_per_min
    reason = (
        f"每分钟 {pace:.0f} 字，{'超过' if fast else '不超过'} {rule.max_characters_per_min:.0f} 字"
    )
    return [finding(RULE_ID, check, Verdict.FAIL if fast else Verdict.PASS, reason)]
