"""How often hearing a recording was begun and not finished, so that a poisonous one is set aside.

A try is noted before the recording is decoded, under the name of its checkpoint, and struck out
when hearing ends well. A process that dies in between, however it dies, leaves the note behind.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from audit.errors import RejectReason
from reports.store.atomic import write_whole


@dataclass(frozen=True, slots=True)
class Attempts:
    """Tries that did not end well, and how the last of them ended."""

    tries: int = 0
    reason: RejectReason = RejectReason.CRASHED
    detail: str = "the batch was stopped while hearing it"


_ADAPTER = TypeAdapter(Attempts)


def path(out: Path, name: str) -> Path:
    """Where the tries of one recording under one configuration are noted."""
    return out / "attempts" / name[:2] / f"{name}.json"


def load(out: Path, name: str) -> Attempts:
    """The tries so far; none where nothing readable is noted."""
    try:
        return _ADAPTER.validate_json(path(out, name).read_bytes())
    except (OSError, ValidationError):
        return Attempts()


def begin(out: Path, name: str) -> None:
    """Note one more try."""
    write_whole(path(out, name), _ADAPTER.dump_json(Attempts(load(out, name).tries + 1)))


def explain(out: Path, name: str, *, reason: RejectReason, detail: str) -> Attempts:
    """Say how the try that was begun last has ended."""
    noted = load(out, name)
    noted = replace(noted, tries=max(1, noted.tries), reason=reason, detail=detail)
    write_whole(path(out, name), _ADAPTER.dump_json(noted))
    return noted


def clear(out: Path, name: str) -> None:
    """Strike out the tries of a recording that ended well."""
    with contextlib.suppress(OSError):
        path(out, name).unlink()
