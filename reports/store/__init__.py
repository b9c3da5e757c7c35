"""The output folder: tables, private transcripts, reviews. :class:`Store` is the way in."""

from reports.store.store import Store

__all__ = ["Store"]
