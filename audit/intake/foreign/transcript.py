"""The transcript of a vendor's line: who is the agent, and its sentences joined into turns.

Vendors cut speech into sentences, FunASR at every comma. They become turns as the utterances of a
recording do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from audit.intake.foreign import speakers
from audit.intake.foreign.line import ForeignLine, ForeignTurn
from audit.intake.foreign.speakers import CHANNELS, RoleTerms, Speakers, Stated
from audit.language.intelligibility import is_loop
from audit.reasons import Reason, because
from audit.transcription import turns
from audit.transcription.options import TranscriptionOptions
from audit.transcription.windows import Utterance, UtteranceWords, text_of
from audit.types import Channels, Origin, Role, Span, Transcript, Turn, WordTimes


def transcribed(
    line: ForeignLine, text: str, *, engine: str, stated: Stated, terms: RoleTerms | None
) -> Transcript:
    """The transcript of a line.

    Args:
        line: with at least one turn.
        text: the vendor's JSON, for the transcript's origin.
        engine: the vendor.
        stated: of its speakers.
        terms: None to leave roles unknown that the vendor does not give.

    Raises:
        Unreadable: the manifest names a speaker as agent who does not speak.
    """
    options = terms.options if terms else TranscriptionOptions()
    apart = _channels_apart(line, stated)
    names = _names(line, apart=apart)
    sentences = sorted(line.turns, key=lambda one: (one.start_s, one.end_s))
    utterances: list[UtteranceWords] = []
    speech: list[list[Span]] = [[] for _ in names]
    source: dict[int, ForeignTurn] = {}
    for one in sentences:
        span, number, word = one.lasts, names.index(_name(one)), one.as_one
        words = () if word is None else (word,)
        source |= {id(word): one for word in words}
        loops = is_loop(text_of(words), span.duration_s)
        utterances.append((Utterance(number, span, unintelligible=loops), words))
        speech[number].append(span)
    given = {_name(one): one.role for one in sentences if one.role is not Role.UNKNOWN}
    who = speakers.of(names, given, utterances, apart=apart, stated=stated, terms=terms)
    built = turns.build(utterances, speech, roles=who.roles, options=options.turns)
    made = tuple(
        _in_detail(
            replace(turn, channel=_channel(turn, names, apart=apart)),
            [source[id(word)] for word in turn.words],
        )
        for turn in built
    )
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Transcript(
        turns=made,
        channels=Channels.TEXT,
        origin=Origin(digest, engine, None, None),
        duration_s=max(line.duration_s or 0.0, *(one.end_s for one in sentences)),
        confidence=turns.mean_confidence(made),
        word_times=_word_times(line),
        role_confidence=who.confidence,
        role_source=who.source,
        roles_confirmed=who.confirmed,
        doubts=tuple(_doubts(who, apart=apart)),
    )


def _channels_apart(line: ForeignLine, stated: Stated) -> bool:
    """Whether each speaker has a channel; where the file does not tell, as the manifest says."""
    if line.channels_apart is not None:
        return line.channels_apart
    return stated.agent_channel in CHANNELS


def _name(turn: ForeignTurn) -> str:
    return speakers.NOBODY if turn.speaker is None else turn.speaker


def _names(line: ForeignLine, *, apart: bool) -> list[str]:
    """The names of the speakers, channels by their number; who has no name is last."""
    names = {_name(one) for one in line.turns}
    if apart and names <= set(CHANNELS):
        return list(CHANNELS)
    return sorted(names, key=lambda name: (not name, not name.isdecimal(), len(name), name))


def _channel(turn: Turn, names: Sequence[str], *, apart: bool) -> int | None:
    """Speakers that were told apart by voice share channel 0, as in a mono recording."""
    if not apart:
        return 0
    return turn.channel if tuple(names) == CHANNELS else None


def _in_detail(turn: Turn, sentences: Sequence[ForeignTurn]) -> Turn:
    """A turn with the words of its sentences, and with how sure the vendor is of its speaker."""
    words = [
        word
        for one, whole in zip(sentences, turn.words, strict=True)
        for word in one.timed_words or (whole,)
    ]
    told = [
        (one.speaker_share, len(one.text)) for one in sentences if one.speaker_share is not None
    ]
    weight = sum(length for _, length in told)
    sure = round(sum(share * n for share, n in told) / weight, 3) if weight else None
    return replace(turn, words=tuple(words), role_confidence=sure)


def _word_times(line: ForeignLine) -> WordTimes:
    """How words are timed; where the times of some are not known, those are estimated."""
    if not any(one.words for one in line.turns):
        return WordTimes.NONE
    exact = all(one.timed_words or not one.text.strip() for one in line.turns)
    return WordTimes.MEASURED if exact else WordTimes.ESTIMATED


def _doubts(who: Speakers, *, apart: bool) -> Iterator[Reason]:
    if not apart:
        yield because("transcript.one_line")
    if who.confirmed is False:
        yield because("transcript.roles_unsure")
    if who.contradicted:
        yield because("transcript.manifest_contradicted")
