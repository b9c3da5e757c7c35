"""Which speech recognition engine runs, and loading it once per process."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache

from audit.config import AsrConfig
from audit.errors import UsageError
from audit.ports import AsrEngine
from models.asr import weights
from models.asr.weights import Weights

_MODULES = {"faster-whisper": "faster_whisper", "openai-whisper": "whisper"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that will run and the weights it will load."""

    engine: str
    weights: Weights


def installed() -> list[str]:
    """Engines that are installed, the faster first."""
    return [name for name, module in _MODULES.items() if importlib.util.find_spec(module)]


def choose(config: AsrConfig) -> Choice:
    """Choose engine and weights without loading anything.

    Raises:
        UsageError: the engine is not installed or cannot read these weights.
        WeightsNotFound: a path that is not a checkpoint.
    """
    if config.engine == "openai-compatible":
        return Choice(config.engine, Weights(config.model, None, "service", None))
    found = weights.find(config.model)
    available = installed()
    if found.path is not None and found.path.is_file():  # a .pt checkpoint
        available = [name for name in available if name == "openai-whisper"]
    engine = config.engine
    if engine == "auto":
        if not available:
            raise UsageError(
                "no Whisper engine that can read these weights is installed; "
                "run `pip install faster-whisper` or `pip install openai-whisper`"
            )
        engine = "faster-whisper" if "faster-whisper" in available else "openai-whisper"
    if engine not in available and engine in installed():
        raise UsageError(
            f"engine {engine} cannot read {found.path or found.name}; use --engine auto, or give "
            "a checkpoint in its own format with --model"
        )
    if engine not in available:
        raise UsageError(
            f"engine {engine} is not installed; use --engine auto or `pip install {engine}`"
        )
    return Choice(engine, found)


@cache
def load(config: AsrConfig) -> AsrEngine:
    """Load the engine and its weights; once per process and configuration.

    Raises:
        UsageError: see :func:`choose`.
        WeightsNotFound: the weights cannot be read or downloaded.
        ServiceUnavailable: the service that is to transcribe does not answer.
    """
    choice = choose(config)
    if choice.engine == "openai-compatible":
        from models.asr import service

        return service.load(config)
    if choice.engine == "faster-whisper":
        from models.asr import ctranslate2

        return ctranslate2.load(
            choice.weights,
            device=config.device,
            threads=config.threads,
            beam_size=config.beam_size,
            batch_size=config.batch_size,
        )
    from models.asr import openai

    return openai.load(
        choice.weights,
        device=config.device,
        threads=config.threads,
        beam_size=config.beam_size,
        batch_size=config.batch_size,
    )
