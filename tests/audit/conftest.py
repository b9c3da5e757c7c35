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
    Span,
    Transcript,
    Verdict,
)
from tests.calls import MODELS, Said, turns

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
        built = turns(said, asr_confidence=asr_confidence, backchannels=backchannels)
        for number, speech in (pauses or {}).items():
            built[number] = replace(built[number], speech=tuple(Span(*s) for s in speech))
        staged = stages.assign(built, cues=book.stages, model=MODELS.stages)
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
