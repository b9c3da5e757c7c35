"""The output folder: tables, private transcripts, reviews. :class:`Store` is the way in."""

from reports.store.layout import Layout
from reports.store.private import PrivateStore
from reports.store.store import Store

__all__ = ["Layout", "PrivateStore", "Store"]
