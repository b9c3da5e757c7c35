"""Writes sample recordings in the forms that recorders leave them in, and reads them back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# codec: (encoder, sample format, bit rate)
_ENCODERS: Final = {
    "opus": ("libopus", "s16", 40_000),
    "mp3": ("libmp3lame", "s16p", 48_000),
    "amr": ("libopencore_amrnb", "s16", 12_200),
}
SUFFIXES: Final = {"opus": ".ogg", "mp3": ".mp3", "amr": ".amr"}
"""File ending for each coded form; every other form is a WAV."""

_PACKET: Final = 1_600


def write_mu_law(path: Path, audio: FloatArray, *, rate: int) -> None:
    """Write a mu-law WAV (ITU-T G.711).

    Args:
        path: File to write.
        audio: Shape (samples,) or (samples, channels), full scale 1.
        rate: Sampling rate in Hz.
    """
    import soundfile

    soundfile.write(path, audio, rate, format="WAV", subtype="ULAW")


def write_coded(path: Path, audio: FloatArray, *, rate: int, codec: str) -> None:
    """Write Opus in Ogg, MP3 or AMR-NB (with the encoders in PyAV's wheel).

    Args:
        path: File to write; its ending names the container.
        audio: Shape (samples, channels), full scale 1; AMR takes one channel only.
        rate: Sampling rate in Hz.
        codec: A key of :data:`SUFFIXES`.
    """
    import av

    encoder, sample_format, bit_rate = _ENCODERS[codec]
    channels = audio.shape[1]
    pcm = (np.clip(audio, -1, 1) * 32767).astype(np.int16)
    # Fixed flags keep time stamps and library versions out of the file: same input, same bytes.
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(encoder, rate=rate)
        stream.bit_rate = bit_rate
        stream.layout = "stereo" if channels == 2 else "mono"
        stream.format = sample_format
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for first in range(0, len(pcm), _PACKET):
            piece = pcm[first : first + _PACKET]
            planar = piece.T if sample_format.endswith("p") else piece.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(planar), format=sample_format, layout=stream.layout.name
            )
            frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_broken(path: Path, *, seed: int) -> None:
    """Write what a crashed recorder leaves: a WAV that ends inside its header, then rubbish."""
    rubbish = np.random.default_rng(seed).integers(0, 256, 2_000, dtype=np.uint8).tobytes()
    path.write_bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt \x12\x00\x00\x00\x00\x00\x00\x00" + rubbish)


def read_back(path: Path, *, rate: int) -> FloatArray:
    """Decode any of these files.

    Returns:
        Shape (samples, channels) at ``rate``.
    """
    import av

    parts: list[FloatArray] = []
    with av.open(str(path)) as container:
        stream: Any = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout=stream.layout.name, rate=rate)
        for frame in container.decode(stream):
            parts += [_samples(part) for part in resampler.resample(frame)]
        parts += [_samples(part) for part in resampler.resample(None)]
    return np.concatenate(parts, axis=1).T


def shift_s(before: FloatArray, after: FloatArray, *, rate: int, reach_s: float = 0.3) -> float:
    """How much later (in seconds) a coded and decoded recording runs than what was put in.

    Args:
        before: Mono samples that were encoded.
        after: Mono samples that came out.
        rate: Sampling rate of both in Hz.
        reach_s: Largest shift looked for.
    """
    reach = round(reach_s * rate)
    size = min(len(before), len(after))
    total = 2 ** (2 * size).bit_length()
    product = np.fft.rfft(after[:size], total) * np.conj(np.fft.rfft(before[:size], total))
    correlation = np.fft.irfft(product, total)
    lags = np.arange(-reach, reach + 1)
    return float(lags[int(np.argmax(correlation[lags]))] / rate)


def _samples(frame: Any) -> FloatArray:
    return np.asarray(frame.to_ndarray(), dtype=np.float32)
