"""What a transcription service answers, read with distrust.

Servers differ in what OpenAI's format leaves open: words stand beside the text (OpenAI, speaches)
or inside segments (whisper.cpp), with probabilities or without. What is not plausible is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.types import Word

_TEXT_MAX = 4000
"""Characters; twice of what Whisper can write in a window of 30 s."""
_TIME_SLACK_S = 0.5
"""Seconds by which a word may exceed what was sent, which servers pad with silence."""
_TAGS = re.compile(r"<\|[^|<>]{0,40}\|>")
"""What SenseVoice writes before its text, such as ``<|zh|><|NEUTRAL|>``."""


class UnreadableAnswer(Exception):
    """An answer that is no transcript; the message continues "its answer"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A transcript as the service gave it.

    Attributes:
        text: on one line.
        words: those that add up to the text, with times as they came; empty where they do not.
    """

    text: str
    words: tuple[Word, ...]

    def untimed(self, duration_s: float) -> tuple[Word, ...]:
        """The text as one word that lasts as long as what was sent, as likely as its words."""
        if not self.text:
            return ()
        told = [word.probability for word in self.words if word.probability is not None]
        mean = sum(told) / len(told) if told and len(told) == len(self.words) else None
        return (Word(self.text, 0.0, duration_s, mean),)

    def timed(self, duration_s: float) -> tuple[Word, ...]:
        """The words with their times.

        Args:
            duration_s: of what was sent.

        Raises:
            UnreadableAnswer: there are no words for the text, or their times are outside of what
                was sent or run backwards.
        """
        if self.text and not self.words:
            raise UnreadableAnswer("gives no words that add up to its text")
        before_s = -_TIME_SLACK_S
        for word in self.words:
            if not before_s <= word.start_s <= word.end_s <= duration_s + _TIME_SLACK_S:
                raise UnreadableAnswer(
                    "gives words at times that cannot be right, although "
                    "transcription.asr.service.trust_word_times is set"
                )
            before_s = word.start_s
        return tuple(
            Word(w.text, max(0.0, w.start_s), min(max(0.0, w.end_s), duration_s), w.probability)
            if w.start_s < duration_s
            else Word(w.text, duration_s, duration_s, w.probability)
            for w in self.words
        )


def read(body: bytes) -> Answer:
    """Read the body of an answer, of whatever form.

    Raises:
        UnreadableAnswer: it is no JSON with a text, or more text than anybody can say.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswer("is no JSON") from error
    text = parsed.get("text") if isinstance(parsed, dict) else None
    if not isinstance(text, str):
        raise UnreadableAnswer("holds no text")
    if len(text) > _TEXT_MAX:
        raise UnreadableAnswer(f"is a text of {len(text)} characters for one window")
    text = _plain(text).strip()
    words = tuple(_words(parsed))
    adds_up = _letters("".join(word.text for word in words)) == _letters(text)
    return Answer(text, words if adds_up else ())


def _words(parsed: dict[str, Any]) -> Iterator[Word]:
    """The words that have a text and times, wherever they stand."""
    listed = parsed.get("words") or [
        word for segment in _dicts(parsed.get("segments")) for word in _dicts(segment.get("words"))
    ]
    for word in _dicts(listed):
        text = word.get("word", word.get("text"))
        start_s, end_s = _number(word.get("start")), _number(word.get("end"))
        if isinstance(text, str) and start_s is not None and end_s is not None:
            likely = _number(word.get("probability"))
            known = likely is not None and 0 <= likely <= 1
            yield Word(_plain(text), start_s, end_s, likely if known else None)


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _number(found: Any) -> float | None:
    """A number of a sensible size; NaN is none."""
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and -1e6 < found < 1e6 else None


def _plain(text: str) -> str:
    """Text without tags, line breaks, control characters and halves of characters."""
    return "".join(c if c.isprintable() else " " for c in _TAGS.sub("", text))


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum()).lower()
