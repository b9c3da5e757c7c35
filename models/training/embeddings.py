"""Learns how voice prints vary within one voice: ``python -m models.training.embeddings``.

Within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006): prints of the
two-channel sample calls, one class for each channel of a call, give the mean print and the
covariance within a voice; its inverse square root makes what tells voices apart stand out of what
one voice does from word to word on a telephone line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audit.ports import SpeakerEmbedder
from audit.transcription import activity, decoding, diarization
from models.voice import embeddings, vad

_SAMPLES = Path("data_samples/calls")
_RIDGE = 1.0  # of the mean eigenvalue, so that directions hardly seen are not blown up
_LEAST = 20  # prints of a voice


def main() -> None:
    """Write the artifact from the sample calls."""
    options = diarization.DiarisationOptions()
    raw = SpeakerEmbedder(embeddings.frames, embeddings.embed_raw)
    voices = []
    for path in sorted(_SAMPLES.rglob("S*.*")):
        try:
            call = decoding.decode(path)
        except Exception as error:
            print(f"left out {path.name}: {error}")
            continue
        if len(call.samples) != 2:
            continue
        regions = activity.speech_regions(call, detector=vad.speech_probabilities)
        for channel in (0, 1):
            own = decoding.Audio(call.samples[channel : channel + 1], call.damaged)
            _, prints = diarization.prints(own, regions[channel], embedder=raw, options=options)
            if len(prints) > _LEAST:
                voices.append(prints.astype(np.float64))
    everything = np.concatenate(voices)
    centred = np.concatenate([prints - prints.mean(axis=0) for prints in voices])
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    scale = 1 / np.sqrt(values + _RIDGE * values.mean())
    np.savez_compressed(
        embeddings.NORMALISATION,
        mean=everything.mean(axis=0).astype(np.float32),
        transform=((vectors * scale) @ vectors.T).astype(np.float32),
    )
    print(f"{embeddings.NORMALISATION}: {len(voices)} voices, {len(everything)} prints")


if __name__ == "__main__":
    main()
