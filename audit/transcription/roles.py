"""Who is the agent: from the manifest, or from what is said and who speaks first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from audit.language.text import spoken_characters
from audit.ports import RoleClassifier
from audit.transcription.windows import UtteranceWords, text_of
from audit.types import Direction, Role, Word

_FIRST_SPEAKER_POINTS = 0.8
"""Evidence of speaking first: whoever takes the call greets, and that is the agent inbound."""

_MANIFEST_LOG_ODDS = 6.0
_USUAL_LOG_ODDS = 1.5
"""Prior for the channel that the manifest names, and for the one recorders usually use."""

_LOG_ODDS_PER_POINT = 0.5
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is said of the speakers of a call, by the words of each utterance.

    Attributes:
        classifier: tells whose words they are.
        weight: 1 where the call is made of words that the classifier has met, down to 0 where it
            is not: of news that are read aloud it would only guess.
    """

    classifier: RoleClassifier
    weight: float

    @classmethod
    def of(cls, utterances: Iterable[UtteranceWords], classifier: RoleClassifier) -> Self:
        """Evidence for a call with these utterances."""
        texts = [text_of(words) for utterance, words in utterances if not utterance.unintelligible]
        known = classifier.familiarity(texts)
        weight = (known - _STRANGE_SHARE) / (_FAMILIAR_SHARE - _STRANGE_SHARE)
        return cls(classifier, min(1.0, max(0.0, weight)))

    def points(self, words: Sequence[Word]) -> list[tuple[float, float]]:
        """What the words of an utterance say of their speaker.

        Returns:
            The second at which something is said and how much it weighs: positive for the agent,
            negative for the customer.
        """
        parts = parts_of(text_of(words))
        times = [(word.start_s + word.end_s) / 2 for word in words for _ in word.text]
        found, at = [], 0
        for part, odds in zip(parts, self.classifier.agent_log_odds(parts), strict=True):
            if abs(odds) >= _CLEAR_LOG_ODDS and spoken_characters(part) >= _CHARACTERS_MIN:
                capped = float(min(_LOG_ODDS_MAX, max(-_LOG_ODDS_MAX, odds)))
                found.append((times[at + len(part) // 2], self.weight * capped))
            at += len(part)
        return found


_HALT = re.compile("(?<=[。！？!?；;…，,、])")
_PART_CHARACTERS, _PART_CHARACTERS_MAX = 8, 24
"""Characters from which a part of a turn is judged by itself; longer ones are cut evenly."""

_CHARACTERS_MIN = 3
"""Characters below which words say nothing of their speaker: 嗯, 好的."""

_CLEAR_LOG_ODDS, _LOG_ODDS_MAX = 0.5, 2.5
"""Log-odds below which words say nothing of their speaker, and above which they say no more."""

_DOUBT_OF_ONE = 3
"""How much more contradictions count where only one voice is found: there may be two."""

_STRANGE_SHARE, _FAMILIAR_SHARE = 0.35, 0.45
"""Share of known pairs of characters at which words say nothing of their speaker, and all they can.

Service calls as recognised have 0.4 to 0.8, news that are read aloud 0.3."""


def parts_of(text: str) -> list[str]:
    """What of a turn is judged by itself: clauses, short ones with those before them.

    >>> parts_of("喂，您好，请问您是王先生吗？我这边是宽带师傅")
    ['喂，您好，请问您是王先生吗？', '我这边是宽带师傅']
    """
    found: list[str] = []
    for clause in filter(None, _HALT.split(text)):
        size = math.ceil(len(clause) / math.ceil(len(clause) / _PART_CHARACTERS_MAX))
        for first in range(0, len(clause), size):
            piece = clause[first : first + size]
            if found and _belong_together(found[-1], piece):
                found[-1] += piece
            else:
                found.append(piece)
    return found


def _belong_together(before: str, piece: str) -> bool:
    """Whether one of two pieces is too short to be judged by itself."""
    lengths = spoken_characters(before), spoken_characters(piece)
    return lengths[0] < _PART_CHARACTERS or (
        lengths[1] < _PART_CHARACTERS and sum(lengths) <= _PART_CHARACTERS_MAX
    )


def first_word(direction: Direction | None) -> float:
    """How much it speaks for a speaker being the agent to speak first."""
    return 0.0 if direction is Direction.OUT else _FIRST_SPEAKER_POINTS


def agent_evidence(
    utterances: Iterable[UtteranceWords],
    evidence: Evidence,
    *,
    speakers: int,
    direction: Direction | None,
) -> list[float]:
    """How much speaks for each speaker being the agent.

    Args:
        utterances: with their words, in the order in which they start.
        evidence: of this call.
        speakers: how many there are; ``Utterance.channel`` is the speaker's number.
        direction: who rang whom.
    """
    points: list[list[float]] = [[] for _ in range(speakers)]
    spoken = [(utterance, words) for utterance, words in utterances if words]
    if spoken:
        points[spoken[0][0].channel].append(first_word(direction))
    for utterance, words in spoken:
        if not utterance.unintelligible:
            points[utterance.channel] += [weight for _, weight in evidence.points(words)]
    totals = [sum(own) for own in points]
    if speakers == 1 and totals[0]:
        totals[0] *= (abs(totals[0]) / sum(map(abs, points[0]))) ** _DOUBT_OF_ONE
    return totals


def decide(
    utterances: Sequence[UtteranceWords],
    classifier: RoleClassifier,
    *,
    agent_channel: int | None,
    expected: int = 0,
    direction: Direction | None = None,
) -> RoleDecision:
    """Decide which of two channels is the agent's.

    Args:
        utterances: with their words.
        classifier: tells whose words they are.
        agent_channel: what the manifest says; only very clear words speak against it, for then
            the recorder's channels are swapped.
        expected: the channel that recorders usually give the agent.
        direction: who rang whom.
    """
    evidence = Evidence.of(utterances, classifier)
    totals = agent_evidence(utterances, evidence, speakers=2, direction=direction)
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
