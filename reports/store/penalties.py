"""The penalties of each rulebook that judged calls, kept once: ``OUT/rulebooks/SHA256.json``.

Scores can so be recomputed when the rulebook itself has changed or is not at hand.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from audit import rulebooks
from audit.errors import UsageError
from audit.penalties import Penalties, of
from audit.rulebooks import Rulebook
from reports.store.atomic import write_whole

_ADAPTER = TypeAdapter(Penalties)


def keep(out: Path, book: Rulebook) -> None:
    """Keep a rulebook's tariff, once."""
    path = _path(out, book.sha256)
    if not path.is_file():
        write_whole(path, _ADAPTER.dump_json(of(book), indent=1))


def load(out: Path, *, sha256: str, rulebook_id: str) -> Penalties | None:
    """The tariff by which calls were judged.

    Returns:
        The one that was kept; else that of the rulebook of this id, if it is still the same;
        else None.
    """
    try:
        return _ADAPTER.validate_json(_path(out, sha256).read_bytes())
    except (OSError, ValidationError):
        pass
    try:
        book = rulebooks.load(rulebook_id)
    except UsageError:
        return None
    return of(book) if book.sha256 == sha256 else None


def _path(out: Path, sha256: str) -> Path:
    return out / "rulebooks" / f"{sha256}.json"
