"""pyannote.audio is optional: what is said where it or its weights are missing."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import pytest

from audit.errors import UsageError
from models.voice import pyannote


def test_what_is_not_installed_names_the_remedy(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyannote"):
        pytest.skip("pyannote.audio is installed")
    with pytest.raises(UsageError, match=r"pip install pyannote\.audio"):
        pyannote.check(str(tmp_path))


def test_a_folder_without_a_pipeline_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyannote", "pyannote.audio"):
        module = types.ModuleType(name)
        module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(UsageError, match=r"holds no pipeline"):
        pyannote.check(str(tmp_path))
    (tmp_path / "config.yaml").touch()
    pyannote.check(str(tmp_path))
    pyannote.check(str(tmp_path / "config.yaml"))
