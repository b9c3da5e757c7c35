"""Counts and error rates that are added over calls, never averaged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

_READ_OUT = str.maketrans("0123456789幺两", "零一二三四五六七八九一二")


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits and misses of one rule.

    ``withheld`` are the events that were there and came out as ``cannot_tell``; they count as
    missed too.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    withheld: int = 0

    @property
    def precision(self) -> float | None:
        """Share of accusations that are right; None where there are none."""
        reported = self.true_positives + self.false_positives
        return self.true_positives / reported if reported else None

    @property
    def recall(self) -> float | None:
        """Share of events that are found; None where there are none."""
        there = self.true_positives + self.false_negatives
        return self.true_positives / there if there else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is nothing to find."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.withheld + other.withheld,
        )


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Errors in a reference of some length.

    >>> ErrorRate(1, 4) + ErrorRate(2, 6)
    ErrorRate(errors=3, length=10)
    """

    errors: int = 0
    length: int = 0

    @classmethod
    def of_characters(cls, reference: str, hypothesis: str) -> ErrorRate:
        """Character errors of a transcript, over Han characters with numerals read out.

        >>> ErrorRate.of_characters("工号1011，您好", "工号一零一，您好").errors
        1
        """
        truth = plain(reference)
        return cls(distance(truth, plain(hypothesis)), len(truth))

    @property
    def rate(self) -> float | None:
        """Errors by length; None where the length is 0."""
        return self.errors / self.length if self.length else None

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(self.errors + other.errors, self.length + other.length)


def plain(text: str) -> str:
    """Han characters only, numerals read out: what an error rate is counted over.

    >>> plain("工号1011，您好")
    '工号一零一一您好'
    """
    return re.sub(r"[^\u4e00-\u9fff]", "", text.translate(_READ_OUT))


def distance(reference: str, hypothesis: str) -> int:
    """Levenshtein distance."""
    return int(Levenshtein.distance(reference, hypothesis))
