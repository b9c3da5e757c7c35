"""From a recording to verdicts where something is missing: embeddings, or a known language."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from audit.config import AsrConfig, Config, TranscriptionConfig
from audit.rulebooks import load
from audit.transcription import decode_recording, transcribe
from audit.transcription.decoding import Audio
from audit.types import SAMPLE_RATE, Call, Channels, Recording, Role, Verdict
from flows import wiring
from reports.wording import sentence

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"
MONO = CALLS / "S12_2006_20261117T140540.wav"
STEREO = CALLS / "S14_2002_20261117T172055.wav"


def decoded(path: Path, recording: Recording, config: Config) -> Audio:
    limits = config.limits
    return decode_recording(
        [path],
        recording,
        min_duration_s=limits.min_duration_s,
        max_duration_s=limits.max_duration_s,
    )


def test_without_embeddings_a_mono_call_is_still_audited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)  # as if it were not installed
    config = Config(transcription=TranscriptionConfig(asr=AsrConfig(beam_size=1)))
    recording = Recording(MONO.name, "S12", "2006", datetime(2026, 11, 17, 14, tzinfo=UTC))
    transcript = transcribe(
        decoded(MONO, recording, config),
        recording,
        models=wiring.transcription_models(config.transcription),
        options=config.transcription,
        audio_sha256="a" * 64,
    )
    assert transcript.channels is Channels.MONO
    assert tuple(map(sentence, transcript.doubts)) == (
        "未安装声纹模型，单声道录音无法区分双方（pip install --no-deps resemblyzer==0.1.4）",
    )
    assert sum(len(turn.text) for turn in transcript.turns) > 60
    assert {(turn.role, turn.speaker) for turn in transcript.turns} == {(Role.UNKNOWN, 0)}
    assert transcript.role_confidence == 0.5

    audited = wiring.judge(Call(recording, transcript), load("hotline"))
    assert Verdict.FAIL not in {finding.verdict for finding in audited.findings}
    assert audited.scorecard.verdict("no_interruption") is Verdict.CANNOT_TELL


@pytest.mark.parametrize(("channels", "known"), [(2, None), (2, 0), (1, None)])
def test_nobody_is_accused_in_a_language_that_is_not_read(
    channels: int, known: Literal[0] | None
) -> None:
    """The first seconds of a call with a cut-in and rude words, played backwards.

    Words do not confirm who is the agent there; that the recorder always has them on one channel
    does.
    """
    transcription = TranscriptionConfig(asr=AsrConfig(beam_size=1), agent_channel=known)
    config = Config(transcription=transcription)
    recording = Recording(STEREO.name, "S14", "2002", datetime(2026, 11, 17, 17, tzinfo=UTC))
    sound = decoded(STEREO, recording, config)
    samples = sound.samples if channels == 2 else sound.samples[:1] // 2 + sound.samples[1:] // 2
    transcript = transcribe(
        replace(sound, samples=np.ascontiguousarray(samples[:, 12 * SAMPLE_RATE :: -1])),
        recording,
        models=wiring.transcription_models(config.transcription),
        options=config.transcription,
        audio_sha256="a" * 64,
    )
    assert len(transcript.turns) > 2
    assert transcript.roles_confirmed is (known is not None)
    assert sum(turn.unintelligible for turn in transcript.turns) > len(transcript.turns) / 2
    assert transcript.confidence is not None
    assert transcript.confidence < 0.3
    audited = wiring.judge(Call(recording, transcript), load("hotline"))
    assert not [finding for finding in audited.findings if finding.verdict is Verdict.FAIL]
    assert audited.scorecard.score is None
    assert any("没有识别出来" in sentence(doubt) for doubt in audited.call.transcript.doubts)
