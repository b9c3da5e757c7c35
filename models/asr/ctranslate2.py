"""Whisper by CTranslate2 (faster-whisper): the fast engine on CPUs and NVIDIA GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from audit.ports import WORDS_MEASURED, Abilities, WindowResult
from audit.types import SAMPLE_RATE, Origin, Samples, Word
from models.asr import batching
from models.asr.cores import cores
from models.asr.weights import Weights, not_found


@dataclass(frozen=True, slots=True)
class CTranslate2Whisper:
    """A loaded faster-whisper model; create it with :func:`load`."""

    model: Any
    tokenizer: Any
    suppressed: tuple[int, ...]
    origin: Origin
    beam_size: int
    batch_size: int
    threads: int
    """Batches at a time, each on its own core."""
    abilities: Abilities = WORDS_MEASURED

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        """Transcribe windows of at most 30 s; see :class:`audit.ports.AsrEngine`."""
        return batching.transcribe(
            windows,
            partial(self._transcribe_batch, repetition_penalty=repetition_penalty),
            size=self.batch_size,
            at_once=self.threads,
        )

    def _transcribe_batch(
        self, windows: Sequence[Samples], *, repetition_penalty: float
    ) -> list[WindowResult]:
        frames = batching.frames(windows[0])
        features = np.stack([self._features(window, frames) for window in windows])
        encoded = self.model.encode(features)
        tokens = self.model.get_prompt(self.tokenizer, [], without_timestamps=True)
        results = self.model.model.generate(
            encoded,
            [tokens] * len(windows),
            beam_size=self.beam_size,
            max_length=self.model.max_length,
            repetition_penalty=repetition_penalty,
            suppress_blank=True,
            suppress_tokens=list(self.suppressed),
        )
        texts = [
            [token for token in result.sequences_ids[0] if token < self.tokenizer.eot]
            for result in results
        ]
        lengths = [len(window) // (SAMPLE_RATE // 100) for window in windows]
        aligned = self.model.find_alignment(self.tokenizer, texts, encoded, lengths)
        said = [
            tuple(
                Word(w["word"], float(w["start"]), float(w["end"]), float(w["probability"]))
                for w in words
            )
            for words in aligned
        ]
        languages = (
            self._languages(encoded)
            if any(map(batching.asks_language, said))
            else [None] * len(windows)
        )
        return [
            WindowResult(words, language) for words, language in zip(said, languages, strict=True)
        ]

    def _languages(self, encoded: Any) -> list[float]:
        """For each window the probability that it is in the expected language."""
        from ctranslate2 import StorageView

        if encoded.device == "cpu":  # a third of the frames costs a third
            part = np.asarray(encoded)[:, : batching.LANGUAGE_FRAMES]
            encoded = StorageView.from_array(np.ascontiguousarray(part))
        wanted = f"<|{self.tokenizer.language_code}|>"
        return [dict(languages)[wanted] for languages in self.model.model.detect_language(encoded)]

    def _features(self, window: Samples, frames: int) -> Samples:
        mel = self.model.feature_extractor(window)[..., :frames]
        padded = np.zeros((mel.shape[0], frames), dtype=np.float32)
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
        weights: where the model is, or the name to download.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: batches transcribed at the same time, each on one core; 0 for one per core. (Two
            cores that share a batch wait for each other; with a batch each they take half the
            time, docs/performance.md.)
        beam_size: hypotheses kept while decoding; 1 is greedy.
        batch_size: windows per batch.
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
    if device == "cuda":
        threads = 1
    elif threads == 0:
        threads = cores()
    if compute_type == "default":
        compute_type = "float16" if device == "cuda" else "int8"
    try:
        model = WhisperModel(
            str(weights.path or weights.name),
            device=device,
            compute_type=compute_type,
            cpu_threads=1,
            num_workers=threads,
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
        threads=threads,
    )
