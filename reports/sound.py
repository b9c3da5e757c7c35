"""How pages reach recordings: linked where a browser plays them, else as an Opus copy.

A copy it is, too, where customers' data is hidden: a tone stands in its place.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import numpy as np

from audit import privacy
from audit.types import Masked, Span
from reports import parquet, records
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


_TONE_HZ, _TONE_PEAK = 1_000, 3_000
_HIDDEN = "callaudit-hidden"
"""Tag of a copy: when a tone stands for customers' data."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How a call page reaches its recording; ``state`` names a sentence in the strings.

    ``href`` is None where there is nothing to play.
    """

    state: str
    href: str | None = None
    place: str = ""


def locate(out: Path, call: Mapping[str, Any], *, hidden: Sequence[Span] = ()) -> Sound:
    """The recording of a call as its page plays it.

    Args:
        out: the folder of the audit.
        call: its row in the table ``calls``.
        hidden: when customers' data is said.
    """
    uri = call["source_uri"]
    if not uri:
        return Sound("none")
    folder = call_page(out, call["call_id"]).parent
    copy = audio_copy(out, call["call_id"])
    source = local_source(uri)
    there = source is not None and source.is_file()
    try:
        if not there and not copy.is_file():
            return Sound("remote" if source is None else "missing", place=uri)
        if source is None or not there:
            source = copy
        elif not hidden and not copy.is_file() and _browser_plays(source):
            return Sound("linked", _relative(source, folder), uri)
        bundle(source, out, call["call_id"], hidden=hidden)
    except (OSError, ValueError):
        return Sound("unplayable", place=uri)
    return Sound("copied", _relative(copy, folder), uri)


def local_source(uri: str) -> Path | None:
    """The file that a ``source_uri`` names, or None where it lies elsewhere."""
    parts = urlsplit(uri)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return None
    return Path(unquote(parts.path) if parts.scheme == "file" else uri)


def bundle(source: Path, out: Path, call_id: str, *, hidden: Sequence[Span] = ()) -> None:
    """Copy a local recording beside the pages, as Opus, unless that copy is there already.

    Args:
        source: the recording.
        out: the folder of the audit.
        call_id: the call.
        hidden: when customers' data is said: a tone stands there.

    Raises:
        OSError, ValueError: it cannot be decoded, or the copy not written.
    """
    copy = audio_copy(out, call_id)
    if _is_copy(copy, source, hidden):
        return
    try:
        transcode(source, copy, hidden=hidden)
    except BaseException:
        if hidden:  # an earlier copy may have no tone
            copy.unlink(missing_ok=True)
        raise


def _is_copy(copy: Path, source: Path, hidden: Sequence[Span]) -> bool:
    """Whether a file is this recording's copy, with a tone in the same places."""
    import av

    if not copy.is_file() or copy.stat().st_mtime < source.stat().st_mtime:
        return False
    try:
        with av.open(str(copy)) as container:
            stream = container.streams.audio[0]
            return (stream.metadata | container.metadata).get(_HIDDEN, "") == _listed(hidden)
    except (av.FFmpegError, OSError, IndexError):
        return False


def _listed(hidden: Sequence[Span]) -> str:
    return " ".join(f"{span.start_s:.3f}-{span.end_s:.3f}" for span in hidden)


def bundle_all(out: Path) -> int:
    """Copy the recordings of all calls beside the pages; returns how many cannot be reached."""
    gone = 0
    for night in parquet.nights(out, "calls"):
        only = (night, night)
        hidden: dict[str, list[Masked]] = defaultdict(list)
        for turn in parquet.read(
            out, "turns", nights=only, columns=["call_id", "masked"]
        ).to_pylist():
            hidden[turn["call_id"]] += records.masked(turn)
        rows = parquet.read(out, "calls", nights=only, columns=["call_id", "source_uri"])
        for row in rows.to_pylist():
            if row["source_uri"]:
                gone += not _bundled(out, row, privacy.spans(hidden[row["call_id"]]))
    return gone


def _bundled(out: Path, call: Mapping[str, Any], hidden: Sequence[Span]) -> bool:
    copy = audio_copy(out, call["call_id"])
    try:
        if local_source(call["source_uri"]) is None and copy.is_file():
            bundle(copy, out, call["call_id"], hidden=hidden)
            return True
        with _fetched(call["source_uri"]) as source:
            bundle(source, out, call["call_id"], hidden=hidden)
    except Exception:  # each file system raises its own
        return copy.is_file()
    return True


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
    out: Path,
    call: Mapping[str, Any],
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    hidden: Sequence[Span] = (),
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
                transcode(
                    source,
                    clip,
                    start_s=start_s,
                    end_s=end_s,
                    bits_per_channel=bits,
                    hidden=hidden,
                )
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
    hidden: Sequence[Span] = (),
) -> None:
    """Make an Ogg/Opus copy, frame by frame; damaged packets are left out as in the audit.

    Args:
        source: a local recording.
        target: where the copy is written, all or nothing.
        start_s: seconds at which the copy begins, to the frame.
        end_s: seconds at which it ends; None for the end of the recording.
        bits_per_channel: bits a second of each channel.
        hidden: seconds of the recording that a tone stands for, on all channels.

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
            fast = {"compression_level": "0"}  # two fifths less time than the default
            opus: Any = written.add_stream("libopus", rate=_OPUS_HZ, layout=layout, options=fast)
            opus.bit_rate = bits_per_channel * (1 if layout == "mono" else 2)
            if hidden:
                written.metadata[_HIDDEN] = _listed(hidden)
            resampler = av.AudioResampler(format="s16", layout=layout, rate=_OPUS_HZ)
            position, heard = 0, 0
            for frame in _frames(container, stream):
                for part in resampler.resample(frame):
                    begins = heard / _OPUS_HZ
                    heard += part.samples
                    if begins < start_s or (end_s is not None and begins >= end_s):
                        continue
                    part = _toned(part, begins, hidden)
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


def _toned(frame: Any, begins_s: float, hidden: Sequence[Span]) -> Any:
    """The frame with a tone where it lies in a hidden stretch, to the sample."""
    import av

    times = begins_s + np.arange(frame.samples) / _OPUS_HZ
    inside = np.zeros(frame.samples, dtype=bool)
    for span in hidden:
        inside |= (times >= span.start_s) & (times < span.end_s)
    if not inside.any():
        return frame
    samples = frame.to_ndarray().reshape(frame.samples, -1)
    tone = (_TONE_PEAK * np.sin(2 * np.pi * _TONE_HZ * times)).astype(np.int16)
    samples[inside] = tone[inside, None]
    toned = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", frame.layout.name)
    toned.sample_rate = frame.sample_rate
    return toned


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
