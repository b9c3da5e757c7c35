"""The invented call of this folder in the form of each vendor, and how it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from audit.config import Config
from audit.intake import transcripts
from audit.intake.recordings import Reject
from audit.types import Call
from flows import wiring

SAMPLES = Path(__file__).parent


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text("utf-8"))


def lay(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return path


def read(*paths: Path, manifest: str | None = None) -> list[Call | Reject]:
    return list(
        transcripts.read_all(
            paths,
            timezone="Asia/Shanghai",
            rulebooks=frozenset({"hotline"}),
            manifest=manifest,
            roles=wiring.role_terms(Config().transcription),
        )
    )
