"""What ``make demo`` installs is enough to audit: nothing of the extras is imported at import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = [
    *("dask", "distributed", "duckdb", "ipykernel", "matplotlib", "prefect_dask", "s3fs"),
    *("statsmodels", "hypothesis", "moto", "mypy", "onnx", "psutil", "pytest", "selenium"),
    *("sherpa_onnx", "sshfs", "webdav4", "wsgidav", "aiohttp"),
]
"""Packages that come with the extras only; those of them that a user asks for are imported where
they are needed."""


def test_every_module_is_imported_without_the_extras() -> None:
    folders = ("audit", "models", "reports", "flows")
    files = sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    modules = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    assert len(modules) > 150
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({EXTRAS!r}))\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
