"""Classifiers of words: call stages and forbidden wording."""
