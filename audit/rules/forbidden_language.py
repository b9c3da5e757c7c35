"""Did the agent use wording the norms forbid: one finding for each event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, get_args

from pydantic import Field, model_validator

from audit.language.phrases import Match, find_any, find_each, find_literal
from audit.language.text import sounds, spoken_characters
from audit.ports import ForbiddenKind, WordingClassifier
from audit.reasons import Reason, because
from audit.rules.base import (
    NO_ROLES,
    WORD_CONFIDENCE_MIN,
    Check,
    CheckSpec,
    Context,
    Needs,
    Rule,
    RuleSettings,
    finding,
    spec,
    whole_call,
)
from audit.rules.fields import Phrase, Strict
from audit.rules.meanings import Meaning, meanings, repeats_of_customer
from audit.rules.replies import is_objected_to
from audit.types import Call, Finding, Role, Severity, Turn, Verdict


class ForbiddenGroup(Strict):
    """Wordings that break one clause.

    ``literal``: only the characters themselves count, for words that are short and have
    innocent neighbours in sound (验证码的 sounds like an oath). ``by_meaning``: what is said has
    to be like forbidden wording as a whole too (傻瓜相机 is not), see :class:`ForbiddenMeaning`.
    """

    clause: str
    severity: Severity
    points: float = Field(gt=0)
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    unless: tuple[Phrase, ...] = ()
    auto_fail: bool = False
    literal: bool = False
    by_meaning: bool = False

    def check(self) -> Check:
        """What its wordings break, and what that costs."""
        return Check(clause=self.clause, points=self.points, severity=self.severity)


class ForbiddenMeaning(Strict):
    """How likely wording is forbidden, by the classifier of :mod:`models.text.forbidden`.

    A turn in which no phrase was found fails from the probability ``accuse_from`` on, or from
    ``suspect_from`` on where the customer then objects to this agent's manner (``complaints``, but
    not with one of ``complaints_of_others``); from ``doubt_from`` on it is undecidable. A phrase
    of a group ``by_meaning`` fails where its turn reaches ``phrase_accuse_from`` and is
    undecidable from ``phrase_doubt_from`` on. Nothing fails in a turn of which the classifier
    knows less than the share ``familiar_from``: a recogniser garbles what it did not hear.
    ``unless``: words of a turn that offers help, which is no fault. ``kinds``: which clause each
    kind breaks; none fails the whole call.
    """

    suspect_from: float = Field(gt=0, le=1)
    doubt_from: float = Field(gt=0, le=1)
    accuse_from: float = Field(gt=0, le=1)
    phrase_accuse_from: float = Field(gt=0, le=1)
    phrase_doubt_from: float = Field(gt=0, le=1)
    familiar_from: float = Field(default=0.0, ge=0, le=1)
    complaints: tuple[Phrase, ...] = ()
    complaints_of_others: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    kinds: dict[ForbiddenKind, Check] = Field(min_length=len(get_args(ForbiddenKind)))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.suspect_from <= self.doubt_from <= self.accuse_from:
            raise ValueError("suspect_from, doubt_from and accuse_from must not fall in this order")
        if self.phrase_doubt_from > self.phrase_accuse_from:
            raise ValueError("phrase_doubt_from must not be above phrase_accuse_from")
        return self


class ForbiddenLanguageRule(RuleSettings):
    """What the agent must not say; with ``meaning``, in other words as well."""

    groups: tuple[ForbiddenGroup, ...]
    not_after: tuple[Phrase, ...] = ()
    meaning: ForbiddenMeaning | None = None

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """One check, once for each clause that a group or a kind of wording breaks."""
        for group in self.groups:
            yield spec(rule_id, rule_id, group.check(), auto_fail=group.auto_fail)
        for check in self.meaning.kinds.values() if self.meaning else ():
            yield spec(rule_id, rule_id, check)


_STRICT = -2
"""What acquits must match exactly: 应该自己 is not 应该在."""

_KINDS: dict[ForbiddenKind, Reason] = {
    "abuse": because("wording.abuse"),
    "scolding": because("wording.scolding"),
    "mockery": because("wording.mockery"),
    "shirking": because("wording.shirking"),
    "refusal": because("wording.refusal"),
    "blaming": because("wording.blaming"),
    "ordering": because("wording.ordering"),
    "rushing": because("wording.rushing"),
    "provoking": because("wording.provoking"),
    "threat": because("wording.threat"),
    "impatience": because("wording.impatience"),
}


@dataclass(frozen=True, slots=True)
class _FoundPhrase:
    group: ForbiddenGroup
    match: Match


def evaluate(call: Call, rule: ForbiddenLanguageRule, context: Context) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each turn with forbidden wording, else one ``pass``.

    Only what the agent says counts. Where roles are not known, wording that would be forbidden
    is reported as ``cannot_tell``. Phrases and meaning are weighed together: a phrase in what is
    innocent as a whole does not count, and what no phrase matches may fail by its meaning, where
    that is very likely or the customer then objects to the manner.
    """
    wording = context.models.wording
    suspects = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    if not any(spoken_characters(turn.text) for turn in suspects):
        return [
            whole_call(RULE.id, Verdict.CANNOT_TELL, because("wording.no_words"), confidence=0.0)
        ]
    findings, meant = _weigh(suspects, call, rule, wording)
    findings += _by_meaning(meant, call, rule, wording, others=bool(findings))
    if findings:
        return sorted(findings, key=lambda one: (one.start_s is not None, one.start_s or 0.0))
    if not any(turn.role is Role.AGENT for turn in suspects):
        return [whole_call(RULE.id, Verdict.CANNOT_TELL, NO_ROLES, confidence=0.0)]
    confidence = call.transcript.confidence
    none = because("wording.none")
    return [
        whole_call(
            RULE.id, Verdict.PASS, none, confidence=1.0 if confidence is None else confidence
        )
    ]


@dataclass(frozen=True, slots=True)
class Likeliest:
    """How likely the worst wording of a call is forbidden that no phrase finds, 0 to 1.

    ``accused``: where the call fails if it reaches ``accuse_from``; 1 where it fails anyway because
    the customer objects. ``doubted``: where it is ``cannot_tell`` if it reaches ``doubt_from`` and
    does not fail; 0 where phrases are found, beside which doubts are not reported.
    """

    accused: float
    doubted: float


def likeliest(call: Call, rule: ForbiddenLanguageRule, wording: WordingClassifier) -> Likeliest:
    """What decides whether a call is accused by meaning, whatever the thresholds.

    Args:
        call: as transcribed.
        rule: with ``meaning``; its phrases, objections and excuses count, its ``accuse_from`` and
            ``doubt_from`` do not.
        wording: the classifier.
    """
    assert rule.meaning is not None
    suspects = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    findings, meant = _weigh(suspects, call, rule, wording)
    counting = [(turn, one) for turn, one in meant if not _is_excused(one, rule)]
    accusable = (
        1.0 if _objected(turn, one, call, rule.meaning) else one.probability
        for turn, one in counting
        if _may_fail(turn, one) and _is_familiar(one, rule.meaning, wording)
    )
    doubted = max((one.probability for _, one in counting), default=0.0)
    return Likeliest(max(accusable, default=0.0), 0.0 if findings else doubted)


def _weigh(
    suspects: Sequence[Turn], call: Call, rule: ForbiddenLanguageRule, wording: WordingClassifier
) -> tuple[list[Finding], list[tuple[Turn, Meaning]]]:
    """What phrases find, and turns that are left to be judged by their meaning."""
    repeats = repeats_of_customer(call)
    meant = meanings(suspects, call, repeats, wording) if rule.meaning else {}
    findings: list[Finding] = []
    left: list[tuple[Turn, Meaning]] = []
    for turn in suspects:
        meaning = meant.get(turn.index)
        hit = _worst(turn.text, rule, repeats[turn.index])
        if hit is not None and (weighed := _weighed(turn, hit, meaning, rule.meaning, wording)):
            findings.append(weighed)
        elif meaning is not None:
            left.append((turn, meaning))
    return findings, left


def _worst(text: str, rule: ForbiddenLanguageRule, repeats: frozenset[int]) -> _FoundPhrase | None:
    """The gravest forbidden wording of a turn."""
    hits = []
    for group, match in _found(text, rule.groups):
        if _acquitted(text, match, group, rule):
            continue
        if not repeats.issuperset(_spoken_in(text, match)):
            hits.append(_FoundPhrase(group, match))
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


def _is_familiar(meant: Meaning, meaning: ForbiddenMeaning, wording: WordingClassifier) -> bool:
    return wording.familiarity(meant.spoken.text) >= meaning.familiar_from


def _is_excused(meant: Meaning, rule: ForbiddenLanguageRule) -> bool:
    assert rule.meaning is not None
    acquits = (*rule.meaning.unless, *rule.not_after)
    return find_any(acquits, meant.spoken.text, slack=_STRICT) is not None


def _objected(turn: Turn, meant: Meaning, call: Call, meaning: ForbiddenMeaning) -> bool:
    """Whether it is suspicious, and the customer objects to it."""
    return meant.probability >= meaning.suspect_from and is_objected_to(
        turn, call, meaning.complaints, but_not=meaning.complaints_of_others
    )


def _may_fail(turn: Turn, meant: Meaning) -> bool:
    return turn.surely_by(Role.AGENT) and _confidence(turn, meant) >= WORD_CONFIDENCE_MIN


def _confidence(turn: Turn, meant: Meaning) -> float:
    return round(meant.probability * _word_confidence(turn), 3)


def _weighed(
    turn: Turn,
    hit: _FoundPhrase,
    meant: Meaning | None,
    meaning: ForbiddenMeaning | None,
    wording: WordingClassifier,
) -> Finding | None:
    """What a phrase comes to beside the meaning of the turn; None where that is innocent.

    A friendly answer does not make the norm's own wording better.
    """
    if meaning is None or meant is None or not hit.group.by_meaning:
        return _finding(turn, hit, certain=True)
    alone = replace(meant.spoken, after="")
    probability = max(meant.probability, float(wording.probabilities([alone])[0]))
    if probability < meaning.phrase_doubt_from:
        return None
    certain = probability >= meaning.phrase_accuse_from and _is_familiar(meant, meaning, wording)
    return _finding(turn, hit, certain=certain)


def _word_confidence(turn: Turn) -> float:
    return 1.0 if turn.asr_confidence is None else turn.asr_confidence


def _finding(turn: Turn, hit: _FoundPhrase, *, certain: bool) -> Finding:
    confidence = round(hit.match.quality * (0.4 + 0.6 * _word_confidence(turn)), 3)
    decided = certain and turn.surely_by(Role.AGENT) and confidence >= WORD_CONFIDENCE_MIN
    return _event(
        turn,
        hit.group.check(),
        because("wording.used") if decided else _uncertainty(turn, certain=certain),
        decided=decided,
        confidence=confidence,
        meant=hit.match.meant,
        auto_fail=hit.group.auto_fail,
    )


def _by_meaning(
    meant: Sequence[tuple[Turn, Meaning]],
    call: Call,
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
    *,
    others: bool,
) -> list[Finding]:
    """What turns come to by meaning; an undecided one is reported only without others."""
    meaning = rule.meaning
    if meaning is None:
        return []
    certain, undecided = [], []
    for turn, one in meant:
        if one.probability < meaning.suspect_from or _is_excused(one, rule):
            continue
        likely = one.probability >= meaning.accuse_from or _objected(turn, one, call, meaning)
        if likely and _is_familiar(one, meaning, wording):
            certain.append(_finding_by_meaning(turn, one, meaning, wording, certain=True))
        elif one.probability >= meaning.doubt_from:
            undecided.append((one.probability, turn, one))
    if certain or others or not undecided:
        return certain
    _, turn, one = max(undecided, key=lambda found: found[0])
    return [_finding_by_meaning(turn, one, meaning, wording, certain=False)]


def _finding_by_meaning(
    turn: Turn,
    meant: Meaning,
    meaning: ForbiddenMeaning,
    wording: WordingClassifier,
    *,
    certain: bool,
) -> Finding:
    decided = certain and _may_fail(turn, meant)
    kind = wording.kind(meant.spoken.text)
    if decided:
        reason = because("wording.by_meaning", kind=_KINDS[kind])
    elif certain:
        reason = _uncertainty(turn, certain=True)
    else:
        reason = because("wording.suspected", kind=_KINDS[kind])
    confidence = _confidence(turn, meant)
    return _event(turn, meaning.kinds[kind], reason, decided=decided, confidence=confidence)


def _uncertainty(turn: Turn, *, certain: bool) -> Reason:
    if not turn.surely_by(Role.AGENT):
        return because("wording.speaker_unknown")
    return because("wording.unclear") if certain else because("wording.ambiguous")


def _event(
    turn: Turn,
    check: Check,
    reason: Reason,
    *,
    decided: bool,
    confidence: float,
    meant: str | None = None,
    auto_fail: bool = False,
) -> Finding:
    return finding(
        RULE.id,
        check,
        Verdict.FAIL if decided else Verdict.CANNOT_TELL,
        reason,
        turn=turn,
        meant=meant,
        confidence=confidence,
        auto_fail=auto_fail,
    )


RULE = Rule(
    "forbidden_language",
    ForbiddenLanguageRule,
    evaluate,
    core=True,
    needs=Needs(by_presence=True),
)
