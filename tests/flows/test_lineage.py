"""Hashes of code: whatever transcribes or judges changes the right one, and nothing else does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows import lineage

TRANSCRIBE = ("transcribe", "judge")
JUDGE = ("judge",)
NEITHER: tuple[str, ...] = ()
_TELLS_ROLES = {"linear.py", "roles.npz", "roles.py", "tokens.py", "words.txt"}
"""What of ``models/text`` decides who the agent is, which is part of a transcript."""


def expected(name: str) -> tuple[str, ...]:
    """The keys that a file of the packages belongs to, by the folder it is in."""
    if name.startswith(("audit/transcription/", "audit/language/", "models/asr/", "models/voice/")):
        return TRANSCRIBE
    if name in {"audit/legs.py", "audit/raw_forms.py", "audit/reasons.py", "audit/types.py"}:
        return TRANSCRIBE
    if name.startswith("models/text/") and Path(name).name in _TELLS_ROLES:
        return TRANSCRIBE
    return JUDGE if name.startswith(("audit/", "models/text/")) else NEITHER


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("packages")
    for package in ("audit", "models", "reports", "flows"):
        shutil.copytree(
            lineage.ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    assert hashes(root) == {
        "transcribe": lineage.transcription_sha256(),
        "judge": lineage.code_sha256(),
    }
    for weights in root.rglob("*.npz"):
        weights.write_bytes(weights.read_bytes()[:9])  # hashed some hundred times
    return root


def hashes(root: Path) -> dict[str, str]:
    return {
        "transcribe": lineage.sha256_of(root, lineage.TRANSCRIBES),
        "judge": lineage.sha256_of(root, lineage.JUDGES),
    }


def test_one_byte_in_any_file_changes_the_keys_it_belongs_to(tree: Path) -> None:
    before = hashes(tree)
    files = [
        path
        for package in ("audit", "models")
        for path in sorted((tree / package).rglob("*"))
        if path.suffix in {".py", ".yaml", ".npz", ".onnx", ".txt"}
    ]
    assert len(files) > 80
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        after = hashes(tree)
        path.write_bytes(content)
        changed = tuple(key for key in before if after[key] != before[key])
        assert changed == expected(path.relative_to(tree).as_posix()), path


def test_pages_tables_and_commands_change_no_key(tree: Path) -> None:
    before = hashes(tree)
    for package in ("reports", "flows"):
        for path in (tree / package).rglob("*.py"):
            path.write_bytes(path.read_bytes() + b"\n")
    assert hashes(tree) == before


@pytest.mark.parametrize("folder", ["audit/transcription", "models/voice", "audit/rules/written"])
def test_a_new_module_cannot_be_forgotten(tree: Path, folder: str) -> None:
    before = hashes(tree)
    added = tree / folder / "new.py"
    added.touch()
    after = hashes(tree)
    added.unlink()
    assert [key for key in before if after[key] != before[key]] == list(expected(f"{folder}/new"))


def test_whatever_transcribing_imports_is_in_its_key() -> None:
    """Beside what only states types, errors and options, and is hashed or decides nothing."""
    places = tuple(str(lineage.ROOT / place) for place in lineage.TRANSCRIBES)
    code = (
        "import sys, audit.transcription.channels, audit.transcription.transcribing\n"
        "import models.asr.ctranslate2, models.asr.openai\n"
        "import models.voice.embeddings, models.voice.pyannote, models.voice.vad\n"
        "print(*(m.__file__ for n, m in sorted(sys.modules.items())"
        " if n.split('.')[0] in ('audit', 'models') and m.__file__), sep='\\n')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    outside = {path for path in found if not path.startswith(places)}
    assert {str(Path(path).relative_to(lineage.ROOT)) for path in outside} == {
        "audit/__init__.py",
        "audit/errors.py",
        "audit/lazy.py",
        "audit/ports.py",
        "models/__init__.py",
        "models/hashing.py",
    }
