"""How pages reach recordings: linked where a browser plays them, else as an Opus copy.

A copy is also played where PII is redacted: a bleep replaces it.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from audit import privacy
from audit.intake import remotes
from audit.raw_forms import RawForm
from audit.transcription import decoding, media
from audit.types import Masked, Span
from reports.store import rows
from reports.store.atomic import replacing
from reports.store.store import Store

_OGG = {".ogg", ".oga", ".opus"}
_PCM = {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"}
_PLAYABLE = {
    "wav": ({".wav", ".wave"}, _PCM),
    "mp3": ({".mp3"}, {"mp3", "mp3float"}),
    "ogg": (_OGG, {"opus", "libopus", "vorbis"}),
    "flac": ({".flac"}, {"flac"}),
    "mov,mp4,m4a,3gp,3g2,mj2": ({".m4a", ".mp4"}, {"aac"}),
    "matroska,webm": ({".webm"}, {"opus", "libopus", "vorbis"}),
}
"""Containers in which browsers find every second, with the suffixes from which they infer the kind
and the codecs that they play.

ADTS (``.aac``) is not among them, whose length they guess, nor FLAC in Ogg, in which Chromium
arrives half a second late.
"""
_NEAR_S = 0.1
"""What a browser's clock and ours may differ by."""
_OPUS_HZ = 16_000
_OPUS_BITS_PER_CHANNEL = 24_000
_CLIP_BITS_PER_CHANNEL = 16_000
"""In a file that is sent by mail: half an hour in two channels is 7 MB."""


_SOURCE = ["call_id", "source_files", "source_uri", "raw_form"]
_BLEEP_HZ, _BLEEP_PEAK = 1_000, 3_000
_HIDDEN = "callaudit-hidden"
"""Tag of a copy: when a bleep replaces PII."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How a call page reaches its recording; ``state`` names a sentence in the strings.

    ``href`` is None where there is nothing to play.
    """

    state: str
    href: str | None = None
    place: str = ""


def locate(store: Store, call: Mapping[str, Any], *, hidden: Sequence[Span] = ()) -> Sound:
    """The recording of a call as its page plays it.

    Args:
        store: of the audit.
        call: its row in the table ``calls``.
        hidden: when PII is said.
    """
    uri = call["source_uri"]
    if not uri:
        return Sound("none")
    folder = store.layout.call_page(call["call_id"]).parent
    copy = store.layout.audio_copy(call["call_id"])
    source = local_source(uri)
    files = rows.source_files(call)
    if len(files) > 1:  # only their joined copy has the seconds that were transcribed
        if not copy.is_file():
            return Sound("several", place=", ".join(files))
        source = None
    there = source is not None and source.is_file()
    try:
        if not there and not copy.is_file():
            return Sound("remote" if source is None else "missing", place=uri)
        if source is None or not there:
            source = copy
        elif not hidden and not copy.is_file() and _browser_plays(source, call):
            return Sound("linked", _relative(source, folder), uri)
        bundle(source, store, call["call_id"], hidden=hidden, raw_form=rows.raw_form(call))
    except (OSError, ValueError):
        return Sound("unplayable", place=uri)
    return Sound("copied", _relative(copy, folder), uri)


def local_source(uri: str) -> Path | None:
    """The file that a ``source_uri`` names, or None where it is elsewhere."""
    parts = urlsplit(uri)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return None
    return Path(unquote(parts.path) if parts.scheme == "file" else uri)


def bundle(
    source: Path,
    store: Store,
    call_id: str,
    *,
    hidden: Sequence[Span] = (),
    raw_form: RawForm | None = None,
) -> None:
    """Copy a local recording beside the pages, as Opus, unless that copy is there already.

    Args:
        source: the recording.
        store: of the audit.
        call_id: the call.
        hidden: when PII is said: a bleep replaces it.
        raw_form: how the recording is read if it has no header.

    Raises:
        OSError, ValueError: it cannot be decoded, or the copy not written.
    """
    copy = store.layout.audio_copy(call_id)
    if _is_copy(copy, source, hidden):
        return
    try:
        transcode(source, copy, hidden=hidden, raw_form=raw_form)
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
        with media.opened(copy) as opened:
            container = opened.container
            stream = container.streams.audio[0]
            noted: str = (stream.metadata | container.metadata).get(_HIDDEN, "")
            return noted == _listed(hidden)
    except (av.FFmpegError, OSError, IndexError):
        return False


def _listed(hidden: Sequence[Span]) -> str:
    return " ".join(f"{span.start_s:.3f}-{span.end_s:.3f}" for span in hidden)


def bundle_all(store: Store) -> int:
    """Copy the recordings of all calls beside the pages; returns how many cannot be reached."""
    gone = 0
    for night in store.calls.nights():
        only = (night, night)
        hidden: dict[str, list[Masked]] = defaultdict(list)
        for turn in store.turns.rows(nights=only, columns=["call_id", "masked"]):
            hidden[turn["call_id"]] += rows.masked(turn)
        for row in store.calls.rows(nights=only, columns=_SOURCE):
            if row["source_uri"]:
                gone += not _bundled(store, row, privacy.redacted_spans(hidden[row["call_id"]]))
    return gone


def _bundled(store: Store, call: Mapping[str, Any], hidden: Sequence[Span]) -> bool:
    copy = store.layout.audio_copy(call["call_id"])
    try:
        joined = len(rows.source_files(call)) > 1
        if joined and not copy.is_file():
            return False
        if joined or (local_source(call["source_uri"]) is None and copy.is_file()):
            bundle(copy, store, call["call_id"], hidden=hidden)
            return True
        with _fetched(call["source_uri"]) as source:
            raw_form = rows.raw_form(call)
            bundle(source, store, call["call_id"], hidden=hidden, raw_form=raw_form)
    except Exception:  # each file system raises its own
        return copy.is_file()
    return True


@contextmanager
def _fetched(uri: str) -> Iterator[Path]:
    source = local_source(uri)
    if source is not None:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="callaudit-") as folder:
        target = Path(folder) / ("recording" + Path(urlsplit(uri).path).suffix)
        filesystem, path = remotes.connect(uri)
        filesystem.get_file(path, str(target))
        yield target


def embedded(
    store: Store,
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
            copy = store.layout.audio_copy(call["call_id"])
            if len(rows.source_files(call)) > 1 and not copy.is_file():
                return None
            with _fetched(str(copy) if copy.is_file() else call["source_uri"]) as source:
                bits = _CLIP_BITS_PER_CHANNEL
                transcode(
                    source,
                    clip,
                    start_s=start_s,
                    end_s=end_s,
                    bits_per_channel=bits,
                    hidden=hidden,
                    raw_form=rows.raw_form(call),
                )
            return "data:audio/ogg;base64," + base64.b64encode(clip.read_bytes()).decode("ascii")
    except Exception:  # a case file without sound is better than none; it says so
        return None


def _relative(target: Path, folder: Path) -> str:
    """A link from a page's folder: browsers take ``..`` off by the letter, so links stay as is."""
    path = os.path.relpath(os.path.abspath(target), os.path.abspath(folder))
    return "./" + quote(os.fsencode(path))


def _browser_plays(source: Path, call: Mapping[str, Any]) -> bool:
    """Whether a browser plays a recording, and finds in it the seconds that were transcribed."""
    import av

    try:
        with media.opened(source, raw_form=rows.raw_form(call)) as opened:
            container = opened.container
            suffixes, codecs = _PLAYABLE.get(container.format.name, (set(), set()))
            return (
                opened.as_it_is
                and source.suffix.lower() in suffixes
                and len(container.streams) == 1
                and len(container.streams.audio) == 1
                and container.streams[0].codec.name in codecs
                and _is_as_long(container, call.get("duration_s"))
                and (container.format.name != "mp3" or _is_even(container))
            )
    except (av.FFmpegError, OSError, ValueError):
        return False


def _is_as_long(container: Any, heard_s: float | None) -> bool:
    """Whether a container seems as long as what was transcribed: browsers guess as FFmpeg does."""
    if container.duration is None:
        return False
    return heard_s is None or abs(container.duration / 1_000_000 - heard_s) <= _NEAR_S


def _is_even(container: Any) -> bool:
    """Whether an MP3's bytes pass as evenly as its seconds, by which browsers seek in it."""
    packets = [(p.pos, p.size) for p in container.demux(container.streams[0]) if p.size]
    if not packets:
        return False
    positions, sizes = np.array(packets).T
    total = positions[-1] + sizes[-1] - positions[0]
    length_s = container.duration / 1_000_000
    even = positions[0] + total * np.arange(len(packets)) / len(packets)
    return bool(np.abs(positions - even).max() / total * length_s <= _NEAR_S)


def transcode(
    source: Path,
    target: Path,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    bits_per_channel: int = _OPUS_BITS_PER_CHANNEL,
    hidden: Sequence[Span] = (),
    raw_form: RawForm | None = None,
) -> None:
    """Make an Ogg/Opus copy of what is transcribed.

    Args:
        source: a local recording.
        target: where the copy is written, all or nothing.
        start_s: seconds at which the copy begins.
        end_s: seconds at which it ends; None for the end of the recording.
        bits_per_channel: bits a second of each channel.
        hidden: seconds of the recording that a bleep replaces, on all channels.
        raw_form: how the recording is read if it has no header.

    Raises:
        OSError, ValueError: the file cannot be decoded or the copy not written.
    """
    import av

    try:
        with replacing(target) as temporary, media.opened(source, raw_form=raw_form) as opened:
            _encode(
                opened.container,
                temporary,
                name=source.name,
                start_s=start_s,
                end_s=end_s,
                bits_per_channel=bits_per_channel,
                hidden=hidden,
            )
    except av.FFmpegError as error:
        raise ValueError(f"{source.name} cannot be converted: {error}") from error


def _encode(
    container: Any,
    target: Path,
    *,
    name: str,
    start_s: float,
    end_s: float | None,
    bits_per_channel: int,
    hidden: Sequence[Span],
) -> None:
    import av

    if not container.streams.audio:
        raise ValueError(f"{name} has no audio stream")
    stream = container.streams.audio[0]
    layout = "mono" if stream.channels == 1 else "stereo"
    with av.open(str(target), "w", format="ogg") as written:
        fast = {"compression_level": "0"}  # two fifths less time than the default
        opus: Any = written.add_stream("libopus", rate=_OPUS_HZ, layout=layout, options=fast)
        opus.bit_rate = bits_per_channel * (1 if layout == "mono" else 2)
        if hidden:
            written.metadata[_HIDDEN] = _listed(hidden)
        first = round(start_s * _OPUS_HZ)
        end = None if end_s is None else round(end_s * _OPUS_HZ)
        position, decoded = 0, 0
        for block in _blocks(container, stream, layout):
            begins, decoded = decoded, decoded + block.shape[1]
            if end is not None and begins >= end:
                break
            _put_tone(block, begins, hidden)
            part = block[:, max(0, first - begins) : None if end is None else end - begins]
            if not part.shape[1]:
                continue
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "s16p", layout)
            frame.sample_rate, frame.pts = _OPUS_HZ, position
            position += part.shape[1]
            written.mux(opus.encode(frame))
        written.mux(opus.encode(None))


def _blocks(container: Any, stream: Any, layout: str) -> Iterator[NDArray[np.int16]]:
    """What is transcribed: damaged packets are left out, a file that breaks off ends there."""
    import av

    some = False
    try:
        for block, _ in decoding.resampled(container, stream, layout=layout):
            if block is not None:
                some = True
                yield block
    except (av.FFmpegError, ValueError):
        if not some:
            raise


def _put_tone(block: NDArray[np.int16], begins: int, hidden: Sequence[Span]) -> None:
    """Overwrite redacted spans with a bleep, to the sample."""
    times = (begins + np.arange(block.shape[1])) / _OPUS_HZ
    inside = np.zeros(len(times), dtype=bool)
    for span in hidden:
        inside |= (times >= span.start_s) & (times < span.end_s)
    block[:, inside] = (_BLEEP_PEAK * np.sin(2 * np.pi * _BLEEP_HZ * times[inside])).astype(
        np.int16
    )
