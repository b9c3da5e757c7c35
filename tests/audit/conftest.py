"""Calls written by hand, for the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit import stages
from audit.rulebooks import Rulebook, load
from audit.types import (
    Call,
    Channels,
    Finding,
    Origin,
    Recording,
    Role,
    Span,
    Transcript,
    Turn,
    Verdict,
)
from tests.calls import MODELS

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
        staged = stages.assign(turns, cues=book.stages, model=MODELS.stages)
        recording = Recording("x.wav", "X1", "007", datetime(2026, 11, 16, 9, tzinfo=UTC))
        origin = Origin("a" * 64, "test", "base", "b" * 64)
        return Call(recording, Transcript(staged, channels, origin, confidence=asr_confidence))

    return make


@pytest.fixture(scope="session")
def quiet(make_call: MakeCall) -> MakeCall:
    """Build a call in which a customer has asked, at 9 s, and what follows is said."""

    def make(*said: Said, **options: Any) -> Call:
        hello = ("A", "您好，远山软件服务热线，请问有什么可以帮助您？", 0.0, 5.0)
        asked = ("C", "你好，我的邮箱登录不了怎么办呢", 5.5, 9.0)
        return make_call([hello, asked, *said], **options)

    return make


@pytest.fixture(scope="session")
def told() -> Callable[[list[Finding]], dict[str, Verdict]]:
    """The worst verdict of each check."""
    order = [Verdict.PASS, Verdict.CANNOT_TELL, Verdict.FAIL]

    def worst(findings: list[Finding]) -> dict[str, Verdict]:
        ranked = sorted(findings, key=lambda finding: order.index(finding.verdict))
        return {finding.check_id: finding.verdict for finding in ranked}

    return worst


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
