"""Which channel is the agent's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.hearing import Heard
from audit.phrases import find
from audit.types import Role

_AGENT_SAYS = (
    "为(您|你)服务",
    "有什么(可以|能)帮",
    "工号",
    "请问",
    "请(您|)稍等",
    "帮您",
    "您的",
    "感谢您",
    "您好",
    "给您",
    "抱歉",
    "登记",
    "核对一下",
    "还有(什么|其他)",
)
_CUSTOMER_SAYS = (
    "我想(问|查|办|咨询|反映)",
    "我(家|的)",
    "你们",
    "帮我",
    "怎么(回事|办)",
    "麻烦(你|您)",
    "没有了",
    "我要(投诉|办|退)",
)


@dataclass(frozen=True, slots=True)
class RoleDecision:
    """Who speaks on each channel, how sure that is, and how it was decided."""

    roles: tuple[Role, ...]
    confidence: float
    source: str


def decide(heard: Sequence[Heard], *, agent_channel: int | None, expected: int = 0) -> RoleDecision:
    """Decide which of two channels is the agent's.

    Args:
        heard: utterances with their words.
        agent_channel: the manifest's word, which is final.
        expected: the channel that recorders usually give the agent; taken unless what is
            said speaks clearly for the other.
    """
    if agent_channel is not None:
        return RoleDecision(_with_agent(agent_channel), 1.0, "manifest")
    evidence = [0.0, 0.0]
    for utterance, words in heard:
        text = "".join(word.text for word in words)
        evidence[utterance.channel] += sum(1 for phrase in _AGENT_SAYS if find(phrase, text))
        evidence[utterance.channel] -= sum(1 for phrase in _CUSTOMER_SAYS if find(phrase, text))
    lead = evidence[expected] - evidence[1 - expected]
    agent = 1 - expected if lead <= -3 else expected
    confidence = min(0.99, 0.6 + 0.08 * abs(lead))
    return RoleDecision(_with_agent(agent), round(confidence, 2), "content" if lead else "default")


def _with_agent(channel: int) -> tuple[Role, ...]:
    return tuple(Role.AGENT if index == channel else Role.CUSTOMER for index in (0, 1))
