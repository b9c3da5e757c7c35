"""How well each clause is judged: ``python -m tests.benchmarks.clauses FILE ... [--verbose]``.

A file has dialogues, divided by empty lines, about a clause of the norms::

    # ID | CLAUSE | fault or complies | in or out | COLUMN=VALUE;COLUMN=VALUE
    客：…
    坐：…
    -- 40
    客>：…

``-- 40`` is a silence of 40 seconds; ``>`` begins before the words before it have ended. In a
``fault`` the agent breaks the clause and no other; where one ``complies``, no rule may accuse. All
rules of the norm's own rulebook judge.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import rulebooks
from audit.rates import wilson
from audit.rulebooks.clauses import clauses
from audit.types import Finding, Verdict
from tests.calls import dialogue, found_by_all

BOOKS = {
    "000": "network-ops",
    "001": "customer-service",
    "002": "field-service",
    "003": "hotline",
    "004": "after-sales",
}
_WORDED = ("003-1.2.1-a", "003-1.2.1-b")
"""Clauses on the greeting that forbid a wording."""
_ROLES = {"坐": "客服", "客": "客户"}
_CHARACTERS_PER_S = 4.5
_PAUSE_S = 0.5
_EARLY_S = 1.2
_START_S = 0.8


@dataclass(frozen=True, slots=True)
class Written:
    """A dialogue about a clause, its lines with their seconds."""

    id: str
    clause: str
    is_fault: bool
    columns: dict[str, str]
    lines: tuple[str, ...]


def read(file: Path) -> Iterator[Written]:
    """The dialogues of a file.

    Raises:
        ValueError: a block has no heading, or a line is none of its notation.
    """
    for block in file.read_text("utf-8").strip().split("\n\n"):
        head, *said = [line.strip() for line in block.strip().splitlines() if line.strip()]
        parts = [part.strip() for part in head.removeprefix("#").split("|")]
        if not head.startswith("#") or len(parts) < 4:
            raise ValueError(f"{file}: {head!r} is no heading")
        name, clause, kind, direction, *more = parts
        given = (pair.split("=", 1) for pair in "".join(more).split(";") if "=" in pair)
        columns = {key.strip(): value.strip() for key, value in given} | {"direction": direction}
        yield Written(name, clause, kind == "fault", columns, tuple(_timed(file, said)))


def _timed(file: Path, said: Sequence[str]) -> Iterator[str]:
    """Lines in the notation of docs/rules/writing.md, at the pace of a calm speaker."""
    at_s = _START_S
    for line in said:
        if line.startswith("--"):
            at_s += float(line.removeprefix("--"))
            continue
        who, _, text = line.replace(":", "：", 1).partition("：")
        cuts_in = who.endswith((">", "+"))
        role = _ROLES.get(who.rstrip(">+"))
        if role is None or not text:
            raise ValueError(f"{file}: {line!r} is neither a turn nor a silence")
        start_s = max(0.0, at_s - _PAUSE_S - _EARLY_S) if cuts_in else at_s
        end_s = start_s + max(0.5, len(text) / _CHARACTERS_PER_S)
        yield f"[{start_s:.2f}-{end_s:.2f}] {role}: {text}"
        at_s = max(at_s, end_s + _PAUSE_S)


def judged(written: Written) -> list[Finding]:
    """What all rules of the clause's own norm find."""
    book = rulebooks.load(BOOKS[written.clause[:3]])
    return found_by_all(dialogue(written.lines, book, **written.columns), book)


def verdict(written: Written, findings: Sequence[Finding]) -> Verdict | None:
    """What is said of the clause: a ``fail`` before a ``cannot_tell``; None for neither.

    Forbidden wording counts under whichever clause, for most forbid the same.
    """
    rule = clauses()[written.clause].rule
    same = {written.clause, clauses()[written.clause].judged_as}
    by_rule = rule in ("forbidden_language", "no_interruption")
    if written.clause in _WORDED:
        rule, by_rule = "forbidden_language", True
    own = {
        one.verdict
        for one in findings
        if one.clause_id in same or (by_rule and one.rule_id == rule)
    }
    return next((v for v in (Verdict.FAIL, Verdict.CANNOT_TELL) if v in own), None)


def main(files: Sequence[Path]) -> None:
    """Print, for each clause and in all, the faults found and the innocents accused."""
    faults: defaultdict[str, list[Verdict | None]] = defaultdict(list)
    accused: defaultdict[str, list[bool]] = defaultdict(list)
    for file in files:
        for written in read(file):
            findings = judged(written)
            fails = [one for one in findings if one.verdict is Verdict.FAIL]
            if written.is_fault:
                said = verdict(written, findings)
                faults[written.clause].append(said)
                wrong = said is not Verdict.FAIL
            else:
                accused[written.clause].append(bool(fails))
                wrong = bool(fails)
            if wrong and "--verbose" in sys.argv:
                _show(written, findings)
    print("clause | faults: fail, cannot_tell, missed | complies: accused, of")
    for clause in dict.fromkeys((*faults, *accused)):
        own = faults[clause]
        print(
            f"{clause} | {own.count(Verdict.FAIL)}, {own.count(Verdict.CANNOT_TELL)}, "
            f"{own.count(None)} | {sum(accused[clause])}, {len(accused[clause])}"
        )
    every = [one for own in faults.values() for one in own]
    failed, doubted = every.count(Verdict.FAIL), every.count(Verdict.CANNOT_TELL)
    innocent = [one for own in accused.values() for one in own]
    print(f"faults: {len(every)}; fail {_share(failed, len(every))}")
    print(f"  fail or cannot_tell {_share(failed + doubted, len(every))}")
    print(f"complies: {len(innocent)}; accused {_share(sum(innocent), len(innocent))}")


def _show(written: Written, findings: Sequence[Finding]) -> None:
    print(f"{'FAULT' if written.is_fault else 'COMPLIES'} {written.id} {written.clause}")
    for line in written.lines:
        print(f"    {line}")
    for one in findings:
        if one.verdict is not Verdict.PASS:
            print(f"    -> {one.check_id} {one.clause_id} {one.verdict} {one.reason.id}")


def _share(count: int, of: int) -> str:
    interval = wilson(count, of)
    return f"{count} = {count / max(1, of):.3f} {interval}"


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:] if not name.startswith("--")])
