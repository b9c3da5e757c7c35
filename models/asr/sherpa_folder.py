"""What a folder of a sherpa-onnx model holds: of which kind it is, and what it can tell.

sherpa-onnx ends the process at a file that it does not like, so all that can be known of the files
is checked here first. (:mod:`models.asr.sherpa_kinds` says what each kind returns.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.errors import WeightsNotFound
from audit.ports import Abilities
from audit.types import WordTimes
from models.asr import onnx_files
from models.asr.onnx_files import OnnxFile
from models.asr.sherpa_kinds import (
    FIRE_RED,
    FIRE_RED_CTC,
    FUN_ASR,
    FUN_ASR_CTC,
    NEMO_CTC,
    NEMO_TRANSDUCER,
    PARAFORMER,
    SENSE_VOICE,
    TELE_SPEECH,
    TRANSDUCER,
    WENET_CTC,
    WHISPER,
    ZIPFORMER_CTC,
    Kind,
)
from models.hashing import file_sha256

Parts = Mapping[str, OnnxFile]
"""The files of a model by what they are: ``encoder``, ``decoder``, ``joiner``, ``model``, …"""


_BY_MODEL_TYPE = {
    "sense_voice_ctc": SENSE_VOICE,
    "paraformer": PARAFORMER,
    "zipformer2_ctc": ZIPFORMER_CTC,
    "wenet_ctc": WENET_CTC,
    "telespeech_ctc": TELE_SPEECH,
    "fire-red-asr-2-ctc": FIRE_RED_CTC,
    "EncDecCTCModel": NEMO_CTC,
    "EncDecCTCModelBPE": NEMO_CTC,
    "EncDecHybridRNNTCTCBPEModel": NEMO_CTC,
}
_NEMO_TYPES = ("EncDecRNNTBPEModel", "EncDecHybridRNNTCTCBPEModel")
_STREAMING = (
    *("decode_chunk_len", "chunk_shift", "right_context", "chunk_feature_frames"),
    *("encoder_output_size", "frame_length_ms"),
)
"""Metadata that only models for streams have."""
_PARTS = ("encoder_adaptor", "embedding", "llm", "joiner", "encoder", "decoder")
_MORE_TOKENS = 64
"""Symbols that ``tokens.txt`` may have beyond the model's, such as icefall's ``#0``."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A model's folder, checked.

    Attributes:
        path: of the folder.
        kind: of the model.
        parts: the files that will be loaded.
        tokens: ``tokens.txt``; of Fun-ASR-Nano the folder of its tokenizer.
        symbols: those of ``tokens.txt`` by number; none of Fun-ASR-Nano.
    """

    path: Path
    kind: Kind
    parts: Parts
    tokens: Path
    symbols: Mapping[int, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read, in a fixed order."""
        models = [path for part in self.parts.values() for path in (part.path, *part.external)]
        texts = [self.tokens]
        if self.tokens.is_dir():
            texts = [self.tokens / name for name in _TOKENIZER]
        return tuple(sorted({*models, *texts}))

    @property
    def sha256(self) -> str:
        """Hash of all files that are read, and of their names."""
        named = [f"{path.relative_to(self.path)} {file_sha256(path)}\n" for path in self.files]
        return hashlib.sha256("".join(named).encode()).hexdigest()

    @property
    def quantized(self) -> bool:
        """Whether a part is int8: its activations are scaled by the largest of all in a batch."""
        return any("int8" in part.path.name for part in self.parts.values())

    def abilities(self, *, itn: bool) -> Abilities:
        """What it returns beside the text.

        Args:
            itn: whether numerals are to be normalised.
        """
        return Abilities(
            word_times=self._word_times(),
            word_probabilities=self.kind.probabilities,
            punctuation=self.kind.punctuation == "always"
            or (self.kind.punctuation == "itn" and itn),
            language=False,
        )

    def _word_times(self) -> WordTimes:
        needed = self.kind.timed_outputs
        if needed is None:
            return WordTimes.ESTIMATED if self.kind is FUN_ASR else WordTimes.NONE
        heads = self.parts["encoder"].metadata if self.kind is WHISPER else {}
        if self.kind is WHISPER and not heads.get("n_alignment_heads", "0").strip("0"):
            return WordTimes.NONE
        *_, last = (self.parts[part] for part in self.kind.needs)
        return WordTimes.MEASURED if len(last.outputs) >= needed else WordTimes.NONE


_TOKENIZER = ("merges.txt", "tokenizer.json", "vocab.json")


def read(path: Path, *, small: bool = True) -> Folder:
    """Read which model a folder holds, and check everything that can be known before loading it.

    Args:
        path: the folder.
        small: whether int8 files are taken where the folder has both.

    Raises:
        WeightsNotFound: no model that sherpa-onnx can run, with the reason in one sentence.
    """
    if not path.is_dir():
        raise WeightsNotFound(
            f"engine sherpa-onnx needs a folder with its model's files, and {path} is none; "
            "give it with --model FOLDER"
        )
    parts = _parts(path, small=small)
    kind = _kind(path, parts)
    for name in parts:
        if name not in kind.needs:
            raise WeightsNotFound(
                f"{path} holds files of two models, {kind.name} and {parts[name].path.name}; "
                "keep one model in a folder"
            )
    for name, keys in kind.needs.items():
        if name not in parts:
            raise WeightsNotFound(
                f"{path} holds no {name} of its {kind.name} model; "
                f"copy the file {name}….onnx there as well"
            )
        missing = [key for key in keys if not parts[name].metadata.get(key)]
        if missing:
            raise WeightsNotFound(
                f"{parts[name].path} does not say {', '.join(missing)} in its metadata, as "
                f"{kind.name} models do; export it again with sherpa-onnx's script"
            )
    if kind is FUN_ASR:
        return Folder(path, kind, parts, _tokenizer(path), {})
    tokens = path / "tokens.txt"
    symbols = _symbols(tokens)
    _check_symbols(tokens, symbols, kind, parts)
    return Folder(path, kind, parts, tokens, symbols)


def _parts(path: Path, *, small: bool) -> dict[str, OnnxFile]:
    """The files of the model, one for each part."""
    files: dict[str, dict[str, list[Path]]] = {}
    for file in sorted(path.glob("*.onnx")):
        name = file.name.lower().replace("-", "_")
        part = next((part for part in _PARTS if part in name), "model")
        precision = next((p for p in ("int8", "fp16") if p in name), "float")
        files.setdefault(part, {}).setdefault(precision, []).append(file)
    if not files:
        raise WeightsNotFound(f"{path} holds no .onnx file; give the folder of a sherpa-onnx model")
    parts = {}
    for part, by_precision in files.items():
        # a transducer's decoder is small, and loses more by int8 than it saves
        wanted = ("int8", "float", "fp16") if small else ("float", "fp16", "int8")
        if part == "decoder" and "joiner" in files:
            wanted = ("float", "int8", "fp16")
        chosen = next(by_precision[p] for p in wanted if p in by_precision)
        if len(chosen) > 1:
            raise WeightsNotFound(
                f"{path} holds {len(chosen)} files for its {part}, "
                f"{' and '.join(file.name for file in chosen)}; keep one of them"
            )
        try:
            parts[part] = onnx_files.read(chosen[0])
        except (OSError, ValueError) as error:
            raise WeightsNotFound(f"{chosen[0]} cannot be read: {error}; copy it again") from error
    return parts


def _kind(path: Path, parts: Parts) -> Kind:
    """Which kind of model the parts are."""
    first = parts.get("encoder") or parts.get("model") or parts.get("encoder_adaptor")
    if first is None:
        raise WeightsNotFound(
            f"{path} holds {', '.join(part.path.name for part in parts.values())}, "
            "but no encoder; copy its .onnx file there as well"
        )
    metadata = first.metadata
    model_type = metadata.get("model_type", "")
    decoder = parts["decoder"].metadata if "decoder" in parts else {}
    streamed = any(key in metadata for key in _STREAMING)
    if streamed or any("cache" in name for name in first.inputs):
        raise WeightsNotFound(
            f"{first.path} is a model for streams (online), which hears less than one for whole "
            "recordings; give an offline model"
        )
    if "encoder_adaptor" in parts or "llm" in parts:
        return FUN_ASR
    if "model" in parts and model_type in _BY_MODEL_TYPE:
        nano = model_type == "sense_voice_ctc" and "Nano" in metadata.get("comment", "")
        return FUN_ASR_CTC if nano else _BY_MODEL_TYPE[model_type]
    if model_type in _NEMO_TYPES:
        return NEMO_TRANSDUCER
    if "sot_sequence" in metadata or model_type.startswith("whisper"):
        if metadata.get("is_multilingual") == "0":
            raise WeightsNotFound(f"{first.path} hears English only; give a multilingual model")
        return _of_its_own(path, WHISPER, parts, decoder)
    if "cmvn_mean" in metadata and "num_decoder_layers" in metadata:
        return _of_its_own(path, FIRE_RED, parts, decoder)
    if "context_size" in decoder or "joiner" in parts:
        return TRANSDUCER
    said = f"says model_type {model_type!r}" if model_type else "says no model_type"
    raise WeightsNotFound(
        f"{first.path} {said} in its metadata, which is no kind that callaudit knows; give a "
        "SenseVoice, Paraformer, transducer, CTC, FireRedASR, Fun-ASR or Whisper model"
    )


def _of_its_own(path: Path, kind: Kind, parts: Parts, decoder: Mapping[str, str]) -> Kind:
    """``kind``, unless its decoder is another model's."""
    if "context_size" in decoder:
        raise WeightsNotFound(
            f"{path} holds the encoder of a {kind.name} model and the decoder of a transducer "
            f"({parts['decoder'].path.name}); keep one model in a folder"
        )
    return kind


def _tokenizer(path: Path) -> Path:
    """The folder of Fun-ASR-Nano's tokenizer: beside the model, or the model's own."""
    for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
        if all((folder / name).is_file() for name in _TOKENIZER):
            return folder
    raise WeightsNotFound(
        f"{path} holds no tokenizer of its Fun-ASR-Nano model; copy the folder with "
        f"{', '.join(_TOKENIZER)} there as well"
    )


def _symbols(tokens: Path) -> dict[int, str]:
    """The symbols of ``tokens.txt`` by number: ``SYMBOL NUMBER`` a line, a space where it has none.

    Raises:
        WeightsNotFound: the file is missing or has another form.
    """
    try:
        lines = tokens.read_bytes().rstrip().split(b"\n")
    except FileNotFoundError as error:
        raise WeightsNotFound(
            f"{tokens.parent} holds no tokens.txt; copy the model's own there as well"
        ) from error
    except OSError as error:
        raise WeightsNotFound(f"{tokens} cannot be read: {error}; copy it again") from error
    symbols: dict[int, str] = {}
    for number, line in enumerate(lines, start=1):
        columns = line.split()  # at ASCII's spaces only: U+3000 may be a symbol
        if len(columns) not in (1, 2) or not columns[-1].isdigit():
            raise WeightsNotFound(
                f"{tokens}, line {number}, is not a symbol and its number; copy it again"
            )
        symbol = columns[0] if len(columns) == 2 else b" "
        symbols[int(columns[-1])] = symbol.decode("utf-8", "replace")
    return symbols


def _check_symbols(tokens: Path, symbols: Mapping[int, str], kind: Kind, parts: Parts) -> None:
    """Make sure that the symbols are the model's: as many, without a gap, and with its blank."""
    if kind.symbols and not set(kind.symbols) & set(symbols.values()):
        raise WeightsNotFound(
            f"{tokens} lacks the symbol {' or '.join(kind.symbols)} that {kind.name} models need; "
            "copy the model's own tokens.txt"
        )
    said = [part.metadata["vocab_size"] for part in parts.values() if "vocab_size" in part.metadata]
    if not said or kind is WHISPER:
        return
    size = int(said[0]) if said[0].isdecimal() else 0
    enough = set(range(size)) <= symbols.keys()
    if not enough or len(symbols) > size + _MORE_TOKENS:
        raise WeightsNotFound(
            f"{tokens} has {len(symbols)} symbols and the model {size}; it belongs to another "
            "model: copy the model's own tokens.txt"
        )
