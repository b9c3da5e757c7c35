"""Which code judged a call."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import models

_SHOWS = {"__init__.py", "cli.py", "diagnosis.py", "evaluation.py", "coverage.py"}


@cache
def code_sha256() -> str:
    """Hash of everything in the code that hears and judges: sources, rulebooks, what was learned.

    A stored call that is judged again by code of the same hash, under the same rulebook, comes
    out the same.
    """
    here, learned = Path(__file__).parent, Path(models.__file__).parent
    sources = {f"audit/{p.relative_to(here)}": p for p in here.rglob("*.py")}
    sources |= {f"rulebooks/{p.name}": p for p in here.glob("rulebooks/*.yaml")}
    sources |= {f"models/{p.name}": p for p in learned.glob("*.py")}
    sources |= {f"models/{p.name}": p for p in learned.glob("*.txt")}
    sources |= {f"artifacts/{p.name}": p for p in learned.glob("artifacts/*.npz")}
    digest = hashlib.sha256()
    for name, path in sorted(sources.items()):
        if path.name not in _SHOWS:
            content = path.read_bytes()
            digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()
