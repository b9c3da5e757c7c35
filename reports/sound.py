"""How pages reach recordings: linked where a browser plays them, else as an Opus copy."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from reports.parquet import read
from reports.paths import audio_copy, call_page

_CONTAINERS = "wav,w64,rf64,aiff,au,mp3,ogg,flac,mov,mp4,m4a,3gp,3g2,mj2,amr,amrnb,amrwb,matroska,"
_CONTAINERS += "webm,avi,asf,mpegts,mpeg,flv,aac,caf,gsm,ac3"
"""What FFmpeg may open; playlists, which name other files or addresses, are left out."""
_WAV = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_mulaw", "pcm_alaw")
_PLAYABLE = {
    ".wav": _WAV,
    ".wave": _WAV,
    ".mp3": ("mp3", "mp3float"),
    ".ogg": ("opus", "libopus", "vorbis", "flac"),
    ".oga": ("opus", "libopus", "vorbis", "flac"),
    ".opus": ("opus", "libopus"),
    ".flac": ("flac",),
    ".m4a": ("aac",),
    ".mp4": ("aac",),
    ".aac": ("aac",),
    ".webm": ("opus", "libopus", "vorbis"),
}
"""Codecs that browsers play, by the file's suffix (from which they tell its kind)."""
_OPUS_HZ = 16_000
_OPUS_BITS_PER_CHANNEL = 24_000
_CLIP_BITS_PER_CHANNEL = 16_000
"""In a file that is sent by mail: half an hour in two channels is 7 MB."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How a call page reaches its recording; ``state`` names a sentence in the strings.

    ``href`` is None where there is nothing to play.
    """

    state: str
    href: str | None = None
    place: str = ""


def locate(out: Path, call: Mapping[str, Any]) -> Sound:
    """The recording of a call, from its row in the table ``calls``.

    A copy is made where browsers cannot play the recording itself.
    """
    uri = call["source_uri"]
    if not uri:
        return Sound("none")
    folder = call_page(out, call["call_id"]).parent
    copy = audio_copy(out, call["call_id"])
    copied = Sound("copied", _relative(copy, folder), uri)
    source = local_source(uri)
    if source is None or not source.is_file():
        if copy.is_file():
            return copied
        return Sound("remote" if source is None else "missing", place=uri)
    if copy.is_file() and copy.stat().st_mtime >= source.stat().st_mtime:
        return copied
    if _browser_plays(source):
        return Sound("linked", _relative(source, folder), uri)
    try:
        transcode(source, copy)
    except (OSError, ValueError):
        return Sound("unplayable", place=uri)
    return copied


def local_source(uri: str) -> Path | None:
    """The file that a ``source_uri`` names, or None where it lies elsewhere."""
    parts = urlsplit(uri)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return None
    return Path(unquote(parts.path) if parts.scheme == "file" else uri)


def bundle(source: Path, out: Path, call_id: str) -> None:
    """Copy a local recording beside the pages, as Opus, unless that copy is there already.

    Raises:
        OSError, ValueError: it cannot be decoded, or the copy not written.
    """
    copy = audio_copy(out, call_id)
    if copy.is_file() and copy.stat().st_mtime >= source.stat().st_mtime:
        return
    transcode(source, copy)


def bundle_all(out: Path) -> int:
    """Copy the recordings of all calls beside the pages; returns how many cannot be reached."""
    gone = 0
    rows = read(out, "calls", columns=["call_id", "source_uri"]).to_pylist()
    for row in rows:
        if not row["source_uri"]:
            continue
        if local_source(row["source_uri"]) is None and audio_copy(out, row["call_id"]).is_file():
            continue
        try:
            with _fetched(row["source_uri"]) as source:
                bundle(source, out, row["call_id"])
        except Exception:  # each file system raises its own
            gone += not audio_copy(out, row["call_id"]).is_file()
    return gone


@contextmanager
def _fetched(uri: str) -> Iterator[Path]:
    source = local_source(uri)
    if source is not None:
        yield source
        return
    import fsspec

    with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
        target = Path(folder) / ("recording" + Path(urlsplit(uri).path).suffix)
        with fsspec.open(uri, "rb") as remote, target.open("wb") as file:
            shutil.copyfileobj(remote, file, 1 << 20)
        yield target


def embedded(
    out: Path, call: Mapping[str, Any], *, start_s: float = 0.0, end_s: float | None = None
) -> str | None:
    """A stretch of a call's recording as a ``data:`` address, or None where there is none."""
    if not call["source_uri"]:
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
            clip = Path(folder) / "clip.ogg"
            copy = audio_copy(out, call["call_id"])
            with _fetched(str(copy) if copy.is_file() else call["source_uri"]) as source:
                bits = _CLIP_BITS_PER_CHANNEL
                transcode(source, clip, start_s=start_s, end_s=end_s, bits_per_channel=bits)
            return "data:audio/ogg;base64," + base64.b64encode(clip.read_bytes()).decode("ascii")
    except Exception:  # a case file without sound is better than none; it says so
        return None


def _relative(target: Path, folder: Path) -> str:
    """A link from a page's folder: browsers take ``..`` off by the letter, so links stay as is."""
    path = os.path.relpath(os.path.abspath(target), os.path.abspath(folder))
    return "./" + quote(os.fsencode(path))


def _browser_plays(source: Path) -> bool:
    import av

    codecs = _PLAYABLE.get(source.suffix.lower())
    if codecs is None:
        return False
    try:
        options = {"format_whitelist": _CONTAINERS}
        with source.open("rb") as file, av.open(file, mode="r", options=options) as container:
            sound = container.streams.audio
            return len(container.streams) == 1 and bool(sound) and sound[0].codec.name in codecs
    except (av.FFmpegError, OSError, ValueError):
        return False


def transcode(
    source: Path,
    target: Path,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    bits_per_channel: int = _OPUS_BITS_PER_CHANNEL,
) -> None:
    """Make an Ogg/Opus copy, frame by frame; damaged packets are left out as in the audit.

    Args:
        source: a local recording.
        target: where the copy is written, all or nothing.
        start_s: seconds at which the copy begins, to the frame.
        end_s: seconds at which it ends; None for the end of the recording.
        bits_per_channel: bits a second of each channel.

    Raises:
        OSError, ValueError: the file cannot be decoded or the copy not written.
    """
    import av

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    try:
        container: Any
        with (
            source.open("rb") as file,
            av.open(file, options={"format_whitelist": _CONTAINERS}) as container,
            av.open(temporary, "w", format="ogg") as written,
        ):
            if not container.streams.audio:
                raise ValueError(f"{source.name} has no audio stream")
            stream = container.streams.audio[0]
            layout = "mono" if stream.channels == 1 else "stereo"
            opus: Any = written.add_stream("libopus", rate=_OPUS_HZ, layout=layout)
            opus.bit_rate = bits_per_channel * (1 if layout == "mono" else 2)
            resampler = av.AudioResampler(format="s16", layout=layout, rate=_OPUS_HZ)
            position, heard = 0, 0
            for frame in _frames(container, stream):
                for part in resampler.resample(frame):
                    begins = heard / _OPUS_HZ
                    heard += part.samples
                    if begins < start_s or (end_s is not None and begins >= end_s):
                        continue
                    part.pts = position
                    position += part.samples
                    written.mux(opus.encode(part))
            written.mux(opus.encode(None))
        os.chmod(temporary, 0o640)
        os.replace(temporary, target)
    except av.FFmpegError as error:
        Path(temporary).unlink(missing_ok=True)
        raise ValueError(f"{source.name} cannot be converted: {error}") from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    import av

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            frame.pts = None
            yield frame
    yield None
