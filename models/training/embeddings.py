"""Fits the normalization of speaker embeddings: ``python -m models.training.embeddings``.

Within-class covariance normalization (Hatch, Kajarekar and Stolcke 2006): embeddings of the
two-channel sample calls, one class for each channel of a call, give the mean and the covariance
within a speaker; its inverse square root weights what distinguishes speakers above what one voice
does from word to word on a telephone line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audit.ports import SpeakerEmbedder
from audit.transcription import activity, decoding, diarization
from audit.transcription.options import DiarizationOptions
from models.voice import embeddings as speaker_embeddings
from models.voice import vad

_SAMPLES = Path("data_samples/calls")
_RIDGE = 1.0  # relative to the mean eigenvalue, so that rare directions are not amplified
_MIN_WINDOWS = 20  # windows that a speaker must have


def main() -> None:
    """Write the artifact from the sample calls."""
    options = DiarizationOptions()
    raw = SpeakerEmbedder(speaker_embeddings.mel_spectrogram, speaker_embeddings.embed_raw)
    speakers = []
    for path in sorted(_SAMPLES.rglob("S*.*")):
        try:
            call = decoding.decode(path)
        except Exception as error:
            print(f"left out {path.name}: {error}")
            continue
        if len(call.samples) != 2:
            continue
        speech = activity.detect_speech(call, detector=vad.speech_probabilities)
        for channel in (0, 1):
            own = decoding.Audio(call.samples[channel : channel + 1], call.damaged)
            _, embeddings = diarization.embed_speech(
                own, speech[channel], embedder=raw, options=options
            )
            if len(embeddings) > _MIN_WINDOWS:
                speakers.append(embeddings.astype(np.float64))
    everything = np.concatenate(speakers)
    centred = np.concatenate([one - one.mean(axis=0) for one in speakers])
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    scale = 1 / np.sqrt(values + _RIDGE * values.mean())
    np.savez_compressed(
        speaker_embeddings.NORMALIZATION,
        mean=everything.mean(axis=0).astype(np.float32),
        transform=((vectors * scale) @ vectors.T).astype(np.float32),
    )
    counted = f"{len(speakers)} speakers, {len(everything)} embeddings"
    print(f"{speaker_embeddings.NORMALIZATION}: {counted}")


if __name__ == "__main__":
    main()
