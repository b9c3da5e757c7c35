"""Figures worked out from the tables.

:func:`figures.summary` has those of a set of calls, for the table ``agents`` and the pages;
:func:`evaluation.evaluate` compares with labelled calls, :mod:`calibration` with
reviews; :func:`drift.nightly` raises alarms, :func:`sampling.review_queue` draws findings for
review, and :class:`comparison.Difference` is what another rulebook changes.
"""
