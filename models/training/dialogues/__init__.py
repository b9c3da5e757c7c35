"""Labelled calls for :mod:`models.training.stages`: composed, or read from files."""
