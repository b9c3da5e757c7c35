"""A service norm as data: rulebooks, their clauses and how they are read."""
