"""Many kinds of speech recognition models by sherpa-onnx (ONNX Runtime): fast on CPUs, no torch.

:mod:`models.asr.sherpa_folder` reads which kind a folder holds. Windows of similar length are
decoded together where a kind can do that; int8 models decode them one by one, because they scale
the activations of a batch by the largest of all, so that a window's words would depend on the
others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from audit.errors import UsageError, WeightsNotFound
from audit.ports import Abilities, WindowResult
from audit.types import SAMPLE_RATE, Origin, Samples
from models.asr import batching, sherpa_folder, sherpa_words
from models.asr.cores import cores
from models.asr.sherpa_folder import Folder
from models.asr.sherpa_kinds import (
    FUN_ASR,
    FUN_ASR_CTC,
    NEMO_TRANSDUCER,
    PARAFORMER,
    SENSE_VOICE,
    TRANSDUCER,
    WHISPER,
)
from models.asr.sherpa_words import Token, Writing
from models.asr.weights import Weights

_SHORTEST_S = 0.5
"""Seconds to which shorter windows are padded: some networks fail on a few frames."""
_WHISPER_FRAMES = 2940
"""Frames of 10 ms, at most: sherpa-onnx cuts off the last words of longer windows."""
_LANGUAGES = {SENSE_VOICE: "zh", FUN_ASR: "中文", WHISPER: "zh"}
_SIGNS = ":#@"
"""What sherpa-onnx reads as a score at the beginning of a hotword."""
_TRIAL_S = 300
"""Seconds within which a model must be loaded and have decoded a second of noise."""
_TRIAL = "import sys; from models.asr import sherpa; sherpa.trial(sys.argv[1])"


@dataclass(frozen=True, slots=True)
class SherpaRecognizer:
    """A loaded model; create it with :func:`load`."""

    recognizer: Any
    folder: Folder
    origin: Origin
    abilities: Abilities
    writing: Writing
    batch_size: int

    def transcribe(
        self, windows: Sequence[Samples], *, repetition_penalty: float = 1.0
    ) -> list[WindowResult]:
        """Transcribe windows of at most 30 s; see :class:`audit.ports.AsrEngine`.

        No kind has a ``repetition_penalty``.
        """
        order = sorted(range(len(windows)), key=lambda number: len(windows[number]))
        results: dict[int, WindowResult] = {}
        for first in range(0, len(order), self.batch_size):
            numbers = order[first : first + self.batch_size]
            streams = [self._stream(windows[number]) for number in numbers]
            self.recognizer.decode_streams(streams)
            for number, stream in zip(numbers, streams, strict=True):
                duration_s = len(windows[number]) / SAMPLE_RATE
                said = _tokens(stream.result, timed=self.folder.kind is WHISPER)
                timed = all(token.start_s is not None for token in said)
                words = sherpa_words.words(said, writing=self.writing, duration_s=duration_s)
                results[number] = WindowResult(words, timed=timed)
        return [results[number] for number in range(len(windows))]

    def _stream(self, window: Samples) -> Any:
        length = max(len(window), round(_SHORTEST_S * SAMPLE_RATE))
        if self.folder.kind is WHISPER:  # with silence after it, as Whisper's other engines
            length = min(batching.frames(window), _WHISPER_FRAMES) * SAMPLE_RATE // 100
        padded = np.zeros(max(length, len(window)), dtype=np.float32)
        padded[: len(window)] = window
        stream = self.recognizer.create_stream()
        stream.accept_waveform(SAMPLE_RATE, padded)
        return stream


def _tokens(result: Any, *, timed: bool) -> list[Token]:
    """What was recognized; times and probabilities are there for all tokens or for none.

    Paraformer has no times in a window in which its peaks are not as many as its tokens.

    Args:
        result: of sherpa-onnx.
        timed: whether its durations are those of words; a transducer's are frames that it skips.
    """
    texts = result.tokens
    count = len(texts)

    def each(values: Sequence[float]) -> Iterable[float | None]:
        return values if len(values) == count else [None] * count

    columns = (
        texts,
        each(result.timestamps),
        each(result.durations if timed else ()),
        each(result.ys_log_probs),
    )
    return [Token(*told) for told in zip(*columns, strict=True)]


def find(model: str, *, device: str = "auto") -> Weights:
    """A model's folder, checked without loading it.

    Args:
        model: path of the folder.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        WeightsNotFound: no model that sherpa-onnx can run, with the reason in one sentence.
        UsageError: sherpa-onnx was built without CUDA.
    """
    if device == "cuda" and not _has_cuda():
        raise UsageError(
            "the installed sherpa-onnx runs on CPUs only; use device cpu, or install its CUDA "
            "build from https://k2-fsa.github.io/sherpa/onnx/python/install.html"
        )
    folder = _folder(model, device)
    return Weights(model, folder.path, "path", folder.sha256)


def _folder(model: str, device: str) -> Folder:
    return sherpa_folder.read(Path(model).expanduser(), small=device != "cuda")


def _has_cuda() -> bool:
    import sherpa_onnx

    libraries = Path(sherpa_onnx.__file__).parent / "lib"
    return any(libraries.glob("*onnxruntime_providers_cuda*"))


def describe(
    weights: Weights, *, device: str = "auto", hotwords: Sequence[str] = (), itn: bool = False
) -> str:
    """What a folder holds and can tell, in a line for ``callaudit doctor``."""
    folder = _folder(weights.name, device)
    abilities = folder.abilities(itn=itn)
    files = ", ".join(path.name for path in folder.files)
    probabilities = "word probabilities" if abilities.word_probabilities else "no probabilities"
    marks = "punctuation" if abilities.punctuation else "no punctuation"
    said = f"{folder.kind.name} ({files}); word times {abilities.word_times}, {probabilities}, "
    said += marks
    if hotwords:
        usable = spelled(folder, hotwords)
        said += f"; {len(usable)} of {len(hotwords)} hotwords"
        if left := [word for word in hotwords if word not in usable]:
            said += f", without {'、'.join(left)}, which its tokens cannot spell"
    return said


def takes_hotwords(model: str) -> bool:
    """Whether a folder's model can be told which words to expect: transducers can.

    Raises:
        WeightsNotFound: see :func:`find`.
    """
    return _folder(model, "auto").kind in (TRANSDUCER, NEMO_TRANSDUCER)


def spelled(folder: Folder, hotwords: Iterable[str]) -> list[str]:
    """The hotwords that a transducer's tokens can spell; none of other kinds.

    Tokens that are characters spell a word whose characters are all among them; tokens of bytes
    need the file ``bpe.vocab``, and spell every word.
    """
    if folder.kind not in (TRANSDUCER, NEMO_TRANSDUCER):
        return []
    plain = [word for word in hotwords if word and word[0] not in _SIGNS]
    if sherpa_words.writing(folder.symbols) == "bytes":
        return plain if (folder.path / "bpe.vocab").is_file() else []
    known = set(folder.symbols.values())
    return [word for word in plain if set(word) <= known]


def load(
    weights: Weights,
    *,
    device: str = "auto",
    threads: int = 0,
    beam_size: int = 5,
    batch_size: int = 8,
    hotwords: Sequence[str] = (),
    itn: bool = False,
) -> SherpaRecognizer:
    """Load a model into memory.

    Args:
        weights: as :func:`find` found them.
        device: ``auto``, ``cpu`` or ``cuda``; ``auto`` is the CPU.
        threads: cores that a batch is computed on; 0 for all.
        beam_size: hypotheses that transducers keep while decoding; the other kinds, and 1, are
            greedy.
        batch_size: windows per batch.
        hotwords: words that transducers are to expect.
        itn: whether SenseVoice and Fun-ASR-Nano write numerals as digits.

    Raises:
        WeightsNotFound: see :func:`find`.
    """
    import sherpa_onnx

    folder = _folder(weights.name, device)
    words = spelled(folder, hotwords)
    with tempfile.TemporaryDirectory() as temporary:
        arguments = _arguments(folder, Path(temporary), beam_size=beam_size, hotwords=words)
        if folder.kind is SENSE_VOICE:
            arguments["use_itn"] = itn
        elif folder.kind is FUN_ASR:
            arguments["itn"] = itn
        recognizer = getattr(sherpa_onnx.OfflineRecognizer, folder.kind.constructor)(
            num_threads=threads or cores(),
            provider="cuda" if device == "cuda" else "cpu",
            **arguments,
        )
    in_bytes = folder.kind in (WHISPER, FUN_ASR_CTC)
    return SherpaRecognizer(
        recognizer=recognizer,
        folder=folder,
        origin=Origin(None, "sherpa-onnx", weights.name, weights.sha256),
        abilities=folder.abilities(itn=itn),
        writing="hex" if in_bytes else sherpa_words.writing(folder.symbols),
        batch_size=batch_size if folder.kind.batches and not folder.quantized else 1,
    )


def _arguments(
    folder: Folder, temporary: Path, *, beam_size: int, hotwords: Sequence[str]
) -> dict[str, Any]:
    """What the constructor of a kind is called with, beside device and threads."""
    kind = folder.kind
    arguments: dict[str, Any] = {name: str(part.path) for name, part in folder.parts.items()}
    arguments["tokenizer" if kind is FUN_ASR else "tokens"] = str(folder.tokens)
    if kind in _LANGUAGES:
        arguments["language"] = _LANGUAGES[kind]
    if kind is PARAFORMER:
        arguments["paraformer"] = arguments.pop("model")
    if kind in (WHISPER, FUN_ASR_CTC):
        lines = [f"{sherpa_words.as_hex(s)} {number}" for number, s in folder.symbols.items()]
        (temporary / "tokens.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        arguments["tokens"] = str(temporary / "tokens.txt")
    if kind is WHISPER:
        measured = folder.abilities(itn=False).word_times == "measured"
        arguments |= {"tail_paddings": 1, "enable_token_timestamps": measured}
    if kind in (TRANSDUCER, NEMO_TRANSDUCER):
        arguments |= _search(folder, temporary, beam_size=beam_size, hotwords=hotwords)
    return arguments


def _search(
    folder: Folder, temporary: Path, *, beam_size: int, hotwords: Sequence[str]
) -> dict[str, Any]:
    """How a transducer searches; hotwords need hypotheses to choose from."""
    nemo = folder.kind is NEMO_TRANSDUCER
    arguments: dict[str, Any] = {"model_type": "nemo_transducer" if nemo else "transducer"}
    if beam_size > 1 or hotwords:
        arguments |= {
            "decoding_method": "modified_beam_search",
            "max_active_paths": max(beam_size, 4) if hotwords else beam_size,
        }
    if hotwords:
        (temporary / "hotwords.txt").write_text("\n".join(hotwords) + "\n", encoding="utf-8")
        arguments["hotwords_file"] = str(temporary / "hotwords.txt")
        if sherpa_words.writing(folder.symbols) == "bytes":
            vocabulary = str(folder.path / "bpe.vocab")
            arguments |= {"modeling_unit": "bbpe", "bpe_vocab": vocabulary}
    return arguments


@cache
def check(weights: Weights, *, device: str = "auto", hotwords: tuple[str, ...] = ()) -> None:
    """Load a model in a process of its own, because sherpa-onnx ends the one that loads a bad one.

    Raises:
        WeightsNotFound: it cannot be loaded, or fails on a second of noise.
    """
    given = {"weights": weights.name, "device": device, "hotwords": hotwords}
    command = [sys.executable, "-c", _TRIAL, json.dumps(given)]
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsNotFound(
            f"the model in {weights.name} was not loaded within {_TRIAL_S} s; use a smaller one"
        ) from error
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode or "Caught exception" in done.stderr:
        said = next((line for line in lines if "exception" in line.lower()), "")
        said = said or (lines[-1] if lines else f"exit code {done.returncode}")
        raise WeightsNotFound(
            f"sherpa-onnx cannot run the model in {weights.name} ({said}); copy its files again, "
            "or give another model"
        )


def trial(given: str) -> None:
    """Load a model and decode noise, in the process that :func:`check` starts.

    Args:
        given: as JSON, the folder (``weights``), ``device`` and ``hotwords``.
    """
    told: Mapping[str, Any] = json.loads(given)
    weights = Weights(told["weights"], None, "path", None)
    engine = load(weights, device=told["device"], hotwords=told["hotwords"], threads=1)
    noise = np.random.default_rng(0).normal(0, 0.05, SAMPLE_RATE)
    engine.transcribe([noise.astype(np.float32)])
