"""Utterances of the script as samples, kept on disk so that only changed lines are said again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from data_samples.generate.cast import CAST
from data_samples.generate.script import Call, Line
from data_samples.generate.voices import FloatArray, VoiceBank, speak


def say(
    line: Line, *, call: Call, bank: VoiceBank, session: Any, cache: Path | None = None
) -> FloatArray:
    """Speak one line of a call with the voice of its speaker.

    Args:
        line: The utterance.
        call: Its call, which names both voices.
        bank: Tables from :func:`data_samples.generate.voices.load_bank`.
        session: The network from :func:`data_samples.generate.voices.open_session`.
        cache: Folder of earlier renderings to read from and add to.

    Returns:
        Mono samples at 24 kHz, trimmed to speech.
    """
    voice = CAST[call.voice if line.role == "A" else call.customer]
    key = hashlib.sha256(repr((line.text, line.tempo, voice)).encode()).hexdigest()[:24]
    kept = cache / f"{key}.npy" if cache else None
    if kept and kept.exists():
        found: FloatArray = np.load(kept)
        return found
    samples = speak(line.text, voice=voice, bank=bank, session=session, tempo=line.tempo)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{call.call_id}.npy")
        np.save(half, samples)
        half.replace(kept)
    return samples
