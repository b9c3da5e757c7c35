"""What a process loads in order to transcribe."""

from __future__ import annotations

import subprocess
import sys

TRANSCRIBES = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from audit.config import TranscriptionConfig
from audit.transcription import decode_recording, transcribe
from audit.types import Recording
from flows import wiring

config = TranscriptionConfig()
models = wiring.transcription_models(config)
for call_id in ("S02", "S15"):
    (path,) = Path("data_samples/calls").glob(f"{call_id}_*")
    recording = Recording(path.name, call_id, "2001", datetime(2026, 11, 16, tzinfo=UTC))
    audio = decode_recording([path], recording, min_duration_s=1, max_duration_s=60)
    transcribe(audio, recording, models=models, options=config, audio_sha256="")
    print(audio.is_stereo, *sorted({"onnxruntime", "torch"} & sys.modules.keys()))
"""


def test_transcribing_imports_no_torch() -> None:
    """Neither a stereo call, whose voices are asked whether channels are swapped, nor a mono one.

    torch takes longer to import than the network of the speaker embeddings takes for both.
    """
    done = subprocess.run([sys.executable, "-c", TRANSCRIBES], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["True onnxruntime", "False onnxruntime"], done.stderr
