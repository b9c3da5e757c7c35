"""Speaker embeddings: a vector for each window of speech.

The network is Resemblyzer's GE2E encoder (Wan et al. 2018, arXiv:1710.10467; Apache-2.0), whose
weights are in its wheel. Only the weights are used: the package itself needs a C compiler and is
never imported. ONNX Runtime runs it, for PyTorch takes 1.5 s and 200 MB before it does anything.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import UsageError
from audit.ports import SpeakerEmbedder
from audit.types import SAMPLE_RATE, Samples
from models.hashing import file_sha256
from models.voice import checkpoint

HOP_S = 0.01
"""Seconds from one frame to the next."""

NORMALIZATION = Path(__file__).parent / "voices.npz"
"""Mean and within-speaker variation of embeddings, written by :mod:`models.training.embeddings`."""

ENCODER = Path(__file__).parent / "encoder.onnx"
"""The network without its weights, written by :mod:`models.training.encoder`."""

_HOP_SAMPLES = int(SAMPLE_RATE * HOP_S)
_WINDOW_SAMPLES = 400
_MEL_BANDS = 40
_DIMENSIONS = 256
_LAYERS = 3
_TARGET_LEVEL_DB = -30.0
_BATCH_SIZE = 64
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
"""Of the encoder's weights, ``pretrained.pt``."""

Frames = NDArray[np.float32]


def weights() -> Path | None:
    """Where the encoder's weights are; None where they are not installed."""
    spec = importlib.util.find_spec("resemblyzer")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "pretrained.pt"
        if path.is_file():
            return path
    return None


def check() -> None:
    """Make sure that the weights, if installed, are those that were measured.

    Raises:
        UsageError: they are not.
    """
    path = weights()
    if path is not None and file_sha256(path) != SHA256:
        raise UsageError(f"{path} is not the file of resemblyzer 0.1.4; install it again")


def mel_spectrogram(samples: Samples) -> Frames:
    """Mel power of every 10 ms of speech, brought to one level; shape ``[frames, 40]``."""
    power = float(np.square(samples).mean()) if len(samples) else 0.0
    count = len(samples) // _HOP_SAMPLES
    if power <= 1e-12 or count == 0:
        return np.zeros((count, _MEL_BANDS), dtype=np.float32)
    gain = np.float32(10 ** (_TARGET_LEVEL_DB / 20) / np.sqrt(power))
    padded = np.pad(samples * gain, _WINDOW_SAMPLES // 2, mode="reflect")
    parts = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::_HOP_SAMPLES][
        :count
    ]
    spectrum = np.square(np.abs(np.fft.rfft(parts * _hann(), axis=1)))
    mel: Frames = (spectrum @ _filters().T).astype(np.float32)
    return mel


def embed(windows: Sequence[Frames]) -> NDArray[np.float32]:
    """The speaker embedding of each window, as a vector of length 1.

    Args:
        windows: mel frames, all of one shape ``[frames, 40]``.

    Returns:
        Shape ``[len(windows), 256]``; the dot product of two is their similarity: about 0 for
        two random speakers.
    """
    mean, transform = _normalization()
    embeddings = (embed_raw(windows) - mean) @ transform
    length = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
    scaled: NDArray[np.float32] = (embeddings / length).astype(np.float32)
    return scaled


def embed_raw(windows: Sequence[Frames]) -> NDArray[np.float32]:
    """The network's output for each window, without normalization."""
    embeddings = [np.zeros((0, _DIMENSIONS), dtype=np.float32)]
    for first in range(0, len(windows), _BATCH_SIZE):
        batch = np.stack(windows[first : first + _BATCH_SIZE])
        embeddings += _network().run(None, {"mel": batch})
    return np.concatenate(embeddings)


@cache
def _network() -> Any:
    import onnxruntime

    path = weights()
    if path is None:
        raise UsageError(
            "the weights of speaker embeddings are missing; "
            "run `pip install --no-deps resemblyzer==0.1.4`"
        )
    check()
    given = _for_onnx(checkpoint.read(path)["model_state"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # waiting takes longer than running a network this small
    options.inter_op_num_threads = 1
    options.add_external_initializers(
        list(given), [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in given.values()]
    )
    return onnxruntime.InferenceSession(ENCODER, options, providers=["CPUExecutionProvider"])


def _for_onnx(state: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """PyTorch's weights as ONNX wants them, under the names in the graph.

    PyTorch stacks a layer's gates as input, forget, cell and output, ONNX as input, output, forget
    and cell; both add two biases. The first axis of ONNX is the direction, of which there is one.
    """

    def stacked(name: str) -> NDArray[np.float32]:
        entry, forget, cell, output = np.split(state[name], 4)
        return np.concatenate([entry, output, forget, cell])

    given = {name: state[name] for name in ("linear.weight", "linear.bias")}
    for layer in range(_LAYERS):
        for name in (f"lstm.weight_ih_l{layer}", f"lstm.weight_hh_l{layer}"):
            given[name] = stacked(name)[None]
        biases = [stacked(f"lstm.bias_{kind}_l{layer}") for kind in ("ih", "hh")]
        given[f"lstm.bias_l{layer}"] = np.concatenate(biases)[None]
    return given


@cache
def _normalization() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with np.load(NORMALIZATION, allow_pickle=False) as stored:
        return stored["mean"], stored["transform"]


@cache
def _filters() -> NDArray[np.float32]:
    from faster_whisper.feature_extractor import FeatureExtractor

    filters: NDArray[np.float32] = FeatureExtractor.get_mel_filters(
        SAMPLE_RATE, n_fft=_WINDOW_SAMPLES, n_mels=_MEL_BANDS
    ).astype(np.float32)
    return filters


@cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)


EMBEDDER = SpeakerEmbedder(mel_spectrogram=mel_spectrogram, embed=embed)
