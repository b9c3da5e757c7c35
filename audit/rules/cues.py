"""Cues: the phrases of a rulebook that several rules, or none in particular, look for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from audit.rules.acts import Act
from audit.rules.fields import Phrase, Strict


class StageCues(Strict):
    """Phrases that speak for a stage; ``answer`` is how a customer answers a greeting."""

    greeting: tuple[Phrase, ...]
    answer: tuple[Phrase, ...]
    handling: tuple[Phrase, ...]
    closing: tuple[Phrase, ...]


class SilenceCues(Strict):
    """Words that say whose a silence is.

    The agent asks for a wait (``announcements``) or says what they are about (``working``: 我帮您查
    一下), thanks for it (``thanks``) or apologises
    (``apologies``), asks the customer to do something (``requests``) or leaves the word to the
    customer (``yields``); the customer asks for time (``busy``) or calls out (``calls``).
    ``later``: with these words an announcement is of something else (稍后会有短信). The last five
    name acts of the rulebook by which the same is told where no phrase is said.
    """

    announcements: tuple[Phrase, ...] = ()
    working: tuple[Phrase, ...] = ()
    later: tuple[Phrase, ...] = ()
    thanks: tuple[Phrase, ...] = ()
    apologies: tuple[Phrase, ...] = ()
    requests: tuple[Phrase, ...] = ()
    yields: tuple[Phrase, ...] = ()
    busy: tuple[Phrase, ...] = ()
    calls: tuple[Phrase, ...] = ()
    asks_wait: str | None = None
    gives_reason: str | None = None
    thanks_for_wait: str | None = None
    own_errand: str | None = None
    apologises: str | None = None

    def acts(self) -> Iterator[str]:
        """The acts that it names."""
        agent = (self.asks_wait, self.gives_reason, self.thanks_for_wait, self.apologises)
        return filter(None, (*agent, self.own_errand))

    @property
    def waits(self) -> tuple[Phrase, ...]:
        """After which of the agent's words the customer knows that there will be silence."""
        return (*self.announcements, *self.working)


class DispositionCues(Strict):
    """Words by which a call without a conversation is recognised.

    What networks and voicemail say (``announcements``; ``fragments`` are parts of it that people
    hardly say alone, ``courtesies`` what they say as often), what switchboards and queues play
    (``menus``), and what recognisers write for music (``not_speech``). ``remarks``: what agents say
    to themselves when nobody answers. An agent who rings up and says fewer than
    ``min_characters`` has not been answered where nobody else is heard, or only fragments are.
    """

    announcements: tuple[Phrase, ...] = ()
    fragments: tuple[Phrase, ...] = ()
    courtesies: tuple[Phrase, ...] = ()
    menus: tuple[Phrase, ...] = ()
    not_speech: tuple[Phrase, ...] = ()
    remarks: tuple[Phrase, ...] = ()
    min_characters: int = Field(30, ge=0)


@dataclass(frozen=True, slots=True)
class Cues:
    """All cues of a rulebook."""

    stages: StageCues
    silences: SilenceCues
    dispositions: DispositionCues
    acts: Mapping[str, Act] = field(default_factory=dict)
