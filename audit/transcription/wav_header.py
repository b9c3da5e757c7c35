"""Headers of WAV (RIFF, RIFX, RF64, Sony's W64) and AIFF: read by us where they may be wrong.

A recorder that dies leaves the sizes that it wrote first, and FFmpeg stops where they say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_UNKNOWN_SIZE = 0x7FFF_0000
"""Sizes of 32 bits from here on are what recorders write that cannot know the size yet."""
_OPEN = 0xFFFF_FFFF
_MAX_CHUNKS = 1_000
_TAGS = (
    *(b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"cue ", b"fact", b"JUNK"),
    *(b"NAME", b"AUTH", b"(c) ", b"ANNO", b"COMT", b"MARK", b"INST", b"MIDI", b"APPL"),
)
"""Chunks that are known to be no sound even where the file breaks off in them."""
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_BLOCK_BYTES = 1 << 16  # read at a time
_MAX_HEAD_BYTES = 1 << 20
"""Bytes before the sound of an AIFF up to which its header is rewritten."""
_AIFF_BLOCKS = {
    **dict.fromkeys((b"ulaw", b"ULAW", b"alaw", b"ALAW"), (1, 1)),
    b"ima4": (34, 64),
    b"GSM ": (33, 160),
}
"""Bytes of a block and samples in it, in one channel, of codecs whose bits COMM does not state."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a kind of WAV lays out its chunks."""

    id_bytes: int
    size: str
    """For ``struct``."""
    first: int
    """Where the first chunk begins."""
    align: int
    counts_head: bool = False
    """Sizes include the chunk's own head."""

    def chunks(self, file: BinaryIO, at: int) -> Iterator[tuple[bytes, int, int]]:
        """Name, where the content begins and where it ends, up to what is not a chunk."""
        head_bytes = self.id_bytes + struct.calcsize(self.size)
        for _ in range(_MAX_CHUNKS):
            file.seek(at)
            head = file.read(head_bytes)
            if len(head) < head_bytes or not all(0x20 <= byte < 0x7F for byte in head[:4]):
                return
            (size,) = struct.unpack(self.size, head[self.id_bytes :])
            end = at + size if self.counts_head else at + head_bytes + size
            if end < at + head_bytes:
                return
            yield head[:4], at + head_bytes, end
            at = -(-end // self.align) * self.align


_RIFF, _RIFX = _Layout(4, "<I", 12, 2), _Layout(4, ">I", 12, 2)
_SONY = _Layout(16, "<Q", 40, 8, counts_head=True)
_AIFF = _Layout(4, ">I", 12, 2)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a WAV or an AIFF says.

    Attributes:
        layout: of its chunks.
        data_at: where the sound begins.
        said: bytes of sound; None where the recorder left that open, as FFmpeg understands it.
        block: bytes that belong together.
        bytes_per_s: of sound.
        described: the codec, as the chunk ``fmt`` has it; of an AIFF all that precedes the sound.
        sound_at: where in ``described`` an AIFF says how much sound there is.
        reaches_sound: FFmpeg, which believes the size of the whole, comes to the sound.
    """

    layout: _Layout
    data_at: int
    said: int | None
    block: int
    bytes_per_s: int
    described: bytes
    sound_at: int | None = None
    reaches_sound: bool = True

    @property
    def format(self) -> str:
        """FFmpeg's name of the container."""
        return "wav" if self.sound_at is None else "aiff"

    def seconds(self, count: int) -> float:
        """Duration in seconds of a number of bytes of sound."""
        return count / self.bytes_per_s

    def open_ended(self) -> bytes:
        """A header of the same codec that leaves open how much sound there is."""
        if self.sound_at is not None:
            made = bytearray(self.described)
            for at in (4, self.sound_at):
                struct.pack_into(">I", made, at, _OPEN)
            return bytes(made)
        order = self.layout.size[0]
        magic = b"RIFX" if order == ">" else b"RIFF"
        head = struct.pack(f"{order}4sI4s4sI", magic, _OPEN, b"WAVE", b"fmt ", len(self.described))
        padding = b"\0" * (len(self.described) % 2)
        return head + self.described + padding + struct.pack(f"{order}4sI", b"data", _OPEN)


def made(tag: int, *, channels: int, rate: int, bits: int, block: int, bytes_per_s: int) -> bytes:
    """A header for sound that has none, which leaves open how much there is.

    Args:
        tag: WAVE format tag.
        channels: of the sound.
        rate: samples a second.
        bits: of a sample.
        block: bytes that belong together.
        bytes_per_s: of sound.
    """
    described = struct.pack("<2H2I3H", tag, channels, rate, bytes_per_s, block, bits, 0)
    return Header(_RIFF, 0, None, block, bytes_per_s, described).open_ended()


def read(file: BinaryIO) -> Header | None:
    """The header of a WAV or an AIFF; None for what is neither, or has no sound."""
    file.seek(0)
    head = file.read(16)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(file, int.from_bytes(head[4:8], "big"))
    layout = {b"RIFF": _RIFF, b"RF64": _RIFF, b"BW64": _RIFF, b"RIFX": _RIFX}.get(head[:4])
    if head == _W64:
        layout = _SONY
    elif layout is None or head[8:12] != b"WAVE":
        return None
    described = b""
    long_size: int | None = None
    for name, at, end in layout.chunks(file, layout.first):
        file.seek(at)
        if name == b"fmt ":
            described = file.read(min(end - at, _BLOCK_BYTES))
        elif name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"data":
            return _header(layout, described, at, end - at, long_size)
    return None


def _header(
    layout: _Layout, described: bytes, data_at: int, size: int, long_size: int | None
) -> Header | None:
    if len(described) < 16:
        return None
    fields = struct.unpack(f"{layout.size[0]}2H2I2H", described[:16])
    _, channels, rate, told_per_s, block, bits = fields
    bytes_per_s = told_per_s or rate * channels * bits // 8 or rate * block
    if not bytes_per_s:
        return None
    said: int | None = size
    if long_size is not None and size == _OPEN:
        said = long_size
    elif layout is not _SONY and (size == 0 or size >= _UNKNOWN_SIZE):
        said = None
    return Header(layout, data_at, said, block or 1, bytes_per_s, described)


def _aiff(file: BinaryIO, whole: int) -> Header | None:
    """The header of an AIFF that has its codec before its sound, as all but a few have it."""
    common = b""
    for name, at, end in _AIFF.chunks(file, _AIFF.first):
        file.seek(at)
        if name == b"COMM":
            common = file.read(min(end - at, _BLOCK_BYTES))
        elif name == b"SSND":
            data_at = at + 8 + int.from_bytes(file.read(4), "big")
            if len(common) < 18 or data_at > _MAX_HEAD_BYTES:
                return None
            return _aiff_header(file, common, at, data_at, end - at, whole)
    return None


def _aiff_header(
    file: BinaryIO, common: bytes, at: int, data_at: int, size: int, whole: int
) -> Header | None:
    channels, _, bits, exponent, mantissa = struct.unpack(">hIhHQ", common[:18])
    rate = mantissa * 2.0 ** ((exponent & 0x7FFF) - 16_446) if exponent < 0x4100 else 0
    one, samples = _AIFF_BLOCKS.get(common[18:22], ((bits + 7) // 8, 1))
    block = one * channels
    bytes_per_s = round(block * rate / samples)
    if block <= 0 or bytes_per_s <= 0:
        return None
    file.seek(0)
    said = None if size >= _UNKNOWN_SIZE else max(0, size - (data_at - at))
    reaches = 8 + whole >= at
    return Header(_AIFF, data_at, said, block, bytes_per_s, file.read(data_at), at - 4, reaches)


def followed_by_chunks(file: BinaryIO, header: Header, size: int) -> bool:
    """Whether all that comes after the sound, by its header, is chunks.

    Another recording, laid behind the first, is none of them.
    """
    end = header.data_at + (header.said or 0)
    align = header.layout.align
    starts = {end, -(-end // align) * align}  # some recorders leave the padding out
    return any(_are_chunks(file, header.layout, start, size) for start in starts)


def _are_chunks(file: BinaryIO, layout: _Layout, start: int, size: int) -> bool:
    end = start
    for name, _, end in layout.chunks(file, start):
        if name in (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM"):
            return False
        if end > size:
            return name in _TAGS
    return end > start and _filled(file, end, size) <= end + layout.align


def sound_end(file: BinaryIO, header: Header, size: int) -> int:
    """Where the bytes of sound end: zeros at the end are space that was never written to."""
    end = _filled(file, header.data_at, size)
    return min(size, header.data_at + -(-(end - header.data_at) // header.block) * header.block)


def _filled(file: BinaryIO, start: int, size: int) -> int:
    end = size
    while end > start:
        at = max(start, end - _BLOCK_BYTES)
        file.seek(at)
        written = file.read(end - at).rstrip(b"\0")
        if written:
            return at + len(written)
        end = at
    return min(start, size)
