"""What a switchboard plays on the channel of an agent or a customer is nobody's conduct.

Menus and queue announcements are recognised by their words. On the agent's channel they are what
comes before the agent's own first words, or after the last ones; on the customer's, whatever a
customer would never say.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.language.phrases import find_each
from audit.reasons import because
from audit.rules import answer_wait, greeting, no_interruption
from audit.rules.cues import DispositionCues
from audit.rules.reliance import one_for_the_call, undecided
from audit.types import Call, Finding, Role, Turn, Verdict

_ABOUT_OPENING = (greeting.RULE.id, answer_wait.RULE.id)
"""Rules that the menu may be part of: it does not greet for the agent, but may say the number."""


def withheld(findings: Sequence[Finding], call: Call, cues: DispositionCues) -> list[Finding]:
    """The findings, ``cannot_tell`` in the place of those on what was played.

    Args:
        findings: of all rules.
        call: as transcribed.
        cues: by which recorded voices are recognised.
    """
    if not any(one.verdict is Verdict.FAIL for one in findings):
        return list(findings)
    agent = call.said_by(Role.AGENT)
    leading = _run(agent, cues)
    trailing = _run(agent[len(leading) :][::-1], cues)
    own = agent[len(leading) : len(agent) - len(trailing)]
    begins_s = next((turn.start_s for turn in own), None) if leading else None
    others = [turn for turn in call.said_by(Role.CUSTOMER) if _is_played(turn, cues)]
    why = because("menu.played")
    kept = []
    for one in findings:
        early = begins_s is not None and one.start_s is not None and one.start_s < begins_s
        over = one.rule_id == no_interruption.RULE.id and _meets(one, others)
        played = one.rule_id not in _ABOUT_OPENING and (early or over or _meets(one, trailing))
        failed = one.verdict is Verdict.FAIL
        kept.append(undecided(one, why) if failed and played else one)
    return one_for_the_call(kept, no_interruption.RULE.id)


def _is_played(turn: Turn, cues: DispositionCues) -> bool:
    return any(find_each((cues.menus, cues.announcements), turn.text))


def _run(turns: Sequence[Turn], cues: DispositionCues) -> list[Turn]:
    """The first turns, up to the last that is played with nothing a person says before it."""
    known = (cues.menus, cues.announcements, cues.fragments, cues.courtesies)
    count = 0
    for number, turn in enumerate(turns, start=1):
        if _is_played(turn, cues):
            count = number
        elif not any(find_each(known, turn.text)):
            break
    return list(turns[:count])


def _meets(one: Finding, played: Sequence[Turn]) -> bool:
    """Whether a finding is on what is played, or at the same time."""
    if one.start_s is None:
        return False
    end_s = max(one.start_s + 0.01, one.end_s or 0.0)
    return any(
        turn.span is not None and turn.span.start_s < end_s and turn.span.end_s > one.start_s
        for turn in played
    )
