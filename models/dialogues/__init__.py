"""Labelled calls for :mod:`models.train_stages`: composed from written stock, and read from files."""
