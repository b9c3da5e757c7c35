"""Which channels of a recording are transcribed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.legs import Leg
from audit.reasons import because
from audit.transcription import crosstalk, decoding, legs
from audit.transcription.decoding import Audio
from audit.transcription.levels import frame_levels
from audit.types import Recording

_SAME_SIGNAL_SIMILARITY = 0.9
"""Similarity from which two channels carry one line; that of two speakers' is below a half."""
_LOUDER = 1.1
"""Times as loud as the first of two alike channels from which the second holds more of the line."""
_MOVES_DB, _FAINT_DB = 6.0, 30.0
"""Decibels by which a channel's loudest frames exceed its median if anybody speaks on it; and by
which a channel beside louder ones may be softer and still have a speaker of its own."""


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
        return speaker_channels(audio, agent_channel=leg.agent_channel)

    if recording.legs:
        return legs.decode_legs(paths, recording.legs, decode=decode, max_duration_s=max_duration_s)
    channel = recording.agent_channel
    whole = Leg(recording.source_file, agent_channel=channel, raw_form=recording.raw_form)
    return decode(paths[0], whole)


def speaker_channels(audio: Audio, *, agent_channel: str | None = None) -> Audio:
    """One channel, or two if they differ.

    A recorder that writes the mixed line to both channels makes mono, whatever the header says.
    Of more than two channels with a sound of their own (a conference), those beside the agent's are
    mixed; where nobody says which one that is, all of them are.

    Args:
        audio: all channels of a recording.
        agent_channel: as the manifest says it; ``mono`` where both speakers are on each channel.
    """
    samples, doubts = audio.samples, audio.doubts
    if len(samples) > 2:
        own = _own_sounds(samples)
        if len(own) > 2:
            doubts = (*doubts, because("recording.several_channels", count=len(own)))
            samples = _conference(samples, own, agent_channel)
            return replace(audio, samples=samples, doubts=doubts)
        samples = samples[np.sort(np.argsort(_loudness(samples))[-2:])]
    if len(samples) == 2 and crosstalk.similarity(samples) > _SAME_SIGNAL_SIMILARITY:
        first, second = _loudness(samples)
        samples = samples[1:] if second > _LOUDER * first else samples[:1]
    elif len(samples) == 2 and agent_channel == "mono":
        samples = samples[:1] // 2 + samples[1:] // 2
    return replace(audio, samples=samples)


def _loudness(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Mean amplitude of each channel, of a fraction of its samples."""
    return np.array([np.abs(channel[::16].astype(np.float32)).mean() for channel in samples])


def _own_sounds(samples: NDArray[np.int16]) -> list[int]:
    """The channels that carry a sound that moves, and not that of a louder one."""
    levels = [frame_levels(channel) for channel in samples]
    peaks = [float(np.percentile(level, 99)) for level in levels]
    found: list[int] = []
    for index in sorted(range(len(samples)), key=lambda n: -peaks[n]):
        moves = peaks[index] - float(np.median(levels[index])) > _MOVES_DB
        heard = moves and peaks[index] > max(peaks) - _FAINT_DB
        if heard and not any(
            crosstalk.similarity(samples[[index, other]]) > _SAME_SIGNAL_SIMILARITY
            for other in found
        ):
            found.append(index)
    return sorted(found)


def _conference(
    samples: NDArray[np.int16], own: Sequence[int], agent_channel: str | None
) -> NDArray[np.int16]:
    """The agent's channel and all others together, in the manifest's order; or all in one."""
    if agent_channel not in ("0", "1") or int(agent_channel) not in own:
        return _together(samples[list(own)])
    agent = int(agent_channel)
    others = _together(samples[[index for index in own if index != agent]])
    pair = (samples[agent : agent + 1], others)
    return np.concatenate(pair if agent == 0 else pair[::-1])


def _together(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """All channels in one: people take turns, so that nothing needs to be softer."""
    mixed = np.zeros(samples.shape[1], dtype=np.int32)
    for channel in samples:
        mixed += channel
    clipped: NDArray[np.int16] = mixed.clip(-32768, 32767).astype(np.int16)[None]
    return clipped
