"""The schema of a vendor's transcript as a line of ours, with speakers and words."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from audit.intake.foreign import alignment
from audit.intake.transcript_schema import GivenLine, GivenTurn
from audit.language.text import simplify
from audit.types import Span, Word

_Share = Annotated[float, Field(ge=0, le=1)]


class ForeignWord(BaseModel):
    """A word with its times."""

    text: str
    start_s: float
    end_s: float
    confidence: _Share | None = None


class ForeignTurn(GivenTurn):
    """A sentence of one speaker."""

    start_s: float
    end_s: float
    speaker: str | None = None
    """The vendor's name for who speaks; None where it has none."""
    words: list[ForeignWord] = Field(default_factory=list)
    speaker_share: _Share | None = None
    """Share of its words that the vendor gives to its speaker; None where it does not tell."""

    @property
    def lasts(self) -> Span:
        """Its times, with small errors corrected."""
        start_s = max(0.0, self.start_s)
        return Span(start_s, max(start_s, self.end_s))

    @property
    def as_one(self) -> Word | None:
        """Its text as one word that lasts as long as it does; None without any text."""
        text = simplify(self.text.strip())
        return Word(text, self.lasts.start_s, self.lasts.end_s, self._mean) if text else None

    @property
    def timed_words(self) -> tuple[Word, ...]:
        """Its words with the times that the vendor gives them; empty if they are not the text."""
        spoken = [word for word in self.words if any(map(str.isalnum, word.text))]
        parts = alignment.cut(self.text.strip(), [word.text for word in spoken])
        if parts is None:
            return ()
        return tuple(_word(*one, self.lasts) for one in zip(parts, spoken, strict=True))

    @property
    def _mean(self) -> float | None:
        """Mean probability of its words, weighted by their length; else its own."""
        told = [(w.confidence, len(w.text)) for w in self.words if w.confidence is not None]
        weight = sum(length for _, length in told)
        return round(sum(p * n for p, n in told) / weight, 4) if weight else self.confidence


class ForeignLine(GivenLine):
    """A call; ``channels_apart``: whether each speaker has a channel, None if nothing tells."""

    turns: list[ForeignTurn] = Field(min_length=1)  # type: ignore[assignment]
    channels_apart: bool | None = None


def _word(text: str, word: ForeignWord, span: Span) -> Word:
    start_s = min(max(word.start_s, span.start_s), span.end_s)
    return Word(simplify(text), start_s, min(max(word.end_s, start_s), span.end_s), word.confidence)
