"""Where marks belong: ``python -m tests.benchmarks.punctuation FILE ... [--run OUT TRUTH]``.

A file has punctuated turns, one a line, with or without ``客：`` or ``坐：`` before them; lines
that begin with ``#`` or ``--`` and empty ones are left out, and so are turns without a mark at
their end. Their marks are taken out and set again. With ``--run``, an audit of labelled calls
(kept in full) is measured too: the marks of the labels are carried over to what was recognised.

Of marks inside turns it prints how many are right, and how many of those that belong there were
set; the same of sentence ends, the last ones of turns left out, and how often the mark at a right
place is the right one. ``before`` is what the text itself has: the commas of the recogniser and
of the pauses.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from audit.types import Role, Turn
from data_samples.generate.heard import paired
from models.text import punctuation, tokens
from models.training.punctuation import split
from reports.store import Store

_SPEAKER = re.compile(r"^(?:客|坐|客户|客服|A|C)>?(?:\[[^\]]*\])?[：: ]")
_ENDED = re.compile("[。！？…!?]”?$")
_SPACED = re.compile(r"[\u3400-\u9fff] +[\u3400-\u9fff]")
_ENDS = "。？"
_ALIKE = 0.5
"""Share of characters heard rightly, below which marks cannot be carried over."""

Places = dict[int, str]
"""Marks by the count of characters before them."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The marks of one turn: where they belong, in its text, and as they are set.

    Attributes:
        bare: its characters; a mark after them all is its last.
    """

    bare: str
    true: Places
    before: Places
    now: Places

    @property
    def length(self) -> int:
        """How many characters it has."""
        return len(self.bare)


def places(text: str) -> Places:
    """Marks of a text by the count of characters before each."""
    parts = split(text)
    found: Places = {}
    count = 0
    for clause, sign in zip(parts.clauses, parts.signs, strict=True):
        count += len(clause)
        found[count] = sign
    if not re.search(r"[，。？！…,.?!—;；、:：]”?\s*$", text):
        found.pop(count, None)
    return found


def written(file: Path) -> Iterator[Compared]:
    """The turns of a file, without their marks before."""
    for line in file.read_text("utf-8").splitlines():
        text = _SPEAKER.sub("", line.strip())
        if line.startswith(("#", "--")) or not _ENDED.search(text) or _SPACED.search(text):
            continue
        bare = "".join(split(text).clauses)
        if bare:
            (shown,) = _shown([bare])
            yield Compared(bare, places(text), {}, places(shown))


def recognised(out: Path, truth: Path) -> Iterator[Compared]:
    """The turns of an audit of which one labelled turn was recognised."""
    store = Store(out)
    rows = list(store.turns.rows())
    for call in store.calls.rows():
        transcript = store.transcripts.load(call["transcript_id"])
        assert transcript is not None, call["call_id"]
        texts = [turn.text for turn in transcript.turns]
        shown = dict(zip(texts, _shown(texts), strict=True))
        labels = json.loads((truth / f"{call['call_id']}.json").read_text("utf-8"))["turns"]
        own = [row for row in rows if row["call_id"] == call["call_id"]]
        for label, found in zip(labels, paired(labels, own), strict=True):
            said = tokens.plain(label["text"])
            if len(found) != 1:
                continue
            text = transcript.turns[found[0]["turn_index"]].text
            heard = tokens.plain(text)
            if Levenshtein.normalized_similarity(said, heard) >= _ALIKE:
                true = _carried(places(label["text"]), said, heard)
                yield Compared(heard, true, places(text), places(shown[text]))


def _shown(texts: Sequence[str]) -> list[str]:
    """The turns of a call as pages show them."""
    return [
        Turn(0, Role.UNKNOWN, text, marks=marks).punctuated
        for text, marks in zip(texts, punctuation.marks(texts), strict=True)
    ]


def _carried(marks: Places, said: str, heard: str) -> Places:
    """Marks of what was said, at the same words of what was heard."""
    edits = Levenshtein.opcodes(said, heard)
    found: Places = {}
    for at, mark in marks.items():
        edit = next(edit for edit in edits if edit.src_start < at <= edit.src_end)
        place = min(edit.dest_start + at - edit.src_start, edit.dest_end)
        if at == len(said):
            place = len(heard)
        if place:
            found[place] = mark
    return found


def figures(turns: Sequence[Compared], *, before: bool = False) -> dict[str, float]:
    """Precision, recall and F1 of marks and of sentence ends inside turns, and right kinds.

    The kinds count at right places inside turns, and (``last_kind``) at the ends of turns.
    """
    counts: Counter[str] = Counter()
    for turn in turns:
        found = turn.before if before else turn.now
        for name, kinds in (("mark", "，。？"), ("end", _ENDS)):
            true = {at for at, kind in turn.true.items() if kind in kinds and at < turn.length}
            said = {at for at, kind in found.items() if kind in kinds and at < turn.length}
            counts[f"{name} right"] += len(true & said)
            counts[f"{name} true"] += len(true)
            counts[f"{name} said"] += len(said)
        for at in turn.true.keys() & found.keys():
            which = "kind" if at < turn.length else "last_kind"
            counts[which] += 1
            counts[f"{which} right"] += turn.true[at] == found[at]
        counts["last true"] += turn.length in turn.true
    shares: dict[str, float] = {}
    for name in ("mark", "end"):
        right, said, true = (counts[f"{name} {what}"] for what in ("right", "said", "true"))
        shares[f"{name}_precision"] = right / max(1, said)
        shares[f"{name}_recall"] = right / max(1, true)
        shares[f"{name}_f1"] = 2 * right / max(1, said + true)
    shares["kind"] = counts["kind right"] / max(1, counts["kind"])
    shares["last_kind"] = counts["last_kind right"] / max(1, counts["last true"])
    return shares


def _tell(name: str, turns: Sequence[Compared]) -> None:
    inside = sum(at < turn.length for turn in turns for at in turn.true)
    print(f"{name}: {len(turns)} turns, {inside} marks inside them")
    for when in ("before", "now"):
        shares = figures(turns, before=when == "before")
        print(
            f"  {when}: marks P {shares['mark_precision']:.3f} R {shares['mark_recall']:.3f} "
            f"F1 {shares['mark_f1']:.3f}; sentence ends P {shares['end_precision']:.3f} "
            f"R {shares['end_recall']:.3f} F1 {shares['end_f1']:.3f}; kind {shares['kind']:.3f}, "
            f"at ends of turns {shares['last_kind']:.3f}"
        )


def main() -> None:
    """Print the figures of written turns, and of recognised ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--run", nargs=2, type=Path, metavar=("OUT", "TRUTH"))
    given = parser.parse_args()
    if given.files:
        _tell("written", [turn for file in given.files for turn in written(file)])
    if given.run:
        _tell("recognised", list(recognised(*given.run)))


if __name__ == "__main__":
    main()
