"""Customers' data in transcripts as spoken: where it stands, and what stands in its place."""

from audit.privacy.finding import find
from audit.privacy.items import Item, Kind, Private
from audit.privacy.masking import in_full, mask, spans, spoken

__all__ = ["Item", "Kind", "Private", "find", "in_full", "mask", "spans", "spoken"]
