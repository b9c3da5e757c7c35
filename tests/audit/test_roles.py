"""Which channel is the agent's: by the manifest, by the words, by habit."""

from __future__ import annotations

from audit.hearing import Heard
from audit.roles import decide
from audit.types import Role, Span, Utterance, Word

AGENT = ["您好，请问有什么可以帮您？", "请您稍等，我帮您登记", "感谢您的来电，还有其他需要吗"]
CUSTOMER = ["我想查一下我家的宽带", "你们怎么回事", "没有了"]


def heard(*channels: list[str]) -> list[Heard]:
    return [
        (Utterance(channel, Span(i, i + 1)), (Word(text, i, i + 1, 0.9),))
        for channel, said in enumerate(channels)
        for i, text in enumerate(said)
    ]


def test_the_manifest_has_the_last_word() -> None:
    decision = decide(heard(AGENT, CUSTOMER), agent_channel=1)
    assert decision.roles == (Role.CUSTOMER, Role.AGENT)
    assert decision.confidence == 1.0


def test_words_agree_with_the_usual_channel() -> None:
    decision = decide(heard(AGENT, CUSTOMER), agent_channel=None)
    assert decision.roles == (Role.AGENT, Role.CUSTOMER)
    assert decision.confidence > 0.8


def test_words_overrule_the_usual_channel() -> None:
    decision = decide(heard(CUSTOMER, AGENT), agent_channel=None)
    assert decision.roles == (Role.CUSTOMER, Role.AGENT)
    assert decision.confidence > 0.8


def test_the_usual_channel_where_words_say_nothing() -> None:
    for expected in (0, 1):
        decision = decide(heard(["嗯"], ["啊"]), agent_channel=None, expected=expected)
        assert decision.roles[expected] is Role.AGENT
        assert decision.roles[1 - expected] is Role.CUSTOMER
        assert decision.confidence < 0.7
    assert decide([], agent_channel=None).roles == (Role.AGENT, Role.CUSTOMER)


def test_one_stray_word_does_not_swap() -> None:
    decision = decide(heard(["喂", "行"], ["请问", "嗯"]), agent_channel=None)
    assert decision.roles == (Role.AGENT, Role.CUSTOMER)
