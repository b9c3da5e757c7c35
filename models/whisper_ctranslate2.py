"""Whisper by CTranslate2 (faster-whisper): the fast engine on CPUs and NVIDIA GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.types import SAMPLE_RATE, Origin, Recognised, Samples, Word
from models.weights import Weights, not_found

_FRAMES = 3000  # mel frames of Whisper's 30 s window


@dataclass(frozen=True, slots=True)
class CTranslate2Whisper:
    """A loaded faster-whisper model; create it with :func:`load`."""

    model: Any
    tokenizer: Any
    suppressed: tuple[int, ...]
    origin: Origin
    beam_size: int
    batch_size: int

    def recognise(self, windows: Sequence[Samples]) -> list[Recognised]:
        """Recognise windows of at most 30 s; see :class:`audit.types.Recogniser`."""
        heard: list[Recognised] = []
        for first in range(0, len(windows), self.batch_size):
            heard += self._recognise_batch(windows[first : first + self.batch_size])
        return heard

    def _recognise_batch(self, windows: Sequence[Samples]) -> list[Recognised]:
        features = np.stack([self._features(window) for window in windows])
        encoded = self.model.encode(features)
        tokens = self.model.get_prompt(self.tokenizer, [], without_timestamps=True)
        results = self.model.model.generate(
            encoded,
            [tokens] * len(windows),
            beam_size=self.beam_size,
            max_length=self.model.max_length,
            suppress_blank=True,
            suppress_tokens=list(self.suppressed),
            return_no_speech_prob=True,
        )
        texts = [
            [token for token in result.sequences_ids[0] if token < self.tokenizer.eot]
            for result in results
        ]
        frames = [len(window) // (SAMPLE_RATE // 100) for window in windows]
        aligned = self.model.find_alignment(self.tokenizer, texts, encoded, frames)
        return [
            Recognised(
                words=tuple(
                    Word(w["word"], float(w["start"]), float(w["end"]), float(w["probability"]))
                    for w in words
                ),
                no_speech_probability=float(result.no_speech_prob),
            )
            for words, result in zip(aligned, results, strict=True)
        ]

    def _features(self, window: Samples) -> Samples:
        mel = self.model.feature_extractor(window)[..., :_FRAMES]
        padded = np.zeros((mel.shape[0], _FRAMES), dtype=np.float32)
        padded[:, : mel.shape[1]] = mel
        return padded


def load(
    weights: Weights,
    *,
    device: str = "auto",
    threads: int = 0,
    beam_size: int = 5,
    batch_size: int = 8,
    compute_type: str = "default",
) -> CTranslate2Whisper:
    """Load a model into memory.

    Args:
        weights: where the model lies, or the name to download.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads; 0 leaves the choice to CTranslate2.
        beam_size: hypotheses kept while decoding; 1 is greedy.
        batch_size: windows decoded together.
        compute_type: CTranslate2's; ``default`` is int8 on a CPU and float16 on a GPU.

    Raises:
        WeightsNotFound: the model cannot be read or downloaded.
    """
    from ctranslate2 import get_cuda_device_count
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import get_suppressed_tokens

    if device == "auto":
        device = "cuda" if get_cuda_device_count() else "cpu"
    if compute_type == "default":
        compute_type = "float16" if device == "cuda" else "int8"
    try:
        model = WhisperModel(
            str(weights.path or weights.name),
            device=device,
            compute_type=compute_type,
            cpu_threads=threads,
        )
    except Exception as error:  # hub, file system and CTranslate2 each raise their own
        raise not_found(weights.name, error) from error
    tokenizer = Tokenizer(model.hf_tokenizer, True, task="transcribe", language="zh")
    return CTranslate2Whisper(
        model=model,
        tokenizer=tokenizer,
        suppressed=tuple(get_suppressed_tokens(tokenizer, [-1])),
        origin=Origin(None, "faster-whisper", weights.name, weights.sha256),
        beam_size=beam_size,
        batch_size=batch_size,
    )
