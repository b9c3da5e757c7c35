"""A tone stands for customers' data in every copy of a recording that is made."""

from __future__ import annotations

import base64
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription import decoding
from audit.types import SAMPLE_RATE, Span
from reports.pages import playback
from reports.pages.html import render
from reports.store import Store
from reports.store.layout import Layout

HIDDEN = (Span(2.0, 3.5), Span(5.0, 5.6))


def noise(path: Path, *, rate: int = 8000) -> Path:
    """Ten seconds of noise in two channels: everywhere, and nowhere a tone."""
    drawn = np.random.default_rng(0).normal(0, 4000, (rate * 10, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(drawn.tobytes())
    return path


def toned(path: Path) -> NDArray[np.bool_]:
    """For each channel and tenth of a second, whether it is all tone."""
    samples = decoding.decode(path).samples.astype(np.float64)
    tenths = samples[:, : samples.shape[1] // 1600 * 1600].reshape(len(samples), -1, 1600)
    power = np.abs(np.fft.rfft(tenths * np.hanning(1600))) ** 2
    near = power[:, :, 90:111].sum(axis=2)  # 900 to 1,100 Hz
    return np.asarray(near / power.sum(axis=2) > 0.9)


def tenths(*spans: Span, to: int = 100) -> list[int]:
    return [n for n in range(to) if any(s.start_s * 10 <= n < s.end_s * 10 - 0.5 for s in spans)]


def test_a_tone_stands_for_what_is_hidden_in_both_channels(tmp_path: Path) -> None:
    copy = tmp_path / "copy.ogg"
    playback.transcode(noise(tmp_path / "a.wav"), copy, hidden=HIDDEN)
    for channel in toned(copy):
        assert list(np.flatnonzero(channel)) == tenths(*HIDDEN)
    assert decoding.decode(copy).samples.shape[1] == pytest.approx(10 * SAMPLE_RATE, abs=400)


def test_in_a_clip_the_seconds_are_the_recordings(tmp_path: Path) -> None:
    clip = tmp_path / "clip.ogg"
    playback.transcode(noise(tmp_path / "a.wav"), clip, start_s=1.4, end_s=4.0, hidden=HIDDEN)
    (found, _) = toned(clip)
    first, last = np.flatnonzero(found)[[0, -1]]
    assert abs(first - 6) <= 1 and abs(last - 20) <= 1  # frames are of 20 ms and more


def test_a_copy_is_made_anew_where_other_seconds_are_hidden(tmp_path: Path) -> None:
    source = noise(tmp_path / "a.wav")
    copy = Layout(tmp_path).audio_copy("C1")
    playback.bundle(source, Store(tmp_path), "C1")
    plain = copy.stat().st_mtime_ns
    playback.bundle(source, Store(tmp_path), "C1", hidden=HIDDEN)
    hidden = copy.stat().st_mtime_ns
    assert hidden > plain and toned(copy).any()
    playback.bundle(source, Store(tmp_path), "C1", hidden=HIDDEN)
    assert copy.stat().st_mtime_ns == hidden
    playback.bundle(source, Store(tmp_path), "C1", hidden=HIDDEN[:1])
    assert list(np.flatnonzero(toned(copy)[0])) == tenths(HIDDEN[0])


def test_a_page_plays_a_copy_where_something_is_hidden(
    tmp_path: Path, desk: SimpleNamespace
) -> None:
    source = noise(tmp_path / "a.wav")
    for name, masked in ("C1", ()), ("C2", (("mobile", 2.3, 3.2),)):
        desk.lay_out(
            tmp_path, [desk.Sample(name, agent=name, source_uri=str(source), masked=masked)]
        )
    render(Store(tmp_path))
    assert 'src="./../../a.wav"' in Layout(tmp_path).call_page("C1").read_text("utf-8")
    assert not Layout(tmp_path).audio_copy("C1").exists()
    assert 'src="./../audio/C2.ogg"' in Layout(tmp_path).call_page("C2").read_text("utf-8")
    assert list(np.flatnonzero(toned(Layout(tmp_path).audio_copy("C2"))[0])) == tenths(
        Span(2.0, 3.5)
    )


def test_what_was_copied_before_is_not_left_when_the_recording_has_gone(
    tmp_path: Path, desk: SimpleNamespace
) -> None:
    source = noise(tmp_path / "a.wav")
    playback.bundle(source, Store(tmp_path), "C1")
    source.unlink()
    masked = (("mobile", 2.3, 3.2),)
    desk.lay_out(tmp_path, [desk.Sample("C1", source_uri=str(source), masked=masked)])
    render(Store(tmp_path))
    assert toned(Layout(tmp_path).audio_copy("C1")).any()


def test_bundling_and_case_files_hide_too(tmp_path: Path, desk: SimpleNamespace) -> None:
    source = noise(tmp_path / "a.wav")
    masked = (("mobile", 2.3, 3.2),)
    desk.lay_out(tmp_path, [desk.Sample("C1", source_uri=str(source), masked=masked)])
    assert playback.bundle_all(Store(tmp_path)) == 0
    assert list(np.flatnonzero(toned(Layout(tmp_path).audio_copy("C1"))[0])) == tenths(
        Span(2.0, 3.5)
    )
    call = {"call_id": "C9", "source_uri": str(source)}
    clip = playback.embedded(Store(tmp_path), call, hidden=(Span(2.0, 3.5),))
    assert clip is not None
    heard = tmp_path / "heard.ogg"
    heard.write_bytes(base64.b64decode(clip.partition(",")[2]))
    assert list(np.flatnonzero(toned(heard)[0])) == tenths(Span(2.0, 3.5))
