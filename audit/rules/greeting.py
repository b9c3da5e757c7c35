"""Did the agent greet as the norm asks: one finding for each element."""

from __future__ import annotations

from collections.abc import Iterator

from audit.language.phrases import Match, find, find_any, find_words
from audit.language.text import spoken_characters
from audit.rulebooks.rulebook import GreetingCheck, GreetingRule, Rulebook
from audit.rules import beginning
from audit.rules.base import finding
from audit.types import Call, Direction, Finding, Role, Stage, Turn, Verdict

RULE_ID = "greeting"
ORDER = "greeting.order"

_STAGE = "说到了，但无法判断是否属于开头语"


def evaluate(call: Call, rulebook: Rulebook) -> list[Finding]:
    """One finding for each element the rulebook asks for in calls of this direction.

    ``cannot_tell`` where the agent's turns are not known or were not understood; so is what is
    not heard where the recording lacks the beginning of the call, or where the agent rang up and
    nobody is heard to answer. A call whose direction is not known is judged as one that came in.
    """
    rule = rulebook.rules.greeting
    spoken = call.said_by(Role.AGENT)
    opening = [
        turn
        for turn in call.turns
        if turn.stage is Stage.GREETING and not turn.surely_by(Role.CUSTOMER)
    ]
    doubt = _doubt(call, spoken, opening)
    asked_for = list(_asked_for(call, rule, spoken))
    if doubt:
        return [
            _untold(name, check, doubt) for name, check in asked_for if check.missing != "nothing"
        ]
    excused = beginning.missing(call) or _unanswered(call)
    if excused is None:
        found = [one for name, check in asked_for for one in _judged(call, name, check, opening)]
        return found + _order(call, rule, opening)
    return [
        _untold(name, check, excused) if one.verdict is Verdict.FAIL else one
        for name, check in asked_for
        for one in _judged(call, name, check, opening)
    ]


def _asked_for(
    call: Call, rule: GreetingRule, spoken: list[Turn]
) -> Iterator[tuple[str, GreetingCheck]]:
    out = call.recording.direction is Direction.OUT
    for check_id, check in (rule.outbound if out and rule.outbound else rule.checks).items():
        if not check.when or any(find_any(check.when, turn.text) for turn in spoken):
            yield check_id, check


def _doubt(call: Call, spoken: list[Turn], opening: list[Turn]) -> str | None:
    if not spoken:
        if any(turn.role is Role.UNKNOWN for turn in call.turns):
            return "无法判断哪一方是客服"
        return "录音中没有客服讲话"
    if not any(spoken_characters(turn.text) for turn in opening or spoken):
        return "开头语没有识别出文字"
    return None


def _unanswered(call: Call) -> str | None:
    out = call.recording.direction is Direction.OUT
    alone = all(turn.role is Role.AGENT for turn in call.turns)
    return "呼出电话没有听到对方应答" if out and alone else None


def _untold(check_id: str, check: GreetingCheck, doubt: str) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=check_id,
        verdict=Verdict.CANNOT_TELL,
        reason=doubt,
        clause_id=check.clause,
        severity=check.severity,
        confidence=0.0,
    )


def _judged(call: Call, check_id: str, check: GreetingCheck, opening: list[Turn]) -> list[Finding]:
    spoken = call.said_by(Role.AGENT)
    later = [turn for turn in spoken[: check.first_turns] if turn not in opening]
    for turn in (*opening, *later):
        match = _said(call, check, turn)
        if match is not None:
            return [_passed(check_id, check, turn, match)]
    if check.missing == "nothing":
        return []
    doubtful = [turn for turn in spoken if turn.in_stage(Stage.GREETING) is None]
    if any(_said(call, check, turn) for turn in doubtful):
        return [_untold(check_id, check, _STAGE)]
    if any(not turn.surely_by(Role.AGENT) for turn in opening):
        return [_untold(check_id, check, "没有听到，但开头部分有话无法确认是谁说的")]
    if check.missing == "cannot_tell" or any(find_any(check.unsure, t.text) for t in opening):
        return [_untold(check_id, check, "没有听到规范用语，可能用了别的说法")]
    return [_failed(check_id, check, opening)]


def _said(call: Call, check: GreetingCheck, turn: Turn) -> Match | None:
    name = call.recording.agent_name
    named = find_words(name, turn.text) if check.by_name and name else None
    return find_any(check.phrases, turn.text, slack=check.slack) or named


def _passed(check_id: str, check: GreetingCheck, turn: Turn, match: Match) -> Finding:
    return Finding(
        rule_id=RULE_ID,
        check_id=check_id,
        verdict=Verdict.PASS,
        reason="开头语中已说到" if turn.stage is Stage.GREETING else "开头之后已说到",
        clause_id=check.clause,
        severity=check.severity,
        confidence=round(match.quality * (turn.asr_confidence or 1.0), 3),
        stage=turn.stage,
        role=Role.AGENT,
        start_s=turn.start_s,
        end_s=turn.end_s,
        evidence=turn.text,
        meant=match.meant,
    )


def _failed(check_id: str, check: GreetingCheck, opening: list[Turn]) -> Finding:
    first = opening[0] if opening else None
    confidences = [turn.asr_confidence for turn in opening if turn.asr_confidence is not None]
    return Finding(
        rule_id=RULE_ID,
        check_id=check_id,
        verdict=Verdict.FAIL,
        reason="开头语中没有说到" if opening else "没有开头语，直接进入业务",
        clause_id=check.clause,
        severity=check.severity,
        points=check.points,
        confidence=round(sum(confidences) / len(confidences), 3) if confidences else 0.9,
        stage=Stage.GREETING,
        role=Role.AGENT,
        start_s=first.start_s if first else None,
        end_s=opening[-1].end_s if opening else None,
        evidence="".join(turn.text for turn in opening) or None,
    )


def _order(call: Call, rule: GreetingRule, opening: list[Turn]) -> list[Finding]:
    """A ``fail`` where the first turn has two elements in the wrong order."""
    order = rule.order
    if order is None or not opening or call.recording.direction is Direction.OUT:
        return []
    turn, then = opening[0], rule.checks[order.then]
    hellos = [find(phrase, turn.text) for phrase in rule.checks[order.first].phrases]
    begins = min((match.first for match in hellos if match), default=None)
    if begins is None or not turn.surely_by(Role.AGENT) or find_any(order.unless, turn.text):
        return []
    before, after = turn.text[:begins], turn.text[begins:]
    if find_any(then.phrases, after, slack=then.slack) or not find_any(then.phrases, before):
        return []
    return [finding(ORDER, order, Verdict.FAIL, "问候应在前面", turn=turn)]
