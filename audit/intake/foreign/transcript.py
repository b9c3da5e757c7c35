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
from audit.intake.foreign.speakers import RoleTerms, Speakers, Stated
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
    all_exact = True
    for one in sentences:
        span, number = one.lasts, names.index(_name(one))
        words, exact = one.timed_words(span)
        all_exact = all_exact and exact
        loops = is_loop(text_of(words), span.duration_s)
        utterances.append((Utterance(number, span, unintelligible=loops), words))
        speech[number].append(span)
    given = {_name(one): one.role for one in sentences if one.role is not Role.UNKNOWN}
    who = speakers.of(names, given, utterances, apart=apart, stated=stated, terms=terms)
    built = turns.build(utterances, speech, roles=who.roles, options=options.turns)
    made = tuple(_with_channel(turn, sentences, names, apart=apart) for turn in built)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Transcript(
        turns=made,
        channels=Channels.TEXT,
        origin=Origin(digest, engine, None, None),
        duration_s=max(line.duration_s or 0.0, *(one.end_s for one in sentences)),
        confidence=turns.mean_confidence(made),
        word_times=_word_times(line, exact=all_exact),
        role_confidence=who.confidence,
        role_source=who.source,
        roles_confirmed=who.confirmed,
        doubts=tuple(_doubts(who, apart=apart)),
    )


def _channels_apart(line: ForeignLine, stated: Stated) -> bool:
    """Whether each speaker has a channel; where the file does not tell, as the manifest says."""
    if line.channels_apart is not None:
        return line.channels_apart
    return stated.agent_channel in {"0", "1"}


def _name(turn: ForeignTurn) -> str:
    return speakers.NOBODY if turn.speaker is None else turn.speaker


def _names(line: ForeignLine, *, apart: bool) -> list[str]:
    """The names of the speakers, channels by their number; who has no name is last."""
    names = {_name(one) for one in line.turns}
    if apart and names <= {"0", "1"}:
        return ["0", "1"]
    return sorted(names, key=lambda name: (not name, not name.isdecimal(), len(name), name))


def _with_channel(
    turn: Turn, sentences: Sequence[ForeignTurn], names: Sequence[str], *, apart: bool
) -> Turn:
    """A turn with its channel, and with how sure the vendor is of its speaker.

    Speakers that were told apart by voice share channel 0, as in a mono recording.
    """
    channel = 0 if not apart else turn.channel if list(names) == ["0", "1"] else None
    own = [
        (one.speaker_share, len(one.text))
        for one in sentences
        if one.speaker_share is not None
        and names.index(_name(one)) == turn.speaker
        and turn.start_s is not None
        and turn.end_s is not None
        and turn.start_s <= one.start_s < turn.end_s
    ]
    weight = sum(length for _, length in own)
    sure = round(sum(share * n for share, n in own) / weight, 3) if weight else None
    return replace(turn, channel=channel, role_confidence=sure)


def _word_times(line: ForeignLine, *, exact: bool) -> WordTimes:
    if not any(one.words for one in line.turns):
        return WordTimes.NONE
    return WordTimes.MEASURED if exact else WordTimes.ESTIMATED


def _doubts(who: Speakers, *, apart: bool) -> Iterator[Reason]:
    if not apart:
        yield because("transcript.one_line")
    if who.confirmed is False:
        yield because("transcript.roles_unsure")
    if who.contradicted:
        yield because("transcript.manifest_contradicted")
