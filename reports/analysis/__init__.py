"""Figures worked out from the tables."""
