"""Who speaks when on one line: mono mix-downs of sample calls, diarized by real embeddings."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.ports import Diarizer
from audit.raw_forms import RawForm
from audit.transcription import turns
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import Audio, decode
from audit.transcription.diarization import Diarization, diarize
from audit.transcription.windows import Utterance, UtteranceWords
from audit.types import Direction, Recording, Role, Span, Word
from models.text import roles
from models.voice import embeddings, vad
from reports.store import transcript_cache

SAMPLES = Path(__file__).parents[3] / "data_samples"
ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER}
DISTINCT = ("S03", "S05", "S08", "S09", "S17", "S20")
"""Calls between dissimilar voices; for all of them see ``models/voice/speakers.md``."""

Told = list[tuple[Role, Span]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """A call on one line: its sound, where there is speech, what is said, who says it."""

    audio: Audio
    speech: list[Span]
    utterances: list[UtteranceWords]
    truth: Told

    def tell(self, diarizer: Diarizer | None = None) -> Diarization:
        return diarize(
            self.audio,
            self.speech,
            self.utterances,
            embedder=embeddings.EMBEDDER,
            classifier=roles,
            direction=Direction.IN,
            role_confidence=0.9,
            diarizer=diarizer,
        )


def line(*calls: str, only: str = "AC") -> Line:
    """Sample calls one after the other, mixed down; ``only`` keeps one side's channel."""
    sounds: list[NDArray[np.int16]] = []
    utterances: list[UtteranceWords] = []
    truth: Told = []
    for call_id in calls:
        after_s = sum(len(sound) for sound in sounds) / 16_000
        told = json.loads((SAMPLES / "truth" / f"{call_id}.json").read_text("utf-8"))
        samples = decode(SAMPLES / "calls" / told["file"]).samples
        mixed = samples[0] // 2 + samples[1] // 2
        sounds.append({"A": samples[0], "C": samples[1]}.get(only, mixed))
        for turn in told["turns"]:
            if turn["role"] in only:
                span = Span(after_s + turn["start"], after_s + turn["end"])
                utterances.append((Utterance(0, span), words(turn["text"], span)))
                truth.append((ROLES[turn["role"]], span))
    audio = Audio(np.concatenate(sounds)[None], False)
    speech = detect_speech(audio, detector=vad.speech_probabilities)[0]
    return Line(audio, speech, sorted(utterances, key=lambda item: item[0].span), truth)


def words(text: str, span: Span) -> tuple[Word, ...]:
    """The characters, spread over the time in which they are spoken."""
    times = np.linspace(span.start_s, span.end_s, len(text) + 1).tolist()
    return tuple(
        Word(one, start_s, end_s, 0.9)
        for one, (start_s, end_s) in zip(text, pairwise(times), strict=True)
    )


@cache
def told(*calls: str, only: str = "AC") -> tuple[Line, Diarization]:
    one = line(*calls, only=only)
    return one, one.tell()


def mask(spans: Sequence[Span], frames: int) -> Mask:
    """Which hundredths of a second the spans cover."""
    covered = np.zeros(frames, dtype=bool)
    for span in spans:
        covered[round(span.start_s * 100) : round(span.end_s * 100)] = True
    return covered


def right_and_wrong(truth: Told, given: Told) -> tuple[int, int]:
    """Hundredths of a second in which one alone speaks, given to the right and a wrong role."""
    frames = round(max(span.end_s for _, span in truth) * 100) + 1
    true, found = (
        {role: mask([s for r, s in told if r is role], frames) for role in Role}
        for told in (truth, given)
    )
    alone = true[Role.AGENT] ^ true[Role.CUSTOMER]
    sides = (Role.AGENT, Role.CUSTOMER)
    right = sum(int((alone & true[role] & found[role]).sum()) for role in sides)
    spoken = alone & (found[Role.AGENT] | found[Role.CUSTOMER] | found[Role.UNKNOWN])
    return right, int(spoken.sum()) - right


def named(voices: Diarization) -> Told:
    pairs = zip(voices.roles.roles, voices.speech, strict=True)
    return [(role, span) for role, spans in pairs for span in spans]


def sure(voices: Diarization) -> Told:
    """What the turns say that count as rightly told."""
    built = turns.build(voices.utterances, voices.speech, roles=voices.roles.roles)
    certain = [replace(turn, role_confidence=voices.confidence(turn)) for turn in built]
    return [(t.role, span) for t in certain if t.surely_by(t.role) for span in t.speech]


def check_speech(one: Line, voices: Diarization) -> None:
    """In order, never two voices at once, and all of the speech but nothing else."""
    for own in voices.speech:
        assert own == sorted(own)
    spans = sorted(span for own in voices.speech for span in own)
    assert all(span.duration_s > 0 for span in spans)
    assert all(a.end_s <= b.start_s for a, b in pairwise(spans))
    for span in spans:
        assert any(r.start_s <= span.start_s and span.end_s <= r.end_s for r in one.speech)
    assert sum(s.duration_s for s in spans) == pytest.approx(
        sum(r.duration_s for r in one.speech), abs=1e-6
    )


# two who talk


def test_who_speaks_is_right_most_of_the_time() -> None:
    right = wrong = 0
    for call_id in DISTINCT:
        one, voices = told(call_id)
        assert sorted(voices.roles.roles) == [Role.AGENT, Role.CUSTOMER], call_id
        counts = right_and_wrong(one.truth, named(voices))
        right, wrong = right + counts[0], wrong + counts[1]
    assert right / (right + wrong) >= 0.92


def test_turns_that_count_as_sure_are_right() -> None:
    right = wrong = 0
    for call_id in DISTINCT:
        one, voices = told(call_id)
        counts = right_and_wrong(one.truth, sure(voices))
        right, wrong = right + counts[0], wrong + counts[1]
    assert right > 60_00
    assert right / (right + wrong) >= 0.97


def test_voices_that_are_alike_are_not_surely_told() -> None:
    one, voices = told("S01")
    right, wrong = right_and_wrong(one.truth, sure(voices))
    assert wrong <= 0.1 * (right + wrong)


@pytest.mark.parametrize("call_id", DISTINCT)
def test_no_word_is_lost_or_doubled(call_id: str) -> None:
    one, voices = told(call_id)
    before = Counter(word for _, words in one.utterances for word in words)
    assert Counter(word for _, words in voices.utterances for word in words) == before
    starts = [utterance.span.start_s for utterance, _ in voices.utterances]
    assert starts == sorted(starts)
    assert {u.channel for u, _ in voices.utterances} <= set(range(len(voices.speech)))


@pytest.mark.parametrize("call_id", DISTINCT)
def test_regions_share_out_the_speech(call_id: str) -> None:
    check_speech(*told(call_id))


def test_a_small_margin_is_no_certainty() -> None:
    small = 0
    for call_id in (*DISTINCT, "S01"):
        _, voices = told(call_id)
        for turn in turns.build(voices.utterances, voices.speech, roles=voices.roles.roles):
            assert turn.span is not None
            inside = (voices.middles_s >= turn.span.start_s) & (voices.middles_s <= turn.span.end_s)
            own = voices.margins[inside & (voices.labels == turn.speaker)]
            assert 0 <= voices.confidence(turn) <= 1
            if not len(own) or own.mean() < 0.1:
                small += 1
                assert voices.confidence(turn) < 0.9
    assert small > 5


def test_the_same_call_is_told_the_same_way() -> None:
    one, first = told("S17")
    again = one.tell()
    assert (again.utterances, again.speech, again.roles) == (
        first.utterances,
        first.speech,
        first.roles,
    )


# one, three, nobody


def test_an_agent_alone() -> None:
    one, voices = told("S03", only="A")
    assert Role.CUSTOMER not in voices.roles.roles
    check_speech(one, voices)


def test_a_customer_alone_is_no_agent() -> None:
    one, voices = told("S13", only="C")
    assert Role.AGENT not in voices.roles.roles
    check_speech(one, voices)


def test_after_a_transfer_nobody_gets_the_other_side() -> None:
    """S03 and S13 have one customer and two agents."""
    one, voices = told("S03", "S13")
    check_speech(one, voices)
    if Role.UNKNOWN in voices.roles.roles:
        assert set(voices.roles.roles) == {Role.UNKNOWN}
        return
    assert Counter(voices.roles.roles)[Role.CUSTOMER] == 1
    right, wrong = right_and_wrong(one.truth, named(voices))
    assert right / (right + wrong) >= 0.92


def short() -> Line:
    """Three tenths of a second of somebody's speech."""
    one = line("S17")
    first = round((one.speech[3].middle_s - 0.15) * 16_000)
    samples = one.audio.samples[:, first : first + 4800]
    span = Span(0.0, 0.3)
    utterances: list[UtteranceWords] = [(Utterance(0, span), words("喂", span))]
    return Line(Audio(np.ascontiguousarray(samples), False), [span], utterances, [])


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_three_tenths_of_a_second() -> None:
    one = short()
    voices = one.tell()
    assert voices.speech == [one.speech]
    assert voices.roles.roles == (Role.UNKNOWN,)
    assert [words for _, words in voices.utterances] == [words for _, words in one.utterances]


def test_three_tenths_of_a_second_give_no_warning() -> None:
    one = short()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one.tell()


def test_nobody_speaks() -> None:
    silent = Line(Audio(np.zeros((1, 32_000), dtype=np.int16), False), [], [], [])
    voices = silent.tell()
    assert voices.utterances == []
    assert voices.speech == [[]]
    assert voices.roles.roles == (Role.UNKNOWN,)


# another engine


def test_another_engine_may_tell_the_voices() -> None:
    one = line("S17")
    voices = one.tell(lambda _: [(span, f"voice of {role}") for role, span in one.truth])
    right, wrong = right_and_wrong(one.truth, named(voices))
    assert right / (right + wrong) >= 0.97
    check_speech(one, voices)


def test_where_another_engine_hears_two_at_once_nobody_is_surely_told() -> None:
    one = line("S17")
    both = [(Span(0, one.audio.duration_s), name) for name in ("a", "b")]
    voices = one.tell(lambda _: [*both, *((span, role) for role, span in one.truth)])
    assert sure(voices) == []


def test_another_engine_that_hears_nobody() -> None:
    one = line("S17")
    voices = one.tell(lambda _: [])
    assert len(voices.speech) == 1
    check_speech(one, voices)


# what a transcript is kept under


def test_a_checkpoint_depends_on_what_the_manifest_says() -> None:
    plain = Recording("x.wav", "X1", "007", datetime(2026, 11, 16, 9, tzinfo=UTC))
    said = [
        plain,
        replace(plain, direction=Direction.IN),
        replace(plain, direction=Direction.OUT),
        replace(plain, agent_channel="0"),
        replace(plain, agent_channel="1"),
        replace(plain, agent_channel="mono"),
        replace(plain, agent_channel="mono", direction=Direction.OUT),
        replace(plain, raw_form=RawForm("mulaw", 8000)),
        replace(plain, raw_form=RawForm("alaw", 8000)),
    ]
    keys = [transcript_cache.key(one, audio_sha256="a" * 64, fingerprint="f") for one in said]
    assert len(set(keys)) == len(keys)
    named_otherwise = replace(plain, call_id="X2", agent_name="林静")
    assert transcript_cache.key(named_otherwise, audio_sha256="a" * 64, fingerprint="f") == keys[0]
