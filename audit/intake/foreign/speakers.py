"""Who of a vendor's speakers is the agent: as the vendor or the manifest says, or by the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.intake.foreign.fields import Unreadable
from audit.ports import RoleClassifier
from audit.transcription import roles
from audit.transcription.options import TranscriptionOptions
from audit.transcription.roles import RoleDecision
from audit.transcription.windows import UtteranceWords
from audit.types import Direction, Role

NOBODY = ""
"""Stands for a speaker whom the vendor does not name."""

CHANNELS = ("0", "1")
"""How vendors name the speakers of a recording with two channels."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a manifest says of a call's speakers.

    Attributes:
        agent_channel: ``0`` or ``1`` of a recording with two channels, ``mono`` for one channel.
        agent_speaker: the vendor's name for the agent.
        direction: who rang whom.
    """

    agent_channel: str | None = None
    agent_speaker: str | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class RoleTerms:
    """By what agent and customer are told apart where nobody says.

    Attributes:
        classifier: tells whose words they are.
        options: the agent's usual channel, least probability of roles, and how turns are joined.
    """

    classifier: RoleClassifier
    options: TranscriptionOptions


@dataclass(frozen=True, slots=True)
class Speakers:
    """The roles of all speakers; the rest as in a transcript, None where the vendor gives roles."""

    roles: tuple[Role, ...]
    confidence: float | None = None
    source: str | None = None
    confirmed: bool | None = None
    contradicted: bool = False
    """Whether the words clearly show that the manifest names another speaker than the agent."""


def of(
    names: Sequence[str],
    given: Mapping[str, Role],
    utterances: Sequence[UtteranceWords],
    *,
    apart: bool,
    stated: Stated,
    terms: RoleTerms | None,
) -> Speakers:
    """The roles of speakers.

    The manifest's channel counts only where channels are the speakers: voices that were told apart
    are numbered in any order.

    Args:
        names: of the speakers, who has no name last.
        given: roles by name, as the vendor gives them.
        utterances: with their words; ``Utterance.channel`` is the place in ``names``.
        apart: whether each speaker has a channel.
        stated: by the manifest.
        terms: None to leave roles unknown that nobody gives.

    Raises:
        Unreadable: the manifest names an agent who does not speak.
    """
    if given:
        return Speakers(tuple(given.get(name, Role.UNKNOWN) for name in names))
    known = [name for name in names if name != NOBODY]
    by_channel = apart and tuple(known) == CHANNELS
    agent = _stated_agent(known, stated, by_channel=by_channel)
    if terms is None:
        return Speakers((Role.UNKNOWN,) * len(names), roles.UNDECIDED_CONFIDENCE, "content", False)
    heard = [item for item in utterances if item[0].channel < len(known)]
    if len(known) == 2 and (by_channel or agent is not None):
        decision = roles.decide(
            heard,
            terms.classifier,
            agent_channel=agent,
            expected=terms.options.agent_channel or 0,
            direction=stated.direction,
        )
    else:
        decision = _assigned(heard, len(known), agent, stated.direction, terms)
    usual = by_channel and decision.source == "default" and terms.options.agent_channel is not None
    return Speakers(
        (*decision.roles, *(Role.UNKNOWN,) * (len(names) - len(known))),
        decision.confidence,
        decision.source,
        usual or decision.confidence >= terms.options.role_confidence,
        agent is not None and decision.source == "content",
    )


def _stated_agent(known: Sequence[str], stated: Stated, *, by_channel: bool) -> int | None:
    """The place of the speaker whom the manifest names."""
    if by_channel and stated.agent_channel in CHANNELS:
        return CHANNELS.index(stated.agent_channel)
    if stated.agent_speaker is None:
        return None
    if stated.agent_speaker not in known:
        raise Unreadable(
            f"the manifest's agent_speaker is {stated.agent_speaker!r}, who does not speak; it "
            f"must be one of {', '.join(known[:8])}"
        )
    return known.index(stated.agent_speaker)


def _assigned(
    utterances: Sequence[UtteranceWords],
    count: int,
    agent: int | None,
    direction: Direction | None,
    terms: RoleTerms,
) -> RoleDecision:
    """Roles of voices on one line, of each only where it is certain.

    Beside the one who speaks most like an agent, or whom the manifest names, and the one who does
    so least, a voice has a role if what it says is certainly of that role.
    """
    least = terms.options.role_confidence
    totals = roles.agent_evidence(
        utterances,
        roles.Evidence.of(utterances, terms.classifier),
        speakers=count,
        direction=direction,
    )

    def differs(one: float, other: float) -> bool:
        return roles.assign([one, other], min_confidence=least).confidence >= least

    decision = roles.assign(totals, min_confidence=least)
    if agent is None and (count < 3 or Role.UNKNOWN in decision.roles):
        return decision
    top = max(range(count), key=totals.__getitem__) if agent is None else agent
    found = []
    for voice, total in enumerate(totals):
        role = Role.UNKNOWN
        if voice == top:
            role = Role.AGENT
        elif differs(total, 0.0):
            role = Role.AGENT if total > 0 else Role.CUSTOMER
        elif total == min(totals) and differs(totals[top], total):
            role = Role.CUSTOMER
        found.append(role)
    if agent is None:
        return RoleDecision(tuple(found), decision.confidence, decision.source)
    return RoleDecision(tuple(found), 1.0, "manifest")
