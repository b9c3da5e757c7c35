"""What an ONNX file says about itself, read without loading the model.

A file is one protobuf message (``ModelProto`` of onnx/onnx.proto). Only the lengths of its parts
are read, so that a model of a gigabyte takes milliseconds, and a file that was cut off is noticed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GRAPH, _METADATA = 7, 14  # fields of ModelProto
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12  # of GraphProto
_EXTERNAL = 13  # of TensorProto
_KEY = _NAME = 1
_VALUE = 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types

_Field = tuple[int, int, int]
"""Number of a field, and where its bytes begin and end."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A model's file: its metadata, and the names of what goes in and comes out.

    Attributes:
        path: of the file.
        metadata: ``metadata_props``, by key.
        inputs: names, in order; without the weights.
        outputs: names, in order.
        external: the files beside it that hold its weights, where they are not in it.
    """

    path: Path
    metadata: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    external: tuple[Path, ...]


def read(path: Path) -> OnnxFile:
    """Read a file's metadata and the names of its inputs and outputs.

    Raises:
        ValueError: it is not an ONNX file, was cut off, or misses the files of its weights.
        OSError: it cannot be read.
    """
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _model(path, data)


def _model(path: Path, data: mmap.mmap) -> OnnxFile:
    metadata: dict[str, str] = {}
    inputs: list[str] = []
    outputs: list[str] = []
    weights: set[str] = set()
    external: dict[str, None] = {}
    graphs = 0
    for number, begin, end in _fields(data, 0, len(data)):
        if number == _METADATA:
            key, value = _pair(data, begin, end)
            metadata[key] = value
        elif number == _GRAPH:
            graphs += 1
            for part, first, last in _fields(data, begin, end):
                if part in (_INPUT, _OUTPUT):
                    (inputs if part == _INPUT else outputs).append(_name(data, first, last))
                elif part == _INITIALIZER:
                    weights.add(_tensor(data, first, last, external))
    if graphs != 1 or not outputs:
        raise ValueError("it holds no model")
    beside = tuple(path.parent / place for place in external)
    for missing in (file for file in beside if not file.is_file()):
        raise ValueError(f"its weights are in {missing.name}, which is not beside it")
    given = tuple(name for name in inputs if name not in weights)
    return OnnxFile(path, metadata, given, tuple(outputs), beside)


def _fields(data: mmap.mmap, begin: int, end: int) -> Iterator[_Field]:
    """The fields of a message; numbers are passed over."""
    position = begin
    while position < end:
        tag, position = _varint(data, position, end)
        wire = tag & 7
        if wire == _BYTES:
            length, position = _varint(data, position, end)
            if position + length > end:
                raise ValueError("it was cut off, or is not an ONNX file")
            yield tag >> 3, position, position + length
            position += length
        elif wire == _VARINT:
            _, position = _varint(data, position, end)
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError("it was cut off, or is not an ONNX file")
    if position != end:
        raise ValueError("it was cut off, or is not an ONNX file")


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            break
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("it was cut off, or is not an ONNX file")


def _text(data: mmap.mmap, begin: int, end: int) -> str:
    return data[begin:end].decode("utf-8", "replace")


def _pair(data: mmap.mmap, begin: int, end: int) -> tuple[str, str]:
    texts = {number: _text(data, *place) for number, *place in _fields(data, begin, end)}
    return texts.get(_KEY, ""), texts.get(_VALUE, "")


def _name(data: mmap.mmap, begin: int, end: int) -> str:
    return next((_text(data, a, b) for n, a, b in _fields(data, begin, end) if n == _NAME), "")


def _tensor(data: mmap.mmap, begin: int, end: int, external: dict[str, None]) -> str:
    """The name of a tensor; the file that holds it is noted in ``external``."""
    name = ""
    for number, first, last in _fields(data, begin, end):
        if number == 8:
            name = _text(data, first, last)
        elif number == _EXTERNAL:
            key, value = _pair(data, first, last)
            if key == "location":
                external[value] = None
    return name
