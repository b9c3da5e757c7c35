"""Whisper by sherpa-onnx, with the weights that faster-whisper has: it hears the same."""

from __future__ import annotations

import difflib
import hashlib
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import onnx
import pandas as pd
import pytest

from audit.intake import labelled
from audit.language.text import simplify
from audit.ports import AsrEngine, WindowResult
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import decode
from audit.transcription.windows import join_utterances, pack, recognize, text_of
from audit.types import Role, Samples, WordTimes
from models.asr import ctranslate2, sherpa, weights
from models.voice.vad import speech_probabilities
from reports.analysis.error_rates import distance, plain
from tests.e2e import tables
from tests.models.asr import sherpa_whisper

SAMPLES = Path(__file__).parents[3] / "data_samples"
CALLS = ("S14_2002_20261117T172055", "S16_2006_20261118T100328")
CALL_ID = "S14"
SPEECH = SAMPLES / "calls" / f"{CALLS[0]}.wav"


@pytest.fixture(scope="session")
def exported() -> Path:
    """The exported model; kept between sessions, because it takes half a minute."""
    code = Path(sherpa_whisper.__file__).read_bytes()
    name = f"callaudit-whisper-{hashlib.sha256(code).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / name
    if not folder.is_dir():
        work = Path(tempfile.mkdtemp(prefix=name))
        sherpa_whisper.export(work)
        work.rename(folder)
    return folder


@pytest.fixture(scope="module")
def engine(exported: Path) -> AsrEngine:
    return sherpa.load(sherpa.find(str(exported)))


@cache
def windows() -> list[tuple[str, int, Samples]]:
    """The packed windows of two sample calls, with their call and channel."""
    found = []
    for name in CALLS:
        audio = decode(SAMPLES / "calls" / f"{name}.wav")
        speech = detect_speech(audio, detector=speech_probabilities)
        for window in pack(audio, join_utterances(speech)):
            found.append((name, window.chunks[0].utterance.channel, window.samples))
    return found


@pytest.fixture(scope="module")
def both(engine: AsrEngine) -> tuple[list[WindowResult], list[WindowResult]]:
    """What sherpa-onnx and faster-whisper hear in each window, both greedily."""
    samples = [window for _, _, window in windows()]
    fast = ctranslate2.load(weights.find("base"), device="cpu", beam_size=1, compute_type="float32")
    return engine.transcribe(samples), fast.transcribe(samples)


def error_rate(heard: list[WindowResult]) -> float:
    """Character errors per character of the truth, each channel given to the role that fits."""
    truths = {call.call_id: call for call in labelled.read_for_evaluation(SAMPLES / "truth")}
    errors = characters = 0
    for name in CALLS:
        said = ["", ""]
        for (call, channel, _), result in zip(windows(), heard, strict=True):
            said[channel] += plain(simplify(text_of(result.words))) if call == name else ""
        turns = truths[name.split("_")[0]].turns
        truth = [
            plain("".join(t.text for t in turns if t.role is role))
            for role in (Role.AGENT, Role.CUSTOMER)
        ]
        errors += min(sum(map(distance, truth, order)) for order in (said, said[::-1]))
        characters += sum(map(len, truth))
    assert characters > 200
    return errors / characters


def test_it_hears_what_faster_whisper_hears(
    both: tuple[list[WindowResult], list[WindowResult]],
) -> None:
    mine, theirs = map(error_rate, both)
    assert theirs < 0.3
    assert mine <= theirs + 0.02


def test_it_hears_it_at_the_same_time(both: tuple[list[WindowResult], list[WindowResult]]) -> None:
    near = compared = 0
    for mine, theirs in zip(*both, strict=True):
        words = [[w for w in r.words if plain(simplify(w.text))] for r in (mine, theirs)]
        texts = [[plain(simplify(w.text)) for w in side] for side in words]
        for a, b, length in difflib.SequenceMatcher(None, *texts).get_matching_blocks():
            for one, other in zip(words[0][a:], words[1][b : b + length], strict=False):
                compared += 1
                near += abs(one.end_s - other.end_s) <= 0.3
    assert compared > 50
    assert near / compared > 0.9


def test_without_its_attention_each_utterance_is_heard_alone(
    exported: Path, tmp_path: Path
) -> None:
    for file in ("base-encoder.onnx", "tokens.txt"):
        (tmp_path / file).symlink_to(exported / file)
    decoder = onnx.load(str(exported / "base-decoder.onnx"))
    del decoder.graph.output[3]
    onnx.save(decoder, str(tmp_path / "base-decoder.onnx"))
    engine = sherpa.load(sherpa.find(str(tmp_path)))
    assert engine.abilities.word_times is WordTimes.NONE
    audio = decode(SPEECH)
    speech = detect_speech(audio, detector=speech_probabilities)
    utterances = join_utterances(speech)[:2]
    found = recognize(audio, utterances, asr=engine)
    assert [utterance for utterance, _ in found] == utterances
    for utterance, (word,) in found:
        assert len(plain(simplify(word.text))) >= 3
        assert (word.start_s, word.end_s) == (utterance.span.start_s, utterance.span.end_s)


def test_a_call_through_the_command_line(
    exported: Path, tmp_path: Path, callaudit: Any, audited: Any
) -> None:
    """Tables carry engine and model; only whom faster-whisper or the labels accuse is accused."""
    manifest = pd.read_csv(SAMPLES / "manifest.csv", dtype=str)
    manifest = manifest[manifest["call_id"] == CALL_ID]
    manifest.to_csv(tmp_path / "manifest.csv", index=False)
    given = ("run", SAMPLES / "calls", "--manifest", tmp_path / "manifest.csv")
    out = tmp_path / "out"
    done = callaudit(*given, "--out", out, "--engine", "sherpa-onnx", "--model", exported)
    assert done.returncode == 0, done.stderr
    call = tables.table(out, "calls").iloc[0]
    assert (call["engine"], call["model"]) == ("sherpa-onnx", str(exported))
    assert call["model_sha256"] == sherpa.find(str(exported)).sha256
    accused, before = accusations(out), accusations(audited.out)
    assert accused and accused <= before | unsaid()


def accusations(out: Path) -> set[str]:
    """The checks that the call of ``CALL_ID`` fails."""
    found = tables.table(out, "findings")
    return set(found[(found["call_id"] == CALL_ID) & (found["verdict"] == "fail")]["check_id"])


def unsaid() -> set[str]:
    """The check of the organisation, if the labels say that nobody names it."""
    calls = {call.call_id: call for call in labelled.read_for_evaluation(SAMPLES / "truth")}
    named = any("org" in turn.greeting for turn in calls[CALL_ID].turns)
    return set() if named else {"greeting.organisation"}
