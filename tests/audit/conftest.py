"""Calls written by hand, for the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit import stages
from audit.rulebook import Rulebook, load
from audit.types import (
    Call,
    Channels,
    Origin,
    Recording,
    Role,
    Span,
    Transcript,
    Turn,
)

_ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER, "?": Role.UNKNOWN}

Said = tuple[str, str] | tuple[str, str, float, float]
"""Who (A, C or ?), what, and from when to when."""
MakeCall = Callable[..., Call]


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return load("hotline")


@pytest.fixture(scope="session")
def make_call(book: Rulebook) -> MakeCall:
    """Build a call, stages assigned, from what is said in it."""

    def make(
        said: Sequence[Said],
        *,
        channels: Channels = Channels.STEREO,
        backchannels: Sequence[int] = (),
        pauses: dict[int, Sequence[tuple[float, float]]] | None = None,
        asr_confidence: float | None = 0.9,
    ) -> Call:
        turns = [
            _turn(number, one, asr_confidence, number in backchannels)
            for number, one in enumerate(said)
        ]
        for number, speech in (pauses or {}).items():
            turns[number] = replace(turns[number], speech=tuple(Span(*s) for s in speech))
        staged = stages.assign(turns, cues=book.stages)
        recording = Recording("x.wav", "X1", "007", datetime(2026, 11, 16, 9, tzinfo=UTC))
        origin = Origin("a" * 64, "test", "base", "b" * 64)
        return Call(recording, Transcript(staged, channels, origin, confidence=asr_confidence))

    return make


def _turn(number: int, said: Said, asr_confidence: float | None, backchannel: bool) -> Turn:
    who, text, *times = said
    role = _ROLES[who]
    start_s, end_s = times if times else (None, None)
    return Turn(
        index=number,
        role=role,
        text=text,
        channel={Role.AGENT: 0, Role.CUSTOMER: 1}.get(role, 0),
        start_s=start_s,
        end_s=end_s,
        speech=(Span(start_s, end_s),) if start_s is not None and end_s is not None else (),
        asr_confidence=asr_confidence,
        is_backchannel=backchannel,
    )
