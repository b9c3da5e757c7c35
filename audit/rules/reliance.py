"""What rules rely on, and what becomes of their findings where that cannot be relied on.

Rules judge a transcript as if it were right. Three things may be wrong with all of it: who is
the agent may be a mere default, what the agent speaks may not be Mandarin, and single turns may not
be text. Then nobody is accused, and nobody is acquitted by it either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from audit.language.intelligibility import (
    has_dialect,
    is_readable,
    near_dialect_share,
    unread_share,
)
from audit.ports import WordingClassifier
from audit.reasons import AGENT, CUSTOMER, Reason, because
from audit.rules import forbidden_language, greeting, no_interruption
from audit.rules.base import Needs
from audit.rules.registry import Rules
from audit.rules.written.conditions import (
    ActCondition,
    Echo,
    EntityCondition,
    HangUp,
    Interruption,
    PickUp,
    Regex,
    Repeated,
    Said,
    SilenceCondition,
    Similar,
    SpokenCondition,
    parts,
)
from audit.rules.written.settings import WrittenCheck
from audit.types import ROLE_CONFIDENCE_MIN, Call, Channels, Finding, Role, Stage, Turn, Verdict

ROLES_UNCONFIRMED = because("roles.unconfirmed")
NOT_READ = because("words.not_mandarin")
IN_DIALECT = because("words.dialect")
UNREADABLE = because("words.unreadable")
UNFAMILIAR = because("words.unfamiliar")

_MOST_UNREAD = 0.3
"""Share of the agent's speech that is not readable, from which no word of it is relied on."""
_LEAST_CONFIDENCE = 0.6
"""Mean probability of the agent's words below which they are not; Mandarin calls have 0.75."""
_FAMILIAR_MIN = 0.8
"""Confidence by familiarity below which a turn may hold a garbled word: one in nine is unknown."""
_BEFORE_S = 1.5
"""Seconds before a finding in which what was not recognised may be the same speaker's own."""
_OPENING = 2

_WORDS = (Said, ActCondition, Similar, Regex, Repeated, EntityCondition, Echo)


def is_unscored(call: Call) -> bool:
    """Whether an engine transcribed the call that gives no word probabilities."""
    told = any(t.asr_confidence is not None for t in call.turns if not t.unintelligible)
    recognised = call.transcript.word_times is not None
    return recognised and not told and call.transcript.channels is not Channels.TEXT


def scored(call: Call, wording: WordingClassifier) -> Call:
    """The call with confidences, for its words, of an engine that gives none.

    How familiar a turn's words are stands in for how certain they are: garbled words are seldom
    Chinese that anybody says. The square of that share falls below the thresholds of the rules
    where the share is below about 0.7.
    """
    if not is_unscored(call):
        return call
    turns = tuple(
        replace(turn, asr_confidence=round(wording.familiarity(turn.text) ** 2, 4))
        if turn.text and not turn.unintelligible
        else turn
        for turn in call.turns
    )
    return replace(call, transcript=replace(call.transcript, turns=turns))


def readable(call: Call) -> Call:
    """The call without the words of turns that are unintelligible, as rules are to hear it."""
    turns = tuple(
        replace(turn, text="", words=(), asr_confidence=0.0) if turn.unintelligible else turn
        for turn in call.turns
    )
    return replace(call, transcript=replace(call.transcript, turns=turns))


def doubts(call: Call) -> Iterator[Reason]:
    """Why words of a call are not relied on."""
    count = sum(turn.unintelligible for turn in call.turns)
    if count:
        yield because("words.unread", count=count)
    for role, who in ((Role.AGENT, AGENT), (Role.CUSTOMER, CUSTOMER)):
        if unread_share(call.said_by(role)) >= _MOST_UNREAD:
            yield because("words.side_not_mandarin", who=who)


def withheld(
    findings: Sequence[Finding], call: Call, rules: Rules, *, unscored: bool = False
) -> list[Finding]:
    """The findings, ``cannot_tell`` in the place of those that rest on what is not sure.

    Args:
        findings: of all rules.
        call: as transcribed.
        rules: that they were made by.
        unscored: whether its confidences are those that :func:`scored` gave it.
    """
    roles = _swapped(call) or (ROLES_UNCONFIRMED if _by_default(call) else None)
    words = NOT_READ if _is_unread(call.said_by(Role.AGENT)) else None
    kept = [
        undecided(finding, uncertainty)
        if (uncertainty := _uncertainty(finding, call, rules, roles, words))
        or (uncertainty := _uncertainty_of_absence(finding, call, rules, unscored))
        else finding
        for finding in findings
    ]
    return one_for_the_call(kept, no_interruption.RULE.id)


def _swapped(call: Call) -> Reason | None:
    """The doubt about channels that agent and customer change in the middle of the call."""
    return next((doubt for doubt in call.transcript.doubts if doubt.id == "roles.swapped"), None)


def _by_default(call: Call) -> bool:
    """Whether who is the agent was taken for granted."""
    transcript = call.transcript
    if transcript.channels is Channels.MONO or transcript.role_source == "manifest":
        return False
    if transcript.roles_confirmed is not None:
        return not transcript.roles_confirmed
    return (
        transcript.role_confidence is not None and transcript.role_confidence < ROLE_CONFIDENCE_MIN
    )


def _is_unread(turns: Sequence[Turn]) -> bool:
    """Whether too little of some turns was read to rely on what was not found in it."""
    weighted = [
        (turn.asr_confidence, len(turn.text))
        for turn in turns
        if turn.asr_confidence is not None and not turn.unintelligible
    ]
    weight = sum(length for _, length in weighted)
    if weight and sum(p * n for p, n in weighted) / weight < _LEAST_CONFIDENCE:
        return True
    return unread_share(turns) >= _MOST_UNREAD


def _uncertainty(
    finding: Finding, call: Call, rules: Rules, roles: Reason | None, words: Reason | None
) -> Reason | None:
    """Why a finding is undecidable; None where it is decided, or was undecided anyway."""
    passed = finding.verdict is Verdict.PASS
    if finding.verdict is Verdict.CANNOT_TELL or (passed and not (roles or words)):
        return None
    needs = needs_of(finding, rules)
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
        return _uncertainty_of_meaning(finding, call, words)
    return words or (UNREADABLE if _rests_on(finding, call, _is_unreadable) else None)


def _uncertainty_of_absence(
    finding: Finding, call: Call, rules: Rules, unscored: bool
) -> Reason | None:
    """Why what is missed may be there after all, among words that may be garbled."""
    needs = needs_of(finding, rules)
    by_absence = (
        needs.words and not needs.by_presence and finding.rule_id != no_interruption.RULE.id
    )
    if not unscored or finding.verdict is not Verdict.FAIL or not by_absence:
        return None
    return UNFAMILIAR if _rests_on(finding, call, _is_unfamiliar) else None


def _is_unfamiliar(turn: Turn) -> bool:
    return turn.asr_confidence is not None and turn.asr_confidence < _FAMILIAR_MIN


def _uncertainty_of_meaning(finding: Finding, call: Call, words: Reason | None) -> Reason | None:
    """Why wording that no phrase of the norms holds may mean something else.

    The model of meaning knows Mandarin: 莫来头 is 不客气.
    """
    if finding.rule_id != forbidden_language.RULE.id or finding.meant is not None:
        return None
    if near_dialect_share(call.said_by(Role.CUSTOMER)) >= _MOST_UNREAD:
        return words or IN_DIALECT
    return words


def needs_of(finding: Finding, rules: Rules) -> Needs:
    """What the check of a finding relies on."""
    rule = rules.written.get(finding.rule_id)
    check = rule.checks.get(finding.check_id) if rule else None
    if check is not None:
        return _written(check)
    return next((rule.needs for rule in rules.registry if rule.id == finding.rule_id), Needs())


def _written(check: WrittenCheck) -> Needs:
    """What a check of the rulebook's own conditions relies on."""
    conditions = (check.applies, check.requires, check.forbids, check.unless)
    used = [part for condition in conditions if condition for part in parts(condition)]
    return Needs(
        roles=any(_depends_on_speakers(part) for part in used),
        words=any(
            isinstance(part, _WORDS) or (isinstance(part, HangUp) and part.hang_up.without)
            for part in used
        ),
        by_presence=check.forbids is not None,
    )


def _depends_on_speakers(part: object) -> bool:
    if isinstance(part, SpokenCondition):
        return part.speaker is not None
    if isinstance(part, SilenceCondition):
        return not {part.silence.after, part.silence.before} <= {"any", "same", "other"}
    if isinstance(part, HangUp):
        return part.hang_up.last is not None
    return isinstance(part, Interruption | ActCondition) or (
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


def _is_unreadable(turn: Turn) -> bool:
    return not is_readable(turn)


def _rests_on(finding: Finding, call: Call, is_doubtful: Callable[[Turn], bool]) -> bool:
    """Whether doubtful words lie where they may have been what is missed."""
    if finding.rule_id == greeting.RULE.id:
        spoken = [turn for turn in call.turns if not turn.surely_by(Role.CUSTOMER)]
        opening = [turn for turn in spoken if turn.stage is Stage.GREETING]
        if spoken and has_dialect(spoken[0].text):  # one word of it may be the offer: 有么子帮您
            return True
        return any(map(is_doubtful, (*opening, *spoken[:_OPENING])))
    if finding.start_s is None or finding.end_s is None:
        own = _own_turn(finding, call) if finding.evidence else None
        return own is not None and is_doubtful(own)
    first_s, last_s = finding.start_s - _BEFORE_S, finding.end_s
    return any(
        turn.span is not None
        and turn.span.end_s > first_s
        and turn.span.start_s < last_s
        and is_doubtful(turn)
        for turn in call.turns
    )


def undecided(finding: Finding, uncertainty: Reason) -> Finding:
    """The finding as ``cannot_tell``, and why."""
    failed = finding.verdict is Verdict.FAIL
    return replace(
        finding,
        verdict=Verdict.CANNOT_TELL,
        reason=because("but", finding=finding.reason, doubt=uncertainty) if failed else uncertainty,
        points=0.0,
        confidence=0.0,
        auto_fail=False,
    )


def one_for_the_call(findings: Sequence[Finding], rule_id: str) -> list[Finding]:
    """The findings, of a rule one ``cannot_tell`` for the call, and only if it has no ``fail``."""
    own = [finding for finding in findings if finding.rule_id == rule_id]
    undecided = [finding for finding in own if finding.verdict is Verdict.CANNOT_TELL]
    surplus = undecided if len(undecided) < len(own) else undecided[1:]
    return [finding for finding in findings if not any(finding is one for one in surplus)]
