"""pyannote.audio as the engine that diarizes, for those who have its weights.

Its pipelines are gated on Hugging Face, so nothing of it is installed or shipped with callaudit:
``pip install pyannote.audio`` and name a downloaded pipeline in
``transcription.diarization.pyannote``.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import UsageError
from audit.ports import Diarizer
from audit.types import SAMPLE_RATE, Span

_MAX_SPEAKERS = 3


def check(pipeline: str) -> None:
    """Make sure that a pipeline can be loaded, without loading it.

    Args:
        pipeline: path of a pipeline's ``config.yaml`` or of the folder that holds it.

    Raises:
        UsageError: pyannote.audio is not installed, or there is no such file.
    """
    if not importlib.util.find_spec("pyannote") or not importlib.util.find_spec("pyannote.audio"):
        raise UsageError(
            "transcription.diarization.pyannote is set but pyannote.audio is not installed; "
            "run `pip install pyannote.audio`, or leave the setting out"
        )
    path = Path(pipeline)
    if not (path.is_file() or (path / "config.yaml").is_file()):
        raise UsageError(
            f"transcription.diarization.pyannote: {pipeline} holds no pipeline; download one (such "
            "as pyannote/speaker-diarization-community-1) and give its folder or its config.yaml"
        )


@cache
def load(pipeline: str) -> Diarizer:
    """Load a pipeline; once per process.

    Raises:
        UsageError: see :func:`check`, and where pyannote.audio cannot read it.
    """
    check(pipeline)
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"  # it would report each use over the network
    import torch
    from pyannote.audio import Pipeline

    try:
        loaded = Pipeline.from_pretrained(pipeline)
    except Exception as error:
        raise UsageError(f"pyannote.audio cannot load {pipeline}: {error}") from error
    if loaded is None:
        raise UsageError(f"pyannote.audio cannot load {pipeline}; see its messages above")
    if torch.cuda.is_available():
        loaded.to(torch.device("cuda"))

    def diarize(mono: NDArray[np.int16]) -> list[tuple[Span, str]]:
        samples = torch.from_numpy(mono[None].astype(np.float32) / 32768)
        given = {"waveform": samples, "sample_rate": SAMPLE_RATE}
        return _segments(loaded(given, min_speakers=1, max_speakers=_MAX_SPEAKERS))

    return diarize


def _segments(output: Any) -> list[tuple[Span, str]]:
    """Who speaks when; from version 4 on the annotation is a part of what a pipeline returns."""
    annotation = getattr(output, "speaker_diarization", output)
    return [
        (Span(segment.start, segment.end), str(name))
        for segment, _, name in annotation.itertracks(yield_label=True)
        if segment.end > segment.start
    ]
