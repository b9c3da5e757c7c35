"""Which speech recognition engine runs, and loading it once per process."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from audit.config import AsrConfig
from audit.errors import UsageError
from audit.ports import AsrEngine
from models.asr import sherpa, weights
from models.asr.weights import Weights


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that will run and the weights it will load."""

    engine: str
    weights: Weights


@dataclass(frozen=True, slots=True)
class _Engine:
    """How an engine is found, tried and loaded.

    Attributes:
        module: what must be importable.
        find: its weights, checked without loading them.
        load: it, with these weights.
        describe: what is known of a model beside its place, for ``callaudit doctor``.
        check: makes sure that the weights can be loaded.
    """

    module: str
    find: Callable[[AsrConfig], Weights]
    load: Callable[[Weights, AsrConfig], AsrEngine]
    describe: Callable[[Weights, AsrConfig], str] | None = None
    check: Callable[[Weights, AsrConfig], None] | None = None


def _find_whisper(config: AsrConfig) -> Weights:
    return weights.find(config.model)


def _decoding(config: AsrConfig) -> dict[str, Any]:
    """What every engine that loads weights is told."""
    return {
        "device": config.device,
        "threads": config.threads,
        "beam_size": config.beam_size,
        "batch_size": config.batch_size,
    }


def _load_faster_whisper(found: Weights, config: AsrConfig) -> AsrEngine:
    from models.asr import ctranslate2

    return ctranslate2.load(found, **_decoding(config))


def _load_openai_whisper(found: Weights, config: AsrConfig) -> AsrEngine:
    from models.asr import openai

    return openai.load(found, **_decoding(config))


def _load_sherpa(found: Weights, config: AsrConfig) -> AsrEngine:
    return sherpa.load(found, **_decoding(config), hotwords=config.hotwords, itn=config.itn)


def _load_service(found: Weights, config: AsrConfig) -> AsrEngine:
    from models.asr import service

    return service.load(config)


_ENGINES = {
    "faster-whisper": _Engine("faster_whisper", _find_whisper, _load_faster_whisper),
    "openai-whisper": _Engine("whisper", _find_whisper, _load_openai_whisper),
    "sherpa-onnx": _Engine(
        "sherpa_onnx",
        lambda config: sherpa.find(config.model, device=config.device),
        _load_sherpa,
        lambda found, config: sherpa.describe(
            found, device=config.device, hotwords=config.hotwords, itn=config.itn
        ),
        lambda found, config: sherpa.check(found, device=config.device, hotwords=config.hotwords),
    ),
    "openai-compatible": _Engine(
        "httpx", lambda config: Weights(config.model, None, "service", None), _load_service
    ),
}
_WHISPER = ("faster-whisper", "openai-whisper")
"""What ``auto`` chooses from, the faster first."""


def installed() -> list[str]:
    """Engines that are installed, Whisper's first, and of these the faster first."""
    return [name for name, engine in _ENGINES.items() if importlib.util.find_spec(engine.module)]


def choose(config: AsrConfig) -> Choice:
    """Choose engine and weights without loading anything.

    Raises:
        UsageError: the engine is not installed or cannot read these weights.
        WeightsNotFound: a path that is not a checkpoint.
    """
    if config.engine not in ("auto", *_WHISPER):
        if config.engine not in installed():
            raise UsageError(
                f"engine {config.engine} is not installed; use --engine auto or "
                f"`pip install {config.engine}`"
            )
        return Choice(config.engine, _ENGINES[config.engine].find(config))
    found = weights.find(config.model)
    available = [name for name in installed() if name in _WHISPER]
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


def check(config: AsrConfig) -> Choice:
    """Choose engine and weights, and make sure that they can be loaded, before a night begins.

    Raises:
        UsageError: see :func:`choose`.
        WeightsNotFound: the weights cannot be loaded; of Whisper's engines only :func:`load` knows.
    """
    choice = choose(config)
    engine = _ENGINES[choice.engine]
    if engine.check is not None:
        engine.check(choice.weights, config)
    return choice


def takes_hotwords(config: AsrConfig) -> bool:
    """Whether the configured model can be told which words to expect.

    Raises:
        UsageError: see :func:`choose`.
    """
    return config.engine == "sherpa-onnx" and sherpa.takes_hotwords(config.model)


def describe(choice: Choice, config: AsrConfig) -> str:
    """What is known of the chosen model beside its place; empty where that is nothing."""
    engine = _ENGINES[choice.engine]
    return "" if engine.describe is None else engine.describe(choice.weights, config)


@cache
def load(config: AsrConfig) -> AsrEngine:
    """Load the engine and its weights; once per process and configuration.

    Raises:
        UsageError: see :func:`choose`.
        WeightsNotFound: the weights cannot be read or downloaded.
        ServiceUnavailable: the service that is to transcribe does not answer.
    """
    choice = choose(config)
    return _ENGINES[choice.engine].load(choice.weights, config)
