"""Which channels of a recording are heard: conferences, doubled lines, a mix beside a side."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.transcription.channels import speaker_channels
from audit.transcription.decoding import Audio, decode

CALLS = Path(__file__).parents[3] / "data_samples" / "calls"


@cache
def parties() -> NDArray[np.int16]:
    """Agent, customer and a third party, who speak on channels of their own."""
    call = decode(CALLS / "S20_2006_20261118T170836.wav").samples
    third = decode(CALLS / "S05_2005_20261116T141500.wav").samples[1]
    return np.stack([*call, np.resize(third, call.shape[1])])


def doubts_of(audio: Audio) -> list[str]:
    return [doubt.id for doubt in audio.doubts]


@pytest.mark.parametrize("agent", ["0", "1"])
def test_of_a_conference_the_agent_keeps_a_channel(agent: str) -> None:
    heard = speaker_channels(Audio(parties()), agent_channel=agent)
    own, others = int(agent), [n for n in range(3) if n != int(agent)]
    assert np.array_equal(heard.samples[own], parties()[own])
    together = parties()[others].astype(int).sum(axis=0).clip(-32768, 32767)
    assert np.array_equal(heard.samples[1 - own], together)
    assert doubts_of(heard) == ["recording.several_channels"]


@pytest.mark.parametrize("agent", [None, "mono"])
def test_of_a_conference_all_are_heard_where_nobody_names_the_agent(agent: str | None) -> None:
    quiet = parties().copy()
    quiet[0] //= 4  # the two loudest would be the other ones
    heard = speaker_channels(Audio(quiet), agent_channel=agent)
    assert len(heard.samples) == 1
    assert np.array_equal(heard.samples[0], quiet.astype(int).sum(axis=0).clip(-32768, 32767))
    assert doubts_of(heard) == ["recording.several_channels"]


@pytest.mark.parametrize("spare", ["nothing", "hum", "copy", "faint"])
def test_spare_channels_make_no_conference(spare: str) -> None:
    agent, customer, _ = parties()
    seconds = np.arange(len(agent)) / 16_000
    other = {
        "nothing": 0 * agent,
        "hum": 200 * np.sin(2 * np.pi * 50 * seconds),
        "copy": 0.5 * customer,
        "faint": 0.01 * (agent.astype(float) + customer),
    }[spare].astype(np.int16)
    heard = speaker_channels(Audio(np.stack([agent, customer, other])))
    assert np.array_equal(heard.samples, np.stack([agent, customer]))
    assert heard.doubts == ()


def test_a_mix_beside_one_side_loses_nobody() -> None:
    """A recorder of the agent's microphone and of the whole line."""
    agent, customer, _ = parties()
    mixed = (agent.astype(int) + customer).clip(-32768, 32767).astype(np.int16)
    for pair in ([agent, mixed], [mixed, agent]):
        heard = speaker_channels(Audio(np.stack(pair))).samples
        assert len(heard) == 2 or np.array_equal(heard[0], mixed)


def test_a_line_on_both_channels_is_one() -> None:
    line = parties()[:2].sum(axis=0, dtype=np.int16)
    assert np.array_equal(speaker_channels(Audio(np.stack([line, line]))).samples, line[None])
