"""Masking customers' data in a call that has been judged, on its full text, before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit.privacy.detect import find
from audit.privacy.entities import MARKS, Item
from audit.timeline import Timeline
from audit.types import AuditedCall, Call, Masked, Span, Transcript, Turn

MARGIN_S = 0.3
"""What is hidden before and after a mention besides: times of words are not exact."""


def mask(audited: AuditedCall) -> AuditedCall:
    """The same call with marks such as 【手机号】 for customers' data, in turns and findings."""
    turns = audited.call.turns
    hidden = masked_turns(turns, agent_name=audited.call.recording.agent_name)
    if hidden == turns:
        return audited
    words = _Words(turns, hidden)
    transcript = replace(audited.call.transcript, turns=hidden)
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
    """The turns with marks for customers' data, and when it was said.

    A call that has marks already is left as it is: its full text is not here.
    """
    if any(turn.masked for turn in turns):
        return turns
    by_turn: dict[int, list[Item]] = defaultdict(list)
    for item in find(turns, agent_name=agent_name):
        by_turn[item.turn].append(item)
    return tuple(
        _mask_turn(turn, by_turn[at]) if at in by_turn else turn for at, turn in enumerate(turns)
    )


def spans(masked: Iterable[Masked]) -> tuple[Span, ...]:
    """When customers' data is said, margins included, in order; none overlaps another."""
    timed = [(m.start_s, m.end_s) for m in masked if m.start_s is not None and m.end_s is not None]
    wider = (
        Span(round(max(0.0, start_s - MARGIN_S), 3), round(end_s + MARGIN_S, 3))
        for start_s, end_s in timed
    )
    return Timeline.of(wider).support().spans


def spoken(transcript: Transcript, *, agent_name: str | None) -> tuple[Span, ...]:
    """When customers' data is said in a transcript as it was heard."""
    turns = masked_turns(transcript.turns, agent_name=agent_name)
    return spans(masked for turn in turns for masked in turn.masked)


def in_full(call: Call, transcript: Transcript) -> Call:
    """A call read back from the tables with its text as it was heard, stages as stored."""
    heard = {turn.index: turn for turn in transcript.turns}
    turns = tuple(
        replace(turn, text=heard[turn.index].text, words=heard[turn.index].words, masked=())
        if turn.index in heard
        else turn
        for turn in call.turns
    )
    return replace(call, transcript=replace(call.transcript, turns=turns))


def _mask_turn(turn: Turn, items: Sequence[Item]) -> Turn:
    text, last = "", 0
    for item in items:
        text += turn.text[last : item.start] + MARKS[item.kind]
        last = item.end
    masked = tuple(_masked(turn, item) for item in items)
    return replace(turn, text=text + turn.text[last:], masked=masked)


def _masked(turn: Turn, item: Item) -> Masked:
    span = _seconds(turn, item)
    if span is None:
        return Masked(str(item.kind))
    return Masked(str(item.kind), round(span.start_s, 3), round(span.end_s, 3))


def _seconds(turn: Turn, item: Item) -> Span | None:
    """When a mention is said: by its words, whose characters are the text's, marks aside.

    Without words, by where it stands in the turn.
    """
    if turn.span is None:
        return None
    places = [at for at, sign in enumerate(turn.text) if sign.isalnum()]
    owners = [word for word in turn.words for sign in word.text if sign.isalnum()]
    if len(owners) == len(places):
        said = [w for at, w in zip(places, owners, strict=True) if item.start <= at < item.end]
        if said:
            return Span(min(w.start_s for w in said), max(w.end_s for w in said))
    a_character_s = turn.span.duration_s / max(1, len(turn.text))
    start_s = turn.span.start_s
    return Span(start_s + a_character_s * item.start, start_s + a_character_s * item.end)


class _Words:
    """What stands for words of a call, wherever they are quoted."""

    def __init__(self, turns: Sequence[Turn], hidden: Sequence[Turn]) -> None:
        self._texts = {full.text: turn.text for full, turn in zip(turns, hidden, strict=True)}
        changed = [(full, text) for full, text in self._texts.items() if full != text]
        self._quoted = sorted(changed, key=lambda pair: -len(pair[0]))

    def mask(self, text: str) -> str:
        """A turn's text, or one that holds those of several."""
        if text in self._texts:
            return self._texts[text]
        for full, masked in self._quoted:
            text = text.replace(full, masked)
        return text
