"""What tests need to judge calls that are written by hand."""

from __future__ import annotations

from flows import wiring

MODELS = wiring.judging_models()
"""The classifiers that ship."""
