"""A mono recording where voice prints are not installed: heard, but nobody is named."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit import pipeline
from audit.config import Config, HearingConfig, RecogniserConfig
from audit.rulebooks.rulebook import load
from audit.types import Call, Channels, Recording, Role, Verdict
from flows import wiring

MONO = Path(__file__).parents[2] / "data_samples" / "calls" / "S12_2006_20261117T140540.wav"


def test_without_voice_prints_a_mono_call_is_still_audited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)  # as if it were not installed
    config = Config(hearing=HearingConfig(recogniser=RecogniserConfig(beam_size=1)))
    recording = Recording(MONO.name, "S12", "2006", datetime(2026, 11, 17, 14, tzinfo=UTC))
    transcript = pipeline.hear(
        pipeline.decode(MONO, recording, limits=config.limits),
        recording,
        models=wiring.transcription_models(config.hearing),
        hearing_config=config.hearing,
        audio_sha256="a" * 64,
    )
    assert transcript.channels is Channels.MONO
    assert transcript.doubts == (
        "未安装声纹模型，单声道录音无法区分双方（pip install --no-deps resemblyzer==0.1.4）",
    )
    assert sum(len(turn.text) for turn in transcript.turns) > 60
    assert {(turn.role, turn.speaker) for turn in transcript.turns} == {(Role.UNKNOWN, 0)}
    assert transcript.role_confidence == 0.5

    audited = wiring.judge(Call(recording, transcript), load("hotline"))
    assert Verdict.FAIL not in {finding.verdict for finding in audited.findings}
    assert audited.scorecard.verdict("no_interruption") is Verdict.CANNOT_TELL
