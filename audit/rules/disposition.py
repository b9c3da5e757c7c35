"""How a call came out: did people talk, and what may be said of a call in which nobody did.

Ringing, tones, music and noise leave no turns. What networks, voicemail and switchboards say
does, and is recognised by its words, whichever role it was given: it counts neither as the
agent's nor as the customer's. A call without a conversation has no score, and no verdict but
``cannot_tell``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from audit.language.phrases import find_any, find_each
from audit.language.text import spoken_characters
from audit.reasons import AGENT, CUSTOMER, Reason, because
from audit.rules import forbidden_language, no_interruption, silent_call
from audit.rules.base import CheckedRule, finding, recognised, without
from audit.rules.cues import DispositionCues
from audit.rules.registry import CORE, Rules
from audit.types import Call, Direction, Disposition, Finding, Role, Turn, Verdict

_REST = 6
"""Characters beside credits (字幕由…提供) up to which a turn is music that was taken for words."""

_PERSON = re.compile("喂|哪位|哪里找|是谁|谁啊|我就是")
"""What only a person says who picks up, after whatever was played before."""

_Who = tuple[Role, int | None]
"""A voice: its role, and which of several it is."""

_WHY = {
    Disposition.NO_SPEECH: because("disposition.no_speech"),
    Disposition.ANNOUNCEMENT: because("disposition.announcement"),
    Disposition.NO_ANSWER: because("disposition.no_answer"),
}


def classify(call: Call, cues: DispositionCues) -> Disposition:
    """How a call came out.

    A recorded voice is one that says something which only they say, and nothing that they do
    not. Beside it, one more voice is an agent's who sighs or leaves a message. Where an agent rang
    up and says hardly anything, a voice that says parts of an announcement is one as well.
    """
    voices = _voices(call, cues)
    spoken = [turn for turns in voices.values() for turn in turns]
    if not spoken or (len(voices) == 1 and not any(map(recognised, spoken))):
        return Disposition.NO_SPEECH
    distinctive = (cues.announcements, cues.menus)
    recorded = [who for who in voices if _is_recorded(voices, who, distinctive, cues)]
    rang_up = _rang_up(call, cues)
    said = sum(spoken_characters(turn.text) for turn in spoken if turn.role is Role.AGENT)
    if rang_up and said < cues.min_characters and not recorded:
        others = [who for who in voices if who[0] is not Role.AGENT]
        recorded = [who for who in others if _is_recorded(voices, who, (cues.fragments,), cues)]
    people = voices.keys() - recorded
    if recorded and len(people) < 2:
        greets_a_queue = people and not rang_up and not _are_announced(voices, recorded, cues)
        return Disposition.ONE_SIDED if greets_a_queue else Disposition.ANNOUNCEMENT
    if len(people) > 1 or any(role is Role.UNKNOWN for role, _ in people):
        return Disposition.CONVERSATION
    alone = spoken[0].role is Role.AGENT and rang_up and said < cues.min_characters
    return Disposition.NO_ANSWER if alone else Disposition.ONE_SIDED


def withheld(
    findings: Sequence[Finding], call: Call, rules: Rules, came_out: Disposition
) -> list[Finding]:
    """The findings without what such a call cannot tell.

    Of a call without a conversation the rules that every call has remain, as ``cannot_tell``
    with the words found; of one with a dead channel, those on how both voices meet, unless the
    agent speaks as on a silent line, and ``silent_call`` tells how.
    """
    if not came_out.connected:
        return [_cannot_tell(one, _WHY[came_out]) for one in findings if one.rule_id in CORE]
    decided = {one.rule_id for one in findings if one.verdict is not Verdict.CANNOT_TELL}
    dead = call.transcript.dead_channel is not None
    if not dead or came_out is Disposition.CONVERSATION or silent_call.RULE.id in decided:
        return list(findings)
    who = CUSTOMER if any(turn.role is Role.AGENT for turn in call.turns) else AGENT
    reason = because("disposition.channel_silent", who=who)
    meeting = {rule.id for rule in rules.registry if rule.two_voices}
    interrupting = no_interruption.RULE.id
    kept = [
        _cannot_tell(one, reason) if one.rule_id == interrupting else one
        for one in findings
        if one.rule_id == interrupting or one.rule_id not in meeting
    ]
    return kept + [
        finding(check_id, check, Verdict.CANNOT_TELL, reason)
        for rule, settings in rules.built_in()
        if rule.two_voices and isinstance(settings, CheckedRule)
        for check_id, check in settings.checks.items()
    ]


def _rang_up(call: Call, cues: DispositionCues) -> bool:
    """Whether the agent made the call: as the manifest says, or by a sigh that nobody answers."""
    if call.recording.direction is None:
        return any(find_any(cues.remarks, turn.text) for turn in call.said_by(Role.AGENT))
    return call.recording.direction is Direction.OUT


def _voices(call: Call, cues: DispositionCues) -> dict[_Who, list[Turn]]:
    """The turns in which each voice says words."""
    voices: dict[_Who, list[Turn]] = {}
    for turn in call.turns:
        if any(map(str.isalnum, turn.text)) and not _is_music(turn, cues):
            voices.setdefault((turn.role, turn.speaker), []).append(turn)
    return voices


def _is_music(turn: Turn, cues: DispositionCues) -> bool:
    rest = without(cues.not_speech, turn.text)
    return rest != turn.text and spoken_characters(rest) <= _REST


def _is_recorded(
    voices: Mapping[_Who, Sequence[Turn]],
    who: _Who,
    distinctive: tuple[tuple[str, ...], ...],
    cues: DispositionCues,
) -> bool:
    """Whether a voice is a recorded one: all it says matches cues, or was not recognised.

    Before anyone else speaks, voicemail may name itself in words of its own.
    """
    turns = voices[who]
    said = [turn for turn in turns if recognised(turn)]
    if any(_PERSON.search(turn.text) for turn in said):
        return False
    known = (cues.announcements, cues.menus, cues.fragments, cues.courtesies, cues.remarks)
    others = [turn.index for one, own in voices.items() if one != who for turn in own]
    answered = min(others, default=math.inf)
    if not all(_has(known, turn.text) for turn in said if turn.index > answered):
        return False  # as nearly all voices of a conversation: their second turn tells
    if not _has(distinctive, "，".join(turn.text for turn in turns)):
        return False
    names = next((turn.index for turn in turns if _has(distinctive, turn.text)), -1)
    names_itself_until = names if names < answered else -1
    return all(turn.index < names_itself_until or _has(known, turn.text) for turn in said)


def _has(lists: tuple[tuple[str, ...], ...], text: str) -> bool:
    """Whether a text holds a phrase of any of the lists."""
    return any(find_each(lists, text))


def _are_announced(
    voices: Mapping[_Who, Sequence[Turn]], recorded: Sequence[_Who], cues: DispositionCues
) -> bool:
    """Whether recorded voices say what networks and voicemail say, and not only menus."""
    played = "，".join(turn.text for who in recorded for turn in voices[who])
    return find_any(cues.announcements, played) is not None


def _cannot_tell(one: Finding, why: Reason) -> Finding:
    worded = one.rule_id == forbidden_language.RULE.id and one.verdict is Verdict.FAIL
    reason = because("disposition.unheard", why=why, finding=one.reason) if worded else why
    return replace(
        one,
        verdict=Verdict.CANNOT_TELL,
        reason=reason,
        points=0.0,
        confidence=0.0,
        auto_fail=False,
    )
