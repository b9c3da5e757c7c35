"""From recognised utterances to turns: who holds the floor, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audit.language.phrases import find_any
from audit.transcription.backchannels import SHARE, listens
from audit.transcription.windows import Heard
from audit.types import Role, Span, Turn, Utterance, Word

_NOT_HAN = re.compile(r"[^\u3400-\u9fff]")
_NEW_TOPIC = ("(请问|)(您|你|)还有(其他|其它|别的|什么)",)
"""Words that open a new part of the call: a turn ends before them."""

_SPACES = re.compile(r"\s+")
_LATIN_END = re.compile(r"(?:[A-Za-z][,.?!;:'’]?|[A-Za-z] ?\d+(?:\.\d+)?)$")
"""How a text ends that goes on with a space: in a Latin word, or a number that belongs to it."""
_FULL_WIDTH = {",": "，", "?": "？", "!": "！", ".": "。"}

_SHORTEST_S = 0.3
"""Seconds that both parts of an utterance must have for it to be split."""


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """How utterances become turns (seconds)."""

    join_s: float = 1.5
    breath_s: float = 0.45
    hesitation_s: float = 0.7
    outlast_s: float = 0.5
    backchannel_s: float = 1.2
    listening_s: float = 2.5
    token_characters: int = 3
    listening_share: float = SHARE


def build(
    heard: Sequence[Heard],
    regions: Sequence[Sequence[Span]],
    *,
    roles: Sequence[Role],
    options: TurnOptions = TurnOptions(),
) -> tuple[Turn, ...]:
    """Join utterances into turns and mark back-channels.

    Utterances of a channel are one turn where the pause between them is no longer than a
    breath, or short and the other speaker does not take over in it. What is unintelligible is a
    turn of its own, so that nothing hangs on the words beside it.

    Args:
        heard: utterances with their words, in the order in which they start.
        regions: for each channel its speech regions.
        roles: for each channel who speaks on it.
        options: thresholds.

    Returns:
        Turns in the order in which they start.
    """
    heard = [part for item in heard for part in _split_at_new_topic(item, heard)]
    groups: list[list[Heard]] = []
    last: dict[int, list[Heard]] = {}
    for item in heard:
        channel = item[0].channel
        group = last.get(channel)
        if group is None or not _continues(group, item, heard, options):
            group = []
            groups.append(group)
            last[channel] = group
        group.append(item)
    turns = [_turn(group, regions, roles) for group in groups]
    turns.sort(key=lambda turn: (turn.start_s or 0.0, turn.speaker or 0))
    return with_backchannels(turns, options=options)


def with_backchannels(
    turns: Sequence[Turn], *, options: TurnOptions = TurnOptions()
) -> tuple[Turn, ...]:
    """The same turns, numbered, with their listener's tokens marked."""
    return tuple(
        replace(turn, index=index, is_backchannel=_is_backchannel(turn, turns, options))
        for index, turn in enumerate(turns)
    )


def _split_at_new_topic(item: Heard, heard: Sequence[Heard]) -> list[Heard]:
    """An utterance in two where words inside it open a new part of the call.

    Not while the other talks as well: the second half would seem to cut in.
    """
    utterance, words = item
    match = find_any(_NEW_TOPIC, "".join(word.text for word in words))
    if match is None or any(
        other.channel != utterance.channel and other.span.overlap_s(utterance.span)
        for other, _ in heard
    ):
        return [item]
    length = 0
    for number, word in enumerate(words):
        if length >= match.first and number:
            cut_s = words[number - 1].end_s
            before, after = Span(utterance.span.start_s, cut_s), Span(cut_s, utterance.span.end_s)
            if min(before.duration_s, after.duration_s) < _SHORTEST_S:
                return [item]
            return [
                (replace(utterance, span=before), words[:number]),
                (replace(utterance, span=after), words[number:]),
            ]
        length += len(word.text)
    return [item]


def _continues(
    group: Sequence[Heard], item: Heard, heard: Sequence[Heard], options: TurnOptions
) -> bool:
    if group[-1][0].unintelligible != item[0].unintelligible:
        return False
    before, after = group[-1][0].span, item[0].span
    pause_s = after.start_s - before.end_s
    if pause_s > options.join_s or find_any(_NEW_TOPIC, _text(item[1])[:8]):
        return False
    if len(group) == 1 and _only_listens(*group[0], heard, options, pause_s):
        return False
    return pause_s <= options.breath_s or not any(
        utterance.channel != item[0].channel and _takes_over(utterance.span, before, after, options)
        for utterance, _ in heard
    )


def _takes_over(other: Span, before: Span, after: Span, options: TurnOptions) -> bool:
    """Whether the other begins to speak in a pause; or before it, and ends well inside it."""
    begins_in_it = before.end_s <= other.start_s <= after.start_s
    begins_before = before.start_s < other.start_s < before.end_s
    ends_in_it = before.end_s + options.outlast_s <= other.end_s <= after.start_s
    return begins_in_it or (begins_before and ends_in_it)


def _only_listens(
    utterance: Utterance,
    words: Sequence[Word],
    heard: Sequence[Heard],
    options: TurnOptions,
    pause_s: float,
) -> bool:
    """Whether an utterance is a listener's token under the other's voice.

    Words that no listener says are the beginning of what follows ``pause_s`` later, if that is
    soon.
    """
    covered = any(
        other.channel != utterance.channel
        and other.span.start_s < utterance.span.start_s
        and other.span.end_s > utterance.span.end_s
        for other, _ in heard
    )
    is_it = _is_listening if pause_s <= options.hesitation_s else _is_token
    return covered and is_it(_text(words), utterance.span, options)


def _turn(group: Sequence[Heard], regions: Sequence[Sequence[Span]], roles: Sequence[Role]) -> Turn:
    channel = group[0][0].channel
    span = Span(group[0][0].span.start_s, group[-1][0].span.end_s)
    words = [word for _, said in group for word in said]
    unintelligible = group[0][0].unintelligible
    weight = sum(len(word.text) for word in words)
    confidence = (
        sum(word.probability * len(word.text) for word in words) / weight if weight else None
    )
    return Turn(
        index=0,
        role=roles[channel],
        text=_joined(_text(said) for _, said in group),
        channel=channel,
        speaker=channel,
        start_s=span.start_s,
        end_s=span.end_s,
        speech=tuple(
            Span(max(r.start_s, span.start_s), min(r.end_s, span.end_s))
            for r in regions[channel]
            if r.overlap_s(span) > 0
        ),
        asr_confidence=0.0
        if unintelligible
        else None
        if confidence is None
        else round(confidence, 4),
        unintelligible=unintelligible,
        words=tuple(words),
    )


def _text(words: Sequence[Word]) -> str:
    """Words as one text; a pause between utterances becomes a comma.

    What is written in Latin letters keeps its spaces and its marks: Microsoft Word, abc@163.com.
    """
    text = "".join(word.text for word in words).strip()
    text = _SPACES.sub(_space, text)
    text = re.sub("[,.?!]", _mark, text)
    if text and text[-1] not in "，。？！,.?!":
        text += "," if _LATIN_END.search(text) else "，"
    return text


def _space(spaces: re.Match[str]) -> str:
    """A pause between Chinese words, a space beside Latin ones."""
    latin = _LATIN_END.search(spaces.string, 0, spaces.start())
    return " " if latin or re.match("[A-Za-z]", spaces.string[spaces.end() :]) else "，"


def _mark(mark: re.Match[str]) -> str:
    """A mark in full width, unless it is part of Latin writing or of a number."""
    before, after = mark.string[: mark.start()][-1:], mark.string[mark.end() :][:1]
    inside = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
    after_word = before.isascii() and before.isalpha() and not re.match(r"[\u3400-\u9fff]", after)
    return mark[0] if after_word or (inside and mark[0] == ".") else _FULL_WIDTH[mark[0]]


def _joined(texts: Iterable[str]) -> str:
    """The texts of utterances as one turn's."""
    joined = "".join(f"{text} " if text.endswith(tuple(_FULL_WIDTH)) else text for text in texts)
    return joined.strip(" ,，")


def _is_backchannel(turn: Turn, turns: Sequence[Turn], options: TurnOptions) -> bool:
    """A short listener's token spoken while the other speaker holds the floor.

    Plain listener's words take no floor either where they end shortly after the other's voice.
    """
    span = turn.span
    if span is None:
        return False
    floors = [
        other.span
        for other in turns
        if (other.speaker, other.role) != (turn.speaker, turn.role)
        and other.span is not None
        and other.span.start_s < span.start_s < other.span.end_s
    ]
    if any(floor.end_s > span.end_s for floor in floors):
        return _is_token(turn.text, span, options)
    soon = any(floor.end_s > span.end_s - options.outlast_s for floor in floors)
    return soon and _is_listening(turn.text, span, options)


def _is_token(text: str, span: Span, options: TurnOptions) -> bool:
    """Listener's words, or so short and of so few syllables that they may have been.

    Recognisers write 值得 or 速度 for 是的 spoken under another voice.
    """
    syllables = len(_NOT_HAN.sub("", text))
    short = syllables <= options.token_characters and span.duration_s <= options.backchannel_s
    return short or _is_listening(text, span, options)


def _is_listening(text: str, span: Span, options: TurnOptions) -> bool:
    """Whether the words are a listener's; a voice of which no word was recognised may be."""
    if span.duration_s > options.listening_s:
        return False
    return not _NOT_HAN.sub("", text) or listens(text, share=options.listening_share)
