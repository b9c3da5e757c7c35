"""What changes where stored calls are judged again under another rulebook."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.rulebooks import Rulebook
from reports.store.columns import Row

EXAMPLES = 20
"""Findings gained and lost that are kept as examples, of each rule."""

_SAME = ("rule_id", "check_id", "verdict", "start_s", "evidence")
_WEIGHT = ("clause_id", "points", "severity", "auto_fail")
COMPARED = (*_SAME, *_WEIGHT)
"""Columns of findings that are compared."""

Scores = tuple[tuple[float | None, bool], tuple[float | None, bool]]
"""Score and auto-fail of a call, before and after."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """Score and verdicts of a call; ``rules`` are (rule, verdict)."""

    score: float | None
    grade: str | None
    auto_fail: bool
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """A call whose score, grade or verdicts change."""

    call_id: str
    agent: str
    before: CallResult
    after: CallResult

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """Rules whose verdict flips: rule, before, after (``–`` where it had no occasion)."""
        old, new = dict(self.before.rules), dict(self.after.rules)
        both = [(rule, old.get(rule, "–"), new.get(rule, "–")) for rule in {**old, **new}]
        return [(rule, was, now) for rule, was, now in both if was != now]

    @property
    def grade(self) -> tuple[str, str] | None:
        """The grade before and after, where it flips."""
        was, now = self.before.grade, self.after.grade
        return None if was == now else (was or "–", now or "–")


@dataclass(frozen=True, slots=True)
class AgentChange:
    """One agent over all nights: mean score and its grade by the new rulebook's table."""

    agent: str
    calls: int
    mean: tuple[float | None, float | None]
    grade: tuple[str, str]
    auto_fails: tuple[int, int]


@dataclass(slots=True)
class Difference:
    """What a rescore changes."""

    rulebook_id: str
    calls: int = 0
    flips: list[Flip] = field(default_factory=list)
    gained: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Findings that were not there before, by rule and verdict."""
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    reweighted: Counter[str] = field(default_factory=Counter)
    """Findings that stay under another clause, or weigh otherwise, by rule."""
    examples: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    """Failures ``gained`` and ``lost``, by (which of the two, rule)."""
    agents: list[AgentChange] = field(default_factory=list)
    """Agents whose mean score changes."""
    left: int = 0
    """Calls that stay as they are: their text is redacted, and the full text is no longer kept."""
    failed: dict[str, str] = field(default_factory=dict)
    """Calls that a step has failed for, and a sentence on each: they stay as they are; or have no
    page, where only that has failed."""
    written: bool = False

    @property
    def verdict_flips(self) -> Counter[tuple[str, str, str]]:
        """How many calls flip, by rule, verdict before and verdict after."""
        return Counter(flip for call in self.flips for flip in call.verdicts)

    @property
    def grade_flips(self) -> Counter[tuple[str, str]]:
        """How many calls change grade, by grade before and after."""
        return Counter(call.grade for call in self.flips if call.grade)


def call_result(row: Row) -> CallResult:
    """Score and verdicts of a row of the table ``calls``."""
    rules = tuple((rule["rule_id"], str(rule["verdict"])) for rule in row["rule_scores"])
    return CallResult(row["score"], row["grade"], row["auto_fail"], rules)


def compare_findings(
    difference: Difference, call: Row, old: Sequence[Row], new: Sequence[Row]
) -> None:
    """Note what changes of one call's findings.

    They are matched one to one by check, verdict and position in the call.

    Args:
        difference: receives it.
        call: its row in the table ``calls``.
        old: its findings before.
        new: its findings after.
    """
    waiting: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in old:
        waiting[tuple(row[name] for name in _SAME)].append(row)
    for row in new:
        matched = waiting.get(tuple(row[name] for name in _SAME))
        if not matched:
            _count(difference, "gained", call, row)
            continue
        alike = [sum(old[name] == row[name] for name in _WEIGHT) for old in matched]
        matched.pop(alike.index(max(alike)))
        if max(alike) < len(_WEIGHT):
            difference.reweighted[row["rule_id"]] += 1
    for unmatched in waiting.values():
        for row in unmatched:
            _count(difference, "lost", call, row)


def _count(difference: Difference, which: str, call: Row, row: Row) -> None:
    counted = difference.gained if which == "gained" else difference.lost
    counted[row["rule_id"], str(row["verdict"])] += 1
    examples = difference.examples[which, row["rule_id"]]
    if row["verdict"] == "fail" and len(examples) < EXAMPLES:
        place = {name: call[name] for name in ("call_id", "agent", "agent_name")}
        examples.append({**{name: row[name] for name in COMPARED}, **place})


def agent_changes(scores: Mapping[str, Sequence[Scores]], book: Rulebook) -> Iterator[AgentChange]:
    """Agents whose mean score or number of auto-fails changes, by their calls' scores."""
    for agent, pairs in sorted(scores.items()):
        (was, failed), (now, fails) = (
            (_mean([pair[i][0] for pair in pairs]), sum(pair[i][1] for pair in pairs))
            for i in (0, 1)
        )
        if (was, failed) != (now, fails):
            grades = _grade(was, book), _grade(now, book)
            yield AgentChange(agent, len(pairs), (was, now), grades, (failed, fails))


def _mean(scores: Sequence[float | None]) -> float | None:
    scored = [score for score in scores if score is not None]
    return round(sum(scored) / len(scored), 2) if scored else None


def _grade(mean: float | None, book: Rulebook) -> str:
    if mean is None:
        return "–"
    reached = [(least, g) for g, least in book.scoring.grades.items() if mean >= least]
    return max(reached)[1]
