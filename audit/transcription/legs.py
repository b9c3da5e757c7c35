"""Decodes a call in several files to one recording, and says what that leaves uncertain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.errors import RejectedRecording, RejectReason
from audit.legs import Leg
from audit.reasons import Reason, because
from audit.transcription import doubts, joining
from audit.transcription.decoding import Audio
from audit.transcription.joining import AlignedBy
from audit.types import SAMPLE_RATE

_GAP_MIN_S = 1.0
"""Seconds between parts below which they follow at once: times are often whole seconds."""
_UNHEARD = (RejectReason.NO_AUDIO, RejectReason.TOO_SHORT)
"""Why one file of a call may hold nothing while the others do."""
_HOW: dict[AlignedBy, tuple[Reason, ...]] = {
    AlignedBy.SOUND: (),
    AlignedBy.TURNS: (because("legs.by_turns"),),
    AlignedBy.TIMES: (because("legs.not_aligned"),),
}

Decode = Callable[[Path, Leg], Audio]


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a call.

    Attributes:
        samples: int16, shape ``[channels, samples]``.
        lead_s: seconds that it begins before its first leg.
        doubts: what is uncertain about how its sides lie beside each other.
    """

    samples: NDArray[np.int16]
    lead_s: float = 0.0
    doubts: tuple[Reason, ...] = ()


def decode_legs(
    paths: Sequence[Path], legs: Sequence[Leg], *, decode: Decode, max_duration_s: float
) -> Audio:
    """Decode the files of a call as one recording; the agent's side is channel 0.

    Args:
        paths: the files, in the order of ``legs``.
        legs: what they are.
        decode: of one file, to the channels that differ.
        max_duration_s: longer calls are rejected.

    Raises:
        RejectedRecording: one of them cannot be decoded, all are silent, or they are too long.
    """
    heard, said = _heard(paths, legs, decode)
    numbers = sorted({leg.part for leg, _ in heard})
    of_part = {n: [(leg, one) for leg, one in heard if leg.part == n] for n in numbers}
    parts = [_part(of_part[n], turned=_is_turned(of_part[n], of_part[numbers[0]])) for n in numbers]
    gaps_s = _gaps_s([of_part[n][0][0] for n in numbers], parts)
    length_s = sum(gaps_s) + sum(part.samples.shape[1] / SAMPLE_RATE for part in parts)
    if length_s > max_duration_s:
        raise RejectedRecording(
            RejectReason.TOO_LARGE,
            f"{legs[0].file} and the other files of its call are {length_s / 3600:.3g} h long "
            "together; correct their started_at, or raise limits.max_duration_s",
        )
    for part in parts:
        said += part.doubts
    at_s = 0.0
    for number, part, gap_s in zip(numbers, parts, (*gaps_s, 0.0), strict=True):
        end_s = at_s + part.samples.shape[1] / SAMPLE_RATE
        agent = next((leg.agent_id for leg, _ in of_part[number] if leg.agent_id), None)
        if agent is not None:
            first_s, last_s = round(at_s, 3), round(end_s, 3)
            said.append(because("legs.other_agent", agent=agent, start_s=first_s, end_s=last_s))
        if gap_s:
            first_s, last_s = round(end_s, 3), round(end_s + gap_s, 3)
            said.append(because("legs.gap", start_s=first_s, end_s=last_s))
        at_s = end_s + gap_s
    samples = _one_after_another([part.samples for part in parts], gaps_s)
    return Audio(samples, doubts=tuple(dict.fromkeys(said)))


def _heard(
    paths: Sequence[Path], legs: Sequence[Leg], decode: Decode
) -> tuple[list[tuple[Leg, Audio]], list[Reason]]:
    """The files that hold any sound, in the order of parts, and what is missing of them."""
    heard: list[tuple[Leg, Audio]] = []
    said: list[Reason] = []
    silent: RejectedRecording | None = None
    for path, leg in sorted(zip(paths, legs, strict=True), key=lambda pair: pair[1].part):
        try:
            audio = decode(path, leg)
        except RejectedRecording as rejected:
            if rejected.reason not in _UNHEARD:
                raise
            silent = rejected
            said.append(because("legs.silent", file=leg.file))
            continue
        heard.append((leg, audio))
        said += doubts.of_audio(audio)
    if not heard:
        assert silent is not None
        raise silent
    return heard, said


def _is_turned(part: Sequence[tuple[Leg, Audio]], first: Sequence[tuple[Leg, Audio]]) -> bool:
    """Whether a part has the agent on the other channel than the first part has."""
    channels = {part[0][0].agent_channel or "0", first[0][0].agent_channel or "0"}
    return channels == {"0", "1"}


def _part(files: Sequence[tuple[Leg, Audio]], *, turned: bool) -> _Part:
    by_side = {leg.side: (leg, _mixed(audio.samples)[0]) for leg, audio in files}
    if None in by_side:
        samples = files[0][1].samples
        return _Part(samples[::-1] if turned else samples)
    if len(by_side) == 1:  # the other side was not recorded
        side, (_, alone) = next(iter(by_side.items()))
        pair = [alone, np.zeros_like(alone)]
        return _Part(np.stack(pair if side == "agent" else pair[::-1]))
    (agent_leg, agent), (customer_leg, customer) = by_side["agent"], by_side["customer"]
    found = joining.align(agent, customer, stated_s=_stated_s(agent_leg, customer_leg))
    said = list(_HOW[found.by])
    if len(found.pieces) > 1:
        said.append(because("legs.jumps", count=len(found.pieces) - 1))
    lead_s = max(0.0, -found.pieces[0].start_s)
    if files[0][0].side == "customer":  # measured from the leg that comes first
        lead_s += found.pieces[0].start_s
    return _Part(joining.beside(agent, customer, found), lead_s, tuple(said))


def _stated_s(agent: Leg, customer: Leg) -> float | None:
    """Seconds from the agent's beginning to the customer's; None for times that only name the call.

    Exports often repeat the call's own start for each of its files.
    """
    if agent.begins_s is None or customer.begins_s is None or agent.begins_s == customer.begins_s:
        return None
    return customer.begins_s - agent.begins_s


def _gaps_s(firsts: Sequence[Leg], parts: Sequence[_Part]) -> list[float]:
    """Seconds that nobody recorded between each part and the next one."""
    gaps_s = []
    for at in range(len(parts) - 1):
        begins_s, next_s = firsts[at].begins_s, firsts[at + 1].begins_s
        gap_s = 0.0
        if begins_s is not None and next_s is not None:
            length_s = parts[at].samples.shape[1] / SAMPLE_RATE - parts[at].lead_s
            gap_s = next_s - parts[at + 1].lead_s - begins_s - length_s
        gaps_s.append(round(gap_s, 3) if gap_s >= _GAP_MIN_S else 0.0)
    return gaps_s


def _one_after_another(
    parts: Sequence[NDArray[np.int16]], gaps_s: Sequence[float]
) -> NDArray[np.int16]:
    """Parts of a call as one recording, with silence for what lies between them.

    Args:
        parts: int16, shape ``[channels, samples]``; mixed to one channel where one of them has one.
        gaps_s: seconds between each part and the next one.
    """
    channels = min(len(part) for part in parts)
    pieces = []
    for part, gap_s in zip(parts, (*gaps_s, 0.0), strict=True):
        pieces.append(part if len(part) == channels else _mixed(part))
        pieces.append(np.zeros((channels, round(gap_s * SAMPLE_RATE)), dtype=np.int16))
    return np.concatenate(pieces, axis=1)


def _mixed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """All channels in one, shape ``[1, samples]``."""
    if len(samples) == 1:
        return samples
    one: NDArray[np.int16] = samples.mean(axis=0, dtype=np.float32, keepdims=True).astype(np.int16)
    return one
