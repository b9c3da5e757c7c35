"""Which rulebooks come with callaudit, without reading them: that takes a tenth of a second."""

from __future__ import annotations

import re
from importlib.resources import files

SHELF = files("audit") / "rulebooks"
"""The folder of the rulebooks that ship."""

_JUDGES = re.compile(r"^rules:\n(?:(?:[ #].*)?\n)*?  greeting:", re.MULTILINE)
"""What only a rulebook that can judge a call has, and none that others merely extend."""


def shipped() -> list[str]:
    """Ids of the rulebooks that come with callaudit and can judge a call."""
    books = [path for path in SHELF.iterdir() if path.name.endswith(".yaml")]
    return sorted(book.name[:-5] for book in books if _JUDGES.search(book.read_text("utf-8")))
