"""Finding phrases and likenesses in one text, and comparing a call's data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from audit.language.phrases import Match, find_any, find_literal
from audit.language.text import sounds
from audit.rules.written.arguments import ColumnTest
from audit.types import Call

_CLAUSE = re.compile("[^，。？！、；,.?!;]+")


def matches(
    phrases: tuple[str, ...], text: str, slack: int, literal: bool, offset: int = 0
) -> list[Match]:
    """Every place of the phrases: the best match, and those on either side of it."""
    match = find_literal(phrases, text) if literal else find_any(phrases, text, slack=slack)
    if match is None or match.last <= match.first:
        return []
    first, last = offset + match.first, offset + match.last
    return [
        Match(first, last, match.quality, match.meant),
        *matches(phrases, text[: match.first], slack, literal, offset),
        *matches(phrases, text[match.last :], slack, literal, last),
    ]


def alike(sentence: str, text: str) -> Iterator[tuple[float, int, int]]:
    """How like a sentence the runs of clauses of a text are, and where they stand."""
    wanted = _pieces(sentence)
    clauses = [match.span() for match in _CLAUSE.finditer(text)]
    for number, (first, _) in enumerate(clauses):
        for _, last in clauses[number:]:
            pieces = _pieces(text[first:last])
            if number and pieces.total() > 2 * wanted.total() + 4:
                break
            shared = 2 * (wanted & pieces).total()
            yield shared / max(1, wanted.total() + pieces.total()), first, last


@lru_cache(maxsize=8192)
def _pieces(text: str) -> Counter[str]:
    """Syllables and pairs of syllables."""
    code = sounds(text).code
    singles = [code[i : i + 2] for i in range(0, len(code), 2)]
    return Counter([*singles, *(code[i : i + 4] for i in range(0, len(code) - 2, 2))])


def column(call: Call, name: str) -> str | None:
    """What the manifest says of a call in a column; None where it says nothing."""
    recording = call.recording
    known = {
        "direction": recording.direction,
        "agent_id": recording.agent_id,
        "agent_name": recording.agent_name,
        "call_id": recording.call_id,
        "answer_wait_s": recording.answer_wait_s,
        "customer_vip": recording.customer_vip,
    }
    plain = {key.removeprefix("meta_").lower(): value for key, value in recording.meta.items()}
    own = recording.meta.get(f"meta_{name}", plain.get(name.lower()))
    value = known.get(name, own)
    text = "" if value is None else str(value)
    return (text.lower() if isinstance(value, bool) else text) or None


def fits(value: str | None, wanted: ColumnTest) -> bool | None:
    """Whether a value is as wanted; None where there is none, or no number where one is asked."""
    if value is None:
        return None
    answers: list[bool | None] = []
    if wanted.equals is not None:
        answers.append(value == wanted.equals)
    if wanted.one_of is not None:
        answers.append(value in wanted.one_of)
    if wanted.matches is not None:
        answers.append(re.search(wanted.matches, value) is not None)
    if wanted.over is not None or wanted.under is not None:
        try:
            answers.append(between(float(value), wanted.over, wanted.under))
        except ValueError:
            answers.append(None)
    return conjunction(answers)


def between(value: float, over: float | None, under: float | None) -> bool:
    """Whether a value lies over one bound and under another, where they are given."""
    return (over is None or value > over) and (under is None or value < under)


def conjunction(answers: Sequence[bool | None]) -> bool | None:
    """Whether all answers are yes; None where that cannot be told."""
    return False if False in answers else None if None in answers else True
