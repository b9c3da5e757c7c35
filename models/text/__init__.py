"""Classifiers of words: call stages (:mod:`stages`) and forbidden wording (:mod:`forbidden`).

Each has its artifact and model card beside it, and is given to the domain by ``flows.wiring``.
"""
