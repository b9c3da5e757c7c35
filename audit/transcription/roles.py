"""Who is the agent: from the manifest, or from what is said and who speaks first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from audit.language.phrases import find
from audit.transcription.windows import UtteranceWords
from audit.types import Direction, Role, Word

_AGENT_SAYS = {
    "为(您|你)服务": 1.5,
    "有什么(可以|能)帮": 1.5,
    "工号": 1.0,
    "客服": 0.3,
    "(您|你)好…(客服|热线|服务|中心|公司|联通|电信|移动)": 1.0,
    "请(问|您)": 0.7,
    "(请|您)(稍等|等)": 1.0,
    "(帮|给|为)(您|你)": 1.0,
    "(您|你)(家|那边|这边|的)": 0.5,
    "您": 0.5,
    "(感谢|谢谢)您": 1.0,
    "(非常|)抱歉": 0.7,
    "对不起": 0.5,
    "(登记|核对|核实|备注|反馈|办理)": 0.5,
    "还有(什么|其他|别的)": 0.7,
    "祝您": 1.0,
    "(有|让|请)(人|专人|师傅|同事|工程师)…(联系|回复|上门)": 1.0,
    "不客气": 0.7,
    "(您|你)(现在|今天|明天|后天|)(在家|方便)": 0.7,
    "(修|装|查)(宽带|网络|电话|电脑)的": 0.7,
    "我们(师傅|下班|上班|系统)": 0.5,
}
_CUSTOMER_SAYS = {
    "我想(问|查|办|咨询|反映|了解)": 1.5,
    "我要(投诉|办|退|查|报|问)": 1.5,
    "我(家|的)": 1.0,
    "你们": 1.0,
    "帮我": 1.0,
    "怎么(回事|办|又|还|这么|找|弄)": 0.7,
    "为什么": 0.7,
    "麻烦(你|您)": 0.7,
    "没有了": 1.0,
    "谢谢": 0.4,
    "我(都|就|也|没|前几天|昨天|今天|上周)": 0.4,
    "(您|你)(是|)哪(位|里)": 0.7,
    "我(在|不在|要)(家|上班|开会|外面|出差)": 0.7,
    "是…(客服|热线|中心)(吗|么)": 2.5,
    "什么时候(能|可以|来)": 0.5,
    "(我们|我)(公司|单位|办公室|这儿|这里)": 0.7,
}
_FIRST_SPEAKER_POINTS = 0.8
"""Evidence of speaking first: whoever takes the call greets, and that is the agent inbound."""

_MANIFEST_LOG_ODDS = 6.0
_USUAL_LOG_ODDS = 1.5
"""Prior for the channel that the manifest names, and for the one recorders usually use."""

_LOG_ODDS_PER_POINT = 0.7
"""Log-odds for one point of evidence."""

UNDECIDED_CONFIDENCE = 0.5
"""Of a decision between two roles for which nothing speaks."""

Source = Literal["manifest", "default", "content"]


@dataclass(frozen=True, slots=True)
class RoleDecision:
    """Who speaks on each channel, with what probability (0.5 to 1), and what decided it."""

    roles: tuple[Role, ...]
    confidence: float
    source: Source


def evidence(words: Sequence[Word]) -> list[tuple[float, float]]:
    """What the words say of their speaker.

    Returns:
        The second at which evidence is said and how much it weighs: positive for the
        agent, negative for the customer.
    """
    text = "".join(word.text for word in words)
    times = [(word.start_s + word.end_s) / 2 for word in words for _ in word.text]
    found = []
    for phrases, sign in ((_AGENT_SAYS, 1.0), (_CUSTOMER_SAYS, -1.0)):
        for phrase, weight in phrases.items():
            match = find(phrase, text)
            if match is not None:
                found.append((times[(match.first + match.last - 1) // 2], sign * weight))
    return found


def first_word(direction: Direction | None) -> float:
    """How much it speaks for a speaker being the agent to speak first."""
    return 0.0 if direction is Direction.OUT else _FIRST_SPEAKER_POINTS


def agent_evidence(
    utterances: Iterable[UtteranceWords], *, speakers: int, direction: Direction | None
) -> list[float]:
    """How much speaks for each speaker being the agent: the sum of the evidence.

    Args:
        utterances: with their words, in the order in which they start.
        speakers: how many there are; ``Utterance.channel`` is the speaker's number.
        direction: who rang whom.
    """
    totals = [0.0] * speakers
    spoken = [(utterance, words) for utterance, words in utterances if words]
    if spoken:
        totals[spoken[0][0].channel] += first_word(direction)
    for utterance, words in spoken:
        if not utterance.unintelligible:
            totals[utterance.channel] += sum(weight for _, weight in evidence(words))
    return totals


def decide(
    utterances: Sequence[UtteranceWords],
    *,
    agent_channel: int | None,
    expected: int = 0,
    direction: Direction | None = None,
) -> RoleDecision:
    """Decide which of two channels is the agent's.

    Args:
        utterances: with their words.
        agent_channel: what the manifest says; only very clear words speak against it, for then
            the recorder's channels are swapped.
        expected: the channel that recorders usually give the agent.
        direction: who rang whom.
    """
    totals = agent_evidence(utterances, speakers=2, direction=direction)
    usual, prior = (
        (expected, _USUAL_LOG_ODDS)
        if agent_channel is None
        else (agent_channel, _MANIFEST_LOG_ODDS)
    )
    odds = prior + _LOG_ODDS_PER_POINT * (totals[usual] - totals[1 - usual])
    agent = usual if odds > 0 else 1 - usual
    source: Source = "content"
    if agent == usual:
        source = "default" if agent_channel is None else "manifest"
    roles = tuple(Role.AGENT if index == agent else Role.CUSTOMER for index in (0, 1))
    return RoleDecision(roles, confidence(odds), source)


def confidence(odds: float) -> float:
    """The probability that goes with log-odds of either sign."""
    return round(1 / (1 + math.exp(-abs(odds))), 3)


def assign(totals: Sequence[float], *, min_confidence: float) -> RoleDecision:
    """Give the speakers of one channel their roles.

    The one that speaks most like an agent is one; so are others that speak like one, after a
    transfer. Where that is less probable than ``min_confidence``, all are unknown.

    Args:
        totals: see :func:`agent_evidence`.
        min_confidence: probability from which roles are given.
    """
    order = sorted(range(len(totals)), key=lambda speaker: -totals[speaker])
    top, last = order[0], order[-1]
    certainty = (
        confidence(_LOG_ODDS_PER_POINT * (totals[top] - totals[last]))
        if len(totals) > 1
        else UNDECIDED_CONFIDENCE
    )
    if len(totals) == 1:
        certainty = (
            confidence(_LOG_ODDS_PER_POINT * totals[0]) if totals[0] > 0 else UNDECIDED_CONFIDENCE
        )
    if certainty < min_confidence:
        return RoleDecision((Role.UNKNOWN,) * len(totals), certainty, "content")
    middle = (totals[top] + totals[last]) / 2
    roles = tuple(
        Role.AGENT if speaker == top or total > max(middle, 0.0) else Role.CUSTOMER
        for speaker, total in enumerate(totals)
    )
    return RoleDecision(roles, certainty, "content")
