"""Checkpoints of PyTorch before 1.6, read without it: the real one, and made ones."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.voice import checkpoint, embeddings


def saved(path: Path, value: Any) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=False)
    return path


def test_the_weights_of_the_encoder_are_those_that_torch_reads() -> None:
    path = embeddings.weights()
    assert path is not None
    ours = checkpoint.read(path)["model_state"]
    theirs = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        assert np.array_equal(ours[name], weight.numpy()), name


def test_tensors_that_share_a_storage_and_are_no_block_of_it(tmp_path: Path) -> None:
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    parts = {"all": whole, "turned": whole.T, "some": whole[1:3, ::2], "one": whole[3, 5]}
    found = checkpoint.read(saved(tmp_path / "parts.pt", OrderedDict(parts, step=3)))
    assert found.pop("step") == 3
    assert found.keys() == parts.keys()
    for name, part in parts.items():
        assert np.array_equal(found[name], part.numpy()), name


class Named:
    """Whatever a pickle can name."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("false",)


@pytest.mark.parametrize("value", [Named(), torch.zeros(3, dtype=torch.int64), np.zeros(3)])
def test_what_is_no_weight_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(pickle.UnpicklingError, match="is no weight"):
        checkpoint.read(saved(tmp_path / "other.pt", {"other": value}))


def test_what_is_cut_off_or_no_such_checkpoint_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "whole.pt", {"weights": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(pickle.UnpicklingError, match="is cut off"):
        checkpoint.read(path)
    path.write_bytes(b"".join(pickle.dumps(number) for number in range(5)))
    with pytest.raises(pickle.UnpicklingError, match="is no checkpoint"):
        checkpoint.read(path)
    path.write_bytes(b"")
    with pytest.raises(EOFError):
        checkpoint.read(path)
