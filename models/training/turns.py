"""Agents' turns with labels of their wording, as written by hand and as a recogniser hears them.

Sources: whole dialogues (``data_samples/dialogues/service``), exchanges of three turns
(``data_samples/exchanges``) and public corpora of ordinary talk
(:mod:`models.training.ordinary_talk`).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audit import rulebooks
from audit.language.repeats import repeated_share
from audit.ports import SpokenTurn
from audit.rules import forbidden_language
from audit.rules.forbidden_settings import ForbiddenLanguageRule
from models.text.forbidden import INNOCENT, KINDS

SERVICE = Path("data_samples/dialogues/service")
EXCHANGES = Path("data_samples/exchanges")
HEARD = (SERVICE / "heard.csv", EXCHANGES / "heard.csv")
"""What real Whisper heard of some agents' turns, by :mod:`data_samples.generate.heard`."""
_LINE = re.compile(r"(客|坐)(?:\[(\w+[!?])\])?：(.*)")


@dataclass(frozen=True, slots=True)
class Line:
    """A turn of a written dialogue.

    Attributes:
        speaker: ``客`` or ``坐``.
        text: what is said.
        label: what its writer says is wrong with it: a kind and ``!`` (clear) or ``?`` (arguable).
    """

    speaker: str
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """An agent's turn and what is wrong with it.

    Attributes:
        turn: its words and those around it.
        kind: one of :data:`KINDS`, or ``innocent``.
        group: who wrote it: nobody's turns may lie on both sides of a split.
        call: the dialogue that it is from, where that is whole.
    """

    turn: SpokenTurn
    kind: str
    group: str
    call: str = ""

    @property
    def is_forbidden(self) -> bool:
        """Whether anything is wrong with it."""
        return self.kind != INNOCENT


def forbidden_rule() -> ForbiddenLanguageRule:
    """What the rulebook ``hotline`` says of forbidden wording."""
    return rulebooks.load("hotline").rules.of(forbidden_language.RULE)


def clause_of() -> dict[str, str]:
    """The clause that each kind of wording breaks."""
    meaning = forbidden_rule().meaning
    assert meaning is not None
    return {kind: check.clause for kind, check in meaning.kinds.items()}


def service_turns() -> Iterator[LabelledTurn]:
    """Turns of whole dialogues that both readers judge the same.

    A turn is forbidden where both call it clearly so, and innocent where neither reader nor the
    writer marks it. The others are left out.
    """
    marks = _marks()
    for file in sorted(SERVICE.glob("*.txt")):
        for dialogue, lines in dialogues(file):
            for number, line in enumerate(lines, start=1):
                kind = marks.get((dialogue, number), INNOCENT)
                if line.speaker == "坐" and kind is not None:
                    turn = in_context(lines, number - 1, line.text)
                    yield LabelledTurn(turn, kind, file.stem, dialogue)


def heard_turns() -> Iterator[LabelledTurn]:
    """Turns as real Whisper heard them; exchanges' answers are as they were written."""
    marks = _marks()
    heard = {(row["dialogue"], int(row["turn"])): row["heard"] for row in heard_pairs()}
    for file in sorted(SERVICE.glob("*.txt")):
        for dialogue, lines in dialogues(file):
            noisy = [
                replace(line, text=heard.get((dialogue, number), line.text))
                for number, line in enumerate(lines, start=1)
            ]
            for number, line in enumerate(noisy, start=1):
                kind = marks.get((dialogue, number), INNOCENT)
                if (dialogue, number) in heard and line.text and kind is not None:
                    turn = in_context(noisy, number - 1, line.text)
                    yield LabelledTurn(turn, kind, file.stem, dialogue)
    by_words = {row["said"]: row["heard"] for row in heard_pairs()}
    for labelled in exchange_turns():
        if text := by_words.get(labelled.turn.text):
            yield replace(labelled, turn=replace(labelled.turn, text=text))


def heard_pairs() -> Iterator[dict[str, str]]:
    """What was said and heard, as :mod:`data_samples.generate.heard` writes it."""
    for file in HEARD:
        with file.open(encoding="utf-8", newline="") as lines:
            yield from csv.DictReader(lines)


def exchanges(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """Kind, what the customer says before, the agent's turn, and what the customer says next."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        kind, before, text, after = line.split("\t")
        if kind not in (*KINDS, INNOCENT):
            raise ValueError(f"{file}, line {number}: {kind!r} is no kind of wording")
        yield kind, before, text, after


def exchange_turns() -> Iterator[LabelledTurn]:
    """Turns of exchanges: ``KIND``, customer, agent, customer, separated by tabs."""
    for file in sorted(EXCHANGES.glob("*.tsv")):
        for kind, before, text, after in exchanges(file):
            turn = SpokenTurn(text, after, repeated_share(text, [before]))
            yield LabelledTurn(turn, kind, file.stem)


def ordinary_turns(file: Path) -> Iterator[LabelledTurn]:
    """Turns that :mod:`models.training.ordinary_talk` wrote to ``turns.jsonl``."""
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        repeated = repeated_share(row["text"], [row["before"]])
        turn = SpokenTurn(row["text"], row["after"], repeated)
        yield LabelledTurn(turn, INNOCENT, row["corpus"], row["dialogue"])


def dialogues(file: Path) -> Iterator[tuple[str, list[Line]]]:
    """Name and turns of every dialogue of a file."""
    found: defaultdict[str, list[Line]] = defaultdict(list)
    name = ""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if line.startswith("#"):
            name = line[1:].partition("|")[0].strip()
        elif match := _LINE.fullmatch(line):
            found[name].append(Line(match[1], match[3], match[2] or ""))
        elif line:
            raise ValueError(
                f"{file}, line {number}: neither a turn (客：, 坐：) nor a heading (#)"
            )
    yield from found.items()


def faulty_dialogues() -> frozenset[str]:
    """Dialogues in which anybody marks a turn, be it arguable."""
    return frozenset(dialogue for dialogue, _ in _marks())


def _marks() -> dict[tuple[str, int], str | None]:
    """What is wrong with a turn by dialogue and number; None where that is arguable."""
    marks: dict[tuple[str, int], str | None] = {}
    with (SERVICE / "labels.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            first, second, writer = row["reader_1"], row["reader_2"], row["writer"]
            agreed = first if first == second or writer != second else second
            clear = first.endswith("!") and second.endswith("!")
            marks[row["dialogue"], int(row["turn"])] = agreed[:-1] if clear else None
    return marks


def in_context(lines: Sequence[Line], at: int, text: str) -> SpokenTurn:
    """A turn of a dialogue, in these words, with the customer's around it."""
    before = [line.text for line in lines[:at] if line.speaker == "客"]
    after = next((line.text for line in lines[at + 1 :] if line.speaker == "客"), "")
    return SpokenTurn(text, after, repeated_share(text, before))
