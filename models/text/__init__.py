"""Classifiers of words: stages of calls, forbidden wording, and dialogue acts.

Each (:mod:`stages`, :mod:`forbidden`, :mod:`acts`) has its artifact and model card beside it, and
is given to the domain by ``flows.wiring``.
"""
