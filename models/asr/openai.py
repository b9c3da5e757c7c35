"""Whisper by OpenAI's own package (PyTorch): the reference engine."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from audit.ports import WORDS_MEASURED, Abilities, WindowResult
from audit.types import Origin, Samples, Word
from models.asr import batching
from models.asr.weights import Weights, not_found, whisper_state_dict


@dataclass(frozen=True, slots=True)
class OpenAIWhisper:
    """A loaded openai-whisper model; create it with :func:`load`."""

    model: Any
    tokenizer: Any
    origin: Origin
    beam_size: int
    batch_size: int
    abilities: Abilities = WORDS_MEASURED

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        """Transcribe windows of at most 30 s; see :class:`audit.ports.AsrEngine`."""
        transcribe_batch = partial(self._transcribe_batch, repetition_penalty=repetition_penalty)
        return batching.transcribe(windows, transcribe_batch, size=self.batch_size)

    def _transcribe_batch(
        self, windows: Sequence[Samples], *, repetition_penalty: float
    ) -> list[WindowResult]:
        import torch
        from whisper.audio import HOP_LENGTH, log_mel_spectrogram, pad_or_trim
        from whisper.decoding import DecodingOptions
        from whisper.timing import find_alignment

        n_mels, samples = self.model.dims.n_mels, batching.frames(windows[0]) * HOP_LENGTH
        mels = torch.stack(
            [
                log_mel_spectrogram(pad_or_trim(np.asarray(window), samples), n_mels)
                for window in windows
            ]
        ).to(self.model.device)
        options = DecodingOptions(
            language="zh",
            beam_size=self.beam_size if self.beam_size > 1 else None,
            without_timestamps=True,
            fp16=self.model.device.type == "cuda",
        )
        found = []
        results = _decode(self.model, mels, options, repetition_penalty=repetition_penalty)
        for window, result in zip(windows, results, strict=True):
            tokens = [token for token in result.tokens if token < self.tokenizer.eot]
            frames = len(window) // HOP_LENGTH
            read = _Read(self.model)
            words = tuple(
                Word(w.word, float(w.start), float(w.end), float(w.probability))
                for w in find_alignment(read, self.tokenizer, tokens, result.audio_features, frames)
            )
            asked = batching.asks_language(words)
            language = self._language(result.audio_features) if asked else None
            found.append(WindowResult(words, language))
        return found

    def _language(self, encoded: Any) -> float:
        """The probability that a window is in the expected language."""
        import torch

        start = torch.tensor([[self.tokenizer.sot]], device=encoded.device)
        with torch.no_grad():
            scores = self.model.decoder(start, encoded[None, : batching.LANGUAGE_FRAMES])[0, 0]
        known = list(self.tokenizer.all_language_tokens)
        among = scores[known].float().softmax(dim=-1)
        return float(among[known.index(self.tokenizer.language_token)])


@dataclass(frozen=True, slots=True)
class _Read:
    """A model that takes encoded audio where the original takes audio."""

    model: Any

    def __call__(self, encoded: Any, tokens: Any) -> Any:
        return self.model.decoder(tokens, encoded)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def _decode(model: Any, mels: Any, options: Any, *, repetition_penalty: float) -> Any:
    """``whisper.decode``, for beams of several windows as well.

    openai-whisper counts its audio once per beam after decoding and once per window during it,
    which is the same only for one window.
    """
    from whisper.decoding import DecodingTask

    class Task(DecodingTask):  # type: ignore[misc]
        def _get_audio_features(self, mel: Any) -> Any:
            return super()._get_audio_features(mel).repeat_interleave(self.n_group, dim=0)

        def _detect_language(self, audio_features: Any, tokens: Any) -> Any:
            return super()._detect_language(audio_features[:: self.n_group], tokens)

        def _main_loop(self, audio_features: Any, tokens: Any) -> Any:
            return super()._main_loop(audio_features[:: self.n_group].contiguous(), tokens)

    task = Task(model, options)
    if repetition_penalty != 1.0:
        task.logit_filters.append(_RepetitionPenalty(repetition_penalty, task.sample_begin))
    return task.run(mels)


@dataclass(frozen=True, slots=True)
class _RepetitionPenalty:
    """CTranslate2's logit filter: tokens that were decoded before become less likely."""

    penalty: float
    begin: int

    def apply(self, logits: Any, tokens: Any) -> None:
        import torch

        written = tokens[:, self.begin :]
        scores = logits.gather(1, written)
        divided = torch.where(scores < 0, scores * self.penalty, scores / self.penalty)
        logits.scatter_(1, written, divided)


def load(
    weights: Weights,
    *,
    device: str = "auto",
    threads: int = 0,
    beam_size: int = 5,
    batch_size: int = 8,
) -> OpenAIWhisper:
    """Load a model into memory; arguments as for :func:`models.asr.ctranslate2.load`.

    Weights in CTranslate2's format are converted in memory.

    Raises:
        WeightsNotFound: the model cannot be read or downloaded.
    """
    # Read when torch starts: threads that spin while they wait starve each other on a busy
    # machine, and decoding, a chain of thousands of small steps, takes five times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    import whisper
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if threads:
        torch.set_num_threads(threads)
    sha256 = weights.sha256
    if weights.path is not None and weights.path.is_dir():
        try:
            dimensions, state = whisper_state_dict(weights.path)
        except (struct.error, ValueError, LookupError) as error:
            raise not_found(weights.name, error) from error
        model = Whisper(ModelDimensions(**dimensions))
        model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        model = model.to(device).eval()
        whisper_alignment_heads(model, weights.name)
    else:
        try:
            model = whisper.load_model(str(weights.path or weights.name), device=device)
        except Exception as error:  # urllib, torch and whisper each raise their own
            raise not_found(weights.name, error) from error
    _read_short_windows(model.encoder)
    for block in model.decoder.blocks:
        _share_audio(block.cross_attn)
    tokenizer = get_tokenizer(
        model.is_multilingual,
        num_languages=model.num_languages,
        language="zh",
        task="transcribe",
    )
    return OpenAIWhisper(
        model=model,
        tokenizer=tokenizer,
        origin=Origin(None, "openai-whisper", weights.name, sha256),
        beam_size=beam_size,
        batch_size=batch_size,
    )


def _read_short_windows(encoder: Any) -> None:
    """Let the encoder read windows that are not padded to 30 s; see :mod:`models.asr.batching`."""
    positions, plain = encoder.positional_embedding, encoder.forward

    def forward(mel: Any) -> Any:
        encoder.positional_embedding = positions[: mel.shape[-1] // 2]
        return plain(mel)

    encoder.forward = forward


def _share_audio(attention: Any) -> None:
    """Let the beams of a window read its audio once, as several queries of one row.

    openai-whisper repeats keys and values for every beam, so each step reads 1500 frames once per
    beam, which takes most of the time of beam search on a CPU.
    """
    plain = attention.qkv_attention

    def shared(query: Any, key: Any, value: Any, mask: Any = None) -> tuple[Any, Any]:
        if len(query) == len(key):
            return plain(query, key, value, mask)  # type: ignore[no-any-return]
        rows = query.reshape(len(key), -1, query.shape[-1])
        attended, weights = plain(rows, key, value, mask)
        return attended.reshape(query.shape), weights

    attention.qkv_attention = shared


def whisper_alignment_heads(model: Any, name: str) -> None:
    """Mark the attention heads that align words, where openai-whisper knows them by name."""
    from whisper import _ALIGNMENT_HEADS

    if name in _ALIGNMENT_HEADS:
        model.set_alignment_heads(_ALIGNMENT_HEADS[name])
