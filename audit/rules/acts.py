"""Acts: what turns do (complain of a delay, apologise), by phrases and by meaning.

A rulebook names them once under ``acts``, and rules ask for them by name: as the occasion of a
clause, as what must follow, or as what excuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from audit.language.phrases import find_any
from audit.language.text import spoken_characters
from audit.ports import (
    ACTS,
    ActClassifier,
    AgentAct,
    AnsweringTurn,
    CustomerAct,
    DialogueAct,
    ReproachableAct,
)
from audit.reasons import Reason, because, written
from audit.rules.fields import Pattern, Phrase, Strict
from audit.types import Call, Role, Turn

_SIDES: dict[str, Role] = dict.fromkeys(get_args(CustomerAct), Role.CUSTOMER) | dict.fromkeys(
    get_args(AgentAct) + get_args(ReproachableAct), Role.AGENT
)

_SHORT = 5
"""Syllables below which a sentence is classified together with the one before it."""

_LONG = 48
"""Syllables to which what has no end of a sentence is cut at its commas."""

_HALT = re.compile("(?<=[。！？!?；;…，,])")
_END = re.compile("[。！？!?；;…]$")


@dataclass(frozen=True, slots=True)
class Performed:
    """Where a turn performs an act.

    ``meant``: the phrase; ``uncertainty``: why it may not, None where it does; ``quality``: of the
    match or the meaning, 0 to 1.
    """

    first: int
    last: int
    meant: str | None = None
    uncertainty: Reason | None = None
    quality: float = 1.0


class Act(Strict):
    """Something that a turn does.

    ``role``: whose act it is. It is performed where one of ``phrases`` is said, ``regex`` matches,
    or the classifier finds ``meaning`` at least ``certain_from`` likely; where that is at least
    ``doubt_from``, it may be. Words count only where the meaning is at least ``agree_from`` likely
    (怎么回事 asks no cause in 你怎么回事). Where ``unless`` matches the turn, it is not that act.
    """

    title: str
    title_en: str | None = Field(None, exclude=True)
    role: Literal[Role.AGENT, Role.CUSTOMER]
    phrases: tuple[Phrase, ...] = ()
    regex: Pattern | None = None
    unless: Pattern | None = None
    meaning: DialogueAct | None = None
    certain_from: float = Field(0.8, gt=0, le=1)
    doubt_from: float = Field(0.4, gt=0, le=1)
    agree_from: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.phrases and self.regex is None and self.meaning is None:
            raise ValueError("give at least one of phrases, regex and meaning")
        if self.doubt_from > self.certain_from:
            raise ValueError("doubt_from must not be above certain_from")
        if self.agree_from > 0 and self.meaning is None:
            raise ValueError("agree_from needs a meaning to agree with")
        if self.regex is not None and re.search(self.regex, ""):
            raise ValueError("regex must not match an empty text")
        if self.meaning is not None and self.role is not _SIDES[self.meaning]:
            raise ValueError(f"{self.meaning} is an act of the {_SIDES[self.meaning]}")
        return self

    @property
    def name(self) -> Reason:
        """Its title, in both languages."""
        return written(self.title, self.title_en)

    def is_excused(self, text: str) -> bool:
        """Whether a text has words with which it is not this act."""
        return self.unless is not None and re.search(self.unless, text) is not None

    def said(self, text: str) -> Performed | None:
        """Where a text performs the act in words that the rulebook has."""
        if match := find_any(self.phrases, text):
            return Performed(match.first, match.last, match.meant, quality=match.quality)
        if self.regex and (expression := re.search(self.regex, text)):
            return Performed(expression.start(), expression.end())
        return None


@dataclass(slots=True)
class CallActs:
    """The acts of a call, each looked for once.

    Attributes:
        call: whose turns they are.
        acts: of the rulebook, by name.
        classifier: tells them by meaning.
    """

    call: Call
    acts: Mapping[str, Act]
    classifier: ActClassifier
    _likely: dict[Role, dict[int, NDArray[np.float64]]] = field(default_factory=dict)
    _performed: dict[tuple[str, int, int, int], tuple[Performed, ...]] = field(default_factory=dict)

    def role(self, name: str) -> Role:
        """Whose act it is."""
        return self.acts[name].role

    def title(self, name: str) -> Reason:
        """What it is called."""
        return self.acts[name].name

    def performed(
        self, name: str, turn: Turn, first: int = 0, last: int | None = None
    ) -> tuple[Performed, ...]:
        """Where a turn performs an act, or may; between two characters, in its whole by default."""
        last = len(turn.text) if last is None else last
        key = (name, turn.index, first, last)
        if key not in self._performed:
            self._performed[key] = tuple(self._search(self.acts[name], turn, first, last))
        return self._performed[key]

    def _search(self, act: Act, turn: Turn, first: int, last: int) -> Sequence[Performed]:
        text = turn.text[first:last]
        if act.is_excused(text):
            return ()
        likely = self._probability(act, turn, first, last)
        if likely >= act.agree_from and (said := act.said(text)):
            return (replace(said, first=first + said.first, last=first + said.last),)
        if likely >= act.certain_from:
            return (Performed(first, last, quality=likely),)
        if likely >= act.doubt_from:
            doubt = because("act.doubtful", act=act.name)
            return (Performed(first, last, uncertainty=doubt, quality=likely),)
        return ()

    def _probability(self, act: Act, turn: Turn, first: int, last: int) -> float:
        if act.meaning is None:
            return 0.0
        at = ACTS.index(act.meaning)
        if (first, last) != (0, len(turn.text)):
            text = turn.text[first:last]
            heard = [AnsweringTurn(part) for part in parts_of(text)]
            return float(self.classifier.probabilities(heard)[:, at].max())
        if act.role not in self._likely:
            self._likely[act.role] = self._classified(act.role)
        found = self._likely[act.role].get(turn.index)
        return 0.0 if found is None else float(found[at])

    def _classified(self, role: Role) -> dict[int, NDArray[np.float64]]:
        """By turn that is or may be a speaker's: the likeliest that any part of it is each act."""
        other = Role.CUSTOMER if role is Role.AGENT else Role.AGENT
        heard: list[AnsweringTurn] = []
        of: list[int] = []
        before = ""
        for turn in self.call.turns:
            if turn.surely_by(other):
                before = turn.text
                continue
            speaks = spoken_characters(turn.text) > 1 and not turn.is_backchannel
            for part in parts_of(turn.text) if speaks else ():
                heard.append(AnsweringTurn(part, before))
                of.append(turn.index)
        found: dict[int, NDArray[np.float64]] = {}
        for index, likely in zip(of, self.classifier.probabilities(heard), strict=True):
            found[index] = np.maximum(found[index], likely) if index in found else likely
        return found


def parts_of(text: str) -> list[str]:
    """What of a turn is classified: its sentences, short ones with those before them.

    >>> parts_of("已经给您登记了。再见。还有什么可以帮您？")
    ['已经给您登记了。再见。', '还有什么可以帮您？']
    """
    found: list[str] = []
    for piece in _HALT.split(text):
        sentence = piece and found and spoken_characters(piece) < _SHORT
        if sentence or (found and not _END.search(found[-1]) and _fits(found[-1], piece)):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found or [text]


def _fits(before: str, piece: str) -> bool:
    return spoken_characters(before) + spoken_characters(piece) <= _LONG
