"""From utterances to turns: who holds the floor, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit.language.phrases import find_any
from audit.transcription.backchannels import is_backchannel
from audit.transcription.options import TurnOptions
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Role, Span, Turn, Word

_NOT_HAN = re.compile(r"[^\u3400-\u9fff]")
_NEW_TOPIC = ("(请问|)(您|你|)还有(其他|其它|别的|什么)",)
"""Words that open a new part of the call: a turn ends before them."""

_SPACES = re.compile(r"\s+")
_LATIN_END = re.compile(r"(?:[A-Za-z][,.?!;:'’]?|[A-Za-z] ?\d+(?:\.\d+)?)$")
"""How a text ends that goes on with a space: in a Latin word, or a number that belongs to it."""
_MARKS = re.compile("([，。？！])，+")
_FULL_WIDTH = {",": "，", "?": "？", "!": "！", ".": "。"}

_SPLIT_MIN_S = 0.3
"""Seconds that both parts of an utterance must have for it to be split."""

_CHARACTERS_PER_S = 4.0
"""Of ordinary speech."""


def build(
    utterances: Sequence[UtteranceWords],
    speech: Sequence[Sequence[Span]],
    *,
    roles: Sequence[Role],
    options: TurnOptions = TurnOptions(),
) -> tuple[Turn, ...]:
    """Join utterances into turns and mark backchannels.

    Utterances of a channel are one turn where the pause between them is no longer than a
    breath, or short and the other speaker does not take over in it. What is unintelligible is a
    turn of its own, so that it does not affect the words next to it.

    Args:
        utterances: with their words, in the order in which they start.
        speech: for each channel its speech segments.
        roles: for each channel who speaks on it.
        options: thresholds.

    Returns:
        Turns in the order in which they start.
    """
    utterances = [part for item in utterances for part in _split_at_new_topic(item, utterances)]
    groups: list[list[UtteranceWords]] = []
    last: dict[int, list[UtteranceWords]] = {}
    for item in utterances:
        channel = item[0].channel
        group = last.get(channel)
        if group is None or not _continues(group, item, utterances, options):
            group = []
            groups.append(group)
            last[channel] = group
        group.append(item)
    turns = [_turn(group, speech, roles) for group in groups]
    turns.sort(key=lambda turn: (turn.start_s or 0.0, turn.speaker or 0))
    return with_backchannels(turns, options=options)


def with_backchannels(
    turns: Sequence[Turn], *, options: TurnOptions = TurnOptions()
) -> tuple[Turn, ...]:
    """The same turns, numbered, with their backchannels marked."""
    return tuple(
        replace(turn, index=index, is_backchannel=_is_backchannel(turn, turns, options))
        for index, turn in enumerate(turns)
    )


def mean_confidence(turns: Iterable[Turn]) -> float | None:
    """Mean word probability of turns, weighted by their length; None without any."""
    weighted = [
        (turn.asr_confidence, _weight(turn)) for turn in turns if turn.asr_confidence is not None
    ]
    weight = sum(length for _, length in weighted)
    return round(sum(p * n for p, n in weighted) / weight, 4) if weight else None


def _weight(turn: Turn) -> float:
    """Characters of a turn; of what is not text, as many as may have been spoken in its time."""
    seconds = sum(span.duration_s for span in turn.speech)
    if turn.unintelligible:
        return min(len(turn.text), _CHARACTERS_PER_S * seconds)
    return len(turn.text)


def _split_at_new_topic(
    item: UtteranceWords, utterances: Sequence[UtteranceWords]
) -> list[UtteranceWords]:
    """An utterance in two where words inside it open a new part of the call.

    Not while the other talks as well: the second half would seem to cut in.
    """
    utterance, words = item
    match = find_any(_NEW_TOPIC, "".join(word.text for word in words))
    if match is None or any(
        other.channel != utterance.channel and other.span.overlap_s(utterance.span)
        for other, _ in utterances
    ):
        return [item]
    length = 0
    for number, word in enumerate(words):
        if length >= match.first and number:
            cut_s = words[number - 1].end_s
            before, after = Span(utterance.span.start_s, cut_s), Span(cut_s, utterance.span.end_s)
            if min(before.duration_s, after.duration_s) < _SPLIT_MIN_S:
                return [item]
            return [
                (replace(utterance, span=before), words[:number]),
                (replace(utterance, span=after), words[number:]),
            ]
        length += len(word.text)
    return [item]


def _continues(
    group: Sequence[UtteranceWords],
    item: UtteranceWords,
    utterances: Sequence[UtteranceWords],
    options: TurnOptions,
) -> bool:
    if group[-1][0].unintelligible != item[0].unintelligible:
        return False
    before, after = group[-1][0].span, item[0].span
    pause_s = after.start_s - before.end_s
    if pause_s > options.join_s or find_any(_NEW_TOPIC, _text(item[1])[:8]):
        return False
    if len(group) == 1 and _is_separate_backchannel(*group[0], utterances, options, pause_s):
        return False
    return pause_s <= options.breath_s or not any(
        utterance.channel != item[0].channel and _takes_over(utterance.span, before, after, options)
        for utterance, _ in utterances
    )


def _takes_over(other: Span, before: Span, after: Span, options: TurnOptions) -> bool:
    """Whether the other begins to speak in a pause; or before it, and ends well inside it."""
    begins_in_it = before.end_s <= other.start_s <= after.start_s
    begins_before = before.start_s < other.start_s < before.end_s
    ends_in_it = before.end_s + options.outlast_s <= other.end_s <= after.start_s
    return begins_in_it or (begins_before and ends_in_it)


def _is_separate_backchannel(
    utterance: Utterance,
    words: Sequence[Word],
    utterances: Sequence[UtteranceWords],
    options: TurnOptions,
    pause_s: float,
) -> bool:
    """Whether an utterance during the other's speech is a backchannel, not the start of a turn.

    Other words than backchannels are the beginning of what follows ``pause_s`` later, if that is
    soon.
    """
    covered = any(
        other.channel != utterance.channel
        and other.span.start_s < utterance.span.start_s
        and other.span.end_s > utterance.span.end_s
        for other, _ in utterances
    )
    test = _has_backchannel_words if pause_s <= options.hesitation_s else _may_be_backchannel
    return covered and test(_text(words), utterance.span, options)


def _turn(
    group: Sequence[UtteranceWords], speech: Sequence[Sequence[Span]], roles: Sequence[Role]
) -> Turn:
    channel = group[0][0].channel
    span = Span(group[0][0].span.start_s, group[-1][0].span.end_s)
    words = [word for _, said in group for word in said]
    unintelligible = group[0][0].unintelligible
    confidence = _confidence(words)
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
            for r in speech[channel]
            if r.overlap_s(span) > 0
        ),
        asr_confidence=0.0 if unintelligible else confidence,
        unintelligible=unintelligible,
        words=tuple(words),
    )


def _confidence(words: Sequence[Word]) -> float | None:
    """Mean probability of words, weighted by their length; None where the engine tells none."""
    told = [(word.probability, len(word.text)) for word in words if word.probability is not None]
    weight = sum(length for _, length in told)
    return round(sum(p * length for p, length in told) / weight, 4) if weight else None


def _text(words: Sequence[Word]) -> str:
    """Words as one text; a pause between utterances becomes a comma.

    What is written in Latin letters keeps its spaces and punctuation: Microsoft Word, abc@163.com.
    """
    text = "".join(word.text for word in words).strip()
    text = _SPACES.sub(_space, text)
    text = re.sub("[,.?!]", _punctuation, text)
    text = _MARKS.sub(r"\1", text)
    if text and text[-1] not in "，。？！,.?!":
        text += "," if _LATIN_END.search(text) else "，"
    return text


def _space(spaces: re.Match[str]) -> str:
    """A pause between Chinese words, a space beside Latin ones."""
    latin = _LATIN_END.search(spaces.string, 0, spaces.start())
    return " " if latin or re.match("[A-Za-z]", spaces.string[spaces.end() :]) else "，"


def _punctuation(mark: re.Match[str]) -> str:
    """Punctuation in full width, unless it is part of Latin writing or of a number."""
    before, after = mark.string[: mark.start()][-1:], mark.string[mark.end() :][:1]
    inside = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
    after_word = before.isascii() and before.isalpha() and not re.match(r"[\u3400-\u9fff]", after)
    return mark[0] if after_word or (inside and mark[0] == ".") else _FULL_WIDTH[mark[0]]


def _joined(texts: Iterable[str]) -> str:
    """The texts of utterances as one turn's."""
    joined = "".join(f"{text} " if text.endswith(tuple(_FULL_WIDTH)) else text for text in texts)
    return joined.strip(" ,，")


def _is_backchannel(turn: Turn, turns: Sequence[Turn], options: TurnOptions) -> bool:
    """Whether a turn is a backchannel: short, and spoken while the other speaker holds the floor.

    Backchannel words take no floor either where they end shortly after the other's speech.
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
        return _may_be_backchannel(turn.text, span, options)
    soon = any(floor.end_s > span.end_s - options.outlast_s for floor in floors)
    return soon and _has_backchannel_words(turn.text, span, options)


def _may_be_backchannel(text: str, span: Span, options: TurnOptions) -> bool:
    """Whether a text is backchannel words, or so short that it may have been.

    Speech recognition writes 值得 or 速度 for 是的 spoken under another voice.
    """
    syllables = len(_NOT_HAN.sub("", text))
    short = syllables <= options.backchannel_syllables and span.duration_s <= options.backchannel_s
    return short or _has_backchannel_words(text, span, options)


def _has_backchannel_words(text: str, span: Span, options: TurnOptions) -> bool:
    """Whether a text is backchannel words; a voice of which no word was recognized may be."""
    if span.duration_s > options.backchannel_words_s:
        return False
    return not _NOT_HAN.sub("", text) or is_backchannel(text, share=options.backchannel_words_share)
