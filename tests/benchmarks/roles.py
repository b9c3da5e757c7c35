"""Who is the agent, by words alone: ``python -m tests.benchmarks.roles FILE ...``.

Reads dialogues as :mod:`tests.benchmarks.clauses` does, as if two voices were already told apart,
and prints how many of their beginnings and of them as a whole are decided, and rightly.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from audit.transcription.options import TranscriptionOptions
from audit.transcription.roles import Evidence, agent_evidence, assign
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Role, Span, Word
from models.text import roles
from tests.benchmarks.clauses import read

_LINE = re.compile(r"\[([\d.]+)-([\d.]+)\] (客服|客户): (.*)")
_FIRST = 6
"""Turns of a beginning."""


def utterances(lines: Sequence[str]) -> list[UtteranceWords]:
    """Timed lines as utterances; the agent is speaker 0."""
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        assert match, line
        span = Span(float(match[1]), float(match[2]))
        word = Word(match[4], span.start_s, span.end_s, 1.0)
        found.append((Utterance(int(match[3] == "客户"), span), (word,)))
    return found


def decided(said: Sequence[UtteranceWords]) -> str:
    """Whether the roles of two speakers are right, wrong or unknown."""
    totals = agent_evidence(said, Evidence.of(said, roles), speakers=2, direction=None)
    given = assign(totals, min_confidence=TranscriptionOptions().role_confidence).roles
    if Role.UNKNOWN in given:
        return "unknown"
    return "right" if given == (Role.AGENT, Role.CUSTOMER) else "wrong"


def main(files: Sequence[Path]) -> None:
    """Print the shares of dialogues."""
    calls = [utterances(written.lines) for file in files for written in read(file)]
    two = [said for said in calls if len({one.channel for one, _ in said}) == 2]
    for what, last in ((f"first {_FIRST} turns", _FIRST), ("whole", None)):
        counts = Counter(decided(said[:last]) for said in two)
        shares = ", ".join(f"{name} {counts[name] / len(two):.3f}" for name in sorted(counts))
        print(f"{what}: {len(two)} dialogues, {shares}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
