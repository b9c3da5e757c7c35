"""Voice prints by the real weights on the sample calls: whose voice it is, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from audit.transcription.decoding import decode
from audit.types import Span
from models.hashing import file_sha256
from models.voice import embeddings

SAMPLES = Path(__file__).parents[3] / "data_samples"
CALLS = ("S02", "S03", "S05", "S13", "S20")
LONG_S = 1.6
"""A stretch that is long enough to know a voice by."""


@cache
def stretches(call_id: str) -> dict[str, list[embeddings.Frames]]:
    """For each role the frames of the middle of its long turns, from its own channel."""
    truth = json.loads((SAMPLES / "truth" / f"{call_id}.json").read_text("utf-8"))
    audio = decode(SAMPLES / "calls" / truth["file"])
    found: dict[str, list[embeddings.Frames]] = {"A": [], "C": []}
    for turn in truth["turns"]:
        middle_s = (turn["start"] + turn["end"]) / 2
        if turn["end"] - turn["start"] > LONG_S + 0.4:
            span = Span(middle_s - LONG_S / 2, middle_s + LONG_S / 2)
            channel = 0 if turn["role"] == "A" else 1
            mel = embeddings.mel_spectrogram(audio.channel(channel, span=span))
            found[turn["role"]].append(mel[: round(LONG_S * 100)])
    return found


@cache
def prints(call_id: str) -> dict[str, NDArray[np.float32]]:
    return {role: embeddings.embed(own) for role, own in stretches(call_id).items()}


@pytest.mark.parametrize("call_id", CALLS)
def test_prints_have_length_one(call_id: str) -> None:
    for role, found in prints(call_id).items():
        assert found.shape == (len(stretches(call_id)[role]), 256)
        assert np.isfinite(found).all()
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("call_id", CALLS)
def test_one_voice_is_more_like_itself_than_like_another(call_id: str) -> None:
    agent, customer = prints(call_id).values()
    same = [float(a @ b) for own in (agent, customer) for a, b in combinations(own, 2)]
    other = (agent @ customer.T).ravel()
    assert len(same) >= 3
    assert np.mean(same) > np.mean(other) + 0.03
    assert np.median(same) > np.quantile(other, 0.75)


def test_the_same_sound_gives_the_same_print() -> None:
    own = stretches("S03")["A"]
    assert np.array_equal(embeddings.embed(own), embeddings.embed(own))
    alone = np.concatenate([embeddings.embed([one]) for one in own])
    assert np.allclose(alone, embeddings.embed(own), atol=1e-4)


def test_the_level_of_a_line_does_not_matter() -> None:
    time = np.arange(16_000, dtype=np.float32) / 16_000
    sound = (0.1 * np.sin(2 * np.pi * 220 * time) * (1 + np.sin(9 * time))).astype(np.float32)
    loud, soft = (
        embeddings.mel_spectrogram(sound),
        embeddings.mel_spectrogram(sound * np.float32(0.1)),
    )
    assert np.allclose(loud, soft, rtol=1e-3, atol=1e-6)


def test_frames_of_silence_and_of_nothing() -> None:
    silence = embeddings.mel_spectrogram(np.zeros(16_000, dtype=np.float32))
    assert silence.shape == (100, 40)
    assert not silence.any()
    assert embeddings.mel_spectrogram(np.zeros(0, dtype=np.float32)).shape == (0, 40)
    assert embeddings.mel_spectrogram(np.ones(100, dtype=np.float32)).shape == (0, 40)
    (found,) = embeddings.embed([silence])
    assert np.isfinite(found).all()
    assert embeddings.embed([]).shape == (0, 256)


@pytest.mark.parametrize("count", [1, 3, 100])
def test_the_network_computes_what_torch_does(count: int) -> None:
    path = embeddings.weights()
    assert path is not None
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    lstm, linear = torch.nn.LSTM(40, 256, 3, batch_first=True), torch.nn.Linear(256, 256)
    for name, module in (("lstm.", lstm), ("linear.", linear)):
        own = {key.removeprefix(name): value for key, value in state.items() if name in key}
        module.load_state_dict(own)
    windows = [one[:80] for call_id in CALLS for role in "AC" for one in stretches(call_id)[role]]
    chosen = [windows[number % len(windows)] for number in range(count)]
    with torch.inference_mode():
        last = lstm(torch.from_numpy(np.stack(chosen)))[1][0][-1]
        wanted = torch.nn.functional.normalize(torch.relu(linear(last)), dim=1).numpy()
    assert np.abs(embeddings.embed_raw(chosen) - wanted).max() < 1e-5


# where the weights come from


def told(folder: Path, code: str) -> Any:
    """Run a line with ``folder`` in front of the installed packages."""
    return subprocess.run(
        [sys.executable, "-c", f"import numpy as np\nfrom models.voice import embeddings\n{code}"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


PRINT = "embeddings.embed([np.zeros((80, 40), dtype=np.float32)])"


def test_neither_the_package_nor_torch_is_imported() -> None:
    done = told(
        Path(), f"{PRINT}\nimport sys\nprint({{'resemblyzer', 'torch'}} & {{*sys.modules}})"
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_the_weights_are_those_of_the_release() -> None:
    path = embeddings.weights()
    assert path is not None
    assert file_sha256(path) == embeddings.SHA256


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path = embeddings.weights()
    assert path is not None
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 2] ^= 1
    copy = tmp_path / "resemblyzer" / "pretrained.pt"
    copy.parent.mkdir()
    (copy.parent / "__init__.py").touch()
    for damaged in (bytes(blob), blob[:1000], b""):
        copy.write_bytes(damaged)
        done = told(tmp_path, PRINT)
        said = done.stderr.splitlines()[-1]
        assert said.startswith("audit.errors.UsageError: ")
        assert str(copy) in said
        assert "resemblyzer 0.1.4" in said


def test_missing_weights_name_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "__init__.py").touch()
    assert told(tmp_path, "print(embeddings.weights())").stdout.strip() == "None"
    said = told(tmp_path, PRINT).stderr.splitlines()[-1]
    assert "pip install --no-deps resemblyzer==0.1.4" in said
