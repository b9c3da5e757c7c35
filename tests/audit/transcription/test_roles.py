"""Which channel is the agent's: by the manifest, by the words, by habit."""

from __future__ import annotations

from audit.transcription.roles import Evidence, agent_evidence, assign, decide
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Direction, Role, Span, Word
from models.text import roles

AGENT = ["您好，请问有什么可以帮您？", "请您稍等，我帮您登记", "感谢您的来电，还有其他需要吗"]
CUSTOMER = ["我想查一下我家的宽带", "你们怎么回事", "没有了"]


def spoken_by(*channels: list[str]) -> list[UtteranceWords]:
    return [
        (Utterance(channel, Span(i, i + 1)), (Word(text, i, i + 1, 0.9),))
        for channel, said in enumerate(channels)
        for i, text in enumerate(said)
    ]


def test_the_manifest_outweighs_a_few_words() -> None:
    decision = decide(spoken_by(["请问", "嗯"], ["我家", "你们"]), roles, agent_channel=1)
    assert decision.roles == (Role.CUSTOMER, Role.AGENT)
    assert decision.source == "manifest"
    assert decide([], roles, agent_channel=1).confidence > 0.99


def test_channels_swapped_against_the_manifest_are_found() -> None:
    decision = decide(spoken_by(AGENT * 2, CUSTOMER * 2), roles, agent_channel=1)
    assert decision.roles == (Role.AGENT, Role.CUSTOMER)
    assert decision.source == "content"
    assert decision.confidence > 0.9


def test_who_speaks_first_counts_unless_the_agent_rang() -> None:
    silent, first = ["嗯"], ["喂"]
    spoken = spoken_by(first, silent)
    inbound = decide(spoken, roles, agent_channel=None, direction=Direction.IN)
    outbound = decide(spoken, roles, agent_channel=None, direction=Direction.OUT)
    assert inbound.confidence > outbound.confidence


def test_voices_of_one_channel_get_their_names() -> None:
    spoken = spoken_by(AGENT, CUSTOMER)
    totals = agent_evidence(spoken, Evidence.of(spoken, roles), speakers=2, direction=None)
    assert totals[0] > 0 > totals[1]
    assert assign(totals, min_confidence=0.9).roles == (Role.AGENT, Role.CUSTOMER)
    assert assign([-3.0, 4.0, 5.0], min_confidence=0.9).roles == (
        Role.CUSTOMER,
        Role.AGENT,
        Role.AGENT,
    )
    assert assign([0.2, 0.4], min_confidence=0.9).roles == (Role.UNKNOWN, Role.UNKNOWN)
    assert assign([4.5], min_confidence=0.9).roles == (Role.AGENT,)
    assert assign([-4.5], min_confidence=0.9).roles == (Role.UNKNOWN,)


def test_words_agree_with_the_usual_channel() -> None:
    decision = decide(spoken_by(AGENT, CUSTOMER), roles, agent_channel=None)
    assert decision.roles == (Role.AGENT, Role.CUSTOMER)
    assert decision.confidence > 0.8


def test_words_overrule_the_usual_channel() -> None:
    decision = decide(spoken_by(CUSTOMER, AGENT), roles, agent_channel=None)
    assert decision.roles == (Role.CUSTOMER, Role.AGENT)
    assert decision.confidence > 0.8


def test_the_usual_channel_where_words_say_nothing() -> None:
    for expected in (0, 1):
        decision = decide(spoken_by(["嗯"], ["啊"]), roles, agent_channel=None, expected=expected)
        assert decision.roles[expected] is Role.AGENT
        assert decision.roles[1 - expected] is Role.CUSTOMER
        assert decision.confidence < 0.9
    assert decide([], roles, agent_channel=None).roles == (Role.AGENT, Role.CUSTOMER)


def test_one_stray_word_does_not_swap() -> None:
    decision = decide(spoken_by(["喂", "行"], ["请问", "嗯"]), roles, agent_channel=None)
    assert decision.roles == (Role.AGENT, Role.CUSTOMER)
