"""A night with calls in several files, and with calls recorded twice."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from audit.transcription import decoding
from audit.types import SAMPLE_RATE
from tests.benchmarks.legs import CALLS, split, write_mono
from tests.conftest import Script

AT, LATER = "2026-11-16T09:05:", "2026-11-16T09:45:"


@pytest.fixture(scope="module")
def out(callaudit: Script, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of a folder with sides, parts and doubles."""
    base = tmp_path_factory.mktemp("legs")
    calls = base / "calls"
    calls.mkdir()
    whole = decoding.decode(CALLS["S14"]).samples
    agent, customer = split(whole, shift_s=2.0, drift=0.002)
    write_mono(calls / "sides-a.wav", agent)
    write_mono(calls / "sides-c.wav", customer)
    parts = decoding.decode(CALLS["S02"]).samples
    half = 16 * SAMPLE_RATE
    write_stereo(calls / "p1.wav", parts[:, :half])
    write_stereo(calls / "p2.wav", parts[:, half:])
    write_stereo(calls / "twice.wav", whole)
    transcode(calls / "twice.wav", calls / "twice.mp3", "mp3")
    transcode(calls / "twice.wav", calls / "twice.flac", "flac")
    (base / "manifest.csv").write_text(
        "file,call_id,agent_id,leg,started_at,direction,agent_channel\n"
        f"sides-c.wav,sides,,customer,{AT}02,out,0\n"
        f"sides-a.wav,sides,2002,agent,{AT}00,out,0\n"
        f"p1.wav,parts,2002,1,{AT}00,in,0\n"
        f"p2.wav,parts,2009,2,{AT}26,in,0\n"
        f"twice.wav,first,2002,,{LATER}10,out,0\n"
        f"twice.flac,first,2002,,{LATER}10,out,0\n"
        f"twice.mp3,second,2005,,{LATER}12,out,0\n"
    )
    (base / "callaudit.yaml").write_text("batch: {reject_duplicates: true, bundle_audio: true}\n")
    done = callaudit(
        *("run", calls, "--manifest", base / "manifest.csv", "--out", base / "out"),
        *("--config", base / "callaudit.yaml"),
    )
    assert done.returncode == 3, done.stderr  # some recordings are rejected
    return base / "out"


def write_stereo(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.ascontiguousarray(samples.T).tobytes())


def transcode(source: Path, target: Path, codec: str) -> None:
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream: Any = written.add_stream(codec, rate=SAMPLE_RATE, layout="stereo")
        for frame in read.decode(audio=0):
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))


def call(out: Path, call_id: str) -> dict[str, Any]:
    calls = pd.read_parquet(out / "parquet" / "calls").set_index("call_id")
    assert sorted(calls.index) == ["first", "parts", "sides"]
    row: dict[str, Any] = calls.loc[call_id].to_dict()
    return row


def test_two_sides_are_one_row_with_the_findings_of_the_whole(out: Path) -> None:
    row = call(out, "sides")
    assert list(row["source_files"]) == ["sides-a.wav", "sides-c.wav"]
    assert (row["source_file"], row["agent"]) == ("sides-a.wav", "2002")
    assert row["channels"] == "stereo" and not any("legs." in one for one in row["doubt_ids"])
    findings = pd.read_parquet(out / "parquet" / "findings")
    verdicts = findings.groupby(["call_id", "check_id"])["verdict"].agg(sorted)
    whole, joined = verdicts["first"], verdicts["sides"]
    for check in ("no_interruption", "greeting.hello", "greeting.organisation"):
        assert list(joined[check]) == list(whole[check])
    turns = pd.read_parquet(out / "parquet" / "turns").sort_values(["call_id", "turn_index"])
    starts = [turns[turns["call_id"] == name]["start_s"].tolist() for name in ("first", "sides")]
    shared = [min(abs(one - other) for other in starts[1]) for one in starts[0] if 2 < one < 27]
    assert np.median(shared) < 0.06


def test_parts_keep_their_gap_and_the_other_agent_is_held_against_nobody(out: Path) -> None:
    row = call(out, "parts")
    assert row["agent"] == "2002" and row["meta_leg_agents"] == "2002, 2009"
    values = [json.loads(one) if one else {} for one in row["doubt_values"]]
    doubts = dict(zip(row["doubt_ids"], values, strict=True))
    assert doubts["legs.gap"] == pytest.approx({"start_s": 16.0, "end_s": 26.0}, abs=0.01)
    other = doubts["legs.other_agent"]
    assert other["agent"] == "2009" and other["start_s"] == pytest.approx(26.0, abs=0.01)
    findings = pd.read_parquet(out / "parquet" / "findings")
    fails = findings[(findings["call_id"] == "parts") & (findings["verdict"] == "fail")]
    assert not fails.empty and (fails["start_s"] < 16.5).all()
    withheld = findings[(findings["call_id"] == "parts") & (findings["verdict"] == "cannot_tell")]
    assert withheld["reason_values"].astype(str).str.contains("legs.of_other_agent").any()


def test_the_joined_call_is_what_its_page_plays(out: Path) -> None:
    for name, length_s in (("sides", 31.1), ("parts", 48.7)):
        (copy,) = out.glob(f"**/audio/{name}.ogg")
        with av.open(str(copy)) as played:
            assert played.duration is not None
            assert played.duration / 1e6 == pytest.approx(length_s, abs=0.4)
            assert played.streams.audio[0].channels == 2
        (page,) = (path for path in out.glob(f"**/{name}.html"))
        assert f"audio/{name}.ogg" in page.read_text("utf-8")


def test_what_was_recorded_twice_is_audited_once(out: Path) -> None:
    rejects = pd.read_parquet(out / "parquet" / "rejects").set_index("source_file")
    assert rejects["reason"].to_dict() == {
        "twice.flac": "duplicate_audio",
        "twice.mp3": "duplicate_audio",
    }
    assert all("twice.wav" in detail for detail in rejects["detail"])
