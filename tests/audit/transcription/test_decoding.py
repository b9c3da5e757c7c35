"""The one door for audio: real files in every codec and container a recorder may leave."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audit.errors import RejectedRecording, RejectReason
from audit.transcription.decoding import Audio, decode
from audit.types import SAMPLE_RATE, Span

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
SECONDS = 3.0
STARTS_S = (1.0, 10.0, 16.0, 22.0, 28.0, 34.0)
"""Where in a sample call each channel's sound is taken from: six different sentences."""

Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Six channels of three seconds of telephone speech at 16 kHz, all different."""
    with av.open(str(CALLS / "S01_2001_20261116T090510.wav")) as container:
        resampler = av.AudioResampler(format="s16p", layout="stereo", rate=SAMPLE_RATE)
        parts = [p for f in container.decode(audio=0) for p in resampler.resample(f)]
        both = np.concatenate([part.to_ndarray() for part in parts], axis=1)
    mixed = both.astype(np.int32).sum(axis=0).clip(-32768, 32767).astype(np.int16)
    size = round(SECONDS * SAMPLE_RATE)
    return np.stack([mixed[round(s * SAMPLE_RATE) :][:size] for s in STARTS_S])


def encode(
    path: Path,
    sound: Pcm,
    codec: str,
    *,
    rate: int,
    layout: str | None = None,
    container_format: str | None = None,
    video: str | None = None,
) -> Path:
    """Write sound (``[channels, samples]`` at 16 kHz) as any codec FFmpeg can encode."""
    names = {1: "mono", 2: "stereo", 3: "2.1", 6: "5.1"}
    with av.open(str(path), "w", format=container_format) as container:
        pictures: Any = container.add_stream(video, rate=10) if video else None
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = layout or names[len(sound)]
        context = stream.codec_context
        context.format = context.codec.audio_formats[0]
        context.bit_rate = 32_000 * len(sound)
        context.options = {"strict": "experimental"}  # FFmpeg's own Vorbis encoder
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout=context.layout, rate=rate, frame_size=context.frame_size
        )
        for number in range(30 if pictures is not None else 0):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(pictures.encode(picture))
        for first in range(0, sound.shape[1], 1600):
            piece = np.ascontiguousarray(sound[:, first : first + 1600])
            frame = av.AudioFrame.from_ndarray(piece, format="s16p", layout=stream.layout.name)
            frame.sample_rate, frame.pts = SAMPLE_RATE, first
            frame.time_base = Fraction(1, SAMPLE_RATE)
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        for part in resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
        if pictures is not None:
            container.mux(pictures.encode(None))
    return path


def likeness(heard: Pcm, sent: Pcm, *, within_s: float = 0.1) -> float:
    """Highest correlation of two sounds over delays of so many seconds."""
    size = max(len(heard), len(sent))
    a, b = (np.pad(x.astype(float), (0, 2 * size - len(x))) for x in (heard, sent))
    products = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)))
    reach = round(within_s * SAMPLE_RATE)
    best = max(products[: reach + 1].max(), products[-reach:].max())
    return float(best / np.sqrt((a**2).sum() * (b**2).sum()))


def assert_holds(audio: Audio, sound: Pcm, *, least: float) -> None:
    assert audio.samples.dtype == np.int16
    assert len(audio.samples) == len(sound)
    assert audio.duration_s == pytest.approx(SECONDS, abs=0.1)
    for heard, sent in zip(audio.samples, sound, strict=True):
        assert likeness(heard, sent) > least
    assert not audio.damaged


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels", "least"),
    [
        ("pcm8.wav", "pcm_u8", 8000, 2, 0.98),
        ("pcm16.wav", "pcm_s16le", 8000, 1, 0.98),
        ("pcm16-odd.wav", "pcm_s16le", 11025, 2, 0.98),
        ("pcm24.wav", "pcm_s24le", 44100, 2, 0.98),
        ("pcm32.wav", "pcm_s32le", 48000, 2, 0.98),
        ("float.wav", "pcm_f32le", 16000, 2, 0.98),
        ("double.wav", "pcm_f64le", 22050, 1, 0.98),
        ("three.wav", "pcm_s16le", 8000, 3, 0.98),
        ("six.wav", "pcm_s16le", 48000, 6, 0.98),
        ("studio.wav", "pcm_s16le", 192000, 2, 0.98),
        ("mulaw.wav", "pcm_mulaw", 8000, 2, 0.98),
        ("alaw.wav", "pcm_alaw", 8000, 2, 0.98),
        ("ima.wav", "adpcm_ima_wav", 8000, 2, 0.95),
        ("ms.wav", "adpcm_ms", 8000, 2, 0.95),
        ("mulaw.au", "pcm_mulaw", 8000, 1, 0.98),
        ("pcm.aiff", "pcm_s16be", 44100, 2, 0.98),
        ("pcm.caf", "pcm_s16be", 16000, 1, 0.98),
        ("pcm.w64", "pcm_s16le", 16000, 2, 0.98),
        ("voice.mp3", "libmp3lame", 8000, 1, 0.9),
        ("stereo.mp3", "libmp3lame", 44100, 2, 0.9),
        ("voice.ogg", "libopus", 16000, 1, 0.8),
        ("stereo.opus", "libopus", 48000, 2, 0.8),
        ("voice.webm", "libopus", 48000, 2, 0.8),
        ("vorbis.ogg", "vorbis", 44100, 2, 0.8),
        ("voice.flac", "flac", 8000, 2, 0.98),
        ("six.flac", "flac", 48000, 6, 0.98),
        ("voice.m4a", "aac", 16000, 2, 0.9),
        ("lossless.m4a", "alac", 44100, 2, 0.98),
        ("voice.aac", "aac", 44100, 1, 0.9),
        ("voice.amr", "libopencore_amrnb", 8000, 1, 0.6),
        ("voice.3gp", "libopencore_amrnb", 8000, 1, 0.6),
        ("voice.wma", "wmav2", 44100, 2, 0.8),
        ("voice.ac3", "ac3", 48000, 2, 0.8),
        ("sound-only.mkv", "flac", 16000, 2, 0.98),
    ],
)
def test_every_codec_comes_out_as_what_went_in(
    tmp_path: Path, speech: Pcm, name: str, codec: str, rate: int, channels: int, least: float
) -> None:
    muxers = {".m4a": "mp4", ".opus": "ogg", ".aac": "adts", ".wma": "asf"}
    path = tmp_path / name
    encode(path, speech[:channels], codec, rate=rate, container_format=muxers.get(path.suffix))
    assert_holds(decode(path), speech[:channels], least=least)


@pytest.mark.parametrize(
    ("name", "video", "codec"),
    [
        ("meeting.mp4", "mpeg4", "aac"),
        ("meeting.mov", "mpeg4", "pcm_s16le"),
        ("meeting.mkv", "mpeg4", "libopus"),
        ("meeting.avi", "mpeg4", "libmp3lame"),
        ("meeting.ts", "mpeg2video", "aac"),
    ],
)
def test_the_sound_of_a_video_is_taken(
    tmp_path: Path, speech: Pcm, name: str, video: str, codec: str
) -> None:
    path = encode(tmp_path / name, speech[:2], codec, rate=48000, video=video)
    audio = decode(path)
    assert_holds(audio, speech[:2], least=0.8)


@pytest.mark.parametrize("form", ["stream", "wav", "wav open", "wav zero"])
def test_gsm_full_rate_is_decoded(tmp_path: Path, form: str) -> None:
    """No encoder ships with FFmpeg, so a GSM 06.10 stream is put together by hand."""
    frames = 150  # of 20 ms
    loud = [number // 25 % 2 == 1 for number in range(frames)]
    path = tmp_path / ("voice.gsm" if form == "stream" else "voice.wav")
    fields = [gsm_fields(60 if on else 1) for on in loud]
    if form == "stream":
        path.write_bytes(b"".join(packed([(0xD, 4), *f], first="high") for f in fields))
    else:
        pairs = zip(fields[::2], fields[1::2], strict=True)
        data = b"".join(packed([*a, *b], first="low") for a, b in pairs)
        path.write_bytes(gsm_wav(data))
        if form != "wav":  # as of a recorder that never came to write the size
            size = b"\xff" * 4 if form == "wav open" else b"\0" * 4
            whole = path.read_bytes()
            at = whole.index(b"data") + 4
            path.write_bytes(whole[:4] + size + whole[8:at] + size + whole[at + 4 :])
    audio = decode(path)
    assert audio.samples.shape[0] == 1
    assert audio.duration_s == pytest.approx(SECONDS, abs=0.1)
    whole = np.resize(audio.samples[0].astype(float), round(SECONDS * SAMPLE_RATE))
    level = np.sqrt((whole.reshape(frames, -1) ** 2).mean(axis=1))
    assert np.corrcoef(level, loud)[0, 1] > 0.9


def gsm_fields(block_maximum: int) -> list[tuple[int, int]]:
    """Values and widths of one GSM 06.10 frame: flat spectrum, pulses of one height."""
    reflection = zip((32, 32, 16, 16, 8, 8, 4, 4), (6, 6, 5, 5, 4, 4, 3, 3), strict=True)
    pulses = [(7 if number % 2 else 0, 3) for number in range(13)]
    part = [(40, 7), (0, 2), (0, 2), (block_maximum, 6), *pulses]
    return [*reflection, *part, *part, *part, *part]


def packed(fields: list[tuple[int, int]], *, first: str) -> bytes:
    """Bit fields as bytes, the high bit first (streams) or the low bit first (WAV)."""
    bits: list[int] = []
    for value, width in fields:
        low_first = [value >> position & 1 for position in range(width)]
        bits += low_first if first == "low" else low_first[::-1]
    order = "little" if first == "low" else "big"
    return np.packbits(np.array(bits, dtype=np.uint8), bitorder=order).tobytes()


def gsm_wav(data: bytes) -> bytes:
    """A WAV of GSM 06.10 in Microsoft's packing: 65 bytes hold 320 samples."""
    form = np.array([0x31, 1], "<u2").tobytes() + np.array([8000, 1625], "<u4").tobytes()
    form += np.array([65, 0, 2, 320], "<u2").tobytes()
    chunks = b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", data)
    return chunk(b"RIFF", chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + np.array([len(content)], "<u4").tobytes() + content + b"\0" * (len(content) % 2)


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path, speech: Pcm) -> None:
    path = encode(tmp_path / "a.mp3", speech[:1], "libmp3lame", rate=16000)
    assert_holds(decode(path.rename(tmp_path / "a.wav")), speech[:1], least=0.9)


def test_a_file_whose_rate_and_channels_change_is_heard_to_its_end(
    tmp_path: Path, speech: Pcm
) -> None:
    first = encode(tmp_path / "a.mp3", speech[:2], "libmp3lame", rate=16000)
    second = encode(tmp_path / "b.mp3", speech[2:3], "libmp3lame", rate=8000)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    audio = decode(first)
    assert len(audio.samples) == 2
    assert audio.duration_s == pytest.approx(2 * SECONDS, abs=0.3)
    rest = audio.samples[1, round(SECONDS * SAMPLE_RATE) :]
    assert likeness(rest, speech[2], within_s=0.3) > 0.8


def test_damage_in_the_middle_costs_no_more_than_the_middle(tmp_path: Path, speech: Pcm) -> None:
    path = encode(tmp_path / "a.mp3", speech[:2], "libmp3lame", rate=16000)
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 400] = np.random.default_rng(1).bytes(400)
    path.write_bytes(data)
    audio = decode(path)
    assert len(audio.samples) == 2
    assert audio.duration_s > SECONDS - 0.7
    assert likeness(audio.samples[0, -SAMPLE_RATE:], speech[0, -SAMPLE_RATE:]) > 0.8


def test_a_stretch_of_a_channel_is_float_and_on_the_clock(tmp_path: Path, speech: Pcm) -> None:
    audio = decode(encode(tmp_path / "a.wav", speech[:2], "pcm_s16le", rate=16000))
    stretch = audio.channel(1, span=Span(0.5, 1.25))
    assert stretch.dtype == np.float32
    assert len(stretch) == round(0.75 * SAMPLE_RATE)
    assert np.array_equal(stretch * 32768, speech[1, 8000:20000])


def test_full_negative_scale_is_no_silence(tmp_path: Path) -> None:
    samples = np.where(np.arange(2 * SAMPLE_RATE) % 9, 0, -32768).astype("<i2")
    assert decode(plain_wav(tmp_path / "a.wav", samples.tobytes())).duration_s == 2


def test_a_constant_offset_is_taken_off(tmp_path: Path, speech: Pcm) -> None:
    sound = speech[:2].copy()
    sound[1] = np.clip(sound[1].astype(int) - 9000, -32768, 32767)
    audio = decode(plain_wav(tmp_path / "a.wav", sound.T.tobytes(), channels=2))
    assert abs(audio.samples.mean(axis=1)).max() < 65
    assert likeness(audio.samples[1], speech[1]) > 0.95
    still = plain_wav(tmp_path / "still.wav", b"\0\x20" * 2 * SAMPLE_RATE)
    with pytest.raises(RejectedRecording) as caught:
        decode(still)
    assert caught.value.reason is RejectReason.NO_AUDIO


@pytest.mark.parametrize("ending", ["mp3", "aac", "ac3", "gsm", "amr", "flac", "ogg", "mp4", "ts"])
def test_bytes_that_are_no_sound_are_refused_whatever_their_name(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    for content in (np.random.default_rng(0).bytes(200_000), Path(sys.executable).read_bytes()):
        path.write_bytes(content[:500_000])
        with pytest.raises(RejectedRecording) as caught:
            decode(path)
        assert caught.value.reason is RejectReason.UNDECODABLE


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.wav", b"", RejectReason.EMPTY),
        ("a.wav", b"R", RejectReason.UNDECODABLE),
        ("a.wav", np.random.default_rng(7).bytes(20_000), RejectReason.UNDECODABLE),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:3,\nb.wav\n#EXT-X-ENDLIST\n", RejectReason.UNDECODABLE),
        ("a.ffconcat", b"ffconcat version 1.0\nfile b.wav\n", RejectReason.UNDECODABLE),
        ("a.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n", None),
    ],
)
def test_what_is_no_recording_is_refused_and_follows_nothing(
    tmp_path: Path, speech: Pcm, name: str, content: bytes, reason: RejectReason | None
) -> None:
    encode(tmp_path / "b.wav", speech[:1], "pcm_s16le", rate=8000)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RejectedRecording) as caught:
        decode(tmp_path / name)
    assert caught.value.reason is (reason or RejectReason.UNDECODABLE)


def test_silence_shortness_and_length_are_told_apart(tmp_path: Path) -> None:
    quiet = plain_wav(tmp_path / "quiet.wav", b"\3\0" * 2 * SAMPLE_RATE)
    noise = np.random.default_rng(3).integers(-9000, 9000, SAMPLE_RATE // 5).astype("<i2")
    short = plain_wav(tmp_path / "short.wav", noise.tobytes())
    long = plain_wav(tmp_path / "long.wav", noise.tobytes() * 20)
    for path, reason in (
        (quiet, RejectReason.NO_AUDIO),
        (short, RejectReason.TOO_SHORT),
        (long, RejectReason.TOO_LARGE),
        (tmp_path / "none.wav", RejectReason.MISSING_FILE),
        (tmp_path, RejectReason.UNDECODABLE),
    ):
        with pytest.raises(RejectedRecording) as caught:
            decode(path, max_duration_s=3.0)
        assert caught.value.reason is reason, path


def plain_wav(path: Path, data: bytes, *, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(data)
    return path


MEASURE = """
import json, resource, sys
from pathlib import Path
from audit.transcription.decoding import decode
decode(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
audio = decode(Path(sys.argv[2]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told = {"duration_s": audio.duration_s, "bytes": audio.samples.nbytes, "over": peak - before}
print(json.dumps(told))
"""


def test_two_hours_need_a_small_multiple_of_their_own_size(tmp_path: Path, speech: Pcm) -> None:
    small = encode(tmp_path / "small.wav", speech[:2], "pcm_mulaw", rate=8000)
    seconds = 2 * 3600
    form = np.array([7, 2], "<u2").tobytes() + np.array([8000, 16000], "<u4").tobytes()
    form += np.array([2, 8, 0], "<u2").tobytes()
    size = np.array([16000 * seconds], "<u4").tobytes()
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\xffWAVE" + chunk(b"fmt ", form) + b"data" + size)
        end = file.tell() + 16000 * seconds
        file.write(np.random.default_rng(4).bytes(1_000_000))
        file.truncate(end)  # a hole
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(small), str(large)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)
    assert told["duration_s"] == seconds
    assert told["bytes"] == seconds * SAMPLE_RATE * 2 * 2
    assert told["over"] * 1024 < 3 * told["bytes"]
