"""The examples beside a check: short dialogues, and what the check must say of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit import stages
from audit.language.text import simplify
from audit.ports import JudgingModels, StageClassifier
from audit.reasons import Reason
from audit.rulebooks.loading import at_line
from audit.rulebooks.rulebook import Rulebook
from audit.rulebooks.yaml_lines import composed, repeated_keys
from audit.rules import no_interruption
from audit.rules.acts import CallActs
from audit.rules.written import judged
from audit.rules.written.evaluator import ConditionEvaluator
from audit.rules.written.settings import Dialogue, WrittenCheck
from audit.transcription.turns import with_backchannels
from audit.types import (
    Call,
    Channels,
    Direction,
    Finding,
    Origin,
    Recording,
    Role,
    Span,
    Transcript,
    Turn,
    Verdict,
)

_ROLES = {"客服": Role.AGENT, "客户": Role.CUSTOMER, "未知": Role.UNKNOWN}
_LINE = re.compile(
    r"\s*(?:\[\s*(?P<start>\d+(?:\.\d+)?)\s*-\s*(?P<end>\d+(?:\.\d+)?)"
    r"(?:\s+(?P<level>-?\d+(?:\.\d+)?)\s*dB)?\s*\])?\s*"
    rf"(?P<who>{'|'.join(_ROLES)})\s*[:：]\s*(?P<text>.*)"
)

_NOTHING = "nothing"


def problems(
    rulebook: Rulebook, file: Path, *, models: JudgingModels, say: Callable[[Reason], str]
) -> tuple[str, ...]:
    """Examples that a check judges otherwise, and keys that are given twice, with their lines.

    Args:
        rulebook: as loaded from the file.
        file: what to name lines of.
        models: what judges calls.
        say: puts a reason into words.
    """
    root = composed(file)
    doubled = [
        f"line {line}: {key} is given twice; only the second value counts"
        for line, key in repeated_keys(root)
    ]
    disagreeing = (
        at_line(root, example.place, sentence)
        for example in _examples(rulebook)
        if (sentence := _disagreement(example, rulebook, models, say))
    )
    return (*doubled, *disagreeing)


def count(rulebook: Rulebook) -> int:
    """How many examples a rulebook has."""
    return sum(1 for _ in _examples(rulebook))


@dataclass(frozen=True, slots=True)
class _Example:
    check_id: str
    check: WrittenCheck
    expected: str
    dialogue: Dialogue
    place: tuple[str | int, ...]


def _examples(rulebook: Rulebook) -> Iterator[_Example]:
    for rule_id, rule in rulebook.rules.written.items():
        for check_id, check in rule.checks.items():
            above = ("rules", "written", rule_id, "checks", check_id, "examples")
            for expected, dialogues in check.examples.by_verdict().items():
                for number, dialogue in enumerate(dialogues):
                    place = (*above, expected, number)
                    yield _Example(check_id, check, expected, dialogue, place)


def _disagreement(
    example: _Example, rulebook: Rulebook, models: JudgingModels, say: Callable[[Reason], str]
) -> str | None:
    """What is wrong with an example, in a sentence; None where the check judges as it says."""
    number = int(example.place[-1]) + 1
    name = f"{example.check_id}, example {number} of {example.expected}"
    try:
        call = as_call(example.dialogue, rulebook, model=models.stages)
    except ValueError as error:
        return f"{name}: {error}"
    thresholds = rulebook.rules.of(no_interruption.RULE).applied()
    acts = CallActs(call, rulebook.acts, models.acts)
    evaluator = ConditionEvaluator(call, thresholds, acts)
    findings = judged(example.check_id, example.check, evaluator)
    verdict = _verdict(findings)
    if verdict == example.expected:
        return None
    because = f" ({say(findings[0].reason)})" if findings else ""
    return f"{name}: the check says {verdict}{because}"


def _verdict(findings: Sequence[Finding]) -> str:
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.FAIL, Verdict.CANNOT_TELL, Verdict.PASS):
        if verdict in verdicts:
            return verdict.value
    return _NOTHING


def as_call(dialogue: Dialogue, rulebook: Rulebook, *, model: StageClassifier) -> Call:
    """A dialogue as a call, its turns in their stages.

    Args:
        dialogue: lines ``[0.0-4.2] 客服: …`` or ``[0.0-4.2 -20dB] 客服: …``, and mappings of the
            call's columns.
        rulebook: for the cues of the stages.
        model: classifies the stages.

    Raises:
        ValueError: a line names no speaker, there is no line, or a column has an invalid value.
    """
    columns: dict[str, str] = {}
    turns: list[Turn] = []
    for line in dialogue:
        if isinstance(line, dict) and not _ROLES.keys() & line.keys():
            columns |= {name: str(value) for name, value in line.items()}
            continue
        text = line if isinstance(line, str) else ": ".join(map(str, next(iter(line.items()))))
        turns.append(turn_of(text, index=len(turns)))
    if not turns:
        raise ValueError("no line begins with 客服:, 客户: or 未知:")
    spans = [turn.span for turn in turns if turn.span is not None]
    timed = len(spans) == len(turns)
    return Call(
        _recording(columns),
        Transcript(
            turns=stages.assign(with_backchannels(turns), cues=rulebook.stages, model=model),
            channels=Channels.STEREO if timed else Channels.TEXT,
            origin=Origin(None, None, None, None),
            duration_s=max((span.end_s for span in spans), default=0.0) if timed else None,
        ),
    )


def turn_of(line: str, *, index: int) -> Turn:
    """One line of a dialogue as a turn.

    Raises:
        ValueError: the line names no speaker.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"{line!r} does not begin with 客服:, 客户: or 未知:")
    start_s, end_s, level_db = (
        float(match[name]) if match[name] else None for name in ("start", "end", "level")
    )
    return Turn(
        index,
        _ROLES[match["who"]],
        simplify(match["text"].strip()),
        start_s=start_s,
        end_s=end_s,
        speech=() if start_s is None or end_s is None else (Span(start_s, end_s),),
        level_db=level_db,
    )


def _recording(columns: dict[str, str]) -> Recording:
    known = dict(columns)
    direction, wait = known.pop("direction", None), known.pop("answer_wait_s", None)
    vip = known.pop("customer_vip", None)
    return Recording(
        source_file="example",
        call_id=known.pop("call_id", "example"),
        agent_id=known.pop("agent_id", "example"),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        agent_name=known.pop("agent_name", None),
        direction=None if direction is None else Direction(direction),
        answer_wait_s=None if wait is None else float(wait),
        customer_vip=None if vip is None else vip.lower() == "true",
        meta={f"meta_{name}": value for name, value in known.items()},
    )
