"""What is not held against an agent in a call that lies in several files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit import rulebooks
from audit.reasons import Reason, because
from audit.types import (
    AuditedCall,
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
from flows import wiring
from reports.store import measures

AGENT, CUSTOMER = Role.AGENT, Role.CUSTOMER
LINES = (
    (AGENT, 0.5, 5.0, "您好，远山软件，工号2001，请问有什么可以帮您？"),
    (CUSTOMER, 5.5, 12.0, "我的电脑连不上公司的网络，昨天还好好的，今天早上一打开就不行了，"),
    (AGENT, 9.0, 13.5, "你先听我说，这个是网络的问题，我们都知道的。"),
    (CUSTOMER, 14.0, 16.0, "那要多久才能修好呢？"),
    (CUSTOMER, 50.0, 52.0, "喂，你还在吗？"),
    (AGENT, 53.0, 56.0, "你是不是傻，这都不会。"),
    (CUSTOMER, 57.0, 58.0, "那算了，再见。"),
)


def judged(*doubts: Reason) -> AuditedCall:
    turns = tuple(
        Turn(
            at,
            role,
            text,
            channel=int(role is CUSTOMER),
            speaker=int(role is CUSTOMER),
            start_s=start_s,
            end_s=end_s,
            speech=(Span(start_s, end_s),),
            asr_confidence=0.95,
        )
        for at, (role, start_s, end_s, text) in enumerate(LINES)
    )
    transcript = Transcript(
        turns,
        Channels.STEREO,
        Origin(None, None, None, None),
        duration_s=60.0,
        role_confidence=1.0,
        roles_confirmed=True,
        doubts=doubts,
    )
    recording = Recording("a.wav", "c1", "2001", datetime(2026, 11, 16, tzinfo=UTC))
    return wiring.judge(Call(recording, transcript), rulebooks.load("hotline"))


def of(audited: AuditedCall, rule_id: str) -> list[Finding]:
    return [one for one in audited.findings if one.rule_id == rule_id]


def failed(audited: AuditedCall, rule_id: str) -> bool:
    return any(one.verdict is Verdict.FAIL for one in of(audited, rule_id))


def test_aligned_by_sound_everything_counts() -> None:
    for audited in (judged(), judged(because("legs.jumps", count=1))):
        assert failed(audited, "no_interruption") and failed(audited, "dead_air")
        assert failed(audited, "forbidden_language")
        assert measures.of_call(audited)["overlap_s"] == pytest.approx(3.0)


def test_aligned_by_turns_nobody_is_said_to_interrupt() -> None:
    audited = judged(because("legs.by_turns"))
    (found,) = of(audited, "no_interruption")
    assert found.verdict is Verdict.CANNOT_TELL and found.reason.id == "legs.by_turns"
    assert failed(audited, "dead_air") and failed(audited, "forbidden_language")
    assert measures.of_call(audited)["overlap_s"] is None


def test_not_aligned_neither_are_silences_anybodys() -> None:
    audited = judged(because("legs.not_aligned"))
    for rule_id in ("no_interruption", "dead_air"):
        assert all(one.verdict is Verdict.CANNOT_TELL for one in of(audited, rule_id))
    assert failed(audited, "forbidden_language")
    assert measures.of_call(audited)["silence_s"] is None


def test_a_gap_in_the_recording_is_no_silence_of_the_agents() -> None:
    audited = judged(because("legs.gap", start_s=17.0, end_s=49.0))
    assert not failed(audited, "dead_air") and failed(audited, "no_interruption")


def test_what_another_agent_says_is_not_held_against_the_calls() -> None:
    other = because("legs.other_agent", agent="2002", start_s=50.0, end_s=60.0)
    audited = judged(other)
    assert failed(audited, "no_interruption")  # in the first part
    assert not failed(audited, "forbidden_language") and not failed(audited, "closing")
    told = [one for one in audited.findings if one.verdict is Verdict.FAIL]
    assert all(one.start_s is not None and one.start_s < 50.0 for one in told)
    first = judged(replace(other, values=(("agent", "2002"), ("start_s", 59.0), ("end_s", 60.0))))
    assert failed(first, "forbidden_language")
