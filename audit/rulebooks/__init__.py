"""A service norm as data: rulebooks, their clauses and how they are read."""

from audit.rulebooks.loading import InvalidRulebook, load, shipped
from audit.rulebooks.rulebook import Rulebook

__all__ = ["InvalidRulebook", "Rulebook", "load", "shipped"]
