"""Did the agent use wording the norms forbid: one finding for each event."""

from __future__ import annotations

from dataclasses import dataclass

from audit.phrases import Match, find, find_any, find_literal
from audit.rulebook import ForbiddenGroup, ForbiddenLanguageRule, Rulebook
from audit.types import Call, Finding, Role, Turn, Verdict

RULE_ID = "forbidden_language"

_STRICT = -2
"""What acquits must be heard whole: 应该自己 is not 应该在."""

_SURE = 0.45
"""Least confidence at which a wording is an accusation; below it, it cannot be told."""


@dataclass(frozen=True, slots=True)
class _Hit:
    group: ForbiddenGroup
    match: Match


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each turn with forbidden wording, else one ``pass``.

    Only what the agent says counts. Where roles are not known, wording that would be forbidden
    is reported as ``cannot_tell``.
    """
    rule = rulebook.rules.forbidden_language
    suspects = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    if not any(turn.text for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "没有识别出客服的话", confidence=0.0)]
    findings = [
        _finding(turn, hit) for turn in suspects if (hit := _worst(turn.text, rule)) is not None
    ]
    if findings:
        return findings
    if not any(turn.role is Role.AGENT for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "无法判断哪一方是客服", confidence=0.0)]
    sure = call.transcript.confidence
    return [_whole_call(Verdict.PASS, "没有发现服务禁语", confidence=1.0 if sure is None else sure)]


def _worst(text: str, rule: ForbiddenLanguageRule) -> _Hit | None:
    """The gravest forbidden wording of a turn."""
    hits = []
    for group in rule.groups:
        search = find_literal if group.literal else find_any
        match = search(group.phrases, text)
        if match is None or _acquitted(text, match, group, rule):
            continue
        hits.append(_Hit(group, match))
    return max(hits, key=lambda hit: (hit.group.points, hit.match.quality), default=None)


def _acquitted(text: str, match: Match, group: ForbiddenGroup, rule: ForbiddenLanguageRule) -> bool:
    if group.unless and find_any(group.unless, text, slack=_STRICT):
        return True
    before = text[max(0, match.first - 8) : match.first]
    return any(find(phrase, before) for phrase in rule.not_after)


def _finding(turn: Turn, hit: _Hit) -> Finding:
    heard = 1.0 if turn.asr_confidence is None else turn.asr_confidence
    confidence = round(hit.match.quality * (0.4 + 0.6 * heard), 3)
    told = turn.surely_by(Role.AGENT) and confidence >= _SURE
    if told:
        reason = "使用了服务禁语"
    elif not turn.surely_by(Role.AGENT):
        reason = "疑似服务禁语，但无法判断是谁说的"
    else:
        reason = "疑似服务禁语，但识别不够清楚"
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=Verdict.FAIL if told else Verdict.CANNOT_TELL,
        reason=reason,
        clause_id=hit.group.clause,
        severity=hit.group.severity,
        points=hit.group.points if told else 0.0,
        confidence=confidence,
        segment=turn.segment,
        role=turn.role,
        start_s=turn.start_s,
        end_s=turn.end_s,
        evidence=turn.text,
        meant=hit.match.meant,
        auto_fail=told and hit.group.auto_fail,
    )


def _whole_call(verdict: Verdict, reason: str, *, confidence: float) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=verdict,
        reason=reason,
        confidence=round(confidence, 3),
        role=Role.AGENT,
    )
