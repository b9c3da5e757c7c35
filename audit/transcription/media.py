"""How a recording is given to FFmpeg: the one list of containers, and what headers get wrong.

Tags are never read, whatever their encoding. A file without a header gets one from its
:class:`audit.raw_forms.RawForm`; a WAV or an AIFF whose header says less than the file holds gets
a right one, where the rest is sound. Files on disk stay what they are: the header is another one in
memory.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audit.raw_forms import Encoding, RawForm
from audit.transcription import wav_header

_FORMATS = (
    "wav,w64,rf64,aiff,au,mp3,ogg,flac,mov,mp4,m4a,3gp,3g2,mj2,amr,amrnb,amrwb,matroska,webm,"
    "avi,asf,mpegts,mpeg,flv,aac,caf,gsm,ac3"
)
"""Containers that are opened. Playlists and scripts, which make FFmpeg open other files or
addresses, are not among them."""

RAW_FORMS = {
    **dict.fromkeys((".ulaw", ".ul", ".mulaw", ".pcmu"), RawForm("mulaw", 8_000)),
    **dict.fromkeys((".alaw", ".al", ".pcma"), RawForm("alaw", 8_000)),
    **dict.fromkeys((".sln", ".sln8", ".slin"), RawForm("s16le", 8_000)),
    **{f".sln{k}": RawForm("s16le", k * 1_000) for k in (12, 16, 24, 32, 48, 96, 192)},
    ".sln44": RawForm("s16le", 44_100),
    ".g722": RawForm("g722", 16_000),
    ".g729": RawForm("g729", 8_000),
}
"""Endings of files without a header whose form is the same wherever they are written (Asterisk)."""
AMBIGUOUS_SUFFIXES = frozenset({".raw", ".pcm", ".vox", ".v3"})
"""Endings of files without a header that are written in several forms."""

_MAGIC = (
    *(b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b".snd", b"caff", b"OggS", b"fLaC"),
    *(b"#!AMR", b"ID3", b"\x1aE\xdf\xa3", b"0&\xb2u"),
)
"""How containers begin; a file that begins so has a header, whatever its name."""

_CONTAINERS = frozenset(
    {".m4a", ".mp4", ".mov", ".3gp", ".webm", ".mka", ".mkv", ".ogg", ".opus", ".flac", ".wma"}
)
"""Endings of files that cannot be read without their header."""

_WAVE_FORMS: dict[Encoding, tuple[int, int, int]] = {
    "mulaw": (0x07, 8, 1),
    "alaw": (0x06, 8, 1),
    "s16le": (0x01, 16, 2),
    "u8": (0x01, 8, 1),
    "vox": (0x17, 4, 1),
    "g722": (0x28F, 4, 1),
    "g729": (0x83, 0, 10),
}
"""WAVE format tag, bits of a sample, bytes that belong together in one channel."""
_G729_BYTES_PER_S = 1_000

_LENGTH_TOLERANCE_S = 1.0
"""Smaller differences between the lengths by header and by file are ignored."""

_NOISE_TEST_S = 60
"""Seconds of a file that are tested for being noise."""
_LOUD_POWER = 1e-4
"""Power (-40 dB) below which a second is not tested."""
_SOUND_CORRELATION_MIN = 0.6
"""Correlation of neighbouring samples. In sample calls that are read as they were written its
median over seconds is 0.82 and more; read as another of mulaw, alaw, s16le, s16be and u8, at most
0.53; in random bytes 0."""


class WrongForm(ValueError):
    """The form of a file without a header is not configured, or wrongly; says what to set."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds of sound by the header, and by the bytes that the file holds.

    ``to_end`` is False where what the header leaves out does not seem to be sound and is left out.
    """

    header_s: float
    file_s: float
    to_end: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """A container that FFmpeg has opened.

    Attributes:
        container: PyAV's.
        file: the bytes that it reads.
        lengths: where they differ between header and file.
        as_it_is: it is read with the header that it has, which fits.
    """

    container: Any
    file: Any
    lengths: Lengths | None = None
    as_it_is: bool = True


@contextmanager
def opened(path: Path, *, raw_form: RawForm | None = None) -> Iterator[Opened]:
    """Open a local recording.

    Args:
        path: the recording.
        raw_form: how it is read if it has no header.

    Raises:
        WrongForm: it has no header, and its form is not configured or wrong.
        av.FFmpegError, OSError, ValueError: it cannot be read or FFmpeg may not open it.
    """
    import av

    with path.open("rb") as file:
        if raw_form is None and path.suffix.lower() in AMBIGUOUS_SUFFIXES and not _has_header(file):
            raise WrongForm(
                "has no header; say in the configuration how it is written, such as "
                f"audio: {{headerless: {{{path.suffix.lower()}: {{encoding: vox, rate: 8000}}}}}}"
            )
        given = _given(file, path.stat().st_size, raw_form)
        with av.open(
            given.file,
            mode="r",
            format=given.format,
            options={"format_whitelist": _FORMATS},
            metadata_errors="ignore",
        ) as container:
            yield Opened(container, file, given.lengths, given.as_it_is)


def is_container(path: Path) -> bool:
    """Whether a file has a header, or should have one by its name."""
    with path.open("rb") as file:
        return path.suffix.lower() in _CONTAINERS or _has_header(file)


@dataclass(frozen=True, slots=True)
class _Given:
    """What FFmpeg gets to read; ``format`` is None where it finds out."""

    file: Any
    format: str | None = None
    lengths: Lengths | None = None
    as_it_is: bool = True


def _has_header(file: BinaryIO) -> bool:
    head = file.read(12)
    file.seek(0)
    return head.startswith(_MAGIC) or head[4:8] == b"ftyp"


def _given(file: BinaryIO, size: int, raw_form: RawForm | None) -> _Given:
    if raw_form is not None and not _has_header(file):
        return _raw(file, size, raw_form)
    header = wav_header.read(file)
    given = _Given(file) if header is None else _wave(file, header, size)
    if header is not None and given.file is file and not header.reaches_sound:
        headed = _Headed(file, header.open_ended(), header.data_at, size)
        given = replace(given, file=headed, format=header.format, as_it_is=False)
    given.file.seek(0)
    return given


def _raw(file: BinaryIO, size: int, form: RawForm) -> _Given:
    if form.encoding == "gsm":
        return _Given(file, "gsm", as_it_is=False)
    if form.encoding == "s16be":  # WAV has no tag for it, Sun's format has
        head = struct.pack(">4s5I", b".snd", 24, 0xFFFFFFFF, 3, form.rate, form.channels)
        given = _Given(_Headed(file, head, 0, size), "au", as_it_is=False)
    else:
        tag, bits, block = _WAVE_FORMS[form.encoding]
        head = wav_header.made(
            tag,
            channels=form.channels,
            rate=form.rate,
            bits=bits,
            block=block * form.channels,
            bytes_per_s=form.rate * form.channels * bits // 8 or _G729_BYTES_PER_S,
        )
        given = _Given(_Headed(file, head, 0, size), "wav", as_it_is=False)
    if not _resembles_sound(given.file, given.format):
        raise WrongForm(
            f"is noise when it is read as {form} (encoding, rate, channels); correct its form in "
            "audio.headerless"
        )
    given.file.seek(0)
    return given


def _wave(file: BinaryIO, header: wav_header.Header, size: int) -> _Given:
    """A WAV or an AIFF: as it is, or to the end of the sound that its header leaves out."""
    held = max(0, size - header.data_at)
    said = held if header.said is None else header.said
    fits = said <= held and said % header.block == 0  # else Chromium stops at the last sample
    if header.seconds(abs(held - said)) < _LENGTH_TOLERANCE_S:
        return _Given(file, as_it_is=fits)
    if said > held:
        lengths = Lengths(header.seconds(said), header.seconds(held))
        return _Given(file, lengths=lengths, as_it_is=False)
    if wav_header.followed_by_chunks(file, header, size):
        return _Given(file, as_it_is=fits)
    end = wav_header.sound_end(file, header, size)
    lengths = Lengths(header.seconds(said), header.seconds(end - header.data_at))
    if lengths.file_s - lengths.header_s < _LENGTH_TOLERANCE_S:
        return _Given(file, as_it_is=fits)
    head = header.open_ended()
    rest = header.data_at + said // header.block * header.block
    if not _resembles_sound(_Headed(file, head, rest, end), header.format):
        return _Given(file, lengths=replace(lengths, to_end=False), as_it_is=fits)
    headed = _Headed(file, head, header.data_at, end)
    return _Given(headed, header.format, lengths, as_it_is=False)


class _Headed:
    """A file with another header, read-only: what PyAV asks of a file."""

    def __init__(self, file: BinaryIO, head: bytes, start: int, end: int) -> None:
        """After the header come the file's bytes from ``start`` to ``end``."""
        self._file, self._head, self._start = file, head, start
        self._size = len(head) + end - start
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        last = self._size if size < 0 else min(self._size, self._at + size)
        found = self._head[self._at : last]
        if self._at + len(found) < last:
            self._file.seek(self._start + self._at + len(found) - len(self._head))
            found += self._file.read(last - self._at - len(found))
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _resembles_sound(file: Any, format: str | None) -> bool:
    """Whether the first minute of a file is more than noise, as far as it is loud enough to test.

    Bytes that are read in another form than they were written in are noise: neighbouring samples
    hardly correlate.
    """
    import av

    blocks: list[NDArray[Any]] = []
    decoded_s = 0.0
    with av.open(file, format=format, options={"format_whitelist": _FORMATS}) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp")
        for packet in container.demux(stream):
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    blocks += [part.to_ndarray() for part in resampler.resample(frame)]
                    decoded_s += frame.samples / frame.sample_rate
            if decoded_s >= _NOISE_TEST_S:
                break
        rate = stream.rate
    correlations = (
        _neighbour_correlations(np.concatenate(blocks, axis=1), rate) if blocks else np.zeros(0)
    )
    return not len(correlations) or float(np.median(correlations)) >= _SOUND_CORRELATION_MIN


def _neighbour_correlations(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Correlation of neighbouring samples, for every loud second of every channel."""
    seconds = sound[:, : sound.shape[1] // rate * rate].reshape(-1, rate)
    seconds = seconds - seconds.mean(axis=1, keepdims=True)
    power = (seconds**2).mean(axis=1)
    products = (seconds[:, 1:] * seconds[:, :-1]).mean(axis=1)
    loud = power > _LOUD_POWER
    correlations: NDArray[np.float32] = products[loud] / power[loud]
    return correlations
