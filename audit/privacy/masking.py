"""Masks PII in an audited call; the audit itself uses the full text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit.privacy.detect import find
from audit.privacy.entities import PLACEHOLDERS, Entity
from audit.timeline import Timeline
from audit.types import AuditedCall, Call, Marks, Masked, Span, Transcript, Turn

MARGIN_S = 0.3
"""Seconds redacted before and after a mention, because word times are not exact."""


def mask(audited: AuditedCall) -> AuditedCall:
    """The same call with placeholders such as 【手机号】 for PII, in turns and findings."""
    turns = audited.call.turns
    redacted = masked_turns(turns, agent_name=audited.call.recording.agent_name)
    if redacted == turns:
        return audited
    words = _Redactions(turns, redacted)
    transcript = replace(audited.call.transcript, turns=redacted)
    return replace(
        audited,
        call=replace(audited.call, transcript=transcript),
        findings=tuple(
            replace(
                finding,
                evidence=finding.evidence and words.mask(finding.evidence),
                reason=finding.reason.map_text(words.mask),
            )
            for finding in audited.findings
        ),
    )


def masked_turns(turns: tuple[Turn, ...], *, agent_name: str | None) -> tuple[Turn, ...]:
    """The turns with placeholders for PII, and when it was said.

    A call that has placeholders already is returned unchanged, because its full text is missing.
    """
    if any(turn.masked for turn in turns):
        return turns
    by_turn: dict[int, list[Entity]] = defaultdict(list)
    for entity in find(turns, agent_name=agent_name):
        by_turn[entity.turn].append(entity)
    return tuple(
        _mask_turn(turn, by_turn[at]) if at in by_turn else turn for at, turn in enumerate(turns)
    )


def redacted_spans(masked: Iterable[Masked]) -> tuple[Span, ...]:
    """When PII is said, margins included, in order and without overlaps."""
    timed = [(m.start_s, m.end_s) for m in masked if m.start_s is not None and m.end_s is not None]
    wider = (
        Span(round(max(0.0, start_s - MARGIN_S), 3), round(end_s + MARGIN_S, 3))
        for start_s, end_s in timed
    )
    return Timeline.of(wider).support().spans


def redacted_spans_of(transcript: Transcript, *, agent_name: str | None) -> tuple[Span, ...]:
    """When PII is said in an unmasked transcript, as :func:`redacted_spans`."""
    turns = masked_turns(transcript.turns, agent_name=agent_name)
    return redacted_spans(masked for turn in turns for masked in turn.masked)


def with_full_text(call: Call, transcript: Transcript) -> Call:
    """A call read back from the tables, with the unmasked text of its transcript."""
    transcribed = {turn.index: turn for turn in transcript.turns}
    turns = tuple(
        replace(
            turn,
            text=transcribed[turn.index].text,
            words=transcribed[turn.index].words,
            masked=(),
            marks=None,
        )
        if turn.index in transcribed
        else turn
        for turn in call.turns
    )
    return replace(call, transcript=replace(call.transcript, turns=turns))


def _mask_turn(turn: Turn, entities: Sequence[Entity]) -> Turn:
    text, last = "", 0
    for entity in entities:
        text += turn.text[last : entity.start] + PLACEHOLDERS[entity.entity_type]
        last = entity.end
    masked = tuple(_masked_entity(turn, entity) for entity in entities)
    return replace(
        turn, text=text + turn.text[last:], masked=masked, marks=_moved_marks(turn.marks, entities)
    )


def _moved_marks(marks: Marks | None, entities: Sequence[Entity]) -> Marks | None:
    """Marks where they belong in the masked text, without those inside a mention."""
    if marks is None:
        return None
    return tuple(
        (at + sum(_growth(entity) for entity in entities if entity.end <= at), mark)
        for at, mark in marks
        if not any(entity.start < at < entity.end for entity in entities)
    )


def _growth(entity: Entity) -> int:
    """Characters by which the text becomes longer where a mention is replaced."""
    return len(PLACEHOLDERS[entity.entity_type]) - (entity.end - entity.start)


def _masked_entity(turn: Turn, entity: Entity) -> Masked:
    span = _entity_span(turn, entity)
    if span is None:
        return Masked(str(entity.entity_type))
    return Masked(str(entity.entity_type), round(span.start_s, 3), round(span.end_s, 3))


def _entity_span(turn: Turn, entity: Entity) -> Span | None:
    """When a mention is said: by its words, whose characters match the text without punctuation.

    Without words, by its position in the turn.
    """
    if turn.span is None:
        return None
    positions = [at for at, character in enumerate(turn.text) if character.isalnum()]
    words_by_character = [
        word for word in turn.words for character in word.text if character.isalnum()
    ]
    if len(words_by_character) == len(positions):
        words = [
            w
            for at, w in zip(positions, words_by_character, strict=True)
            if entity.start <= at < entity.end
        ]
        if words:
            return Span(min(w.start_s for w in words), max(w.end_s for w in words))
    character_s = turn.span.duration_s / max(1, len(turn.text))
    start_s = turn.span.start_s
    return Span(start_s + character_s * entity.start, start_s + character_s * entity.end)


class _Redactions:
    """Replaces the texts of a call's turns by their masked form wherever they are quoted."""

    def __init__(self, turns: Sequence[Turn], redacted: Sequence[Turn]) -> None:
        self._texts = {full.text: turn.text for full, turn in zip(turns, redacted, strict=True)}
        changed = [(full, text) for full, text in self._texts.items() if full != text]
        self._quoted = sorted(changed, key=lambda pair: -len(pair[0]))

    def mask(self, text: str) -> str:
        """Mask a turn's text, or a text that quotes several turns."""
        if text in self._texts:
            return self._texts[text]
        for full, masked in self._quoted:
            text = text.replace(full, masked)
        return text
