"""The penalties of each rulebook that judged calls, kept once: ``OUT/rulebooks/SHA256.json``.

Scores can so be recomputed when the rulebook itself has changed or is not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from audit import rulebooks
from audit.errors import UsageError
from audit.penalties import Penalties, of
from audit.rulebooks import Rulebook
from reports.store.atomic import write_whole
from reports.store.layout import Layout

_ADAPTER = TypeAdapter(Penalties)


@dataclass(frozen=True, slots=True)
class KeptPenalties:
    """The penalties of rulebooks, each by the rulebook's hash."""

    layout: Layout

    def keep(self, book: Rulebook) -> None:
        """Keep the penalties of a rulebook, once."""
        path = self.layout.penalties(book.sha256)
        if not path.is_file():
            write_whole(path, _ADAPTER.dump_json(of(book), indent=1))

    def load(self, *, sha256: str, rulebook_id: str) -> Penalties | None:
        """The penalties by which calls were judged.

        Returns:
            Those that were kept; else those of the rulebook of this id, if it is still the same;
            else None.
        """
        try:
            return _ADAPTER.validate_json(self.layout.penalties(sha256).read_bytes())
        except (OSError, ValidationError):
            pass
        try:
            book = rulebooks.load(rulebook_id)
        except UsageError:
            return None
        return of(book) if book.sha256 == sha256 else None
