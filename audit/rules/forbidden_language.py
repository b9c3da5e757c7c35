"""Did the agent use wording the norms forbid: one finding for each event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.language.phrases import Match, find_any, find_each, find_literal
from audit.language.text import sounds, spoken_characters
from audit.ports import JudgingModels, WordingClassifier
from audit.rulebooks.rulebook import (
    Check,
    ForbiddenGroup,
    ForbiddenLanguageRule,
    ForbiddenMeaning,
    Rulebook,
)
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
class _Sentence:
    """A sentence and how likely its wording is forbidden."""

    text: str
    probability: float


def evaluate(call: Call, rulebook: Rulebook, models: JudgingModels) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each turn with forbidden wording, else one ``pass``.

    Only what the agent says counts. Where roles are not known, wording that would be forbidden
    is reported as ``cannot_tell``. Phrases and meaning are weighed together: a phrase in what is
    innocent as a whole is none, and what no phrase holds may be told by its meaning: where that
    is very likely, or where the customer then objects to the manner.
    """
    rule = rulebook.rules.forbidden_language
    suspects = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    if not any(spoken_characters(turn.text) for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "没有识别出客服的话", confidence=0.0)]
    repeated = _repeated(call)
    said = _sentences_of(suspects, rule, repeated, models.wording)
    findings: list[Finding] = []
    meant: list[tuple[Turn, _Sentence]] = []
    for turn in suspects:
        sentences = said.get(turn.index, [])
        hit = _worst(turn.text, rule, repeated[turn.index])
        if hit is not None and (weighed := _weighed(turn, hit, sentences, rule.meaning)):
            findings.append(weighed)
        elif rule.meaning and (likeliest := _likeliest(sentences, rule)):
            meant.append((turn, likeliest))
    findings += _by_meaning(meant, call, rule.meaning, models.wording, others=bool(findings))
    if findings:
        return sorted(findings, key=lambda one: (one.start_s is not None, one.start_s or 0.0))
    if not any(turn.role is Role.AGENT for turn in suspects):
        return [_whole_call(Verdict.CANNOT_TELL, "无法判断哪一方是客服", confidence=0.0)]
    heard = call.transcript.confidence
    return [
        _whole_call(Verdict.PASS, "没有发现服务禁语", confidence=1.0 if heard is None else heard)
    ]


def _repeated(call: Call) -> dict[int, frozenset[int]]:
    """By turn, indices of the characters that repeat what the customer said before it."""
    heard: set[str] = set()
    repeated: dict[int, frozenset[int]] = {}
    for turn in call.turns:
        if turn.surely_by(Role.CUSTOMER):
            heard.update(code for _, code in _windows(turn.text))
            continue
        positions = sounds(turn.text).positions
        repeated[turn.index] = frozenset(
            position
            for start, code in _windows(turn.text)
            if code in heard
            for position in positions[start : start + _REPEATED]
        )
    return repeated


def _windows(text: str) -> Iterator[tuple[int, str]]:
    code = sounds(text).code
    for start in range(len(code) // 2 - _REPEATED + 1):
        yield start, code[2 * start : 2 * (start + _REPEATED)]


def _worst(text: str, rule: ForbiddenLanguageRule, repeated: frozenset[int]) -> _Hit | None:
    """The gravest forbidden wording of a turn."""
    hits = []
    for group, match in _found(text, rule.groups):
        if _acquitted(text, match, group, rule):
            continue
        if not repeated.issuperset(_spoken_in(text, match)):
            hits.append(_Hit(group, match))
    return max(hits, key=lambda hit: (hit.group.points, hit.match.quality), default=None)


def _found(text: str, groups: Sequence[ForbiddenGroup]) -> Iterator[tuple[ForbiddenGroup, Match]]:
    sounded = find_each([() if group.literal else group.phrases for group in groups], text)
    for group, match in zip(groups, sounded, strict=True):
        found = find_literal(group.phrases, text) if group.literal else match
        if found:
            yield group, found


def _spoken_in(text: str, match: Match) -> Iterator[int]:
    return (at for at in sounds(text).positions if match.first <= at < match.last)


def _acquitted(text: str, match: Match, group: ForbiddenGroup, rule: ForbiddenLanguageRule) -> bool:
    if group.unless and find_any(group.unless, text, slack=_STRICT):
        return True
    before = text[max(0, match.first - 8) : match.first]
    return find_any(rule.not_after, before) is not None


def _sentences_of(
    turns: Sequence[Turn],
    rule: ForbiddenLanguageRule,
    repeated: dict[int, frozenset[int]],
    wording: WordingClassifier,
) -> dict[int, list[_Sentence]]:
    """By turn, its sentences; none where the rulebook does not ask for their meaning."""
    if rule.meaning is None:
        return {}
    texts = [(turn, text) for turn in turns for text in _sentences(turn.text, repeated[turn.index])]
    told = wording.probabilities([text for _, text in texts]).tolist()
    found: dict[int, list[_Sentence]] = {}
    for (turn, text), probability in zip(texts, told, strict=True):
        found.setdefault(turn.index, []).append(_Sentence(text, probability))
    return found


def _likeliest(sentences: Sequence[_Sentence], rule: ForbiddenLanguageRule) -> _Sentence | None:
    """The sentence likeliest to be forbidden, of those that are suspicious at least."""
    assert rule.meaning is not None
    acquits = (*rule.meaning.unless, *rule.not_after)
    for sentence in sorted(sentences, key=lambda one: -one.probability):
        if sentence.probability < rule.meaning.suspect_from:
            return None
        if find_any(acquits, sentence.text, slack=_STRICT) is None:
            return sentence
    return None


def _weighed(
    turn: Turn, hit: _Hit, sentences: Sequence[_Sentence], meaning: ForbiddenMeaning | None
) -> Finding | None:
    """What a phrase comes to beside the meaning of the turn; None where that is innocent."""
    if meaning is None or not sentences or not hit.group.by_meaning:
        return _finding(turn, hit, sure=True)
    probability = max(sentence.probability for sentence in sentences)
    if probability < meaning.phrase_doubt_from:
        return None
    return _finding(turn, hit, sure=probability >= meaning.phrase_accuse_from)


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


def _heard(turn: Turn) -> float:
    return 1.0 if turn.asr_confidence is None else turn.asr_confidence


def _finding(turn: Turn, hit: _Hit, *, sure: bool) -> Finding:
    confidence = round(hit.match.quality * (0.4 + 0.6 * _heard(turn)), 3)
    told = sure and turn.surely_by(Role.AGENT) and confidence >= _SURE
    return _event(
        turn,
        Check(clause=hit.group.clause, points=hit.group.points, severity=hit.group.severity),
        "使用了服务禁语" if told else _doubt(turn, sure=sure),
        told=told,
        confidence=confidence,
        meant=hit.match.meant,
        auto_fail=hit.group.auto_fail,
    )


def _by_meaning(
    meant: Sequence[tuple[Turn, _Sentence]],
    call: Call,
    meaning: ForbiddenMeaning | None,
    wording: WordingClassifier,
    *,
    others: bool,
) -> list[Finding]:
    """What suspicious sentences come to; one in doubt is told only where nothing else is."""
    if meaning is None:
        return []
    sure, doubtful = [], []
    for turn, sentence in meant:
        if sentence.probability >= meaning.accuse_from or _is_complained_of(
            turn, call, meaning.complaints
        ):
            sure.append(_finding_by_meaning(turn, sentence, meaning, wording, sure=True))
        elif sentence.probability >= meaning.doubt_from:
            doubtful.append((sentence.probability, turn, sentence))
    if sure or others or not doubtful:
        return sure
    _, turn, sentence = max(doubtful, key=lambda one: one[0])
    return [_finding_by_meaning(turn, sentence, meaning, wording, sure=False)]


def _finding_by_meaning(
    turn: Turn,
    meant: _Sentence,
    meaning: ForbiddenMeaning,
    wording: WordingClassifier,
    *,
    sure: bool,
) -> Finding:
    confidence = round(meant.probability * _heard(turn), 3)
    told = sure and turn.surely_by(Role.AGENT) and confidence >= _SURE
    kind = wording.kind(meant.text)
    if told:
        reason = f"语义上属于服务禁语：{_KINDS[kind]}"
    elif sure:
        reason = _doubt(turn, sure=True)
    else:
        reason = f"疑似服务禁语（{_KINDS[kind]}），请人工复核"
    check = next(check for name, check in meaning.kinds.items() if name == kind)
    return _event(turn, check, reason, told=told, confidence=confidence)


def _is_complained_of(turn: Turn, call: Call, complaints: tuple[str, ...]) -> bool:
    """Whether the customer objects to the agent's manner afterwards."""
    return any(
        later.surely_by(Role.CUSTOMER) and find_any(complaints, later.text) is not None
        for later in call.turns
        if later.index > turn.index
    )


def _doubt(turn: Turn, *, sure: bool) -> str:
    if not turn.surely_by(Role.AGENT):
        return "疑似服务禁语，但无法判断是谁说的"
    return f"疑似服务禁语，但{'识别不够清楚' if sure else '整句话未必是这个意思'}"


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
        stage=turn.stage,
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
