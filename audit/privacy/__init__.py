"""Customers' data in transcripts as spoken: where it stands. Nothing masks it yet."""

from audit.privacy.finding import find
from audit.privacy.items import Item, Kind

__all__ = ["Item", "Kind", "find"]
