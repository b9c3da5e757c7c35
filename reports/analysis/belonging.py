"""What calls belong to: the figures of teams, queues and lines of business."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.figures import BELONGS, CallRow, CallsSummary, summary

Choices = tuple[tuple[str, tuple[str, ...]], ...]
"""Names that calls have, by the kinds of which there are any."""


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one team, queue or line; ``agents`` tells how many people took them."""

    agents: int
    summary: CallsSummary


def choices(calls: Sequence[CallRow]) -> Choices:
    """What some calls belong to."""
    found = ((kind, {getattr(call, kind) for call in calls} - {None}) for kind in BELONGS)
    return tuple((kind, tuple(sorted(names))) for kind, names in found if names)


def groups(calls: Sequence[CallRow]) -> tuple[tuple[str, tuple[Group, ...]], ...]:
    """The figures of everything that the calls belong to, by kind and name.

    Calls without a team are in no team, and so on; a call has at most one of each kind.
    """
    return tuple(
        (
            kind,
            tuple(
                Group(len({call.agent for call in own}), summary(name, own))
                for name in names
                if (own := [call for call in calls if getattr(call, kind) == name])
            ),
        )
        for kind, names in choices(calls)
    )


def of_agents(calls: Sequence[CallRow]) -> Mapping[str, Choices]:
    """What each agent's calls belong to, by the agent's id."""
    by_agent: dict[str, list[CallRow]] = defaultdict(list)
    for call in calls:
        by_agent[call.agent].append(call)
    return {agent: choices(own) for agent, own in by_agent.items()}


def teammates(own: Sequence[CallRow], others: Sequence[CallRow]) -> Sequence[CallRow]:
    """Calls that an agent's own are compared with: those of the agent's teams.

    They are everybody's where the agent has no team, or nobody else is in it.
    """
    teams = {call.team for call in own} - {None}
    return [call for call in others if call.team in teams] or others
