"""What plays in a real Chromium at a second is what was heard at that second."""

from __future__ import annotations

import base64
import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription import decoding
from reports.pages import playback
from reports.store import Store
from reports.store.layout import Layout

CALL = Path(__file__).parents[3] / "data_samples" / "calls" / "S02_2002_20261116T094130.wav"
RATE = 8_000
KINDS = {
    # name: codec, muxer, options of the codec, of the muxer, whether browsers get it as it is
    "even.mp3": ("libmp3lame", "mp3", {}, {}, True),
    "uneven.mp3": ("libmp3lame", "mp3", {"abr": "1"}, {"write_xing": "0"}, False),
    "indexed.mp3": ("libmp3lame", "mp3", {"abr": "1"}, {}, False),
    "a.aac": ("aac", "adts", {}, {}, False),
    "a.m4a": ("aac", "mp4", {}, {}, True),
    "flac.ogg": ("flac", "ogg", {}, {}, False),
    "a.flac": ("flac", "flac", {}, {}, True),
    "a.webm": ("libopus", "webm", {}, {}, True),
    "mulaw.wav": ("pcm_mulaw", "wav", {}, {}, True),
    "died.wav": ("pcm_s16le", "wav", {}, {}, False),
    "a.amr": ("libopencore_amrnb", "amr", {}, {}, False),
    "a.ts": ("aac", "mpegts", {}, {}, False),
    "two.mp3": ("libmp3lame", "mp3", {}, {}, False),
}
LISTEN = """
const [files, seconds, done] = arguments;
const context = new AudioContext({sampleRate: 8000});
const wait = (ms) => new Promise((ready) => setTimeout(ready, ms));
async function heard(data) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const player = new Audio(URL.createObjectURL(new Blob([bytes])));
  await new Promise((ready, no) => { player.onloadedmetadata = ready; player.onerror = no; });
  const listener = new AnalyserNode(context, {fftSize: 16384});
  const silent = new GainNode(context, {gain: 0});
  context.createMediaElementSource(player).connect(listener).connect(silent);
  silent.connect(context.destination);
  const parts = [];
  for (const second of seconds) {
    player.pause();
    const arrived = new Promise((ready) => { player.onseeked = ready; });
    player.currentTime = second;
    await arrived;
    await player.play();
    while (player.currentTime < second + 1.3) { await wait(20); }
    const samples = new Float32Array(16384);
    const at = player.currentTime;
    listener.getFloatTimeDomainData(samples);
    parts.push([at, Array.from(samples.slice(-8000))]);
  }
  player.pause();
  return {duration: player.duration, parts: parts};
}
(async () => {
  await context.resume();
  done(await Promise.all(files.map((file) => heard(file).catch((e) => String(e.type || e)))));
})();
"""


def encoded(path: Path, samples: NDArray[np.int16], kind: tuple[Any, ...]) -> Path:
    """Sound of one channel at 16 kHz as one of the kinds."""
    codec, muxer, options, muxing, _ = kind
    rate = 48_000 if codec == "libopus" else 8_000 if "amr" in codec else 16_000
    with av.open(str(path), "w", format=muxer, options=muxing) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="mono", options=options)
        context = stream.codec_context
        context.format = context.codec.audio_formats[0]
        context.bit_rate = 12_200 if "amr" in codec else 24_000
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout="mono", rate=rate, frame_size=context.frame_size
        )
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    samples = decoding.decode(CALL).samples.astype(np.int32).sum(axis=0)
    samples = samples.clip(-32768, 32767).astype(np.int16)[: 24 * 16_000]
    samples[6 * 16_000 : 14 * 16_000] //= 64  # a quiet stretch takes fewer bits
    for name, kind in KINDS.items():
        path = encoded(folder / name, samples, kind)
        data = bytearray(path.read_bytes())
        if name == "died.wav":
            at = data.index(b"data")
            data[at + 4 : at + 8] = struct.pack("<I", 64_000)
        if name == "two.mp3":
            data += encoded(folder / "more.mp3", samples[::-1].copy(), kind).read_bytes()
        path.write_bytes(data)
    return folder


def test_a_second_in_the_page_is_that_second_of_the_call(
    kinds: Path, browser: Any, tmp_path: Path
) -> None:
    truths, played = [], []
    for name, (*_, as_it_is) in KINDS.items():
        truths.append(decoding.decode(kinds / name).samples[0, ::2].astype(float))
        call = {
            "call_id": name,
            "source_uri": str(kinds / name),
            "duration_s": round(len(truths[-1]) / RATE, 3),
        }
        found = playback.locate(Store(tmp_path), call)
        assert found.state == ("linked" if as_it_is else "copied"), name
        assert found.href is not None
        path = (Layout(tmp_path).call_page(name).parent / unquote(found.href)).resolve()
        played.append(base64.b64encode(path.read_bytes()).decode())
    (tmp_path / "plain.html").write_text("<title>players</title>")  # our own pages have a policy
    browser.open(tmp_path / "plain.html")
    browser.driver.set_script_timeout(60)
    heard = browser.driver.execute_async_script(LISTEN, played, loud(truths[0]))
    for name, truth, told in zip(KINDS, truths, heard, strict=True):
        assert isinstance(told, dict), (name, told)
        assert told["duration"] == pytest.approx(len(truth) / RATE, abs=0.2), name
        for at, samples in told["parts"]:
            assert at - where(np.array(samples), truth) == pytest.approx(0, abs=0.2), (name, at)


def loud(truth: NDArray[np.float64]) -> list[float]:
    """Seconds before loud ones, one behind the quiet stretch and one before it."""
    power = (truth[: 23 * RATE].reshape(-1, RATE) ** 2).mean(axis=1)
    return [15.0 + int(power[15:22].argmax()) - 0.3, 1.0 + int(power[1:6].argmax()) - 0.3]


def where(samples: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """The second of a recording at which what was captured ends."""
    size = 1 << (len(truth) + len(samples)).bit_length()
    product = np.fft.irfft(np.fft.rfft(truth, size) * np.conj(np.fft.rfft(samples, size)), size)
    return float((product[: len(truth)].argmax() + len(samples)) / RATE)


def test_a_file_without_a_header_plays_as_a_copy(
    tmp_path: Path, desk: SimpleNamespace, kinds: Path
) -> None:
    raw = tmp_path / "a.ulaw"
    raw.write_bytes((kinds / "mulaw.wav").read_bytes()[-(20 * 16_000) :])
    call = {"call_id": "C1", "source_uri": str(raw), "duration_s": 20.0}
    assert playback.locate(Store(tmp_path), call).state == "unplayable"
    told = playback.locate(Store(tmp_path), {**call, "raw_form": "mulaw/16000/1"})
    assert told.state == "copied"
    copy = decoding.decode(tmp_path / "html" / "audio" / "C1.ogg")
    assert copy.duration_s == pytest.approx(20, abs=0.1)
