"""Channels that agent and customer change in the middle of a call."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.ports import Embeddings, SpeakerEmbedder
from audit.transcription import swaps
from audit.transcription.decoding import Audio, decode
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import SAMPLE_RATE, Span, Word
from models.text import roles
from models.voice.embeddings import EMBEDDER, Frames

SAMPLES = Path(__file__).parents[3] / "data_samples"
STEREO = ("S01", "S02", "S03", "S05", "S08", "S13", "S18", "S20", "S22")


@dataclass(frozen=True)
class Said:
    """What was said in a call, and its sound."""

    samples: NDArray[np.int16]
    utterances: list[UtteranceWords]


@cache
def call(call_id: str) -> Said:
    """The labels of a sample call as a recogniser's utterances, so that none is needed."""
    (path,) = (SAMPLES / "calls").glob(f"{call_id}_*")
    said = []
    for turn in json.loads((SAMPLES / "truth" / f"{call_id}.json").read_text("utf-8"))["turns"]:
        span = Span(turn["start"], turn["end"])
        utterance = Utterance(int(turn["role"] == "C"), span)
        said.append((utterance, (Word(turn["text"], span.start_s, span.end_s, 0.9),)))
    return Said(decode(path).samples, said)


def turned(said: Said, *instants: float) -> Said:
    """The call with its channels the other way round after each instant."""
    samples = said.samples.copy()
    for instant in instants:
        first = int(instant * SAMPLE_RATE)
        samples[:, first:] = samples[::-1, first:].copy()
    utterances = [
        (
            Utterance((one.channel + sum(one.span.start_s > t for t in instants)) % 2, one.span),
            words,
        )
        for one, words in said.utterances
    ]
    return Said(samples, utterances)


def swapped(said: Said, *, embedder: SpeakerEmbedder | None = EMBEDDER) -> bool:
    return swaps.are_swapped(
        Audio(said.samples), said.utterances, classifier=roles, embedder=embedder
    )


def batches(said: Said) -> list[int]:
    """How many windows are embedded, for each time that the network runs."""
    sizes = []

    def embed(windows: Sequence[Frames]) -> Embeddings:
        sizes.append(len(windows))
        return EMBEDDER.embed(windows)

    swapped(said, embedder=SpeakerEmbedder(EMBEDDER.mel_spectrogram, embed))
    return sizes


@pytest.mark.parametrize("call_id", STEREO)
def test_channels_that_stay_are_not_swapped(call_id: str) -> None:
    assert not swapped(call(call_id))
    assert not swapped(call(call_id), embedder=None)


@pytest.mark.parametrize(
    ("call_id", "instant"), [("S03", 27.5), ("S13", 28.5), ("S20", 20.3), ("S20", 9.2), ("S22", 40)]
)
def test_channels_that_change_are_found(call_id: str, instant: float) -> None:
    assert swapped(turned(call(call_id), instant))


def test_channels_that_change_and_change_back_are_found() -> None:
    assert swapped(turned(call("S01"), 24, 45.8))


def test_a_customer_who_speaks_like_an_agent_changes_nothing() -> None:
    """The words of both sides change places, and the voices do not."""
    said = call("S22")
    begun = [item for item in said.utterances if item[0].span.start_s < 33]
    later = [item for item in said.utterances if item[0].span.start_s >= 33]
    words = [[words for one, words in later if one.channel == channel] for channel in (0, 1)]
    other = [itertools.cycle(words[1 - channel]) for channel in (0, 1)]
    turned_words = [(one, next(other[one.channel])) for one, _ in later]
    assert swapped(Said(said.samples, begun + turned_words), embedder=None)
    assert not swapped(Said(said.samples, begun + turned_words))


def test_a_few_windows_of_each_voice_are_embedded_at_once() -> None:
    for said in (call("S02"), turned(call("S01"), 24, 45.8), turned(call("S22"), 40)):
        (size,) = batches(said)
        assert 8 <= size <= 4 * 8


def test_voices_are_not_asked_where_a_sentence_would_decide() -> None:
    """Of S17 the words gain 0.9 by a swap, of S18 nothing."""
    assert batches(call("S17")) == batches(call("S18")) == []


def test_nothing_said_is_no_swap() -> None:
    assert not swapped(Said(call("S20").samples, []))


@pytest.mark.parametrize("call_id", ["S01", "S20", "S22"])
def test_voices_that_cannot_be_compared_say_nothing(call_id: str) -> None:
    """Only the agent, then only the customer, who speaks like an agent."""
    said = call(call_id)
    agent = [item for item in said.utterances if item[0].channel == 0][:4]
    last = next(
        one
        for one, _ in said.utterances
        if one.channel and one.span.start_s > agent[-1][0].span.end_s
    )
    words = "您好，我帮您登记好了，请您稍等，请问还有什么可以帮您"
    spoken = (Word(words, last.span.start_s, last.span.end_s, 0.9),)
    assert not swapped(Said(said.samples, [*agent, (last, spoken)]))
