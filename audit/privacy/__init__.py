"""Customers' data in transcripts as spoken: where it stands, and what stands in its place."""

from audit.privacy.detect import find
from audit.privacy.entities import Item, Kind, Private
from audit.privacy.mask import in_full, mask, spans, spoken

__all__ = ["Item", "Kind", "Private", "find", "in_full", "mask", "spans", "spoken"]
