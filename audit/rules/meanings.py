"""How likely each turn of an agent is forbidden wording, whole and in parts, and when it counts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Self, get_args

from pydantic import Field, model_validator

from audit.language.repeats import repeated, runs
from audit.language.text import sounds, spoken_characters
from audit.ports import ForbiddenKind, SpokenTurn, WordingClassifier
from audit.rules.base import Check
from audit.rules.fields import Phrase, Strict
from audit.rules.replies import answers, is_objected_to, last_of_customer
from audit.types import Call, Role, Turn

_LEAST = 3
"""Syllables of a turn that has a meaning of its own."""

_LONG = 48
"""Syllables from which a turn is judged in parts: one rude sentence is little of a long one."""

_SENTENCE = re.compile("(?<=[。！？!?；;…])")

_SENTENCE_LEAST = 5
"""Syllables from which a sentence of a turn is judged by itself too."""

_HALT = re.compile("(?<=[。！？!?；;…，, ])")


class ForbiddenMeaning(Strict):
    """How likely wording is forbidden, by the classifier of :mod:`models.text.forbidden`.

    A turn in which no phrase was found fails from the probability ``accuse_from`` on, or from
    ``suspect_from`` on where the customer then objects to this agent's manner (``complaints``, but
    not with one of ``complaints_of_others``); from ``doubt_from`` on it is undecidable. A phrase
    of a group ``by_meaning`` fails where its turn reaches ``phrase_accuse_from`` and is
    undecidable from ``phrase_doubt_from`` on. Nothing fails in a turn of which the classifier
    knows less than the share ``familiar_from``: a recogniser garbles what it did not hear.
    ``unless``: words of a turn that offers help, which is no fault. ``kinds``: which clause each
    kind breaks; none fails the whole call.
    """

    suspect_from: float = Field(gt=0, le=1)
    doubt_from: float = Field(gt=0, le=1)
    accuse_from: float = Field(gt=0, le=1)
    phrase_accuse_from: float = Field(gt=0, le=1)
    phrase_doubt_from: float = Field(gt=0, le=1)
    familiar_from: float = Field(default=0.0, ge=0, le=1)
    complaints: tuple[Phrase, ...] = ()
    complaints_of_others: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    kinds: dict[ForbiddenKind, Check] = Field(min_length=len(get_args(ForbiddenKind)))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.suspect_from <= self.doubt_from <= self.accuse_from:
            raise ValueError("suspect_from, doubt_from and accuse_from must not fall in this order")
        if self.phrase_doubt_from > self.phrase_accuse_from:
            raise ValueError("phrase_doubt_from must not be above phrase_accuse_from")
        if not all(check.enabled for check in self.kinds.values()):
            raise ValueError("kinds are told together, none of them can be switched off")
        return self


@dataclass(frozen=True, slots=True)
class Meaning:
    """The part of a turn that is likeliest forbidden wording, and how likely that is."""

    spoken: SpokenTurn
    probability: float


def suspects_of(call: Call) -> list[tuple[Turn, str]]:
    """The turns that may be the agent's, each with what the customer said last before it.

    Those that only repeat that are left out.
    """
    before = last_of_customer(call)
    spoken = (
        (turn, before[turn.index]) for turn in call.turns if not turn.surely_by(Role.CUSTOMER)
    )
    return [(turn, said) for turn, said in spoken if not _repeats(turn.text, said)]


def _repeats(text: str, said: str) -> bool:
    words = text.strip("。，！？ ")
    return bool(words) and words in said


def repeats_of_customer(call: Call) -> dict[int, frozenset[int]]:
    """By turn that is not the customer's, indices of the characters that repeat the customer.

    Only what was said before counts.
    """
    said: set[str] = set()
    found: dict[int, frozenset[int]] = {}
    for turn in call.turns:
        if turn.surely_by(Role.CUSTOMER):
            said.update(code for _, code in runs(turn.text))
        else:
            found[turn.index] = repeated(turn.text, said)
    return found


def meanings(
    turns: Sequence[Turn],
    call: Call,
    repeats: Mapping[int, frozenset[int]],
    wording: WordingClassifier,
) -> dict[int, Meaning]:
    """By turn, its likeliest part; turns of under three syllables are left out.

    Of turns between which the customer says nothing, what follows answers the likeliest.
    """
    said_next = answers(call)
    found = _likeliest(turns, said_next, repeats, wording)
    runs_of_agent: dict[int, list[Turn]] = defaultdict(list)
    customer = [turn.index for turn in call.turns if turn.surely_by(Role.CUSTOMER)]
    for turn in turns:
        if turn.index in found:
            runs_of_agent[bisect_left(customer, turn.index)].append(turn)
    unanswered: list[Turn] = []
    for run in runs_of_agent.values():
        worst = max(run, key=lambda turn: found[turn.index].probability)
        unanswered += [t for t in run if t is not worst and said_next.get(t.index)]
    return found | _likeliest(unanswered, {}, repeats, wording)


def _likeliest(
    turns: Sequence[Turn],
    said_next: Mapping[int, str],
    repeats: Mapping[int, frozenset[int]],
    wording: WordingClassifier,
) -> dict[int, Meaning]:
    judged = [(turn, part) for turn in turns for part in parts(turn.text)]
    spoken = [
        SpokenTurn(
            part,
            said_next.get(turn.index, ""),
            len(repeats[turn.index]) / max(1, len(sounds(turn.text))),
        )
        for turn, part in judged
    ]
    found: dict[int, Meaning] = {}
    probabilities = wording.probabilities(spoken).tolist()
    for (turn, _), one, probability in zip(judged, spoken, probabilities, strict=True):
        if turn.index not in found or probability > found[turn.index].probability:
            found[turn.index] = Meaning(one, probability)
    return found


def parts(text: str) -> Iterator[str]:
    """A turn as a whole, or a long one in parts; and its sentences.

    >>> list(parts("您先重启一下。怎么连这个都不会？"))
    ['您先重启一下。', '怎么连这个都不会？', '您先重启一下。怎么连这个都不会？']
    """
    sentences = [one for one in _SENTENCE.split(text) if spoken_characters(one) >= _SENTENCE_LEAST]
    if len(sentences) > 1:
        yield from sentences
    part = ""
    for piece in _HALT.split(text):
        if part and spoken_characters(part) + spoken_characters(piece) > _LONG:
            yield part
            part = ""
        part += piece
    if spoken_characters(part) >= _LEAST:
        yield part


def objected_to(
    told: Set[int],
    meant: Sequence[tuple[Turn, Meaning]],
    call: Call,
    meaning: ForbiddenMeaning,
) -> set[int]:
    """The turns that are suspicious and that the customer objects to.

    An objection is about the worst that was said shortly before it.
    """
    found = set()
    for turn, one in meant:
        if one.probability < meaning.suspect_from:
            continue
        worse = {other.index for other, its in meant if its.probability > one.probability}
        others = meaning.complaints_of_others
        if is_objected_to(turn, call, meaning.complaints, but_not=others, worse=worse | told):
            found.add(turn.index)
    return found
