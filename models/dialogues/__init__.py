"""Labelled calls for :mod:`models.train_stages`: composed, or read from files."""
