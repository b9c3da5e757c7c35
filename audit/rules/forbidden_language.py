"""Did the agent use wording the norms forbid: one finding for each event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.phrases import Match, find, find_any, find_literal
from audit.rulebook import (
    Check,
    ForbiddenGroup,
    ForbiddenLanguageRule,
    ForbiddenMeaning,
    Rulebook,
)
from audit.text import sounds, spoken_characters
from audit.types import Call, Finding, Role, Turn, Verdict

RULE_ID = "forbidden_language"

_STRICT = -2
"""What acquits must be heard whole: 应该自己 is not 应该在."""

_SURE = 0.45
"""Least confidence at which a wording is an accusation; below it, it cannot be told."""

_REPEATED = 4
"""Syllables that the customer said before, from which on the agent repeats them."""

_LEAST = 3
"""Syllables of a sentence that has a meaning of its own."""

_LONG = 24
"""Syllables from which a sentence is judged in parts."""

_SENTENCE = re.compile("[。！？!?；;…]+")

_KINDS = {
    "abuse": "辱骂客户",
    "scolding": "训斥客户",
    "mockery": "讽刺客户",
    "shirking": "推诿",
    "refusal": "生硬拒绝",
    "blaming": "埋怨客户",
    "ordering": "命令客户",
    "rushing": "催促客户",
    "provoking": "顶撞客户",
}


@dataclass(frozen=True, slots=True)
class _Hit:
    group: ForbiddenGroup
    match: Match


@dataclass(frozen=True, slots=True)
class _Meant:
    """A sentence, and what the classifier takes it for."""

    turn: Turn
    text: str
    kind: str
    probability: float
    check: Check


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each turn with forbidden wording, else one ``pass``.

    Only what the agent says counts. Where roles are not known, wording that would be forbidden
    is reported as ``cannot_tell``. Turns without a forbidden phrase are judged by their meaning;
    one whose meaning is doubtful is reported only where nothing else is.
    """
    rule = rulebook.rules.forbidden_language
    suspects = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    if not any(turn.text for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "没有识别出客服的话", confidence=0.0)]
    repeated = {turn.index: _repeated(turn, call) for turn in suspects}
    hits = {turn.index: _worst(turn.text, rule, repeated[turn.index]) for turn in suspects}
    meant = _meant([turn for turn in suspects if hits[turn.index] is None], rule, repeated)
    findings = []
    for turn in suspects:
        if (hit := hits[turn.index]) is not None:
            findings.append(_finding(turn, hit))
        elif (accused := meant.get(turn.index)) and _accuses(accused, rule.meaning):
            findings.append(_finding_by_meaning(accused, sure=True))
    if findings:
        return findings
    if not any(turn.role is Role.AGENT for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "无法判断哪一方是客服", confidence=0.0)]
    if meant:
        doubtful = max(meant.values(), key=lambda one: one.probability)
        return [_finding_by_meaning(doubtful, sure=False)]
    sure = call.transcript.confidence
    return [_whole_call(Verdict.PASS, "没有发现服务禁语", confidence=1.0 if sure is None else sure)]


def _repeated(turn: Turn, call: Call) -> frozenset[int]:
    """Indices of a turn's characters that repeat what the customer said before it."""
    earlier = [t.text for t in call.turns if t.index < turn.index and t.surely_by(Role.CUSTOMER)]
    heard = {code for text in earlier for _, code in _windows(text)}
    positions = sounds(turn.text).positions
    return frozenset(
        position
        for start, code in _windows(turn.text)
        if code in heard
        for position in positions[start : start + _REPEATED]
    )


def _windows(text: str) -> Iterator[tuple[int, str]]:
    code = sounds(text).code
    for start in range(len(code) // 2 - _REPEATED + 1):
        yield start, code[2 * start : 2 * (start + _REPEATED)]


def _worst(text: str, rule: ForbiddenLanguageRule, repeated: frozenset[int]) -> _Hit | None:
    """The gravest forbidden wording of a turn."""
    hits = []
    for group in rule.groups:
        search = find_literal if group.literal else find_any
        match = search(group.phrases, text)
        if match is None or _acquitted(text, match, group, rule):
            continue
        if not repeated.issuperset(_spoken_in(text, match)):
            hits.append(_Hit(group, match))
    return max(hits, key=lambda hit: (hit.group.points, hit.match.quality), default=None)


def _spoken_in(text: str, match: Match) -> Iterator[int]:
    return (at for at in sounds(text).positions if match.first <= at < match.last)


def _acquitted(text: str, match: Match, group: ForbiddenGroup, rule: ForbiddenLanguageRule) -> bool:
    if group.unless and find_any(group.unless, text, slack=_STRICT):
        return True
    before = text[max(0, match.first - 8) : match.first]
    return any(find(phrase, before) for phrase in rule.not_after)


def _meant(
    turns: Sequence[Turn], rule: ForbiddenLanguageRule, repeated: dict[int, frozenset[int]]
) -> dict[int, _Meant]:
    """By turn, the sentence likeliest to be forbidden, of those that are doubtful at least."""
    meaning = rule.meaning
    if meaning is None:
        return {}
    from models import forbidden

    said = [(turn, text) for turn in turns for text in _sentences(turn.text, repeated[turn.index])]
    if not said:
        return {}
    checks = {str(kind): check for kind, check in meaning.kinds.items()}
    prediction = forbidden.predict([text for _, text in said])
    found: dict[int, _Meant] = {}
    for (turn, text), probability, kinds in zip(
        said, prediction.forbidden.tolist(), prediction.kinds, strict=True
    ):
        known = found.get(turn.index)
        if probability < max(meaning.doubt_from, known.probability if known else 0.0):
            continue
        if find_any((*meaning.unless, *rule.not_after), text, slack=_STRICT):
            continue
        kind = forbidden.KINDS[int(kinds.argmax())]
        found[turn.index] = _Meant(turn, text, kind, probability, checks[kind])
    return found


def _sentences(text: str, repeated: frozenset[int]) -> Iterator[str]:
    """The sentences of a turn, long ones in parts, without what repeats the customer."""
    own = "".join("" if i in repeated else character for i, character in enumerate(text))
    for sentence in _SENTENCE.split(own):
        part = ""
        for clause in re.split("(?<=[，,])", sentence):
            if part and spoken_characters(part + clause) > _LONG:
                yield part
                part = ""
            part += clause
        if spoken_characters(part) >= _LEAST:
            yield part


def _accuses(meant: _Meant, meaning: ForbiddenMeaning | None) -> bool:
    return meaning is not None and meant.probability >= meaning.accuse_from


def _heard(turn: Turn) -> float:
    return 1.0 if turn.asr_confidence is None else turn.asr_confidence


def _finding(turn: Turn, hit: _Hit) -> Finding:
    confidence = round(hit.match.quality * (0.4 + 0.6 * _heard(turn)), 3)
    told = turn.surely_by(Role.AGENT) and confidence >= _SURE
    return _event(
        turn,
        Check(clause=hit.group.clause, points=hit.group.points, severity=hit.group.severity),
        "使用了服务禁语" if told else _doubt(turn),
        told=told,
        confidence=confidence,
        meant=hit.match.meant,
        auto_fail=hit.group.auto_fail,
    )


def _finding_by_meaning(meant: _Meant, *, sure: bool) -> Finding:
    confidence = round(meant.probability * _heard(meant.turn), 3)
    told = sure and meant.turn.surely_by(Role.AGENT) and confidence >= _SURE
    kind = _KINDS[meant.kind]
    if told:
        reason = f"语义上属于服务禁语：{kind}"
    elif sure:
        reason = _doubt(meant.turn)
    else:
        reason = f"疑似服务禁语（{kind}），请人工复核"
    return _event(meant.turn, meant.check, reason, told=told, confidence=confidence)


def _doubt(turn: Turn) -> str:
    if turn.surely_by(Role.AGENT):
        return "疑似服务禁语，但识别不够清楚"
    return "疑似服务禁语，但无法判断是谁说的"


def _event(
    turn: Turn,
    check: Check,
    reason: str,
    *,
    told: bool,
    confidence: float,
    meant: str | None = None,
    auto_fail: bool = False,
) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=RULE_ID,
        verdict=Verdict.FAIL if told else Verdict.CANNOT_TELL,
        reason=reason,
        clause_id=check.clause,
        severity=check.severity,
        points=check.points if told else 0.0,
        confidence=confidence,
        segment=turn.segment,
        role=turn.role,
        start_s=turn.start_s,
        end_s=turn.end_s,
        evidence=turn.text,
        meant=meant,
        auto_fail=told and auto_fail,
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
