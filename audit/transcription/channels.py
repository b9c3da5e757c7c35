"""Which channels of a recording are transcribed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audit.legs import Leg
from audit.transcription import crosstalk, decoding, legs
from audit.transcription.decoding import Audio
from audit.types import Recording

_SAME_SIGNAL_SIMILARITY = 0.9
"""Similarity from which two channels carry one line; that of two speakers' is below a half."""


def decode_recording(
    paths: Sequence[Path], recording: Recording, *, min_duration_s: float, max_duration_s: float
) -> Audio:
    """Decode a local recording to the one or two channels that are transcribed.

    Args:
        paths: its files, in the order of ``recording.source_files``.
        recording: what the manifest says of it.
        min_duration_s: shorter recordings are rejected.
        max_duration_s: longer ones as well.

    Raises:
        RejectedRecording: the recording cannot be decoded or is outside the limits.
    """

    def decode(path: Path, leg: Leg) -> Audio:
        audio = decoding.decode(
            path,
            min_duration_s=min_duration_s,
            max_duration_s=max_duration_s,
            raw_form=leg.raw_form,
        )
        return speaker_channels(audio, mono=leg.agent_channel == "mono")

    if recording.legs:
        return legs.decode_legs(paths, recording.legs, decode=decode, max_duration_s=max_duration_s)
    channel = recording.agent_channel
    whole = Leg(recording.source_file, agent_channel=channel, raw_form=recording.raw_form)
    return decode(paths[0], whole)


def speaker_channels(audio: Audio, *, mono: bool) -> Audio:
    """One channel, or the two loudest ones if they differ.

    A recorder that writes the mixed line to both channels makes mono, whatever the header says.

    Args:
        audio: all channels of a recording.
        mono: the manifest says that both speakers are on each channel; two are then mixed.
    """
    samples = audio.samples
    if len(samples) > 2:
        loudness = np.array(
            [np.abs(channel[::16].astype(np.float32)).mean() for channel in samples]
        )
        samples = samples[np.sort(np.argsort(loudness)[-2:])]
    if len(samples) == 2 and crosstalk.similarity(samples) > _SAME_SIGNAL_SIMILARITY:
        samples = samples[:1]
    elif len(samples) == 2 and mono:
        samples = samples[:1] // 2 + samples[1:] // 2
    return replace(audio, samples=samples)
