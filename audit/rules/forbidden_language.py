"""Did the agent use wording the norms forbid: one finding for each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from audit.language.phrases import STRICT, find_any
from audit.language.text import spoken_characters
from audit.ports import ForbiddenKind, WordingClassifier
from audit.reasons import Reason, because
from audit.rules.base import (
    NO_ROLES,
    WORD_CONFIDENCE_MIN,
    Check,
    Context,
    Needs,
    Rule,
    finding,
    whole_call,
)
from audit.rules.forbidden_acts import FoundAct, likeliest_act
from audit.rules.forbidden_phrases import FoundPhrase, worst
from audit.rules.forbidden_settings import ForbiddenLanguageRule
from audit.rules.meanings import (
    Meaning,
    meanings,
    objected_to,
    repeats_of_customer,
    suspects_of,
)
from audit.types import Call, Finding, Role, Turn, Verdict

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


def evaluate(call: Call, rule: ForbiddenLanguageRule, context: Context) -> list[Finding]:
    """One ``fail`` (or ``cannot_tell``) for each turn with forbidden wording, else one ``pass``.

    Only what the agent says counts. Where roles are not known, wording that would be forbidden
    is reported as ``cannot_tell``. Phrases and meaning are weighed together: a phrase in what is
    innocent as a whole does not count, and what no phrase matches may fail by its meaning, where
    that is very likely or the customer then objects to the manner.
    """
    wording = context.models.wording
    spoken = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
    if not any(spoken_characters(turn.text) for turn in spoken):
        return [
            whole_call(RULE.id, Verdict.CANNOT_TELL, because("wording.no_words"), confidence=0.0)
        ]
    suspects = suspects_of(call)
    acts = {
        turn.index: act
        for turn, _ in suspects
        if (act := likeliest_act(turn, rule.forbidden_acts, context.acts(call)))
    }
    told, meant = _weigh(suspects, call, rule, wording, acts)
    left = [turn for turn, _ in suspects if turn.index not in told]
    acted = _by_act(left, acts, {turn.index: one for turn, one in meant}, rule, wording)
    failed = {at: one for at, one in acted.items() if one.verdict is Verdict.FAIL}
    findings = [*told.values(), *failed.values()]
    meant = [(turn, one) for turn, one in meant if turn.index not in failed]
    findings += _by_meaning(
        meant, call, rule, wording, told={*told, *failed}, acts=acts, others=bool(findings)
    )
    if acted and not findings:
        findings.append(max(acted.values(), key=lambda one: one.confidence))
    if findings:
        return sorted(findings, key=lambda one: (one.start_s is not None, one.start_s or 0.0))
    if not any(turn.role is Role.AGENT for turn in spoken):
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
    told, meant = _weigh(suspects_of(call), call, rule, wording, {})
    counting = [(turn, one) for turn, one in meant if not _is_excused(one, rule)]
    by_objection = objected_to(told.keys(), meant, call, rule.meaning)
    accusable = (
        1.0 if turn.index in by_objection else one.probability
        for turn, one in counting
        if _may_fail(turn, one) and _can_be_told(turn, one, rule, wording)
    )
    doubted = max((one.probability for _, one in counting), default=0.0)
    return Likeliest(max(accusable, default=0.0), 0.0 if told else doubted)


def _weigh(
    suspects: Sequence[tuple[Turn, str]],
    call: Call,
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
    acts: Mapping[int, FoundAct],
) -> tuple[dict[int, Finding], list[tuple[Turn, Meaning]]]:
    """By turn, what phrases find; and the turns that are left to be judged by their meaning."""
    repeats = repeats_of_customer(call)
    turns = [turn for turn, _ in suspects]
    meant = meanings(turns, call, repeats, wording) if rule.meaning else {}
    findings: dict[int, Finding] = {}
    left: list[tuple[Turn, Meaning]] = []
    for turn, before in suspects:
        meaning = meant.get(turn.index)
        hit = worst(turn.text, rule.groups, rule.not_after, repeats[turn.index], before)
        act = acts.get(turn.index)
        if hit is not None and (weighed := _weighed(turn, hit, meaning, act, rule, wording)):
            findings[turn.index] = weighed
        elif meaning is not None:
            left.append((turn, meaning))
    return findings, left


def _can_be_told(
    turn: Turn, meant: Meaning, rule: ForbiddenLanguageRule, wording: WordingClassifier
) -> bool:
    """Whether a turn is neither garbled nor about somebody else."""
    assert rule.meaning is not None
    known = wording.familiarity(meant.spoken.text)
    return known >= rule.meaning.familiar_from and not _is_for_others(turn, rule)


def _is_excused(meant: Meaning, rule: ForbiddenLanguageRule) -> bool:
    assert rule.meaning is not None
    acquits = (*rule.meaning.unless, *rule.not_after)
    return find_any(acquits, meant.spoken.text, slack=STRICT) is not None


def _is_for_others(turn: Turn, rule: ForbiddenLanguageRule) -> bool:
    return find_any(rule.not_for_customer, turn.text, slack=STRICT) is not None


def _may_fail(turn: Turn, meant: Meaning) -> bool:
    return turn.surely_by(Role.AGENT) and _confidence(turn, meant) >= WORD_CONFIDENCE_MIN


def _confidence(turn: Turn, meant: Meaning) -> float:
    return round(meant.probability * _word_confidence(turn), 3)


def _weighed(
    turn: Turn,
    hit: FoundPhrase,
    meant: Meaning | None,
    act: FoundAct | None,
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
) -> Finding | None:
    """What a phrase comes to beside the meaning of the turn; None where that is innocent.

    A friendly answer does not make the norm's own wording better. Where the turn surely performs
    the act that the clause of the phrase forbids, its meaning need only not be innocent.
    """
    meaning, check = rule.meaning, rule.own(hit.group.check())
    if meaning is None or meant is None or not hit.group.by_meaning:
        return _finding(turn, hit, check, certain=not _is_for_others(turn, rule))
    alone = replace(meant.spoken, after="")
    probability = max(meant.probability, float(wording.probabilities([alone])[0]))
    agrees = act is not None and act.is_certain and rule.own(act.check).clause == check.clause
    certain = _borne_out(turn, meant, probability, rule, wording, agrees=agrees)
    return None if certain is None else _finding(turn, hit, check, certain=certain)


def _borne_out(
    turn: Turn,
    meant: Meaning,
    probability: float,
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
    *,
    agrees: bool = False,
) -> bool | None:
    """Whether the meaning of a turn bears out what was found in it; None where it is innocent."""
    assert rule.meaning is not None
    if probability < rule.meaning.phrase_doubt_from:
        return None
    likely = agrees or probability >= rule.meaning.phrase_accuse_from
    return likely and _can_be_told(turn, meant, rule, wording)


def _word_confidence(turn: Turn) -> float:
    return 1.0 if turn.asr_confidence is None else turn.asr_confidence


def _finding(turn: Turn, hit: FoundPhrase, check: Check, *, certain: bool) -> Finding:
    confidence = round(hit.match.quality * (0.4 + 0.6 * _word_confidence(turn)), 3)
    decided = certain and turn.surely_by(Role.AGENT) and confidence >= WORD_CONFIDENCE_MIN
    return _event(
        turn,
        check,
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
    told: Set[int],
    acts: Mapping[int, FoundAct],
    others: bool,
) -> list[Finding]:
    """What turns come to by meaning; an undecided one is reported only without others.

    A turn that performs one of the ``acts`` breaks the clause of that.
    """
    meaning = rule.meaning
    if meaning is None:
        return []
    by_objection = objected_to(told, meant, call, meaning)
    certain, undecided = [], []
    for turn, one in meant:
        if one.probability < meaning.suspect_from or _is_excused(one, rule):
            continue
        likely = one.probability >= meaning.accuse_from or turn.index in by_objection
        if likely and _can_be_told(turn, one, rule, wording):
            act = acts.get(turn.index)
            certain.append(_finding_by_meaning(turn, one, act, rule, wording, certain=True))
        elif one.probability >= meaning.doubt_from:
            undecided.append((one.probability, turn, one))
    if certain or others or not undecided:
        return certain
    _, turn, one = max(undecided, key=lambda found: found[0])
    return [_finding_by_meaning(turn, one, acts.get(turn.index), rule, wording, certain=False)]


def _finding_by_meaning(
    turn: Turn,
    meant: Meaning,
    act: FoundAct | None,
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
    *,
    certain: bool,
) -> Finding:
    assert rule.meaning is not None
    decided = certain and _may_fail(turn, meant)
    kind = wording.kind(meant.spoken.text)
    if decided:
        reason = because("wording.by_meaning", kind=_KINDS[kind])
    elif certain:
        reason = _uncertainty(turn, certain=True)
    else:
        reason = because("wording.suspected", kind=_KINDS[kind])
    confidence = _confidence(turn, meant)
    acted = act.check if act is not None and act.is_certain else None
    check = rule.own(acted or rule.meaning.kinds[kind])
    return _event(turn, check, reason, decided=decided, confidence=confidence)


def _by_act(
    turns: Sequence[Turn],
    acts: Mapping[int, FoundAct],
    meant: Mapping[int, Meaning],
    rule: ForbiddenLanguageRule,
    wording: WordingClassifier,
) -> dict[int, Finding]:
    """By turn, what a forbidden act in it comes to."""
    findings = {}
    for turn in turns:
        if (act := acts.get(turn.index)) is None:
            continue
        meaning, certain = meant.get(turn.index), not _is_for_others(turn, rule)
        if act.check.by_meaning and rule.meaning is None:
            certain = False  # nothing to weigh it with
        elif act.check.by_meaning:
            if meaning is None or _is_excused(meaning, rule):
                continue
            borne_out = _borne_out(turn, meaning, meaning.probability, rule, wording)
            if borne_out is None:
                continue
            certain = borne_out
        findings[turn.index] = _acted(turn, act, rule, certain=certain)
    return findings


def _acted(turn: Turn, act: FoundAct, rule: ForbiddenLanguageRule, *, certain: bool) -> Finding:
    confidence = round(act.performed.quality * _word_confidence(turn), 3)
    surely = turn.surely_by(Role.AGENT) and confidence >= WORD_CONFIDENCE_MIN
    doubt = act.performed.uncertainty
    decided = doubt is None and certain and surely
    if decided:
        said = act.performed.meant
        reason = because("wording.used") if said else because("wording.act", act=act.title)
    else:
        reason = doubt or _uncertainty(turn, certain=certain)
    return _event(
        turn,
        rule.own(act.check),
        reason,
        decided=decided,
        confidence=confidence,
        meant=act.performed.meant,
    )


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
