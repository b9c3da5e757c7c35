"""What a transcript cannot say of its recording."""

from __future__ import annotations

from collections.abc import Sequence

from audit.reasons import AGENT, CUSTOMER, Reason, because
from audit.transcription.decoding import Audio
from audit.transcription.media import Lengths
from audit.transcription.roles import RoleDecision
from audit.types import Role, Span


def of_audio(audio: Audio) -> list[Reason]:
    """What is missing of the recording itself."""
    found = [because("recording.damaged")] if audio.damaged else []
    if audio.lengths is not None:
        found.append(_length(audio.lengths))
    return found + list(audio.doubts)


def of_channels(
    decision: RoleDecision,
    speech: Sequence[Sequence[Span]],
    *,
    agent_channel: str | None,
    confirmed: bool,
    swapped: bool,
    dead_channel: int | None,
    gaps: Sequence[tuple[int, Span]],
) -> list[Reason]:
    """What is uncertain about the two speakers of a stereo recording.

    Args:
        decision: who speaks on which channel.
        speech: for each channel its speech segments.
        agent_channel: the agent's, as the manifest says it.
        confirmed: whether the decision is as certain as configured.
        swapped: the speakers change channels in the middle.
        dead_channel: the one that carries nothing.
        gaps: when a channel carries nothing for a while.
    """
    found = [] if confirmed or swapped else [because("roles.assumed")]
    found += [because("roles.swapped")] if swapped else []
    for channel, gap in gaps:
        who = AGENT if decision.roles[channel] is Role.AGENT else CUSTOMER
        found.append(because("recording.gap", who=who, start_s=gap.start_s, end_s=gap.end_s))
    found += _silent_channel(decision.roles, speech, dead_channel)
    if agent_channel is not None and decision.source == "content":
        found.append(because("roles.manifest_contradicted", channel=agent_channel))
    return found


def of_mono(decision: RoleDecision, *, diarized: bool) -> list[Reason]:
    """What is uncertain about the speakers of a mono recording."""
    if not diarized:
        return [because("recording.no_embeddings")]
    if Role.UNKNOWN in decision.roles:
        return [because("recording.mono_roles_unknown")]
    return [because("recording.mono")]


def _silent_channel(
    roles: Sequence[Role], speech: Sequence[Sequence[Span]], dead_channel: int | None
) -> list[Reason]:
    """The doubt about a channel without any speech beside one that has some."""
    if sum(map(bool, speech)) != 1:
        return []
    silent = next(channel for channel, spans in enumerate(speech) if not spans)
    who = AGENT if roles[silent] is Role.AGENT else CUSTOMER
    if silent == dead_channel:
        return [because("recording.channel_silent", who=who)]
    return [because("recording.side_silent", who=who)]


def _length(lengths: Lengths) -> Reason:
    """The doubt about a recording whose header and file differ in length."""
    header_s, file_s = lengths.header_s, lengths.file_s
    if header_s > file_s:
        return because("recording.incomplete", header_s=header_s, file_s=file_s)
    if lengths.to_end:
        return because("recording.interrupted", header_s=header_s, file_s=file_s)
    return because("recording.surplus", header_s=header_s, file_s=file_s)
