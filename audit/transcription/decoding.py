"""The single entry point for audio: any container and codec to 16 kHz channels.

Decoding is PyAV's (FFmpeg's libraries inside the wheel). Samples are kept as int16, half the
size of float32, so that a two-hour stereo call stays under 500 MB; they become float32 where a
model asks for a stretch of one channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audit.errors import RejectedRecording, RejectReason
from audit.raw_forms import RawForm
from audit.reasons import Reason
from audit.transcription import media
from audit.transcription.levels import SILENCE_PEAK
from audit.transcription.media import Lengths, Opened
from audit.types import SAMPLE_RATE, Samples, Span

_STATES_LENGTH = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "asf")
"""Containers that state their length, where FFmpeg guesses for others."""
_MISSING_MIN_S, _MISSING_MIN_SHARE = 1.0, 0.02
"""Seconds, and share of the whole, from which a missing part of a recording is reported."""

_TAGGED_FORMATS = ("mp3", "aac")
"""Streams without a container, in which FFmpeg takes tags that it does not know for packets."""
_TAG_MARKS = (b"TAG", b"ID3", b"3DI", b"LYRICS")

_DC_OFFSET_MIN = 64  # of 32768 (-54 dB): smaller ones do no harm
_RESAMPLE_SAMPLES = 16_384
"""Samples that are resampled at a time."""
_GSM_FRAME_BYTES = 33  # bytes


@dataclass(frozen=True, slots=True)
class Audio:
    """A decoded recording.

    Attributes:
        samples: int16, shape ``[channels, samples]`` at 16 kHz.
        damaged: some packets could not be decoded and were left out.
        lengths: where they differ between header and file.
        doubts: what is uncertain about a call that was joined from several files.
    """

    samples: NDArray[np.int16]
    damaged: bool = False
    lengths: Lengths | None = None
    doubts: tuple[Reason, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / SAMPLE_RATE)

    @property
    def is_stereo(self) -> bool:
        """Whether it has two channels."""
        return len(self.samples) == 2

    def channel(self, index: int, *, span: Span | None = None) -> Samples:
        """One channel, or a stretch of it, as float32 in -1 to 1."""
        part = self.samples[index]
        if span is not None:
            part = part[max(0, round(span.start_s * SAMPLE_RATE)) : round(span.end_s * SAMPLE_RATE)]
        scaled: Samples = part.astype(np.float32) / np.float32(32768)
        return scaled


def decode(
    path: Path,
    *,
    min_duration_s: float = 1.0,
    max_duration_s: float = 6 * 3600,
    raw_form: RawForm | None = None,
) -> Audio:
    """Decode a local file.

    Args:
        path: the recording.
        min_duration_s: seconds that it has at least.
        max_duration_s: seconds that it has at most.
        raw_form: how it is read if it has no header.

    Raises:
        RejectedRecording: with the reason ``missing_file``, ``empty``, ``undecodable``,
            ``no_audio``, ``too_short`` or ``too_large``.
    """
    try:
        size = path.stat().st_size
        path.open("rb").close()
    except FileNotFoundError as error:
        raise RejectedRecording(RejectReason.MISSING_FILE, f"{path.name} does not exist") from error
    except OSError as error:
        raise RejectedRecording(
            RejectReason.UNDECODABLE,
            f"{path.name} cannot be read ({error.strerror}); see to its disk",
        ) from error
    if size == 0:
        raise RejectedRecording(RejectReason.EMPTY, f"{path.name} has no bytes; record it again")
    import av

    try:
        with media.opened(path, raw_form=raw_form) as opened:
            audio = _decode_stream(opened, path.name, max_duration_s)
    except media.WrongForm as error:
        raise RejectedRecording(RejectReason.UNDECODABLE, f"{path.name} {error}") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        remedy = (
            "it is incomplete or damaged: copy it again, or record or export it again"
            if media.is_container(path)
            else "if it has no header, say in audio.headerless how it is written"
        )
        raise RejectedRecording(
            RejectReason.UNDECODABLE,
            f"{path.name} is no audio file that FFmpeg can open ({_cause(error)}); {remedy}",
        ) from error
    if max(audio.samples.max(), -int(audio.samples.min())) <= SILENCE_PEAK:
        raise RejectedRecording(
            RejectReason.NO_AUDIO, f"{path.name} holds digital silence only; check the recorder"
        )
    if audio.duration_s < min_duration_s:
        raise RejectedRecording(
            RejectReason.TOO_SHORT,
            f"{path.name} is {audio.duration_s:.2f} s long, less than {min_duration_s:g} s; "
            "lower limits.min_duration_s if such calls are to be audited",
        )
    return audio


def _decode_stream(opened: Opened, name: str, max_duration_s: float) -> Audio:
    import av

    container = opened.container
    if not container.streams.audio:
        raise RejectedRecording(
            RejectReason.NO_AUDIO, f"{name} has no audio stream; export it with its sound"
        )
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise RejectedRecording(
            RejectReason.UNDECODABLE,
            f"{name} is in a codec that FFmpeg does not know; convert it to WAV",
        )
    stream.thread_type = "NONE"
    if container.format.name == "gsm" and not _is_gsm(opened.file):
        raise RejectedRecording(RejectReason.UNDECODABLE, f"{name} is no GSM 06.10 recording")
    blocks: list[NDArray[np.int16]] = []
    length, whole, damaged = 0, 0, 0
    try:
        for block, frames in resampled(container, stream):
            if block is None:
                damaged += 1
                continue
            whole += frames
            length += block.shape[1]
            if length > max_duration_s * SAMPLE_RATE:
                raise RejectedRecording(
                    RejectReason.TOO_LARGE,
                    f"{name} is longer than {max_duration_s / 3600:.3g} h; cut it or raise "
                    "limits.max_duration_s",
                )
            blocks.append(block)
    except (av.FFmpegError, ValueError) as error:
        if not blocks:
            raise RejectedRecording(
                RejectReason.UNDECODABLE, f"{name} cannot be decoded ({_cause(error)})"
            ) from error
        damaged += 1
    known = bool(stream.rate)
    if damaged > whole:  # FFmpeg finds a few frames of MP3 or AAC in any bytes
        raise RejectedRecording(
            RejectReason.UNDECODABLE,
            f"{name} is no recording, or damaged for the most part; copy it again",
        )
    if not blocks:
        reason = RejectReason.NO_AUDIO if known else RejectReason.UNDECODABLE
        raise RejectedRecording(reason, f"{name} yields no audio when decoded; copy it again")
    samples = _joined(blocks, length)
    for channel in samples:
        _centre(channel)
    return Audio(samples, damaged > 0, _lengths(opened, stream, length / SAMPLE_RATE))


def _lengths(opened: Opened, stream: Any, decoded_s: float) -> Lengths | None:
    """The lengths by header and file, measured by what was decoded, where they differ."""
    lengths, container = opened.lengths, opened.container
    if lengths is not None:  # bytes a second are wrong in many headers of ADPCM
        scale = decoded_s / (lengths.file_s if lengths.to_end else lengths.header_s)
        header_s, file_s = lengths.header_s * scale, lengths.file_s * scale
        return replace(lengths, header_s=header_s, file_s=file_s)
    stream_s = stream.duration and float(stream.duration * stream.time_base)
    others = len(container.streams) > 1 and not stream_s  # pictures and films have lengths too
    if container.format.name not in _STATES_LENGTH or others:
        return None
    whole = container.duration or 0
    if container.format.name == "matroska,webm":  # counts from 0, where the sound may begin late
        whole -= container.start_time or 0
    header_s = stream_s or whole / 1_000_000
    if header_s - decoded_s <= max(_MISSING_MIN_S, _MISSING_MIN_SHARE * header_s):
        return None
    return Lengths(header_s, decoded_s)


def resampled(
    container: Any, stream: Any, *, layout: Any = None
) -> Iterator[tuple[NDArray[np.int16] | None, int]]:
    """Decoded blocks of shape ``[channels, samples]``, and of how many frames each was made.

    Args:
        container: PyAV's.
        stream: the one of its streams that is decoded.
        layout: of the channels; where absent, that which the stream begins with.

    A damaged packet yields None; tags before and after the sound are not
    packets. Rate and layout may change within a stream
    (concatenated files, damaged headers); what comes after is brought to the same channels.
    Frames of a few milliseconds are resampled many at a time: each by itself takes three times as
    long.
    """
    import av

    resampler: Any = None
    setup: tuple[object, ...] = ()
    waiting, frames = av.AudioFifo(), 0
    refused: list[bytes] = []
    tagged = container.format.name in _TAGGED_FORMATS
    try:
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                if tagged and not _is_frame(bytes(packet)):
                    refused.append(bytes(packet))
                else:
                    yield None, 0
                continue
            if decoded and refused:
                if setup or not _is_tag(refused):
                    yield from ((None, 0) for _ in refused)
                refused = []
            for frame in decoded:
                described = (frame.format.name, frame.layout.name, frame.sample_rate)
                if described != setup:
                    if resampler is not None:
                        yield from _blocks(resampler, waiting, frames, last=True)
                    layout = layout or frame.layout
                    resampler = av.AudioResampler(format="s16p", layout=layout, rate=SAMPLE_RATE)
                    setup, waiting, frames = described, av.AudioFifo(), 0
                frame.pts = None  # what is damaged leaves no gap
                waiting.write(frame)
                frames += 1
                if waiting.samples >= _RESAMPLE_SAMPLES:
                    yield from _blocks(resampler, waiting, frames)
                    frames = 0
    except (av.FFmpegError, ValueError):  # a file that breaks off: what came before it counts
        if waiting.samples:
            yield from _blocks(resampler, waiting, frames)
        raise
    if not _is_tag(refused):
        yield from ((None, 0) for _ in refused)
    if resampler is not None:
        yield from _blocks(resampler, waiting, frames, last=True)


def _is_frame(packet: bytes) -> bool:
    """Whether a packet of MPEG audio begins as a frame does."""
    return len(packet) > 1 and packet[0] == 0xFF and packet[1] >= 0xE0


def _is_tag(refused: list[bytes]) -> bool:
    """Whether what no decoder takes bears the mark of a tag, which zeros and lost sound do not."""
    together = b"".join(refused)
    return any(mark in together for mark in _TAG_MARKS)


def _blocks(
    resampler: Any, waiting: Any, frames: int, *, last: bool = False
) -> Iterator[tuple[NDArray[np.int16], int]]:
    """What the resampler makes of all that waits; of what it has kept too, if it is the last."""
    read = waiting.read()
    made = resampler.resample(read) if read is not None else []
    for frame in [*made, *(resampler.resample(None) if last else [])]:
        yield frame.to_ndarray(), frames
        frames = 0


def _is_gsm(file: BinaryIO) -> bool:
    """Whether every frame among the first bears GSM's signature (FFmpeg goes by the name only)."""
    position = file.tell()
    file.seek(0)
    head = file.read(_GSM_FRAME_BYTES * 50)
    file.seek(position)
    return all(first >> 4 == 0xD for first in head[::_GSM_FRAME_BYTES])


def _centre(channel: NDArray[np.int16]) -> None:
    """Take a constant offset off a channel, in place: it hides speech from level measurements."""
    offset = round(float(channel.mean()))
    if abs(offset) > _DC_OFFSET_MIN:
        np.clip(channel, max(-32768, offset - 32768), min(32767, offset + 32767), out=channel)
        np.subtract(channel, np.int16(offset), out=channel)


def _joined(blocks: list[NDArray[np.int16]], length: int) -> NDArray[np.int16]:
    """Concatenate without holding the audio twice: blocks are freed as they are copied."""
    joined = np.empty((blocks[0].shape[0], length), dtype=np.int16)
    position = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        joined[:, position : position + block.shape[1]] = block
        position += block.shape[1]
    return joined


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
