"""A service norm as data: rulebooks, their clauses and how they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import lazy

__all__ = ["InvalidRulebook", "Rulebook", "load", "shipped"]

if TYPE_CHECKING:
    from audit.rulebooks.loading import InvalidRulebook, load
    from audit.rulebooks.rulebook import Rulebook
    from audit.rulebooks.shelf import shipped
else:
    __getattr__ = lazy.offered(
        __name__,
        {
            "InvalidRulebook": "loading",
            "load": "loading",
            "shipped": "shelf",
            "Rulebook": "rulebook",
        },
    )
