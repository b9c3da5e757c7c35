"""Where things lie under OUT, with ids made safe for file names and URLs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def safe_name(identifier: str) -> str:
    """A file name for an id: the id itself where it is plain, else a readable part and a hash.

    >>> safe_name("S01"), safe_name("../S01")
    ('S01', 'x-S01-368eb9f9e2')
    """
    if _PLAIN.fullmatch(identifier) and not identifier.startswith("x-"):
        return identifier
    readable = re.sub(r"[^A-Za-z0-9]+", "-", identifier).strip("-")[:40]
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"x-{readable or 'id'}-{digest}"


def partition_value(value: str) -> str:
    """An id as the value of a Hive partition directory (readers unescape it)."""
    return quote(value, safe="").replace(".", "%2E")


def agent_page(out: Path, agent: str) -> Path:
    """Page of one agent."""
    return out / "html" / "agents" / f"{safe_name(agent)}.html"


def call_page(out: Path, call_id: str) -> Path:
    """Page of one call."""
    return out / "html" / "calls" / f"{safe_name(call_id)}.html"


def index_page(out: Path) -> Path:
    """Page of the night, the entrance."""
    return out / "html" / "index.html"


def night_page(out: Path, night: str) -> Path:
    """Page of one night (an ISO date)."""
    return out / "html" / "nights" / f"{night}.html"


def audio_copy(out: Path, call_id: str) -> Path:
    """Opus copy of a call's recording, where there is one."""
    return out / "html" / "audio" / f"{safe_name(call_id)}.ogg"


def queue_page(out: Path, night: str) -> Path:
    """Review queue of one night."""
    return out / "html" / "queue" / f"{night}.html"


def case_file(out: Path, call_id: str) -> Path:
    """Case file of a call, unless it is to be written elsewhere."""
    return out / "cases" / f"{safe_name(call_id)}.html"
