"""whisperX's JSON.

Source: ``whisperx/schema.py``, ``alignment.py``, ``diarize.py`` and ``utils.py`` (``WriteJSON``) of
whisperx 3.8.6, https://github.com/m-bain/whisperX. Segments have ``start`` and ``end`` in seconds,
``text``, ``speaker`` (``SPEAKER_00``; left out where no voice was found) and ``words``, which for
Chinese are characters, each with ``start``, ``end``, ``score`` and ``speaker``; those that cannot
be aligned (digits) have no times. ``score`` is how well the sound fits the word (of forced
alignment), not how sure the recogniser was of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.intake.foreign.fields import SECONDS, Item, Piece, require_speakers, turn, word

ENGINE = "whisperx"


def matches(value: Mapping[str, object]) -> bool:
    """Whether it is whisperX's."""
    return isinstance(value.get("segments"), list)


def name_of(value: Mapping[str, object]) -> str | None:
    """None: it does not name its call."""
    return None


def read(value: Mapping[str, object]) -> Piece:
    """Our line of a result.

    Raises:
        Unreadable: it lacks segments, speakers or times.
    """
    turns = [_turn(segment) for segment in Item(value).items("segments")]
    require_speakers(turns, "run whisperX with --diarize")
    return {"channels_apart": False, "turns": turns}


def _turn(segment: Item) -> Piece:
    text = segment.text("text").strip()
    times = (segment.seconds("start", SECONDS), segment.seconds("end", SECONDS))
    words = segment.items("words")
    return turn(
        text,
        times,
        segment.label("speaker"),
        words=_words(words, times),
        speaker_share=_share(words, segment.label("speaker")),
    )


def _words(words: Sequence[Item], times: tuple[float, float]) -> list[Piece]:
    """The words; those without times lie between the ones beside them."""
    timed = [
        (one.seconds("start", SECONDS), one.seconds("end", SECONDS))
        if one.has("start") and one.has("end")
        else None
        for one in words
    ]
    found = []
    for at, one in enumerate(words):
        span = timed[at]
        if span is None:
            before = next((known[1] for known in reversed(timed[:at]) if known), times[0])
            after = next((known[0] for known in timed[at + 1 :] if known), times[1])
            span = (before, max(before, after))
        found.append(word(one.text("word"), *span, one.probability("score")))
    return found


def _share(words: Sequence[Item], speaker: str | None) -> float | None:
    """Share of a segment's words that have its speaker; None where words name nobody."""
    named = [one.label("speaker") for one in words if one.has("speaker")]
    return round(named.count(speaker) / len(named), 3) if named else None
