"""What rules rely on, and what becomes of their findings where that cannot be relied on.

Rules judge what was heard as if it were right. Three things may be wrong with all of it: who is
the agent may be a mere default, what the agent speaks may be no Mandarin, and single turns may be
no text. Then nobody is accused, and nobody is acquitted by it either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from audit.language.intelligibility import (
    has_dialect,
    is_readable,
    near_dialect_share,
    unread_share,
)
from audit.rulebooks.conditions import (
    Echo,
    HangUp,
    Interruption,
    Named,
    PickUp,
    Regex,
    Repeated,
    Said,
    Silence,
    Similar,
    Spoken,
    parts,
)
from audit.rulebooks.rulebook import Rulebook, WrittenCheck
from audit.types import SURE, Call, Channels, Finding, Role, Stage, Turn, Verdict

NO_ROLES = "无法从内容确认哪个声道是客服"
NOT_READ = "客服讲的可能不是普通话，或者没有识别清楚"
IN_DIALECT = "通话中讲的是方言，字面意思不足为凭"
UNREADABLE = "这里有话没有识别出来，或者不是普通话"

_MOST_UNREAD = 0.3
"""Share of the agent's speech that is not readable, from which no word of it is relied on."""
_LEAST_CONFIDENCE = 0.6
"""Mean probability of the agent's words below which they are not; Mandarin calls have 0.75."""
_BEFORE_S = 1.5
"""Seconds before a finding in which what was not recognised may be the same speaker's own."""
_OPENING = 2


@dataclass(frozen=True, slots=True)
class Needs:
    """What a check relies on.

    ``roles``: who is the agent. ``words``: what is said. ``by_presence``: it fails by something
    that is said and passes where nothing is found; others fail where something is not said.
    ``to_pass``: whether that is so for a ``pass`` too.
    """

    roles: bool = True
    words: bool = True
    by_presence: bool = False
    to_pass: bool = True


_NEEDS = {
    "forbidden_language": Needs(by_presence=True),
    "answer_wait": Needs(to_pass=False),  # a soon answer is the manifest's word
}
"""By rule; all others need both."""

_WORDS = (Said, Similar, Regex, Repeated, Named, Echo)


def readable(call: Call) -> Call:
    """The call without the words of turns that are unintelligible, as rules are to hear it."""
    turns = tuple(
        replace(turn, text="", words=(), asr_confidence=0.0) if turn.unintelligible else turn
        for turn in call.turns
    )
    return replace(call, transcript=replace(call.transcript, turns=turns))


def doubts(call: Call) -> Iterator[str]:
    """Why words of a call are not relied on, for the QA team."""
    count = sum(turn.unintelligible for turn in call.turns)
    if count:
        yield f"有 {count} 段话没有识别出来（识别结果不停重复，或者不是普通话），不作为依据"
    for role, name in ((Role.AGENT, "客服"), (Role.CUSTOMER, "客户")):
        if unread_share(call.said_by(role)) >= _MOST_UNREAD:
            yield f"{name}讲的可能不是普通话，无法从文字判断"


def withheld(findings: Sequence[Finding], call: Call, rulebook: Rulebook) -> list[Finding]:
    """The findings, ``cannot_tell`` in the place of those that rest on what is not sure.

    Args:
        findings: of all rules.
        call: as it was heard.
        rulebook: that they were made by.
    """
    roles = NO_ROLES if _by_default(call) else None
    words = NOT_READ if _is_unread(call.said_by(Role.AGENT)) else None
    kept = [
        _withheld(finding, doubt)
        if (doubt := _doubt(finding, call, rulebook, roles, words))
        else finding
        for finding in findings
    ]
    return _one_for_the_call(kept, "no_interruption")


def _by_default(call: Call) -> bool:
    """Whether who is the agent was taken for granted."""
    transcript = call.transcript
    if transcript.channels is not Channels.STEREO or transcript.role_source == "manifest":
        return False
    if transcript.roles_confirmed is not None:
        return not transcript.roles_confirmed
    return transcript.role_confidence is not None and transcript.role_confidence < SURE


def _is_unread(turns: Sequence[Turn]) -> bool:
    """Whether too little of some turns was read to rely on what was not found in it."""
    told = [
        (turn.asr_confidence, len(turn.text))
        for turn in turns
        if turn.asr_confidence is not None and not turn.unintelligible
    ]
    weight = sum(length for _, length in told)
    if weight and sum(p * n for p, n in told) / weight < _LEAST_CONFIDENCE:
        return True
    return unread_share(turns) >= _MOST_UNREAD


def _doubt(
    finding: Finding, call: Call, rulebook: Rulebook, roles: str | None, words: str | None
) -> str | None:
    """Why a finding cannot be told; None where it can, or is not told anyway."""
    passed = finding.verdict is Verdict.PASS
    if finding.verdict is Verdict.CANNOT_TELL or (passed and not (roles or words)):
        return None
    needs = _needs(finding, rulebook)
    if passed and not needs.to_pass:
        return None
    if roles and needs.roles:
        return roles
    if not needs.words:
        return None
    if passed:  # by words that were found, or because there was nothing
        return None if finding.evidence else words
    if needs.by_presence:
        own = _own_turn(finding, call)
        if own and not is_readable(own):
            return UNREADABLE
        return _doubt_of_meaning(finding, call, words)
    return words or (UNREADABLE if _rests_on_unreadable(finding, call) else None)


def _doubt_of_meaning(finding: Finding, call: Call, words: str | None) -> str | None:
    """Why wording that no phrase of the norms holds may mean something else.

    The model of meaning knows Mandarin: 莫来头 is 不客气.
    """
    if finding.rule_id != "forbidden_language" or finding.meant is not None:
        return None
    if near_dialect_share(call.said_by(Role.CUSTOMER)) >= _MOST_UNREAD:
        return words or IN_DIALECT
    return words


def _needs(finding: Finding, rulebook: Rulebook) -> Needs:
    rule = rulebook.rules.written.get(finding.rule_id)
    check = rule.checks.get(finding.check_id) if rule else None
    return _written(check) if check else _NEEDS.get(finding.rule_id, Needs())


def _written(check: WrittenCheck) -> Needs:
    """What a check of the rulebook's own conditions relies on."""
    conditions = (check.applies, check.requires, check.forbids, check.unless)
    used = [part for condition in conditions if condition for part in parts(condition)]
    return Needs(
        roles=any(_tells_speakers(part) for part in used),
        words=any(
            isinstance(part, _WORDS) or (isinstance(part, HangUp) and part.hang_up.without)
            for part in used
        ),
        by_presence=check.forbids is not None,
    )


def _tells_speakers(part: object) -> bool:
    if isinstance(part, Spoken):
        return part.speaker is not None
    if isinstance(part, Silence):
        return not {part.silence.after, part.silence.before} <= {"any", "same", "other"}
    if isinstance(part, HangUp):
        return part.hang_up.last is not None
    return isinstance(part, Interruption) or (
        isinstance(part, PickUp) and part.pick_up.by is not None
    )


def _own_turn(finding: Finding, call: Call) -> Turn | None:
    """The turn whose words are a finding's evidence."""
    return next(
        (
            turn
            for turn in call.turns
            if turn.role is finding.role
            and turn.start_s == finding.start_s
            and (finding.start_s is not None or turn.text == finding.evidence)
        ),
        None,
    )


def _rests_on_unreadable(finding: Finding, call: Call) -> bool:
    """Whether words that were not read lie where they may have been what is missed."""
    if finding.rule_id == "greeting":
        spoken = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
        opening = [turn for turn in spoken if turn.stage is Stage.GREETING]
        if spoken and has_dialect(spoken[0].text):  # one word of it may be the offer: 有么子帮您
            return True
        return not all(map(is_readable, (*opening, *spoken[:_OPENING])))
    if finding.start_s is None or finding.end_s is None:
        own = _own_turn(finding, call) if finding.evidence else None
        return own is not None and not is_readable(own)
    first_s, last_s = finding.start_s - _BEFORE_S, finding.end_s
    return any(
        turn.span is not None
        and turn.span.end_s > first_s
        and turn.span.start_s < last_s
        and not is_readable(turn)
        for turn in call.turns
    )


def _withheld(finding: Finding, doubt: str) -> Finding:
    failed = finding.verdict is Verdict.FAIL
    return replace(
        finding,
        verdict=Verdict.CANNOT_TELL,
        reason=f"{finding.reason}，但{doubt}" if failed else doubt,
        points=0.0,
        confidence=0.0,
        auto_fail=False,
    )


def _one_for_the_call(findings: Sequence[Finding], rule_id: str) -> list[Finding]:
    """The findings, of a rule one ``cannot_tell`` for the call, and only if it has no ``fail``."""
    own = [finding for finding in findings if finding.rule_id == rule_id]
    untold = [finding for finding in own if finding.verdict is Verdict.CANNOT_TELL]
    surplus = untold if len(untold) < len(own) else untold[1:]
    return [finding for finding in findings if not any(finding is one for one in surplus)]
