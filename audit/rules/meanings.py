"""How likely each turn of an agent is forbidden wording, judged whole and in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.language.repeats import repeated, runs
from audit.language.text import sounds, spoken_characters
from audit.ports import SpokenTurn, WordingClassifier
from audit.rules.replies import answers, last_of_customer
from audit.types import Call, Role, Turn

_LEAST = 3
"""Syllables of a turn that has a meaning of its own."""

_LONG = 48
"""Syllables from which a turn is judged in parts: one rude sentence is little of a long one."""

_SENTENCE = re.compile("(?<=[。！？!?；;…])")

_SENTENCE_LEAST = 5
"""Syllables from which a sentence of a turn is judged by itself too."""

_HALT = re.compile("(?<=[。！？!?；;…，, ])")


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
    """By turn, its likeliest part; turns of under three syllables are left out."""
    judged = [(turn, part) for turn in turns for part in parts(turn.text)]
    said_next = answers(call)
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
