"""Whisper by OpenAI's own package (PyTorch): the reference engine."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.types import SAMPLE_RATE, Origin, Recognised, Samples, Word
from models.weights import Weights, not_found, whisper_state_dict


@dataclass(frozen=True, slots=True)
class OpenAIWhisper:
    """A loaded openai-whisper model; create it with :func:`load`."""

    model: Any
    tokenizer: Any
    origin: Origin
    beam_size: int
    batch_size: int

    def recognise(self, windows: Sequence[Samples]) -> list[Recognised]:
        """Recognise windows of at most 30 s; see :class:`audit.types.Recogniser`."""
        heard: list[Recognised] = []
        # openai-whisper keeps beams of one window only: of several it mixes up the audio
        step = self.batch_size if self.beam_size == 1 else 1
        for first in range(0, len(windows), step):
            heard += self._recognise_batch(windows[first : first + step])
        return heard

    def _recognise_batch(self, windows: Sequence[Samples]) -> list[Recognised]:
        import torch
        from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim
        from whisper.decoding import DecodingOptions, decode
        from whisper.timing import find_alignment

        n_mels = self.model.dims.n_mels
        mels = torch.stack(
            [
                log_mel_spectrogram(pad_or_trim(np.asarray(window), N_SAMPLES), n_mels)
                for window in windows
            ]
        ).to(self.model.device)
        options = DecodingOptions(
            language="zh",
            beam_size=self.beam_size if self.beam_size > 1 else None,
            without_timestamps=True,
            fp16=self.model.device.type == "cuda",
        )
        results = decode(self.model, mels, options)
        heard = []
        for window, mel, result in zip(windows, mels, results, strict=True):
            tokens = [token for token in result.tokens if token < self.tokenizer.eot]
            frames = len(window) // (SAMPLE_RATE // 100)
            words = find_alignment(self.model, self.tokenizer, tokens, mel, frames)
            heard.append(
                Recognised(
                    words=tuple(
                        Word(w.word, float(w.start), float(w.end), float(w.probability))
                        for w in words
                    ),
                    no_speech_probability=float(result.no_speech_prob),
                )
            )
        return heard


def load(
    weights: Weights,
    *,
    device: str = "auto",
    threads: int = 0,
    beam_size: int = 5,
    batch_size: int = 8,
) -> OpenAIWhisper:
    """Load a model into memory; arguments as for :func:`models.whisper_ctranslate2.load`.

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


def _share_audio(attention: Any) -> None:
    """Let the beams of a window read its audio once, as so many queries of one row.

    openai-whisper spreads keys and values over the beams, so that each step reads 1500 frames
    once a beam: of beam search on a CPU, that is most of the time.
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
