"""What files say of themselves may be wrong, or nothing: tags, sizes, and no header at all."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audit.errors import RejectedRecording, RejectReason
from audit.raw_forms import Encoding, RawForm
from audit.transcription import doubts
from audit.transcription.decoding import Audio, decode
from audit.transcription.media import RAW_FORMS
from audit.types import SAMPLE_RATE
from reports.pages import playback
from reports.wording import sentence

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S06_2006_20261116T153312.wav"
LENGTH_S = 12.0
RATE = 8_000

Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Twelve seconds of two channels at 8 kHz, shape ``[samples, 2]``."""
    with av.open(str(CALL)) as container:
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE)
        parts = [p for f in container.decode(audio=0) for p in resampler.resample(f)]
    whole = np.concatenate([part.to_ndarray().reshape(-1, 2) for part in parts])
    return np.asarray(whole[2 * RATE :][: int(LENGTH_S * RATE)])


def encoded(
    path: Path, samples: Pcm, codec: str, form: str, *, rate: int = RATE, **tags: str
) -> Path:
    """Samples of shape ``[samples, channels]`` through one of FFmpeg's encoders."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w", format=form) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), "s16", layout
        )
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def assert_heard(audio: Audio, samples: Pcm, *, least: float = 0.98) -> None:
    """It is what was sent, to its end."""
    assert audio.samples.shape[0] == samples.shape[1]
    assert audio.duration_s == pytest.approx(len(samples) / RATE, abs=0.1)
    sent = np.repeat(samples[:, 0].astype(float), SAMPLE_RATE // RATE)
    size = 1 << (len(sent) + audio.samples.shape[1]).bit_length()
    both = (np.fft.rfft(x.astype(float), size) for x in (audio.samples[0], sent))
    heard, said = both
    product = np.fft.irfft(heard * np.conj(said))
    alike = product[np.r_[-1600:1600]].max()
    assert alike / np.sqrt((audio.samples[0].astype(float) ** 2).sum() * (sent**2).sum()) > least


ODD_TEXTS = {
    "gbk": "客服中心外呼录音".encode("gbk"),
    "shift_jis": "カスタマー録音".encode("shift_jis"),
    "big5": "客服中心錄音檔".encode("big5"),
    "latin-1": "Événement n° 5".encode("latin-1"),
    "broken": b"\xe5\xae\xe5\xff\xfe\x80\xc0\xaf",
    "surrogate": b"\xed\xa0\x80\xed\xbf\xbf",
}
MARK = "M" * 40


@pytest.mark.parametrize("encoding", ODD_TEXTS)
@pytest.mark.parametrize(
    ("ending", "codec", "form"),
    [
        ("wav", "pcm_s16le", "wav"),
        ("mp3", "libmp3lame", "mp3"),
        ("flac", "flac", "flac"),
        ("m4a", "alac", "mp4"),
        ("mka", "pcm_s16le", "matroska"),
        ("aiff", "pcm_s16be", "aiff"),
    ],
)
def test_tags_in_any_encoding_are_not_read(
    tmp_path: Path, speech: Pcm, ending: str, codec: str, form: str, encoding: str
) -> None:
    path = encoded(tmp_path / f"a.{ending}", speech[: 2 * RATE], codec, form, title=MARK)
    data = path.read_bytes()
    text = ODD_TEXTS[encoding]
    odd = data.replace(MARK.encode(), text + b" " * (len(MARK) - len(text)))
    assert odd != data
    if ending == "mp3":
        odd += b"TAG" + text.ljust(125, b"\0")[:125]  # ID3v1
    path.write_bytes(odd)
    assert_heard(decode(path), speech[: 2 * RATE], least=0.9)
    if encoding == "gbk":
        playback.transcode(path, tmp_path / "copy.ogg")
        assert decode(tmp_path / "copy.ogg").duration_s == pytest.approx(2, abs=0.1)


def told(path: Path, said: int, *, after: bytes = b"") -> Path:
    """A WAV whose header says that there are so many bytes of sound."""
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[4:8] = struct.pack("<I", at + said)
    data[at + 4 : at + 8] = struct.pack("<I", said)
    path.write_bytes(data + after)
    return path


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("pcm_s16le", 64_000),
        ("pcm_mulaw", 48_000),
        ("pcm_alaw", 32_002),
        ("pcm_s24le", 96_003),
        ("adpcm_ima_wav", 8_192),
    ],
)
def test_a_wav_whose_recorder_died_is_heard_to_its_end(
    tmp_path: Path, speech: Pcm, codec: str, said: int
) -> None:
    path = told(encoded(tmp_path / "a.wav", speech, codec, "wav"), said)
    audio = decode(path)
    assert_heard(audio, speech, least=0.95)
    assert audio.lengths is not None
    assert audio.lengths.file_s == pytest.approx(LENGTH_S, abs=0.1)
    assert audio.lengths.header_s < 5
    assert "秒，已听到文件末尾" in sentence(doubts.of_audio(audio)[-1])
    playback.transcode(path, tmp_path / "copy.ogg")
    assert decode(tmp_path / "copy.ogg").duration_s == pytest.approx(LENGTH_S, abs=0.1)


def test_space_that_was_reserved_and_never_written_is_no_sound(tmp_path: Path, speech: Pcm) -> None:
    path = encoded(tmp_path / "a.wav", speech, "pcm_mulaw", "wav")
    assert_heard(decode(told(path, 16_000, after=bytes(300_000))), speech)


@pytest.mark.parametrize("codec", ["pcm_s16be", "pcm_s24be", "pcm_alaw", "pcm_s16le"])
@pytest.mark.parametrize("wrong", ["sound", "whole", "both", "nothing yet"])
def test_an_aiff_likewise(tmp_path: Path, speech: Pcm, codec: str, wrong: str) -> None:
    path = encoded(tmp_path / "a.aiff", speech, codec, "aiff")
    data = bytearray(path.read_bytes())
    at = data.index(b"SSND")
    width = {"pcm_s24be": 3, "pcm_alaw": 1}.get(codec, 2)
    said = 0 if wrong == "nothing yet" else 2 * width * RATE * 4
    if wrong != "whole":
        data[at + 4 : at + 8] = struct.pack(">I", 8 + said)
    if wrong != "sound":
        data[4:8] = struct.pack(">I", 0)
    path.write_bytes(data)
    audio = decode(path)
    assert_heard(audio, speech, least=0.95)
    if wrong != "whole":
        assert audio.lengths is not None and audio.lengths.to_end
        assert audio.lengths.header_s == pytest.approx(0 if said == 0 else 4, abs=0.01)
        assert audio.lengths.file_s == pytest.approx(LENGTH_S, abs=0.01)


def test_an_aiff_that_is_right_or_broke_off(tmp_path: Path, speech: Pcm) -> None:
    path = encoded(tmp_path / "a.aiff", speech, "pcm_s16be", "aiff")
    whole = path.read_bytes()
    path.write_bytes(whole + b"ANNO" + struct.pack(">I", BIG) + b"\7" * BIG)
    assert_heard(decode(path), speech)
    assert decode(path).lengths is None
    path.write_bytes(whole[: len(whole) // 2])
    lengths = decode(path).lengths
    assert lengths is not None and lengths.header_s == pytest.approx(LENGTH_S, abs=0.01)
    assert lengths.file_s == pytest.approx(LENGTH_S / 2, abs=0.1)


def test_broken_tags_of_an_mp3_are_no_lost_sound(tmp_path: Path, speech: Pcm) -> None:
    path = encoded(tmp_path / "a.mp3", speech, "libmp3lame", "mp3")
    sound = path.read_bytes()
    footer = b"APETAGEX" + struct.pack("<IIII", 2_000, 9_000, 7, 0) + bytes(8)
    item = struct.pack("<II", 40, 0) + b"Comment\0" + "客服热线".encode("gbk") * 5
    path.write_bytes(sound + item + footer + b"TAG" + b"\xc4\xfe" * 60)
    assert not decode(path).damaged
    path.write_bytes(sound[:-1_000] + b"\0" * 1_000)  # an end that was never written
    assert decode(path).damaged


def test_sound_that_begins_late_in_its_file_is_not_missing(tmp_path: Path, speech: Pcm) -> None:
    path = tmp_path / "a.webm"
    with av.open(str(path), "w", format="webm") as container:
        stream: Any = container.add_stream("libopus", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(speech).reshape(1, -1), "s16", "stereo"
        )
        frame.sample_rate = RATE
        resampler = av.AudioResampler(format=stream.format, layout="stereo", rate=48_000)
        at = 5 * 48_000
        for part in resampler.resample(frame):
            part.pts, part.time_base = at, Fraction(1, 48_000)
            at += part.samples
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    audio = decode(path)
    assert audio.duration_s == pytest.approx(LENGTH_S, abs=0.1)
    assert audio.lengths is None


@pytest.mark.parametrize("ending", ["m4a", "mp4"])
def test_a_container_without_its_index_is_to_be_recorded_again(
    tmp_path: Path, speech: Pcm, ending: str
) -> None:
    path = encoded(tmp_path / f"a.{ending}", speech, "aac", "mp4")
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(RejectedRecording, match=r"incomplete or damaged.*again") as caught:
        decode(path)
    assert "headerless" not in str(caught.value)


@pytest.mark.parametrize("said", [0, 64_000])
def test_rf64_and_w64_likewise(tmp_path: Path, speech: Pcm, said: int) -> None:
    data = bytearray(encoded(tmp_path / "a.w64", speech, "pcm_s16le", "w64").read_bytes())
    at = data.index(b"data\xf3\xac")
    data[at + 16 : at + 24] = struct.pack("<Q", 24 + said)
    (tmp_path / "a.w64").write_bytes(data)
    sizes = struct.pack("<QQQI", said + 72, said, said // 4, 0)
    form = struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16)
    riff = b"RF64\xff\xff\xff\xffWAVE" + b"ds64" + struct.pack("<I", len(sizes)) + sizes
    riff += b"fmt " + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff" + speech.tobytes()
    (tmp_path / "a.wav").write_bytes(riff)
    for name in "a.w64", "a.wav":
        audio = decode(tmp_path / name)
        assert_heard(audio, speech)
        assert audio.lengths is not None and audio.lengths.header_s == said / 4 / RATE


BIG = 300_000


@pytest.mark.parametrize(
    "after",
    [
        b"LIST" + struct.pack("<I", 2 * BIG) + bytes(range(256)) * (BIG // 256 + 1),
        b"bext" + struct.pack("<I", 602) + bytes(602) + b"id3 " + struct.pack("<I", 4) + b"ID3\4",
        b"Nice" + struct.pack("<I", BIG) + b"\7" * BIG,
        b"TAG" + b"\0" * 125,
        bytes(BIG),
    ],
    ids=["cut list", "bext and id3", "a maker's own", "id3v1", "zeros"],
)
def test_what_follows_the_sound_of_a_wav_is_not_heard(
    tmp_path: Path, speech: Pcm, after: bytes
) -> None:
    path = encoded(tmp_path / "a.wav", speech, "pcm_s16le", "wav")
    path.write_bytes(path.read_bytes() + after)
    audio = decode(path)
    assert_heard(audio, speech)
    assert audio.lengths is None


def test_what_is_neither_chunks_nor_sound_is_doubted(tmp_path: Path, speech: Pcm) -> None:
    path = encoded(tmp_path / "a.wav", speech, "pcm_s16le", "wav")
    path.write_bytes(path.read_bytes() + np.random.default_rng(5).bytes(BIG))
    audio = decode(path)
    assert_heard(audio, speech)
    assert audio.lengths is not None
    doubt = sentence(doubts.of_audio(audio)[-1])
    assert "12.0 秒" in doubt and "21.4 秒" in doubt and "没有听" in doubt


@pytest.mark.parametrize(
    ("ending", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("mka", "libopus")]
)
def test_a_copy_that_broke_off_is_doubted(
    tmp_path: Path, speech: Pcm, ending: str, codec: str
) -> None:
    form, rate = {"mka": "matroska"}.get(ending, ending), 48_000 if codec == "libopus" else RATE
    path = encoded(tmp_path / f"a.{ending}", speech, codec, form, rate=rate)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    audio = decode(path)
    assert audio.lengths is not None
    assert audio.lengths.header_s == pytest.approx(LENGTH_S, abs=0.1)
    assert audio.lengths.file_s == pytest.approx(audio.duration_s, abs=0.1)
    assert "录音不完整" in sentence(doubts.of_audio(audio)[-1])


def oki(samples: Pcm) -> bytes:
    """Dialogic's ADPCM, high nibble first (FFmpeg reads it only)."""
    steps = [16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107]
    steps += [118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544]
    steps += [598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552]
    value, index, nibbles = 0, 0, []
    for wanted in (samples[:, 0] >> 4).tolist():
        step = steps[index]
        size = min(7, abs(wanted - value) * 4 // step)
        sign = -1 if wanted < value else 1
        value = max(-2048, min(2047, value + sign * ((2 * size + 1) * step // 8)))
        nibbles.append(size if sign > 0 else size | 8)
        index = max(0, min(48, index + (-1, -1, -1, -1, 2, 4, 6, 8)[size]))
    pairs = np.array(nibbles[: len(nibbles) // 2 * 2], dtype=np.uint8).reshape(-1, 2)
    return (pairs[:, 0] << 4 | pairs[:, 1]).tobytes()


@pytest.mark.parametrize(
    ("ending", "codec", "muxer", "channels"),
    [
        (".ulaw", "pcm_mulaw", "mulaw", 1),
        (".al", "pcm_alaw", "alaw", 1),
        (".sln", "pcm_s16le", "s16le", 1),
        (".sln16", "pcm_s16le", "s16le", 1),
        (".g722", "g722", "g722", 1),
        (".ul", "pcm_mulaw", "mulaw", 2),
        (".raw", "pcm_s16be", "s16be", 2),
        (".pcm", "pcm_u8", "u8", 1),
    ],
)
def test_files_without_a_header_are_read_as_their_form_says(
    tmp_path: Path, speech: Pcm, ending: str, codec: str, muxer: str, channels: int
) -> None:
    form = RAW_FORMS.get(ending)
    if form is None or channels == 2:
        form = RawForm(cast(Encoding, muxer), RATE, channels)
    path = encoded(tmp_path / f"a{ending}", speech[:, :channels], codec, muxer, rate=form.rate)
    audio = decode(path, raw_form=form)
    assert_heard(audio, speech[:, :channels], least=0.95)
    assert not audio.damaged and audio.lengths is None


@pytest.mark.parametrize("rate", [6_000, 8_000])
def test_dialogic_adpcm(tmp_path: Path, speech: Pcm, rate: int) -> None:
    (tmp_path / "a.vox").write_bytes(oki(speech))
    audio = decode(tmp_path / "a.vox", raw_form=RawForm("vox", rate))
    assert audio.duration_s == pytest.approx(LENGTH_S * RATE / rate, abs=0.01)
    if rate == RATE:
        assert_heard(audio, speech[:, :1], least=0.95)


def test_without_a_setting_one_sentence_says_which(tmp_path: Path, speech: Pcm) -> None:
    path = encoded(tmp_path / "a.pcm", speech, "pcm_s16le", "s16le")
    with pytest.raises(RejectedRecording, match=r"audio: \{headerless: \{\.pcm: \{") as caught:
        decode(path)
    assert caught.value.reason is RejectReason.UNDECODABLE
    encoded(path, speech, "pcm_s16le", "wav")  # which has a header, whatever its name
    assert_heard(decode(path), speech)
    assert_heard(decode(path, raw_form=RawForm("mulaw", RATE)), speech)


@pytest.mark.parametrize("form", ["mulaw", "alaw", "s16be"])
def test_another_form_than_it_was_written_in_is_not_taken_for_a_call(
    tmp_path: Path, speech: Pcm, form: Any
) -> None:
    path = encoded(tmp_path / "a.sln", speech[:, :1], "pcm_s16le", "s16le")
    with pytest.raises(RejectedRecording, match=f"read as {form}/8000/1.*audio.headerless"):
        decode(path, raw_form=RawForm(form, RATE))
    path.write_bytes(os.urandom(100_000))
    with pytest.raises(RejectedRecording, match=r"audio\.headerless"):
        decode(path, raw_form=RawForm(form, RATE))


def test_a_form_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(CALL.read_bytes())
    for text in (
        b"#EXTM3U\n#EXTINF:3,\nb.wav\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile b.wav\n",
    ):
        (tmp_path / "a.sln").write_bytes(text)
        with pytest.raises(RejectedRecording):
            decode(tmp_path / "a.sln", raw_form=RAW_FORMS[".sln"])


@pytest.mark.parametrize("rate", [6_000, 8_000, 11_025, 12_000, 22_050, 32_000, 44_100, 48_000])
def test_rates_from_six_to_forty_eight_kilohertz(tmp_path: Path, speech: Pcm, rate: int) -> None:
    path = encoded(tmp_path / "a.wav", speech, "pcm_s16le", "wav", rate=rate)
    audio = decode(path)
    assert_heard(audio, speech, least=0.9)
    assert audio.lengths is None


OPEN = 0xFFFFFFFF


@pytest.mark.parametrize("whole", [OPEN, 0, 36], ids=["open", "zero", "of nothing"])
@pytest.mark.parametrize("said", [OPEN, 0x7FFFFFFF, 0])
@pytest.mark.parametrize("kind", ["plain", "extensible"])
def test_a_header_that_leaves_the_size_open(
    tmp_path: Path, speech: Pcm, kind: str, said: int, whole: int
) -> None:
    """What a recorder writes that cannot go back to the beginning of its file."""
    path = tmp_path / "a.wav"
    path.write_bytes(streamed(FORMS[kind], speech.tobytes(), said=said, whole=whole))
    audio = decode(path)
    assert_heard(audio, speech)
    assert audio.lengths is None


FORMS = {
    "plain": struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16),
    "extensible": struct.pack("<HHIIHHHHI", 0xFFFE, 2, RATE, 4 * RATE, 4, 16, 22, 16, 3)
    + bytes.fromhex("0100000000001000800000aa00389b71"),  # PCM
}


def streamed(form: bytes, sound: bytes, *, said: int, whole: int) -> bytes:
    head = b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + struct.pack("<I", len(form)) + form
    return head + b"data" + struct.pack("<I", said) + sound
