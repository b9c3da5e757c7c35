"""Rules written in the rulebook: each check asks for a condition or forbids one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from audit.reasons import Reason, because, written
from audit.rules.acts import CallActs
from audit.rules.base import finding
from audit.rules.floor import InterruptionThresholds
from audit.rules.written.evaluator import ConditionEvaluator
from audit.rules.written.evidence import MAYBE, Hit, Result
from audit.rules.written.settings import WrittenCheck, WrittenRule
from audit.types import Call, Finding, Verdict

_TRUE = Result(True)


def evaluate(
    call: Call,
    rules: Mapping[str, WrittenRule],
    *,
    thresholds: InterruptionThresholds,
    acts: CallActs,
) -> list[Finding]:
    """Findings of every written check that has occasion in the call.

    Args:
        call: whose turns have their stages.
        rules: by their id; they are evaluated together, as they share conditions.
        thresholds: what counts as an interruption.
        acts: the acts that the rulebook names, in this call.
    """
    evaluator = ConditionEvaluator(call, thresholds, acts)
    return [
        finding
        for rule in rules.values()
        for check_id, check in rule.enabled()
        for finding in judged(check_id, check, evaluator)
    ]


def judged(check_id: str, check: WrittenCheck, evaluator: ConditionEvaluator) -> list[Finding]:
    """Findings of one check; none where it does not apply."""
    applies = evaluator.result(check.applies) if check.applies else _TRUE
    if applies.holds is False:
        return []
    if check.requires:
        findings = _required(check_id, check, evaluator, applies)
    else:
        findings = _forbidden(check_id, check, evaluator)
    if applies.holds is None:
        uncertainty = applies.uncertainty
        kept = [found for found in findings if found.verdict is not Verdict.PASS]
        return [_cannot_tell(check_id, check, uncertainty, _first(applies))] if kept else []
    return findings


def _required(
    check_id: str, check: WrittenCheck, evaluator: ConditionEvaluator, applies: Result
) -> list[Finding]:
    assert check.requires is not None
    result = evaluator.result(check.requires)
    if result.holds:
        return [_found(check_id, check, Verdict.PASS, because("written.met"), _first(result))]
    unless = evaluator.result(check.unless) if check.unless else Result(False)
    if unless.holds:
        return []
    if result.holds is None or unless.holds is None:
        uncertainty = result.uncertainty if result.holds is None else unless.uncertainty
        return [_cannot_tell(check_id, check, uncertainty, _first(result) or _first(applies))]
    if check.missing == "cannot_tell":
        return [_cannot_tell(check_id, check, _own(check), _first(applies))]
    return [_found(check_id, check, Verdict.FAIL, _own(check), _first(applies))]


def _forbidden(check_id: str, check: WrittenCheck, evaluator: ConditionEvaluator) -> list[Finding]:
    assert check.forbids is not None
    result = evaluator.result(check.forbids)
    worst: dict[tuple[object, ...], Finding] = {}
    for hit in (result.hits or (None,)) if result.holds is not False else ():
        one = _accused(check_id, check, evaluator, result, hit)
        if one is not None:
            place = (hit.place[0], hit.span) if hit else ()
            if worst.setdefault(place, one).verdict is not Verdict.FAIL:
                worst[place] = one
    if worst:
        return list(worst.values())
    if result.hits and result.incomplete:
        return [_cannot_tell(check_id, check, result.incomplete, None)]
    return [_found(check_id, check, Verdict.PASS, because("written.none"), None)]


def _accused(
    check_id: str,
    check: WrittenCheck,
    evaluator: ConditionEvaluator,
    result: Result,
    hit: Hit | None,
) -> Finding | None:
    """What is said of a hit of what is forbidden; None where ``unless`` acquits."""
    # what excuses is asked as if the hit were certain: it stands beside the same words
    certain = replace(hit, uncertainty=None) if hit else None
    unless = evaluator.result(check.unless, certain) if check.unless else Result(False)
    if unless.holds:
        return None
    uncertainty = result.uncertainty if result.holds is None else hit.uncertainty if hit else None
    if uncertainty or unless.holds is None:
        return _cannot_tell(check_id, check, uncertainty or unless.uncertainty, hit)
    return _found(check_id, check, Verdict.FAIL, _own(check), hit)


def _first(result: Result) -> Hit | None:
    """A hit to show: the first that is certain, if there is one."""
    certain = (hit for hit in result.hits if hit.uncertainty is None)
    return next(certain, result.hits[0] if result.hits else None)


def _own(check: WrittenCheck) -> Reason:
    """The reason that the rulebook gives for a failure."""
    return written(check.reason, check.reason_en)


def _cannot_tell(
    check_id: str, check: WrittenCheck, uncertainty: Reason, hit: Hit | None
) -> Finding:
    if uncertainty == MAYBE:
        why = because("written.perhaps", check=_own(check))
    else:
        why = because("written.cannot_tell", doubt=uncertainty)
    return _found(check_id, check, Verdict.CANNOT_TELL, why, hit)


def _found(
    check_id: str, check: WrittenCheck, verdict: Verdict, reason: Reason, hit: Hit | None
) -> Finding:
    return finding(
        check_id,
        check,
        verdict,
        reason,
        span=hit.span if hit else None,
        turn=hit.turn if hit else None,
        meant=hit.meant if hit else None,
        auto_fail=check.auto_fail,
    )
