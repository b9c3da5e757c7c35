"""Everything that can be wrong with a recording or its row in the manifest, as cases."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from audit.errors import RejectReason

CALLS = Path(__file__).parents[2] / "data_samples" / "calls"
RATE = 8000
AUDITED = "audited"
SCRIPT = "<script>alert(1)</script>"

Pcm = NDArray[np.int16]


# What recordings are made of


def _speech(seconds: float = 2.6) -> Pcm:
    """The start of a sample call, ``[channels, samples]`` at 8 kHz; only the agent speaks."""
    with av.open(str(CALLS / "S01_2001_20261116T090510.wav")) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    both = np.concatenate(blocks, axis=1).reshape(-1, 2).T
    return both[:, RATE // 2 : RATE // 2 + round(seconds * RATE)]


SPEECH = _speech()


def wav(sound: Pcm, *, rate: int = RATE) -> bytes:
    """A 16-bit PCM WAV."""
    return riff(sound.T.astype("<i2").tobytes(), channels=len(sound), rate=rate)


def riff(
    data: bytes, *, channels: int, rate: int, bits: int = 16, form: int = 1, size: int | None = None
) -> bytes:
    """A WAV whose header says whatever it is told to."""
    block = channels * bits // 8
    header = np.array([form, channels], "<u2").tobytes()
    header += np.array([rate, min(rate * block, 2**32 - 1)], "<u4").tobytes()
    header += np.array([block, bits], "<u2").tobytes()
    claimed = len(data) if size is None else size
    return (
        b"RIFF"
        + np.array([min(claimed + 36, 2**32 - 1)], "<u4").tobytes()
        + b"WAVEfmt \x10\0\0\0"
        + header
        + b"data"
        + np.array([claimed], "<u4").tobytes()
        + data
    )


CLIP = wav(SPEECH)
NOISE = np.random.default_rng(5).integers(-3000, 3000, (2, 2 * RATE)).astype(np.int16)
HISS = wav(NOISE)
SQUARE = np.where(np.arange(3 * RATE) // 20 % 2, 32767, -32768)
GAPS = np.where(np.arange(2 * RATE) % 9, 0.2 * np.sin(np.arange(2 * RATE) / 3), np.nan)


def encoded(codec: str, muxer: str, sound: Pcm = SPEECH, *, rate: int = RATE) -> bytes:
    """The first channel of a sound in a codec that needs an encoder."""
    target = io.BytesIO()
    with av.open(target, "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        context = stream.codec_context
        context.format = context.codec.audio_formats[0]
        context.bit_rate = 12_200 if codec == "libopencore_amrnb" else 32_000
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout="mono", rate=rate, frame_size=context.frame_size
        )
        frame = av.AudioFrame.from_ndarray(sound[:1].copy(), format="s16p", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()


def pictures(codec: str, muxer: str, count: int) -> bytes:
    """Pictures without sound."""
    target = io.BytesIO()
    with av.open(target, "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(count):
            picture = av.VideoFrame(64, 48, stream.pix_fmt)
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return target.getvalue()


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("call.wav", CLIP)
    return target.getvalue()


def damaged(data: bytes) -> bytes:
    """Rubbish in the middle."""
    broken = bytearray(data)
    middle = len(broken) // 2
    broken[middle : middle + 200] = np.random.default_rng(2).bytes(200)
    return bytes(broken)


def without_moov(data: bytes) -> bytes:
    """An MP4 whose recorder died before it wrote the index."""
    return data[: data.rindex(b"moov") - 4]


# The cases

Build = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the manifest, how its file comes to be, and what has to become of it."""

    name: str
    expected: str
    build: bytes | Build = CLIP
    row: Mapping[str, str] = field(default_factory=dict)
    told_as: str | None = None
    """``rejects.source_file`` where it is not the row's file."""

    @property
    def file(self) -> str:
        """As the manifest names it."""
        return self.row.get("file", self.name)

    def lay(self, root: Path) -> None:
        """Put the recording where the manifest says it is."""
        if isinstance(self.build, bytes):
            (root / self.file).write_bytes(self.build)
        else:
            self.build(root)


def nothing(_: Path) -> None:
    """No file of its own."""


def link(name: str, target: str) -> Build:
    return lambda root: (root / name).symlink_to(target)


def locked(root: Path) -> None:
    (root / "locked.wav").write_bytes(CLIP)
    (root / "locked.wav").chmod(0)


R = RejectReason
LONG = "长" * 60 + ".wav"

FILES = [
    Case("empty.wav", R.EMPTY, b""),
    Case("one-byte.wav", R.UNDECODABLE, b"R"),
    Case("random.wav", R.UNDECODABLE, np.random.default_rng(11).bytes(30_000)),
    Case("text.wav", R.UNDECODABLE, "这不是录音。\n".encode() * 400),
    Case("page.wav", R.UNDECODABLE, b"<html><body>404 not found</body></html>"),
    Case("header-cut.wav", R.UNDECODABLE, CLIP[:20]),
    Case("header-only.wav", R.NO_AUDIO, CLIP[:44]),
    Case("no-samples.wav", R.NO_AUDIO, riff(b"", channels=2, rate=RATE)),
    Case("data-cut.wav", AUDITED, CLIP[: len(CLIP) * 2 // 3]),
    Case("claims-4gb.wav", AUDITED, riff(HISS[44:], channels=2, rate=RATE, size=2**32 - 1)),
    Case("claims-nothing.wav", AUDITED, riff(HISS[44:], channels=2, rate=RATE, size=0)),
    Case("short.wav", R.TOO_SHORT, wav(SPEECH[:, 4000 : 4000 + RATE // 5])),
    Case("silence.wav", R.NO_AUDIO, wav(np.zeros((2, 2 * RATE), np.int16))),
    Case("pictures.mp4", R.NO_AUDIO, pictures("mpeg4", "mp4", 20)),
    Case("picture.wav", R.UNDECODABLE, pictures("mjpeg", "mjpeg", 1)),
    Case("archive.mp3", R.UNDECODABLE, zipped()),
    Case("damaged.mp3", AUDITED, damaged(encoded("libmp3lame", "mp3"))),
    Case("prefix.mp3", AUDITED, b"\x01rubbish\xfe" * 90 + encoded("libmp3lame", "mp3", NOISE)),
    Case("cut.ogg", AUDITED, encoded("libopus", "ogg", rate=48000)[:-1000]),
    Case("cut.amr", AUDITED, encoded("libopencore_amrnb", "amr")[:-700]),
    Case("no-index.m4a", R.UNDECODABLE, without_moov(encoded("aac", "mp4", rate=16000))),
    Case("right.m4a", AUDITED, encoded("aac", "mp4", rate=16000)),
    Case("in-truth-mp4.wav", AUDITED, encoded("aac", "mp4", rate=16000)),
    Case("SHOUTED.WAV", AUDITED),
    Case("no-ending", AUDITED),
    Case("list.m3u8", R.UNDECODABLE, b"#EXTM3U\n#EXTINF:3,\nSHOUTED.WAV\n#EXT-X-ENDLIST\n"),
    Case("list.ffconcat", R.UNDECODABLE, b"ffconcat version 1.0\nfile SHOUTED.WAV\n"),
    Case("concat.wav", R.UNDECODABLE, b"ffconcat version 1.0\nfile /etc/hostname\n"),
    Case("session.sdp", R.UNDECODABLE, b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"),
    Case("link-inside.wav", AUDITED, link("link-inside.wav", "SHOUTED.WAV")),
    Case("link-outside.wav", R.OUTSIDE_ROOT, link("link-outside.wav", "../secret.wav")),
    Case("link-nowhere.wav", R.MISSING_FILE, link("link-nowhere.wav", "gone.wav")),
    Case("link-loop.wav", R.MISSING_FILE, link("link-loop.wav", "link-loop.wav")),
    Case("folder.wav", R.UNDECODABLE, lambda root: (root / "folder.wav").mkdir()),
    Case("pipe.wav", R.UNDECODABLE, lambda root: os.mkfifo(root / "pipe.wav")),
    Case("missing.wav", R.MISSING_FILE, nothing),
    Case("y" * 300 + ".wav", R.MISSING_FILE, nothing),
    Case(LONG, AUDITED, row={"call_id": "long-name"}),
    Case("l" * 220 + ".wav", R.BAD_METADATA, row={"call_id": ""}),
    Case(".hidden.wav", AUDITED, row={"call_id": "hidden"}),
    Case("通话 录音 'a' \"b\" & <c>.wav", AUDITED, row={"call_id": ""}),
    Case("too-many-bytes.wav", R.TOO_LARGE, CLIP + bytes(3_000_000)),
    Case("too-long.wav", R.TOO_LARGE, wav(np.tile(NOISE, 11))),
    Case("one-hertz.wav", R.TOO_LARGE, wav(SPEECH, rate=1)),
    Case("no-hertz.wav", R.UNDECODABLE, wav(SPEECH, rate=0)),
    Case("four-gigahertz.wav", R.UNDECODABLE, wav(SPEECH, rate=2**32 - 1)),
    Case("no-channels.wav", R.UNDECODABLE, riff(CLIP[44:], channels=0, rate=RATE)),
    Case("unknown-codec.wav", R.UNDECODABLE, riff(CLIP[44:], channels=1, rate=RATE, form=0x4321)),
    Case("three.wav", AUDITED, wav(np.stack([NOISE[0] // 9, *NOISE]))),
    Case("six.wav", AUDITED, wav(np.stack([SPEECH[0], *[SPEECH[1]] * 5]))),
    Case("studio.wav", AUDITED, wav(np.repeat(NOISE, 24, axis=1), rate=192000)),
    Case(
        "eight-bit.wav",
        AUDITED,
        riff(((SPEECH[0] >> 8) + 128).astype("u1").tobytes(), channels=1, rate=RATE, bits=8),
    ),
    Case("same-twice.wav", AUDITED, wav(SPEECH[[0, 0]])),
    Case("dead-channel.wav", AUDITED, wav(np.stack([SPEECH[0], np.zeros_like(SPEECH[0])]))),
    Case("offset.wav", AUDITED, wav(np.clip(SPEECH.astype(int) + 9000, -32768, 32767))),
    Case("clipping.wav", AUDITED, wav(SQUARE[None])),
    Case("noise.wav", AUDITED, HISS),
    Case(
        "not-numbers.wav",
        R.NO_AUDIO,
        riff(GAPS.astype("<f4").tobytes(), channels=1, rate=RATE, bits=32, form=3),
    ),
]

PATHS = [
    Case("up.wav", R.OUTSIDE_ROOT, nothing, {"file": "../secret.wav"}),
    Case("up-and-down.wav", R.OUTSIDE_ROOT, nothing, {"file": "a/../../secret.wav"}),
    Case("windows-up.wav", R.OUTSIDE_ROOT, nothing, {"file": "..\\secret.wav"}),
    Case("absolute.wav", R.OUTSIDE_ROOT, nothing, {"file": "/etc/hostname"}),
    Case("file-url.wav", R.OUTSIDE_ROOT, nothing, {"file": "file:///etc/hostname"}),
    Case("http-url.wav", R.OUTSIDE_ROOT, nothing, {"file": "http://127.0.0.1:9/a.wav"}),
    Case("nul.wav", R.OUTSIDE_ROOT, nothing, {"file": "nul\0.wav"}),
    Case("dot.wav", R.UNDECODABLE, nothing, {"file": "."}),
    Case("unnamed", R.BAD_METADATA, nothing, {"file": ""}, told_as="{manifest} row {row}"),
]


METADATA = [
    Case("agent-empty.wav", R.NO_AGENT, row={"agent_id": ""}),
    Case("agent-blank.wav", R.NO_AGENT, row={"agent_id": "  \u3000 "}),
    Case("agent-dots.wav", R.BAD_METADATA, row={"agent_id": "." * 100}),
    Case("agent-long.wav", R.BAD_METADATA, row={"agent_id": "工" * 40}),
    Case("agent-null.wav", R.BAD_METADATA, row={"agent_id": "__HIVE_DEFAULT_PARTITION__"}),
    Case("agent-newline.wav", R.BAD_METADATA, row={"agent_id": "20\n01"}),
    Case("time-words.wav", R.BAD_METADATA, row={"started_at": "昨天下午"}),
    Case("time-impossible.wav", R.BAD_METADATA, row={"started_at": "2026-02-30T10:00:00"}),
    Case("time-0001.wav", R.BAD_METADATA, row={"started_at": "0001-01-01T00:00:00"}),
    Case("time-9999.wav", R.BAD_METADATA, row={"started_at": "9999-12-31T23:59:59"}),
    Case("time-none.wav", AUDITED, row={"started_at": ""}),
    Case("direction.wav", R.BAD_METADATA, row={"direction": "sideways"}),
    Case("channel.wav", R.BAD_METADATA, row={"agent_channel": "2"}),
    Case("channel-right.wav", AUDITED, HISS, row={"agent_channel": "1"}),
    Case("channel-mono.wav", AUDITED, HISS, row={"agent_channel": "mono"}),
    Case("rulebook.wav", R.UNKNOWN_RULEBOOK, row={"rulebook": "nobody's"}),
    Case("rulebook-path.wav", R.UNKNOWN_RULEBOOK, row={"rulebook": "../../etc/passwd"}),
    Case("wait-negative.wav", R.BAD_METADATA, row={"answer_wait_s": "-3"}),
    Case("wait-nan.wav", R.BAD_METADATA, row={"answer_wait_s": "nan"}),
    Case("wait-words.wav", R.BAD_METADATA, row={"answer_wait_s": "三秒"}),
    Case("vip.wav", R.BAD_METADATA, row={"customer_vip": "maybe"}),
    Case("stem-is-id.wav", AUDITED, row={"call_id": ""}),
    Case("twin-a.wav", AUDITED, row={"call_id": "twin"}),
    Case("twin-b.wav", R.DUPLICATE_CALL_ID, row={"call_id": "twin"}),
    Case("listed-again", AUDITED, nothing, {"file": "twin-a.wav", "call_id": "other"}),
    Case(
        "listed-thrice",
        R.DUPLICATE_CALL_ID,
        nothing,
        {"file": "twin-a.wav", "call_id": "twin"},
        told_as="twin-a.wav (#2)",
    ),
]

IDS = [
    Case("id-up.wav", AUDITED, row={"call_id": "../../x", "agent_id": "../../x"}),
    Case("id-script.wav", AUDITED, row={"call_id": SCRIPT, "agent_id": SCRIPT}),
    Case("id-slash.wav", AUDITED, row={"call_id": "a/b", "agent_id": "a/b"}),
    Case("id-dots.wav", AUDITED, row={"call_id": "..", "agent_id": ".."}),
    Case("id-dot.wav", AUDITED, row={"call_id": ".", "agent_id": "."}),
    Case("id-con.wav", AUDITED, row={"call_id": "CON", "agent_id": "CON"}),
    Case("id-index.wav", AUDITED, row={"call_id": "index", "agent_id": "index"}),
    Case(
        "id-emoji.wav",
        AUDITED,
        row={"call_id": "📞☎️" * 3, "agent_id": "🐼"},
    ),
    Case("id-quote.wav", AUDITED, row={"call_id": '"><img src=x onerror=alert(1)>'}),
    Case("id-equals.wav", AUDITED, row={"call_id": "a=b%2F&c#d?e", "agent_id": "a=b%2F"}),
    Case("id-formula.wav", AUDITED, row={"call_id": "=1+1", "agent_name": SCRIPT}),
    Case("id-long.wav", R.BAD_METADATA, row={"call_id": "c" * 300}),
    Case("id-newline.wav", R.BAD_METADATA, row={"call_id": "a\nb"}),
    Case("id-tab.wav", R.BAD_METADATA, row={"call_id": "a\tb"}),
]

CASES = [*FILES, *PATHS, *METADATA, *IDS]
if os.geteuid():  # root reads everything
    CASES.append(Case("locked.wav", R.UNDECODABLE, locked))
COLUMNS = [
    *("file", "agent_id", "call_id", "agent_name", "started_at", "direction", "rulebook"),
    *("agent_channel", "answer_wait_s", "customer_vip", "case", "note"),
]
"""The last two are columns that callaudit does not know."""


def row_of(case: Case) -> dict[str, str]:
    plain = {
        "file": case.name,
        "agent_id": "2001",
        "call_id": case.name.removesuffix(".wav")[:50],
        "started_at": "2026-11-16T09:00:00+08:00",
        "case": case.name,
        "note": SCRIPT,
    }
    return {**plain, **case.row}
