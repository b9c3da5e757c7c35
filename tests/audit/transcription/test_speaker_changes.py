"""Words of a mono recording go to who says them, or are nobody's for certain."""

from __future__ import annotations

from audit.transcription.speaker_changes import cut_at_changes, undivided
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Span, Word

SPEECH = [[Span(0.0, 2.0)], [Span(2.0, 5.0)]]
WHOLE = Utterance(0, Span(0.0, 5.0))


def said(*words: tuple[str, float, float]) -> list[UtteranceWords]:
    return [(WHOLE, tuple(Word(text, start_s, end_s, None) for text, start_s, end_s in words))]


def test_each_word_goes_where_its_middle_is() -> None:
    words = said(("您好", 0.2, 1.0), ("喂", 1.7, 2.1), ("我想问", 2.6, 4.0))
    cut = list(cut_at_changes(words, SPEECH))
    assert [(u.channel, u.span, [w.text for w in its]) for u, its in cut] == [
        (0, Span(0.0, 2.0), ["您好", "喂"]),
        (1, Span(2.0, 5.0), ["我想问"]),
    ]
    assert undivided(words, SPEECH) == []


def test_a_word_that_lasts_over_a_change_is_nobodys_for_certain() -> None:
    words = said(("您好喂我想问", 0.0, 5.0))
    assert undivided(words, SPEECH) == [WHOLE.span]


def test_a_word_within_one_speakers_turn_is_theirs() -> None:
    words = said(("您好", 0.0, 5.0))
    assert undivided(words, [[Span(0.0, 5.0)], []]) == []
    assert undivided(words, [[Span(0.0, 4.8)], [Span(4.8, 5.0)]]) == []
