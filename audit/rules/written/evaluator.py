"""What each operator of the rule language says of a call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatchmethod

from audit.language.text import spoken_characters
from audit.reasons import because
from audit.rules.acts import CallActs
from audit.rules.base import NO_AGENT, NO_ROLES, NO_TIMES
from audit.rules.floor import (
    DESCRIPTIONS,
    VIOLATIONS,
    InterruptionThresholds,
    OverlapKind,
    edge_tolerance,
)
from audit.rules.overlaps import overlaps
from audit.rules.written import entities, loudness
from audit.rules.written.arguments import Keywords
from audit.rules.written.conditions import (
    ActCondition,
    All,
    Anchor,
    Any_,
    CallData,
    Condition,
    Count,
    Duration,
    Echo,
    EntityCondition,
    HangUp,
    Interruption,
    Loudness,
    Not,
    Order,
    Perhaps,
    PickUp,
    Rate,
    Regex,
    Repeated,
    Said,
    ScopedCondition,
    SilenceCondition,
    Similar,
    TurnCount,
    needs_hit,
)
from audit.rules.written.evidence import (
    UNCLEAR,
    Hit,
    Result,
    at_least,
    doubted,
    fact,
    found,
    negated,
    ordered,
    resolved,
    threshold,
)
from audit.rules.written.matching import alike, between, column, conjunction, fits, matches
from audit.rules.written.scope import (
    Scope,
    SpeakerTurns,
    TurnWindow,
    is_by,
    length_s,
    scope,
    spoken,
)
from audit.rules.written.searching import (
    echoed_in,
    first_uncertainty,
    is_next_speaker,
    is_speaker,
    is_understood,
    on_turn,
    picked_up,
    said_again,
    searched,
    whole,
    whole_turn,
)
from audit.timeline import characters_per_minute, silences
from audit.types import Call, Role

_LAST_TURNS = 4
"""Turns before the end of the call in which a farewell counts."""


@dataclass(slots=True)
class ConditionEvaluator:
    """The conditions of one rulebook on one call; each is evaluated once.

    Attributes:
        call: whose turns have their stages.
        thresholds: what counts as an interruption.
        acts: the acts that the rulebook names, in this call.
    """

    call: Call
    thresholds: InterruptionThresholds
    acts: CallActs
    _spoken: dict[Role | None, SpeakerTurns] = field(default_factory=dict)
    _results: dict[tuple[Condition, Hit | None], Result] = field(default_factory=dict)

    def result(self, condition: Condition, hit: Hit | None = None) -> Result:
        """What a condition says of the call, or of a hit in it that it speaks of."""
        key = (condition, hit if hit and needs_hit(condition) else None)
        if key not in self._results:
            operator = self._operator(type(condition))
            self._results[key] = operator(self, condition, hit)
        return self._results[key]

    @singledispatchmethod
    def _evaluate(self, condition: Condition, hit: Hit | None) -> Result:
        raise TypeError(f"no operator for {type(condition).__name__}")

    # words

    @_evaluate.register
    def _(self, condition: Said, hit: Hit | None) -> Result:
        words, area = condition.said, self._scope(condition, hit)
        if words.none is not None:
            return negated(self._keywords(words, words.none, area))
        phrases = words.all or words.any or ()
        least = len(phrases) if words.all else words.at_least
        if least == 1:
            return self._keywords(words, phrases, area)
        return threshold([self._keywords(words, (p,), area) for p in phrases], least)

    @_evaluate.register
    def _(self, condition: ActCondition, hit: Hit | None) -> Result:
        def doing(window: TurnWindow) -> Iterator[Hit]:
            for name in condition.act:
                for one in self.acts.performed(name, window.turn, window.first, window.last):
                    yield Hit(
                        window.turn, one.first, one.last, one.meant, uncertainty=one.uncertainty
                    )

        return searched(self._scope(condition, hit, self.acts.role(condition.act[0])), doing)

    @_evaluate.register
    def _(self, condition: Similar, hit: Hit | None) -> Result:
        wanted = condition.similar

        def like(window: TurnWindow) -> Iterator[Hit]:
            best = max(
                (
                    (likeness, first, last, sentence)
                    for sentence in wanted.sentences
                    for likeness, first, last in alike(sentence, window.text)
                ),
                default=None,
            )
            if best and best[0] >= wanted.likeness:
                _, first, last, sentence = best
                yield Hit(window.turn, window.first + first, window.first + last, sentence)

        return searched(self._scope(condition, hit), like)

    @_evaluate.register
    def _(self, condition: Regex, hit: Hit | None) -> Result:
        wanted = condition.regex

        def matching(window: TurnWindow) -> Iterator[Hit]:
            if wanted.but_not and re.search(wanted.but_not, window.turn.text):
                return
            for match in re.finditer(wanted.pattern, window.text):
                yield Hit(window.turn, window.first + match.start(), window.first + match.end())

        return searched(self._scope(condition, hit), matching)

    @_evaluate.register
    def _(self, condition: EntityCondition, hit: Hit | None) -> Result:
        wanted = condition.entity

        def naming(window: TurnWindow) -> Iterator[Hit]:
            for kind in wanted.any:
                for first, last in entities.find(kind, window.text, min_digits=wanted.min_digits):
                    yield Hit(window.turn, window.first + first, window.first + last)

        return searched(self._scope(condition, hit), naming)

    @_evaluate.register
    def _(self, condition: Repeated, hit: Hit | None) -> Result:
        area = self._scope(condition, hit)
        return found(said_again(condition.repeated, area.windows), area.incomplete)

    @_evaluate.register
    def _(self, condition: Echo, hit: Hit | None) -> Result:
        area, wanted = self._scope(condition, hit), condition.echo
        source = found([hit] if hit else []) if wanted.of is None else self.result(wanted.of, hit)
        echoes = [
            whole(window, window.uncertainty or said.uncertainty)
            for said in source.hits
            for window in echoed_in(said, area.windows, wanted)
        ]
        unclear = any(not is_understood(window) for window in area.windows)
        return found(echoes, area.incomplete or source.incomplete or (UNCLEAR if unclear else None))

    # seconds

    @_evaluate.register
    def _(self, condition: SilenceCondition, hit: Hit | None) -> Result:
        wanted, area = condition.silence, self._scope(condition, hit)
        if self._untimed():
            return Result(None, (), NO_TIMES)
        windows = {window.turn.index: window for window in area.windows}
        hits = []
        for silence in silences(self.call.turns, least_s=wanted.longer_s or 0.0):
            window = windows.get(silence.before.index)
            if window is None or silence.span.duration_s > (wanted.shorter_s or float("inf")):
                continue
            sides = (
                is_speaker(silence.before, wanted.after),
                is_next_speaker(silence.before, silence.after, wanted.before),
            )
            if False not in sides:
                end = len(silence.before.text)
                why = window.uncertainty or (NO_ROLES if None in sides else None)
                hits.append(Hit(silence.before, end, end, span=silence.span, uncertainty=why))
        return found(hits, area.incomplete)

    @_evaluate.register
    def _(self, condition: Rate, hit: Hit | None) -> Result:
        wanted, area = condition.rate, self._scope(condition, hit)
        if self._untimed():
            return Result(None, (), NO_TIMES)
        groups = [[w] for w in area.windows] if wanted.of == "turn" else [list(area.windows)]
        hits = []
        for group in groups:
            turns = [window.turn for window in group]
            pace = characters_per_minute(turns)
            said = sum(spoken_characters(turn.text) for turn in turns)
            if pace is None or said < wanted.min_characters:
                continue
            if between(pace, wanted.over, wanted.under):
                hits.append(whole(group[0], first_uncertainty(group)))
        return found(hits, area.incomplete)

    @_evaluate.register
    def _(self, condition: Loudness, hit: Hit | None) -> Result:
        area = self._scope(condition, hit)
        own = [window.turn for window in self._spoken[condition.speaker].windows]
        levels = loudness.levels(own)
        if levels is None:
            return Result(None, (), loudness.NO_LEVELS)
        loud = loudness.fitting(levels, condition.loudness)
        hits = (whole(w, w.uncertainty) for w in area.windows if w.turn.index in loud)
        return found(hits, area.incomplete)

    @_evaluate.register
    def _(self, condition: Interruption, hit: Hit | None) -> Result:
        wanted, area = condition.interruption, self._scope(condition, hit)
        if self.call.transcript.on_one_line:
            return Result(None, (), because("interruption.mono"))
        if self._untimed() or any(turn.role is Role.UNKNOWN for turn in self.call.turns):
            return Result(None, (), NO_TIMES if self._untimed() else NO_ROLES)
        changes = {"min_advance_s": wanted.advance_s, "min_characters": wanted.min_characters}
        if wanted.delay_s is not None:
            changes["min_floor_s"] = changes["min_projected_s"] = wanted.delay_s
        sides = (self.call.said_by(Role.AGENT), self.call.said_by(Role.CUSTOMER))
        one, other = sides if wanted.by == "agent" else sides[::-1]
        windows = {window.turn.index: window for window in area.windows}
        thresholds = self.thresholds.model_copy(update=changes)
        undecided = {OverlapKind.UNDECIDED: DESCRIPTIONS[OverlapKind.UNDECIDED]}
        met = overlaps(one, other, thresholds, tolerance=edge_tolerance(self.call, thresholds))
        hits = (
            whole(window, window.uncertainty or undecided.get(m.kind))
            for m in met
            if m.kind in (*VIOLATIONS, *undecided) and (window := windows.get(m.turn.index))
        )
        return found(hits, area.incomplete)

    # the whole call

    @_evaluate.register
    def _(self, condition: HangUp, _: Hit | None) -> Result:
        wanted = condition.hang_up
        said = [turn for turn in self.call.turns if not turn.is_backchannel]
        if not said:
            return Result(None, (), NO_AGENT)
        last, end_s = said[-1], self.call.transcript.duration_s
        answers: list[bool | None] = []
        if wanted.last is not None:
            answers.append(is_by(last, Role(wanted.last)))
        if wanted.within_s is not None:
            rest_s = None if last.end_s is None or end_s is None else end_s - last.end_s
            answers.append(None if rest_s is None else rest_s <= wanted.within_s)
        if wanted.without is not None:
            area = Scope(tuple(map(whole_turn, said[-_LAST_TURNS:])))
            words = Keywords(any=wanted.without)
            answers.append(negated(self._keywords(words, wanted.without, area)).holds)
        return on_turn(last, answers, because("written.hang_up"))

    @_evaluate.register
    def _(self, condition: PickUp, _: Hit | None) -> Result:
        return picked_up(self.call, condition.pick_up)

    @_evaluate.register
    def _(self, condition: Duration, _: Hit | None) -> Result:
        seconds, wanted = length_s(self.call), condition.duration
        if seconds is None:
            return fact(None, NO_TIMES)
        return fact(between(seconds, wanted.over_s, wanted.under_s))

    @_evaluate.register
    def _(self, condition: TurnCount, hit: Hit | None) -> Result:
        area, wanted = self._scope(condition, hit), condition.turn_count
        counted = [whole(w, w.uncertainty) for w in area.windows if not w.turn.is_backchannel]
        answers: list[bool | None] = []
        if wanted.over is not None:
            answers.append(at_least(counted, wanted.over + 1, area.incomplete))
        if wanted.under is not None:
            reached = at_least(counted, wanted.under, area.incomplete)
            answers.append(None if reached is None else not reached)
        return fact(conjunction(answers), area.incomplete or NO_ROLES)

    @_evaluate.register
    def _(self, condition: CallData, _: Hit | None) -> Result:
        wanted = condition.call
        value = column(self.call, wanted.column) or wanted.default
        return fact(fits(value, wanted), because("written.no_data", column=wanted.column))

    # conditions of conditions

    @_evaluate.register
    def _(self, condition: All, hit: Hit | None) -> Result:
        results: list[Result] = []
        for part in condition.all:
            results.append(self.result(part, hit))
            if results[-1].holds is False:
                return Result(False)
        holds = conjunction([result.holds for result in results])
        first = next((result for result in results if result.hits), None)
        incomplete = next((result.uncertainty for result in results if result.holds is None), None)
        seen = first.hits if first else ()
        return resolved(holds, seen, incomplete or (first.incomplete if first else None))

    @_evaluate.register
    def _(self, condition: Any_, hit: Hit | None) -> Result:
        return threshold([self.result(part, hit) for part in condition.any], 1)

    @_evaluate.register
    def _(self, condition: Not, hit: Hit | None) -> Result:
        return negated(self.result(condition.not_, hit))

    @_evaluate.register
    def _(self, condition: Perhaps, hit: Hit | None) -> Result:
        return doubted(self.result(condition.perhaps, hit))

    @_evaluate.register
    def _(self, condition: Count, hit: Hit | None) -> Result:
        wanted = condition.count
        result = self.result(wanted.of, hit)
        answers: list[bool | None] = []
        if wanted.at_least is not None:
            answers.append(at_least(result.hits, wanted.at_least, result.incomplete))
        if wanted.at_most is not None:
            more = at_least(result.hits, wanted.at_most + 1, result.incomplete)
            answers.append(None if more is None else not more)
        return resolved(conjunction(answers), result.hits, result.incomplete)

    @_evaluate.register
    def _(self, condition: Order, hit: Hit | None) -> Result:
        return ordered([self.result(part, hit) for part in condition.order])

    _operator = staticmethod(_evaluate.dispatcher.dispatch)

    # what they share

    def _scope(
        self, condition: ScopedCondition, hit: Hit | None, speaker: Role | None = None
    ) -> Scope:
        def anchored(anchor: Anchor) -> Result:
            if anchor.of is None:
                return found([hit] if hit else [])
            return self.result(anchor.of, hit)

        speaker = speaker or condition.speaker
        if speaker not in self._spoken:
            self._spoken[speaker] = spoken(self.call, speaker)
        return scope(condition, self._spoken[speaker], length_s(self.call), anchored)

    def _keywords(self, words: Keywords, phrases: tuple[str, ...], area: Scope) -> Result:
        def matching_phrases(window: TurnWindow) -> list[Hit]:
            return [
                Hit(window.turn, match.first, match.last, match.meant)
                for match in matches(phrases, window.text, words.slack, words.literal, window.first)
            ]

        return searched(area, matching_phrases)

    def _untimed(self) -> bool:
        return any(turn.span is None for turn in self.call.turns)
