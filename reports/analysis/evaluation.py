"""Precision, recall and F1 of each rule of an audit against labelled calls.

Calls whose turns are labelled (:mod:`audit.intake.labelled`) are compared event by event. Ready
transcripts are labelled by ``fails``, the checks that must fail on a call: whatever else fails
there, of the rules that any label of the set names, is a false positive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from audit.intake.labelled import LabelledCall, LabelledTurn
from audit.types import Role, Span, Stage, Verdict
from reports.analysis.error_rates import Counts, ErrorRate
from reports.store.columns import Row

Tables = Mapping[str, Sequence[Row]]
Matched = tuple[Counts, list[str]]
"""Counts of one rule on one call, and a note on each error."""

_ELEMENTS = {
    "hello": "greeting.hello",
    "org": "greeting.organisation",
    "id": "greeting.agent_identity",
    "offer": "greeting.offer_help",
}
_TOLERANCE_S = 1.0
_ONSET_S = 0.6
"""An interruption is found where the finding covers the agent's first 0.6 s of it."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a run."""

    calls: int
    not_audited: tuple[str, ...]
    rules: dict[str, Counts]
    segment_accuracy: float | None
    """Share of labelled speech, by time, whose stage is right."""
    role_accuracy: float | None
    """Share of labelled speech, by time, that is given to the right speaker."""
    characters: ErrorRate
    """Errors over Han characters, numerals read out, per speaker."""
    details: tuple[str, ...]
    clauses: dict[str, Counts] = field(default_factory=dict)
    """The same for each clause, where the labels name one: found under another one is missed."""
    apart: dict[str, Evaluation] = field(default_factory=dict)
    """The same figures for each kind of recording, where calls of several kinds were labelled."""

    @property
    def cer(self) -> float | None:
        """Character error rate; None where no text was labelled."""
        return self.characters.rate


def evaluate(tables: Tables, truths: Sequence[LabelledCall]) -> Evaluation:
    """Compare the tables ``calls``, ``turns`` and ``findings`` with labelled calls."""
    if truths[0].fails is not None:
        return _by_check(tables, truths)
    kinds = {row["call_id"]: str(row["channels"]) for row in tables["calls"]}
    groups: dict[str, list[LabelledCall]] = {}
    for truth in truths:
        groups.setdefault(kinds.get(str(truth.call_id), ""), []).append(truth)
    groups.pop("", None)  # not audited
    whole = _compared(tables, truths)
    if len(groups) < 2:
        return whole
    apart = {kind: _compared(tables, group) for kind, group in sorted(groups.items())}
    return replace(whole, apart=apart)


def _compared(tables: Tables, truths: Sequence[LabelledCall]) -> Evaluation:
    rules = {name: Counts() for name in _RULES}
    clauses: dict[str, Counts] = defaultdict(Counts)
    details: list[str] = []
    right_segment = right_role = spoken = 0.0
    characters = ErrorRate()
    for truth in truths:
        findings = [row for row in tables["findings"] if row["call_id"] == truth.call_id]
        turns = [row for row in tables["turns"] if row["call_id"] == truth.call_id]
        for clause, counts in _by_clause(truth, findings):
            clauses[clause] += counts
        for rule, match in _RULES.items():
            counts, notes = match(truth, findings)
            rules[rule] += counts
            details += [f"{truth.call_id} {rule}: {note}" for note in notes]
        for turn, span in _timed(truth):
            if turn.is_backchannel:
                continue
            found = _found_at(turns, turn.role, span.middle_s)
            spoken += span.duration_s
            right_role += span.duration_s if found else 0.0
            if any(row["segment"] == turn.stage for row in found):
                right_segment += span.duration_s
            elif found:
                details.append(f"{truth.call_id} stage: {turn.text} is {found[0]['segment']}")
        characters += _character_errors(truth, turns)
    return Evaluation(
        calls=len(truths),
        not_audited=_not_audited(tables, truths),
        rules=rules,
        segment_accuracy=right_segment / spoken if spoken else None,
        role_accuracy=right_role / spoken if spoken else None,
        characters=characters,
        details=tuple(details),
        clauses=dict(sorted(clauses.items())),
    )


def _timed(truth: LabelledCall) -> Iterator[tuple[LabelledTurn, Span]]:
    """The turns with their times, which those of calls to evaluate have."""
    return ((turn, turn.span) for turn in truth.turns if turn.span is not None)


def _not_audited(tables: Tables, truths: Sequence[LabelledCall]) -> tuple[str, ...]:
    audited = {row["call_id"] for row in tables["calls"]}
    return tuple(str(truth.call_id) for truth in truths if truth.call_id not in audited)


def _character_errors(truth: LabelledCall, turns: Sequence[Row]) -> ErrorRate:
    total = ErrorRate()
    for role in (Role.AGENT, Role.CUSTOMER):
        own = sorted(
            (row for row in turns if row["role"] == role), key=lambda row: row["turn_index"]
        )
        total += ErrorRate.of_characters(
            "".join(turn.text for turn in truth.turns if turn.role is role),
            "".join(row["text"] for row in own),
        )
    return total


def _by_check(tables: Tables, truths: Sequence[LabelledCall]) -> Evaluation:
    """Per check, in how many calls it fails rightly, wrongly, and does not though it should."""
    rules = {check.split(".")[0] for truth in truths for check in truth.fails or ()}
    verdicts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in tables["findings"]:
        if row["rule_id"] in rules:
            verdicts[row["call_id"]][row["check_id"]].add(row["verdict"])
    counts: dict[str, Counts] = defaultdict(Counts)
    details = []
    for truth in truths:
        call_id, wanted = str(truth.call_id), truth.fails or frozenset()
        judged = verdicts[call_id]
        failed = {check for check, found in judged.items() if Verdict.FAIL in found}
        for check in wanted | failed:
            right, missed = check in wanted & failed, check in wanted - failed
            withheld = missed and Verdict.CANNOT_TELL in judged[check]
            counts[check] += Counts(right, check not in wanted, missed, withheld)
            if not right:
                details.append(f"{call_id} {'missed' if missed else 'false'} {check}")
    return Evaluation(
        calls=len(truths),
        not_audited=_not_audited(tables, truths),
        rules=dict(sorted(counts.items())),
        segment_accuracy=None,
        role_accuracy=None,
        characters=ErrorRate(),
        details=tuple(details),
    )


def _found_at(turns: Sequence[Row], role: Role, instant: float) -> list[Row]:
    return [
        row
        for row in turns
        if row["role"] == role
        and row["start_s"] is not None
        and row["start_s"] <= instant <= row["end_s"]
    ]


def _greeting(truth: LabelledCall, findings: Sequence[Row]) -> Matched:
    """Elements said are the positives: a ``pass`` finds one, a ``fail`` denies it."""
    said = {
        element
        for turn in truth.turns
        if turn.role is Role.AGENT and turn.stage is Stage.GREETING
        for element in turn.greeting
    }
    counts, notes = Counts(), []
    for element, check_id in _ELEMENTS.items():
        verdicts = {row["verdict"] for row in findings if row["check_id"] == check_id}
        if not verdicts:
            continue  # the rulebook does not ask for it
        found, there = Verdict.PASS in verdicts, element in said
        withheld = there and Verdict.CANNOT_TELL in verdicts
        counts += Counts(found and there, found and not there, there and not found, withheld)
        if found != there:
            notes.append(f"{'missed' if there else 'false'} {element}")
    return counts, notes


def _interruptions(truth: LabelledCall, findings: Sequence[Row]) -> Matched:
    events = [
        (Span(span.start_s, span.start_s + _ONSET_S), turn.text)
        for turn, span in _timed(truth)
        if turn.interrupts
    ]
    return _matched(events, [row for row in findings if row["rule_id"] == "no_interruption"])


def _forbidden(truth: LabelledCall, findings: Sequence[Row]) -> Matched:
    events = [
        (span, turn.text)
        for turn, span in _timed(truth)
        if turn.role is Role.AGENT and turn.forbidden is not None
    ]
    return _matched(events, [row for row in findings if row["rule_id"] == "forbidden_language"])


def _by_clause(truth: LabelledCall, findings: Sequence[Row]) -> Iterator[tuple[str, Counts]]:
    """Forbidden wording, clause by clause."""
    found = [row for row in findings if row["rule_id"] == "forbidden_language"]
    events: dict[str, list[tuple[Span, str]]] = defaultdict(list)
    for turn, span in _timed(truth):
        if turn.role is Role.AGENT and turn.forbidden is not None:
            events[turn.forbidden].append((span, turn.text))
    named = {row["clause_id"] for row in found if row["verdict"] == Verdict.FAIL}
    for clause in sorted(named | events.keys()):
        own = [row for row in found if row["clause_id"] == clause or row["start_s"] is None]
        yield clause, _matched(events[clause], own)[0]


def _matched(events: Sequence[tuple[Span, str]], findings: Sequence[Row]) -> Matched:
    """Match events to ``fail`` findings one to one, by overlap within a second."""
    timed = [row for row in findings if row["start_s"] is not None]
    fails = sorted(
        (row for row in timed if row["verdict"] == Verdict.FAIL), key=lambda row: row["start_s"]
    )
    doubtful = [row for row in findings if row["verdict"] == Verdict.CANNOT_TELL]
    used: set[int] = set()
    missed, withheld = [], 0
    for span, text in events:
        hit = next((i for i, row in enumerate(fails) if i not in used and _near(row, span)), None)
        if hit is None:
            missed.append(f"missed {span.start_s:.1f} s {text}")
            withheld += any(row["start_s"] is None or _near(row, span) for row in doubtful)
        else:
            used.add(hit)
    false = [
        row
        for i, row in enumerate(fails)
        if i not in used and not any(_near(row, span) for span, _ in events)
    ]
    notes = missed + [f"false {row['start_s']:.1f} s {row['evidence']}" for row in false]
    return Counts(len(used), len(false), len(missed), withheld), notes


def _near(row: Row, span: Span) -> bool:
    return bool(
        row["start_s"] <= span.end_s + _TOLERANCE_S and row["end_s"] >= span.start_s - _TOLERANCE_S
    )


_RULES: dict[str, Callable[[LabelledCall, Sequence[Row]], Matched]] = {
    "greeting": _greeting,
    "no_interruption": _interruptions,
    "forbidden_language": _forbidden,
}
