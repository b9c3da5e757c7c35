"""Does the agent let the customer finish: one finding for each time the agent cuts in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator

from audit.language.phrases import find_any
from audit.language.text import spoken_characters
from audit.reasons import Reason, because
from audit.rules.base import (
    NO_ROLES,
    Check,
    CheckSpec,
    Context,
    Rule,
    RuleSettings,
    finding,
    spec,
    whole_call,
    without,
)
from audit.rules.fields import Phrase
from audit.rules.floor import (
    DESCRIPTIONS,
    UNCERTAIN,
    VIOLATIONS,
    InterruptionThresholds,
    Overlap,
    OverlapKind,
    edge_tolerance,
)
from audit.rules.overlaps import overlaps
from audit.transcription.backchannels import is_backchannel
from audit.types import Call, Finding, Role, Severity, Turn, Verdict


class NoInterruptionRule(RuleSettings):
    """The agent lets the customer finish.

    ``presets`` are other definitions of an interruption, each as what it changes of
    ``thresholds``; ``preset`` names the one that applies. ``points`` are those of a ``major``
    event; ``minor`` ones cost half, ``critical`` ones half as much again. ``unless``: what an
    agent may say under the customer's voice, if it is little more than that.
    """

    clauses: tuple[str, ...] = Field(min_length=1)
    points: float = Field(gt=0)
    thresholds: InterruptionThresholds
    presets: dict[str, dict[str, float]] = Field(default_factory=dict)
    preset: str | None = None
    unless: tuple[Phrase, ...] = ()

    @model_validator(mode="after")
    def _known_preset(self) -> Self:
        if self.preset is not None and self.preset not in self.presets:
            known = ", ".join(self.presets) or "none"
            raise ValueError(f"there is no preset {self.preset!r}; known: {known}")
        for name in self.presets:
            self._changed(name)  # those that are not chosen have to be valid too
        return self

    def applied(self) -> InterruptionThresholds:
        """The thresholds, with what the chosen preset changes."""
        return self.thresholds if self.preset is None else self._changed(self.preset)

    def _changed(self, preset: str) -> InterruptionThresholds:
        changed = {**self.thresholds.model_dump(), **self.presets[preset]}
        return InterruptionThresholds.model_validate(changed)

    def specs(self, rule_id: str) -> Iterator[CheckSpec]:
        """One check, with the points of a ``major`` event."""
        check = Check(clause=self.clauses[0], points=self.points, severity=Severity.MAJOR)
        yield spec(rule_id, rule_id, check)

    def own_clauses(self) -> tuple[str, ...]:
        """Clauses that forbid to interrupt; the first one is the check's."""
        return self.clauses


_OTHER_CHARACTERS_MAX = 6
"""Characters besides 您先说 with which a turn still gives way: 哎，不好意思，您先说."""

_CHARACTERS_AFTER_MAX = 3
"""Characters after it beyond which they have to be a backchannel: 您继续说也没有用."""

_POINTS_FACTOR = {Severity.MINOR: 0.5, Severity.MAJOR: 1.0, Severity.CRITICAL: 1.5}


def evaluate(call: Call, rule: NoInterruptionRule, context: Context) -> list[Finding]:
    """One ``fail`` for each violation, else one finding for the whole call.

    That is ``cannot_tell`` where something may be a violation, or else a ``pass`` that counts what
    was none. It is ``cannot_tell`` as well where speakers share a channel, only one of them (or
    nobody) is heard, or the transcript has no times.
    """
    agent, customer = call.said_by(Role.AGENT), call.said_by(Role.CUSTOMER)
    uncertainty = _uncertainty(call, agent, customer)
    if uncertainty:
        return [_whole_call(rule, Verdict.CANNOT_TELL, uncertainty, confidence=0.0)]
    taking = [turn for turn in agent if not _gives_way(turn, rule)]
    thresholds = rule.applied()
    met = overlaps(
        taking,
        customer,
        thresholds,
        tolerance=edge_tolerance(call, thresholds),
        endings=context.models.endings,
    )
    violations = [_finding(overlap, rule) for overlap in met if overlap.kind in VIOLATIONS]
    if violations:
        return violations
    unsure = [overlap for overlap in met if overlap.kind in UNCERTAIN]
    if unsure:
        return [_unsure(unsure, rule)]
    counts = Counter(overlap.kind for overlap in met)
    others = tuple(
        because("interruption.count", what=DESCRIPTIONS[kind], count=counts[kind])
        for kind in OverlapKind
        if counts[kind]
    )
    reason = (
        because("interruption.none_but", others=others) if others else because("interruption.none")
    )
    return [_whole_call(rule, Verdict.PASS, reason, confidence=0.95)]


def _gives_way(turn: Turn, rule: NoInterruptionRule) -> bool:
    """Whether the agent says hardly more than 您先说 or 听得到, which takes no floor."""
    rest = without(rule.unless, turn.text)
    if rest == turn.text or spoken_characters(rest) > _OTHER_CHARACTERS_MAX:
        return False
    after = turn.text
    while match := find_any(rule.unless, after):
        after = after[match.last :]
    return spoken_characters(after) <= _CHARACTERS_AFTER_MAX or is_backchannel(after)


def severity(overlap: Overlap, thresholds: InterruptionThresholds) -> Severity:
    """Graver the longer both sound together, and where the customer stops."""
    steps = (
        (overlap.overlap_s >= thresholds.long_overlap_s)
        + (overlap.overlap_s >= thresholds.grave_overlap_s)
        + (overlap.kind is OverlapKind.CUT_IN)
    )
    return list(Severity)[min(steps, 2)]


def _uncertainty(call: Call, agent: list[Turn], customer: list[Turn]) -> Reason | None:
    if call.transcript.on_one_line:
        return because("interruption.mono")
    if any(turn.start_s is None for turn in (*agent, *customer)):
        return because("interruption.no_times")
    if not agent and any(turn.role is Role.UNKNOWN for turn in call.turns):
        return NO_ROLES
    if not agent or not customer:
        return because("interruption.one_side")
    return None


def _unsure(met: Sequence[Overlap], rule: NoInterruptionRule) -> Finding:
    longest = max(met, key=lambda overlap: overlap.overlap_s)
    what = DESCRIPTIONS[longest.kind]
    if longest.kind is OverlapKind.TAKEN_UP:
        reason = because("interruption.taken_up", what=what, count=len(met))
    else:
        longest_s = longest.overlap_s
        reason = because("interruption.unsure", what=what, count=len(met), longest_s=longest_s)
    return replace(
        _whole_call(rule, Verdict.CANNOT_TELL, reason, confidence=0.0),
        start_s=longest.turn.start_s,
        end_s=longest.turn.end_s,
        evidence=longest.turn.text or None,
    )


def _finding(overlap: Overlap, rule: NoInterruptionRule) -> Finding:
    grade = severity(overlap, rule.applied())
    check = Check(
        clause=rule.clauses[0], points=rule.points * _POINTS_FACTOR[grade], severity=grade
    )
    return finding(
        RULE.id,
        check,
        Verdict.FAIL,
        because("interruption.found", what=DESCRIPTIONS[overlap.kind], overlap_s=overlap.overlap_s),
        turn=overlap.turn,
        confidence=min(0.99, 0.7 + 0.3 * overlap.overlap_s),
    )


def _whole_call(
    rule: NoInterruptionRule, verdict: Verdict, reason: Reason, *, confidence: float
) -> Finding:
    return whole_call(RULE.id, verdict, reason, confidence=confidence, clause=rule.clauses[0])


RULE = Rule("no_interruption", NoInterruptionRule, evaluate, core=True, two_voices=True)
