"""Weights in a checkpoint of PyTorch before 1.6, read without PyTorch.

Such a file is five pickles (a magic number, the version of the format, how that machine stored
numbers, what was saved, the keys of its storages) and then, in the order of the keys, the length of
each storage and its numbers: ``_legacy_save`` in torch/serialization.py.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Storages = dict[str, NDArray[np.float32]]

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


def read(path: Path) -> Any:
    """What was saved, with arrays for its tensors.

    Raises:
        pickle.UnpicklingError: it is no such checkpoint, is cut off, or has something in it other
            than built-in types, ordered dictionaries and tensors of float32.
        EOFError: it ends within a pickle.
        OSError: it cannot be read.
    """
    storages: Storages = {}
    with path.open("rb") as file:
        magic, version, _, saved, keys = (_Unpickler(file, storages).load() for _ in range(5))
        if (magic, version) != (_MAGIC, _VERSION):
            raise pickle.UnpicklingError(f"{path} is no checkpoint of PyTorch before 1.6")
        for storage in (storages[key] for key in keys):
            count = int.from_bytes(file.read(8), "little")
            if count != len(storage) or file.readinto(storage.data) != storage.nbytes:
                raise pickle.UnpicklingError(f"{path} is cut off")
    return saved


class _Unpickler(pickle.Unpickler):
    """Makes arrays in storages that are filled later, and lets no pickle name anything else."""

    def __init__(self, file: BinaryIO, storages: Storages) -> None:
        super().__init__(file)
        self.storages = storages

    def persistent_load(self, pid: Any) -> NDArray[np.float32]:
        _, _, key, _, count, _ = pid
        return self.storages.setdefault(key, np.zeros(count, dtype="<f4"))

    def find_class(self, module_name: str, global_name: str) -> Any:
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch.FloatStorage": np.float32,
            "torch._utils._rebuild_tensor_v2": _tensor,
        }
        try:
            return known[f"{module_name}.{global_name}"]
        except KeyError as error:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no weight") from error


def _tensor(
    storage: NDArray[np.float32],
    offset: int,
    shape: Sequence[int],
    strides: Sequence[int],
    *_: object,
) -> NDArray[np.float32]:
    """A view of a storage; offset and strides count numbers."""
    size = storage.itemsize
    return np.ndarray(
        shape, storage.dtype, storage.data, offset * size, tuple(size * one for one in strides)
    )
