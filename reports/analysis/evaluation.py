"""How right an audit is: precision, recall and F1 of each rule against labelled calls.

A labelled call is a JSON file: ``call_id`` and ``turns`` with ``role`` (A or C), ``start``,
``end`` (seconds), ``text``, ``segment`` (G, H or C) and, where they apply, ``greeting``
(elements said), ``interrupts``, ``forbidden`` (clause) and ``backchannel``.

Ready transcripts (JSONL) are labelled by ``fails``: the checks that must fail on a call. Whatever
else fails there of the rules that any label of the file names is a false accusation.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.language.encoding import text_of
from audit.types import Span, Verdict

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

_SEGMENTS = {"G": "greeting", "H": "handling", "C": "closing"}
_ROLES = {"A": "agent", "C": "customer"}
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
class Counts:
    """Hits and misses of one rule.

    ``withheld`` are the events that were there and came out as ``cannot_tell``; they count as
    missed too.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    withheld: int = 0

    @property
    def precision(self) -> float | None:
        """Share of accusations that are right; None where there are none."""
        told = self.true_positives + self.false_positives
        return self.true_positives / told if told else None

    @property
    def recall(self) -> float | None:
        """Share of events that are found; None where there are none."""
        there = self.true_positives + self.false_negatives
        return self.true_positives / there if there else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is nothing to find."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.withheld + other.withheld,
        )


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
    cer: float | None
    """Character error rate over Han characters, numerals read out, per speaker."""
    details: tuple[str, ...]
    clauses: dict[str, Counts] = field(default_factory=dict)
    """The same for each clause, where the labels name one: found under another one is missed."""
    apart: dict[str, Evaluation] = field(default_factory=dict)
    """The same figures for each kind of recording, where calls of several kinds were labelled."""


def read_truth(place: Path) -> list[dict[str, Any]]:
    """Read labelled calls: a folder of JSON files, or a JSONL file of labelled transcripts.

    Raises:
        UsageError: there are none, or one cannot be read.
    """
    if not place.exists():
        raise UsageError(f"there are no labelled calls at {place}: check the path")
    return _read_lines(place) if place.is_file() else _read_files(place)


def _read_lines(file: Path) -> list[dict[str, Any]]:
    try:
        truths = [
            json.loads(line) for line in text_of(file.read_bytes()).split("\n") if line.strip()
        ]
        _ = [(str(truth["call_id"]), *map(str.strip, truth["fails"])) for truth in truths]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} holds no labelled transcripts ({error!r}); each line is a JSON object with "
            "call_id, turns and fails, a list of check ids"
        ) from error
    if not truths:
        raise UsageError(f"{file} is empty; it needs a labelled transcript on each line")
    return truths


def _read_files(folder: Path) -> list[dict[str, Any]]:
    truths = []
    for path in sorted(folder.glob("*.json")):
        try:
            truth = json.loads(text_of(path.read_bytes()))
            truth["call_id"], truth["turns"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is no labelled call ({error!r}); it needs call_id and turns, as the "
                "files under data_samples/truth"
            ) from error
        truths.append(truth)
    if not truths:
        raise UsageError(f"{folder} holds no labelled calls; they are files that end in .json")
    return truths


def evaluate(tables: Tables, truths: Sequence[Row]) -> Evaluation:
    """Compare the tables ``calls``, ``turns`` and ``findings`` with labelled calls."""
    if "fails" in truths[0]:
        return _by_check(tables, truths)
    kinds = {row["call_id"]: str(row["channels"]) for row in tables["calls"]}
    groups: dict[str, list[Row]] = {}
    for truth in truths:
        groups.setdefault(kinds.get(str(truth["call_id"]), ""), []).append(truth)
    groups.pop("", None)  # not audited
    whole = _compared(tables, truths)
    if len(groups) < 2:
        return whole
    apart = {kind: _compared(tables, group) for kind, group in sorted(groups.items())}
    return replace(whole, apart=apart)


def _compared(tables: Tables, truths: Sequence[Row]) -> Evaluation:
    audited = {row["call_id"] for row in tables["calls"]}
    rules = {name: Counts() for name in ("greeting", "no_interruption", "forbidden_language")}
    clauses: dict[str, Counts] = defaultdict(Counts)
    details: list[str] = []
    right_segment = right_role = spoken = 0.0
    errors = length = 0
    for truth in truths:
        call_id = str(truth["call_id"])
        findings = [row for row in tables["findings"] if row["call_id"] == call_id]
        turns = [row for row in tables["turns"] if row["call_id"] == call_id]
        told = {
            "greeting": _greeting(truth, findings),
            "no_interruption": _interruptions(truth, findings),
            "forbidden_language": _forbidden(truth, findings),
        }
        for clause, counts in _by_clause(truth, findings):
            clauses[clause] += counts
        for rule, (counts, notes) in told.items():
            rules[rule] += counts
            details += [f"{call_id} {rule}: {note}" for note in notes]
        for turn in truth["turns"]:
            if turn.get("backchannel"):
                continue
            seconds = turn["end"] - turn["start"]
            heard = _heard_at(turns, _ROLES[turn["role"]], (turn["start"] + turn["end"]) / 2)
            spoken += seconds
            right_role += seconds if heard else 0.0
            if any(row["segment"] == _SEGMENTS[turn["segment"]] for row in heard):
                right_segment += seconds
            elif heard:
                details.append(f"{call_id} stage: {turn['text']} is {heard[0]['segment']}")
        for code, role in _ROLES.items():
            reference = plain("".join(t["text"] for t in truth["turns"] if t["role"] == code))
            own = sorted(
                (row for row in turns if row["role"] == role), key=lambda row: row["turn_index"]
            )
            errors += distance(reference, plain("".join(row["text"] for row in own)))
            length += len(reference)
    return Evaluation(
        calls=len(truths),
        not_audited=tuple(str(t["call_id"]) for t in truths if str(t["call_id"]) not in audited),
        rules=rules,
        segment_accuracy=right_segment / spoken if spoken else None,
        role_accuracy=right_role / spoken if spoken else None,
        cer=errors / length if length else None,
        details=tuple(details),
        clauses=dict(sorted(clauses.items())),
    )


def _by_check(tables: Tables, truths: Sequence[Row]) -> Evaluation:
    """Per check, in how many calls it fails rightly, wrongly, and does not though it should."""
    audited = {row["call_id"] for row in tables["calls"]}
    rules = {check.split(".")[0] for truth in truths for check in truth["fails"]}
    verdicts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in tables["findings"]:
        if row["rule_id"] in rules:
            verdicts[row["call_id"]][row["check_id"]].add(row["verdict"])
    counts: dict[str, Counts] = defaultdict(Counts)
    details = []
    for truth in truths:
        call_id, wanted = str(truth["call_id"]), set(truth["fails"])
        told = verdicts[call_id]
        failed = {check for check, found in told.items() if Verdict.FAIL in found}
        for check in wanted | failed:
            right, missed = check in wanted & failed, check in wanted - failed
            withheld = missed and Verdict.CANNOT_TELL in told[check]
            counts[check] += Counts(right, check not in wanted, missed, withheld)
            if not right:
                details.append(f"{call_id} {'missed' if missed else 'false'} {check}")
    return Evaluation(
        calls=len(truths),
        not_audited=tuple(str(t["call_id"]) for t in truths if str(t["call_id"]) not in audited),
        rules=dict(sorted(counts.items())),
        segment_accuracy=None,
        role_accuracy=None,
        cer=None,
        details=tuple(details),
    )


def _heard_at(turns: Sequence[Row], role: str, instant: float) -> list[Row]:
    return [
        row
        for row in turns
        if row["role"] == role
        and row["start_s"] is not None
        and row["start_s"] <= instant <= row["end_s"]
    ]


def _greeting(truth: Row, findings: Sequence[Row]) -> tuple[Counts, list[str]]:
    """Elements said are the positives: a ``pass`` finds one, a ``fail`` denies it."""
    said = {
        element
        for turn in truth["turns"]
        if turn["role"] == "A" and turn["segment"] == "G"
        for element in turn.get("greeting", [])
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


def _interruptions(truth: Row, findings: Sequence[Row]) -> tuple[Counts, list[str]]:
    events = [
        (Span(turn["start"], turn["start"] + _ONSET_S), turn["text"])
        for turn in truth["turns"]
        if turn.get("interrupts")
    ]
    return _matched(events, [row for row in findings if row["rule_id"] == "no_interruption"])


def _forbidden(truth: Row, findings: Sequence[Row]) -> tuple[Counts, list[str]]:
    events = [
        (Span(turn["start"], turn["end"]), turn["text"])
        for turn in truth["turns"]
        if turn["role"] == "A" and "forbidden" in turn
    ]
    return _matched(events, [row for row in findings if row["rule_id"] == "forbidden_language"])


def _by_clause(truth: Row, findings: Sequence[Row]) -> Iterator[tuple[str, Counts]]:
    """Forbidden wording, clause by clause."""
    told = [row for row in findings if row["rule_id"] == "forbidden_language"]
    events: dict[str, list[tuple[Span, str]]] = defaultdict(list)
    for turn in truth["turns"]:
        if turn["role"] == "A" and "forbidden" in turn:
            span = Span(turn["start"], turn["end"])
            events[turn["forbidden"]].append((span, turn["text"]))
    named = {row["clause_id"] for row in told if row["verdict"] == Verdict.FAIL}
    for clause in sorted(named | events.keys()):
        own = [row for row in told if row["clause_id"] == clause or row["start_s"] is None]
        yield clause, _matched(events[clause], own)[0]


def _matched(
    events: Sequence[tuple[Span, str]], findings: Sequence[Row]
) -> tuple[Counts, list[str]]:
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


_READ_OUT = str.maketrans("0123456789幺两", "零一二三四五六七八九一二")


def plain(text: str) -> str:
    """Han characters only, numerals read out: what an error rate is counted over.

    >>> plain("工号1011，您好")
    '工号一零一一您好'
    """
    return re.sub(r"[^\u4e00-\u9fff]", "", text.translate(_READ_OUT))


def distance(reference: str, hypothesis: str) -> int:
    """Levenshtein distance."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(reference, hypothesis))
